"""What holds for the project as a whole: nothing of one machine in it, dependencies pinned, `make` as promised, and an
example book that is in order and runs offline.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import routebook
from routebook import Engine

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock")

# Put together here, so that this file does not hold what it looks for.
REGISTRIES = ("py" + "pi.org", "python" + "hosted.org", "npm" + "js.org")
HOMES = re.compile(r"(?<![\w.])(?:/(?:home|Users)/\w|/roo" + r"t/|[A-Z]:\\Users\\)")
LINUX = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.9",
    "python_version": "3.11",
    "sys_platform": "linux",
}


def tracked_files() -> list[Path]:
    """What git tracks or would; outside a checkout, everything but the environment and the caches."""
    if (ROOT / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
        return [ROOT / name for name in names if name and (ROOT / name).is_file()]
    skipped = {".venv", ".venv-bench", ".hypothesis", "__pycache__", "build", "dist"} | {
        f".{tool}_cache" for tool in ("mypy", "pytest", "ruff")
    }
    return [path for path in ROOT.rglob("*") if path.is_file() and not skipped & set(path.relative_to(ROOT).parts)]


def lines_of_all_files() -> Iterator[tuple[str, str]]:
    for path in tracked_files():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            yield f"{path.relative_to(ROOT)}:{number}", line


def pinned(lock: str) -> list[tuple[Requirement, int]]:
    """Each requirement of a lock file, with how many hashes it has."""
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    logical = [line.split("--hash=") for line in text.splitlines() if line.strip()]
    return [(Requirement(first), len(hashes)) for first, *hashes in logical]


def test_no_file_names_a_registrys_host():
    assert [place for place, line in lines_of_all_files() if any(host in line.lower() for host in REGISTRIES)] == []


def test_no_file_names_a_path_of_somebodys_machine():
    here = str(ROOT) if len(ROOT.parts) > 2 else None

    found = [place for place, line in lines_of_all_files() if HOMES.search(line) or (here and here in line)]

    assert found == []


def test_the_search_reads_the_whole_project():
    """The two searches above would also pass on nothing."""
    names = {path.relative_to(ROOT).as_posix() for path in tracked_files()}

    assert {"Makefile", "README.md", "src/routebook/__init__.py", "routes/models.yaml", ".ci/run"} <= names
    assert HOMES.search("see /home" + "/ada/x") is not None
    assert HOMES.search("https://example.com/home" + "/ada") is None


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_distribution_is_exact_and_has_hashes(lock: str):
    requirements = pinned(lock)

    assert requirements
    assert [str(r) for r, hashes in requirements if not hashes or not str(r.specifier).startswith("==")] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_names_no_index(lock: str):
    options = re.compile(r"^\s*(?:-|#)(?!-hash=sha256:)")

    assert [line for line in (ROOT / lock).read_text(encoding="utf-8").splitlines() if options.match(line)] == []


def test_what_the_project_depends_on_is_locked():
    for lock, wanted in (
        ("requirements.lock", PROJECT["dependencies"]),
        ("requirements-dev.lock", ["pytest", "ruff"]),
        ("requirements-bench.lock", ["litellm", "tensorzero"]),
    ):
        names = {requirement.name for requirement, _ in pinned(lock)}
        assert {Requirement(text).name for text in wanted} <= names


def test_the_lock_files_of_the_package_agree():
    core, everything = ({str(r) for r, _ in pinned(lock)} for lock in LOCKS[:2])

    assert core <= everything


def test_the_core_install_is_at_most_forty_distributions():
    applying = [r.name for r, _ in pinned("requirements.lock") if r.marker is None or r.marker.evaluate(LINUX)]

    assert len(applying) + 1 <= 40  # and routebook itself


def test_every_dependency_is_bounded_on_both_sides():
    for text in PROJECT["dependencies"]:
        assert {clause.operator for clause in Requirement(text).specifier} == {">=", "<"}, text


def test_the_changelog_tells_of_this_version():
    assert f"\n## {PROJECT['version']}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_package_knows_its_version():
    assert routebook.__version__ == PROJECT["version"]


def test_ci_does_what_a_newcomer_does():
    script = ROOT / ".ci" / "run"
    commands = [line for line in script.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]

    assert os.access(script, os.X_OK)
    assert commands == ["set -eu", 'cd "$(dirname "$0")/.."', "make test"]


def make(arguments: list[str], interpreters: dict[str, str], tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run the Makefile in a copy of its own, with nothing on the path but *interpreters* (name → shell script)."""
    found = shutil.which("make")
    assert found is not None
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements-dev.lock").touch()
    path = tmp_path / "bin"
    path.mkdir()
    for name, script in interpreters.items():
        (path / name).write_text(f"#!/bin/sh\n{script}\n")
        (path / name).chmod(0o755)
    environment = {"PATH": str(path)}
    command = [found, "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=30)


def test_make_takes_the_first_interpreter_that_works(tmp_path: Path):
    works = f'exec "{sys.executable}" "$@"'

    done = make(["-n", ".venv/.locked"], {"python3": "exit 127", "python3.13": works, "python3.11": works}, tmp_path)

    assert '"python3.13" -m venv' in done.stdout


def test_make_says_in_one_line_that_no_interpreter_works(tmp_path: Path):
    done = make([".venv/.locked"], {"python3": "echo too old >&2; exit 1"}, tmp_path)

    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == (
        "error: no Python 3.11 or newer with venv and pip was found; install one, or name one: "
        "make PYTHON=/path/to/python3"
    )
    assert not (tmp_path / ".venv").exists()


def test_make_installs_nothing_a_second_time(tmp_path: Path):
    stamps = tmp_path / ".venv"
    stamps.mkdir()
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "requirements-dev.lock").touch()
    for name in (".locked", ".installed"):
        (stamps / name).touch()
    later = (ROOT / "Makefile").stat().st_mtime + 10**6
    for name in (".locked", ".installed"):
        os.utime(stamps / name, (later, later))

    assert make(["-q", ".venv/.installed"], {}, tmp_path).returncode == 0


def test_the_example_book_is_in_order():
    """Nothing to say about it, and every feature says what it is for."""
    table = routebook.compile(ROOT / "routes")

    assert table.diagnostics == ()
    assert len(table.features) >= 30
    assert [name for name, feature in table.features.items() if not feature.description or not feature.tags] == []


def test_every_file_of_the_example_book_names_its_schema():
    for path in (ROOT / "routes").rglob("*.yaml"):
        kind = "script" if path.parent.name == "_scripts" else "route-file"
        up = "../" * (len(path.relative_to(ROOT).parts) - 1)
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first == f"# yaml-language-server: $schema={up}schemas/{kind}.schema.json", path


async def test_every_feature_of_the_example_book_runs_offline():
    book = ROOT / "routes"
    inputs = {}
    for example in (book / "_examples").glob("*.json"):
        inputs |= json.loads(example.read_text(encoding="utf-8"))
    text = (book / "_examples" / "conversation.txt").read_text(encoding="utf-8")
    silent = []

    async with Engine(book, script=book / "_scripts" / "offline.yaml") as engine:
        for feature, spec in engine.table.features.items():
            result = await engine.run(feature, text, inputs=inputs)
            if not result.text or (result.output is None) != (spec.output is None):
                silent.append(feature)

    assert silent == []
