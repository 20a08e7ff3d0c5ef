"""Every block of the documentation is executed: shell and Python in one directory a page, YAML compiled.

Blocks run in the order of the page, as a newcomer would type them, with the environment's commands on the path.
`text` blocks are not executed; they are for what needs the world outside. A block that is called
`file=PATH` (```json file=_schemas/title.json) is a file of the book in the next YAML block.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from routebook.book import read_book
from routebook.diagnostics.text import render_text

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LANGUAGES = {"bash", "python", "yaml", "text"}
_BLOCK = re.compile(r"^```(\w*)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """Return the language, the file's path (empty: none) and the text of each block of a page."""
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_a_page_does_what_it_says(page: Path, tmp_path: Path):
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    beside: dict[str, str] = {}
    for number, (language, file, code) in enumerate(blocks(page)):
        if file:
            beside[file] = code
            continue
        assert language in LANGUAGES, f"block {number} of {page.name} has the language {language!r}"
        if language == "yaml":
            _compile({**beside, "routes.yaml": code}, tmp_path / f"book-{number}")
            beside.clear()
        elif language in {"bash", "python"}:
            command = ["bash", "-euo", "pipefail", "-c", code] if language == "bash" else [sys.executable, "-c", code]
            if code.startswith("make "):
                command = [
                    "bash",
                    "-euc",
                    "".join(f"make -C '{ROOT}' -n {line.split()[1]}\n" for line in code.splitlines()),
                ]
            done = subprocess.run(
                command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, f"block {number} of {page.name}:\n{code}\n{done.stdout}\n{done.stderr}"


def _compile(files: dict[str, str], directory: Path) -> None:
    for path, text in files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    report = read_book(directory, {})
    assert report.table is not None, render_text(report.diagnostics)


def test_every_dependency_has_its_reason_in_the_readme():
    declared = re.findall(r'^    "([a-z0-9-]+)>=', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    table = (ROOT / "README.md").read_text().partition("## Dependencies")[2]
    runtime = declared[: declared.index("watchfiles") + 1]

    assert [name for name in runtime if f"`{name}`" not in table] == []
