"""`check --watch` as its user meets it: in a pipe, at each edit, until Ctrl-C."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

ROUTEBOOK = Path(sys.executable).with_name("routebook")
_SECONDS = 10


class Watch:
    """A running `check --watch`, and the lines it has printed."""

    def __init__(self, folder, *arguments):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([ROUTEBOOK, "check", "--watch", *arguments], cwd=folder, **pipes)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def until(self, start):
        """Return the lines up to the one that begins with *start*."""
        read = []
        while not read or not read[-1].startswith(start):
            read.append(self.lines.get(timeout=_SECONDS))
        return read

    def interrupt(self):
        """Press Ctrl-C; return the exit code and what was said."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(_SECONDS)
        return code, self.process.stderr.read().strip()


@pytest.fixture
def watch(routebook, tmp_path):
    """Start `check --watch` beside the book in `routes`."""
    running = []

    def start(*arguments):
        running.append(Watch(tmp_path, *arguments))
        return running[-1]

    yield start
    for watch in running:
        watch.process.kill()
        watch.process.wait()


def edit(tmp_path, old, new):
    file = tmp_path / "routes" / "book.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_each_edit_is_shown_with_what_it_changed_until_ctrl_c(watch, tmp_path):
    seen = watch()
    assert seen.until("routes: ")[-1].startswith("routes: 2 features, 2 profiles, 1 model; 4 decisions covered")

    edit(tmp_path, "{model: small, options", "{model: smal, options")
    broken = seen.until("routes: ")
    assert broken[0] == "routes/book.yaml:18:23: RB301 error: feature 'echo' names model 'smal', which no file defines"
    assert broken[-1].startswith("routes: does not compile: 1 error, ")

    edit(tmp_path, "{model: smal, options: {temperature: 0.5}}", "{model: stage/b}")
    assert seen.until("reloaded ")[-1].endswith(": echo@premium,max: small → stage/b")
    assert seen.interrupt() == (130, "interrupted")


def test_an_edit_that_changes_nothing_is_not_shown(watch, tmp_path):
    seen = watch()
    seen.until("routes: ")
    edit(tmp_path, "features:", "# a comment\nfeatures:")
    time.sleep(0.5)

    assert seen.lines.empty()


def test_json_is_an_object_a_line_with_paths_below_the_book(watch, tmp_path):
    seen = watch("--json")
    first = json.loads(seen.lines.get(timeout=_SECONDS))
    edit(tmp_path, "temperature: 0.5", "temperature: 0.7")
    second = json.loads(seen.lines.get(timeout=_SECONDS))
    edit(tmp_path, "{model: small, options", "{model: smal, options")
    third = json.loads(seen.lines.get(timeout=_SECONDS))

    assert (first["diagnostics"], first["changes"]) == ([], [])
    assert second["changes"] == [{"subject": "echo@premium,max", "what": "options"}]
    assert first["table"] != second["table"]
    assert (third["table"], third["changes"]) == (None, [])
    assert [(found["path"], found["code"]) for found in third["diagnostics"]] == [("book.yaml", "RB301")]


def test_strict_and_github_hold_for_every_edit(watch, tmp_path):
    seen = watch("--strict", "--format", "github")
    time.sleep(1.0)
    (tmp_path / "routes" / "more.yaml").write_text("models:\n  idle: {provider: stage, capabilities: []}\n")

    assert seen.until("::")[-1].startswith("::error file=routes/more.yaml,line=2,col=3,")


def test_a_watch_begins_with_a_book_that_is_broken_or_missing(watch, tmp_path):
    (tmp_path / "routes").rename(tmp_path / "aside")
    seen = watch()
    assert seen.until("routes: ")[0].startswith("routes:1:1: RB108 error: ")

    (tmp_path / "aside").rename(tmp_path / "routes")
    assert seen.until("routes: ")[-1].startswith("routes: 2 features")


def test_a_reader_that_goes_away_ends_the_watch_at_the_next_edit(routebook, tmp_path):
    command = ["bash", "-c", f"'{ROUTEBOOK}' check --watch --json | (read line; echo seen)"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, **pipes) as process:
        assert process.stdout.readline() == "seen\n"
        edit(tmp_path, "temperature: 0.5", "temperature: 0.7")
        _, errors = process.communicate(timeout=_SECONDS)

    assert errors == ""


@pytest.mark.parametrize("arguments", [["--json", "--format", "github"], ["--json", "--format", "text"]])
def test_two_formats_at_once_are_wrong_usage(routebook, arguments):
    done = routebook("check", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert "ask for two formats" in done.stderr


def test_json_may_be_asked_for_twice(routebook):
    assert json.loads(routebook("check", "--json", "--format", "json").stdout)["diagnostics"] == []
