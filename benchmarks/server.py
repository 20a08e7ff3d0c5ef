"""The loopback server that all benchmarks call: `server.c`, compiled here, in a process of its own.

What is answered stands in `canned`. On systems that let, the server has a core of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from canned import write_answers
from cores import SERVER_CORE, pin

_SOURCE = Path(__file__).with_name("server.c")


class NoServer(Exception):
    """The server cannot be built here; the message says what is missing."""


def compiler() -> str | None:
    """Return the path of a C compiler, or None where there is none."""
    return shutil.which(os.environ.get("CC") or "cc")


def build_server(folder: Path) -> Path:
    """Compile the server into *folder*; return its path.

    Raises:
        NoServer: There is no C compiler, or this system has not what the server needs.
    """
    found = compiler()
    if found is None:
        raise NoServer("no C compiler was found; install one that is called cc, or name one in the variable CC")
    built = folder / "server"
    command = [found, "-O2", "-std=gnu11", "-Wall", "-Wextra", "-o", str(built), str(_SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoServer(f"{_SOURCE.name} does not compile here (it needs Linux):\n{done.stderr}")
    return built


@contextmanager
def loopback() -> Iterator[str]:
    """Serve in another process, which ends with the block, or with this process; yields the server's URL.

    Raises:
        NoServer: As `build_server`.
    """
    with tempfile.TemporaryDirectory() as folder:
        answers = Path(folder) / "answers"
        write_answers(answers)
        command = [str(build_server(Path(folder))), str(answers)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            pin(SERVER_CORE, process.pid)
            try:
                yield f"http://127.0.0.1:{int(process.stdout.readline())}"
            finally:
                process.stdin.close()
