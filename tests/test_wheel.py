"""The wheel, installed: what a user of the package has, in an empty directory and without a network."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, and this one's packages in place of a download."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True, timeout=60)
    python = environment / "bin" / "python"
    site = Path(
        subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
    )
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # A plain path entry: the editable install in there, itself such an entry, is not followed.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment


def test_the_wheel_holds_the_example_book_and_the_typing_marker(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()

    assert "routebook/py.typed" in names
    assert "routebook/providers/presets.yaml" in names
    for path in ("providers.yaml", "features/chat.yaml", "_scripts/offline.yaml", "_schemas/structure.json"):
        assert f"routebook/demo/routes/{path}" in names


def test_the_demo_runs_from_an_installed_wheel_in_an_empty_directory(installed: Path, tmp_path: Path):
    python = installed / "bin" / "python"
    # An address that nothing answers at stands for every proxy: whoever tried the network would fail.
    environment = {"PATH": "/usr/bin:/bin", "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    where = subprocess.run(
        [python, "-c", "import routebook; print(routebook.__file__)"],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert str(installed) in where

    code = "from routebook.cli.main import main; main(['demo'])"
    started = time.monotonic()
    done = subprocess.run(
        [python, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - started < 30
    for said in (
        " features, ",
        "explain conv_folder",
        "tool clock.now: ",
        "tool notebook.search: ",
        "answer: You promised to write the migration notes",
        "f-health: accepted",
        "f-personal: invalid_choice",
        "RB301 error: feature 'conv_folder' names model 'lunax'",
        "the last good table stays",
        "conv_folder is served by gemini-flash",
        "On a real provider: ",
    ):
        assert said in done.stdout
    assert list(tmp_path.iterdir()) == []
