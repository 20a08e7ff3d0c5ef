from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROUTEBOOK = Path(sys.executable).with_name("routebook")

BOOK = """\
providers:
  stage:
    api: scripted
    script:
      - {when: {contains: fail}, reply: {error: {status: 503, message: the house is closed}}}
      - {when: {contains: slow}, reply: {text: late, delay: 60s}}
      - {when: {contains: "folder:"}, reply: {json: {folder_id: f-2}}}
      - {reply: {text: "you said {{ text }}", usage: {input: 100, output: 10}}}
models:
  small: {provider: stage, id: small-1, capabilities: [json_schema], price: {input: 1, output: 2}}
profiles: {premium: {}, max: {extends: premium, credentials: platform}}
settings: {default_profile: premium}
outputs:
  folder:
    schema: {type: object, properties: {folder_id: {type: string}}}
    checks: [{choice: {field: folder_id, from: folders}}]
features:
  echo: {use: {model: small, options: {temperature: 0.5}}}
  conv_folder: {use: {model: small}, output: folder}
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def routebook(tmp_path: Path) -> Run:
    """Run the command in an empty directory that has a book in `routes`."""
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "book.yaml").write_text(BOOK)

    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROUTEBOOK, *arguments],
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env={"PATH": "/usr/bin:/bin", **environment},
        )

    return run


def loads(done: subprocess.CompletedProcess[str]) -> object:
    return json.loads(done.stdout)
