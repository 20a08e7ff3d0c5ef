"""The pytest plugin, in pytest runs of their own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BOOK = """\
providers: {openai: {}, groq: {}}
models:
  big: {provider: openai, id: gpt-x, capabilities: [tools]}
  small: {provider: groq, id: llama-x, capabilities: [tools]}
features:
  summary: {use: {model: big, options: {temperature: 0.2}}, fallbacks: [{model: small}]}
  titles: {use: {model: small}}
"""

TESTS = """\
def test_decisions(routing_table, decision_snapshot):
    assert routing_table.decisions() == decision_snapshot


def test_one_decision(routing_table, decision_snapshot):
    assert routing_table.resolve("summary") == decision_snapshot


def test_a_list_of_decisions(routing_table, decision_snapshot):
    assert [routing_table.resolve(name) for name in routing_table.features] == decision_snapshot


def test_anything_else(decision_snapshot, snapshot):
    assert {"b": {3, 1, 2}, "a": "text"} == decision_snapshot
    assert "beside it" == snapshot
"""


class Project:
    """A directory with a book and tests, in which pytest runs."""

    def __init__(self, root: Path, routes: str = "routes") -> None:
        self.root = root
        self.routes = root / routes

    def create(self) -> None:
        self.routes.mkdir()
        self.write_book(BOOK)
        (self.root / "test_routes.py").write_text(TESTS)
        (self.root / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")

    def write_book(self, text: str, file: str = "book.yaml") -> None:
        (self.routes / file).write_text(text)

    def run(self, *arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", *arguments]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.create()
    return project


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose snapshots were recorded, to be copied."""
    project = Project(tmp_path_factory.mktemp("recorded"))
    project.create()
    code, said = project.run("--snapshot-update")
    assert code == 0, said
    return project.root


@pytest.fixture
def recorded(recording: Path, tmp_path: Path) -> Project:
    shutil.copytree(recording, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path)


def test_without_a_snapshot_a_test_fails_and_shows_what_it_would_be(project: Project):
    code, said = project.run("-k", "test_decisions")

    assert code == 1
    assert "does not exist" in said
    assert "openai gpt-x (openai-chat, platform)" in said


def test_recorded_decisions_pass_and_read_as_text(recorded: Project):
    code, said = recorded.run()

    assert code == 0, said
    snapshot = (recorded.root / "__snapshots__" / "test_routes.ambr").read_text()
    assert "summary @ default" in snapshot
    assert '→ openai gpt-x (openai-chat, platform) {"temperature": 0.2}' in snapshot
    assert "on rate_limit,quota_exceeded,overloaded,timeout,connection,server_error,malformed_response" in snapshot
    assert "book.yaml" not in snapshot


def test_a_snapshot_does_not_change_with_lines_descriptions_or_files(recorded: Project):
    before, after = BOOK.split("features:\n")
    described = after.replace("titles: {", "titles: {description: the titles, ")
    recorded.write_book(f"# moved\n\n\n{before}")
    recorded.write_book(f"features:\n{described}", "features.yml")

    code, said = recorded.run()

    assert code == 0, said


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("gpt-x", "gpt-y", "gpt-y"),
        ("temperature: 0.2", "temperature: 0.3", "0.3"),
        ("fallbacks: [{model: small}]", "fallbacks: []", "llama-x"),
    ],
)
def test_a_snapshot_fails_when_routing_changes_and_shows_the_change(old: str, new: str, shown: str, recorded: Project):
    recorded.write_book(BOOK.replace(old, new))

    code, said = recorded.run("-k", "test_decisions")

    assert code == 1
    assert "1 failed" in said
    assert shown in said


def test_the_ini_value_names_the_book_relative_to_the_root_of_the_tests(tmp_path: Path):
    project = Project(tmp_path, routes="elsewhere")
    project.create()
    (tmp_path / "pytest.ini").write_text("[pytest]\nroutebook_routes = elsewhere\n")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "test_routes.py").rename(tmp_path / "deeper" / "test_routes.py")

    code, said = project.run("--snapshot-update", "deeper")

    assert code == 0, said


def test_the_option_names_another_book_than_the_ini_value(recorded: Project, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "book.yaml").write_text(BOOK.replace("gpt-x", "gpt-other"))

    code, said = recorded.run("--routes", "other", "-k", "test_decisions")

    assert code == 1
    assert "gpt-other" in said


def test_a_broken_book_fails_with_its_diagnostics_and_no_traceback(project: Project):
    project.write_book(BOOK.replace("model: small}", "model: smal}").replace("gpt-x,", "gpt-x, capabilties: [],"))

    code, said = project.run("-k", "test_decisions")

    assert code == 1
    assert "does not compile" in said
    assert "RB201 error: unknown key 'capabilties'" in said
    assert "RB301 error: feature 'summary' names model 'smal', which no file defines" in said
    assert "help: did you mean 'small' (book.yaml:4)?" in said
    assert "Traceback" not in said
    assert "pytest_plugin.py" not in said


def test_a_missing_book_fails_and_names_the_directory(project: Project):
    code, said = project.run("--routes", "nowhere", "-k", "test_decisions")

    assert code == 1
    assert "RB108" in said
    assert "nowhere" in said


def test_without_syrupy_the_table_works_and_the_snapshot_says_what_to_install(project: Project):
    code, said = project.run("-p", "no:syrupy", "-k", "test_one_decision")

    assert code == 1
    assert "decision_snapshot needs syrupy: pip install 'routebook[pytest]'" in said
    assert "Traceback" not in said
