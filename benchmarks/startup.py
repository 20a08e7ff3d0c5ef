"""What a process pays before it does anything: the import, and the two commands that people type most."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from measure import Row, above, interleaved, ratio

_ROUNDS = 9
_LIMITS_S = {"import": 0.05, "help": 0.35, "check": 1.0}


def startup_rows(book: Path) -> list[Row]:
    """Measure processes, wall time from start to end."""
    routebook = str(Path(sys.executable).with_name("routebook"))
    with tempfile.TemporaryDirectory() as cache:
        cases = {
            "bare": _process([sys.executable, "-c", "pass"], cache),
            "import": _process([sys.executable, "-c", "import routebook"], cache),
            "help": _process([routebook, "--help"], cache),
            "check": _process([routebook, "check", "--routes", str(book)], cache),
        }
        rounds = interleaved(cases, _ROUNDS)
    bare = f"a bare interpreter, {median(rounds['bare']):.3f} s"
    over = above(rounds, "import", "bare")
    return [
        Row(
            "import routebook, above a bare interpreter",
            f"{over:.3f} s",
            bare,
            ratio(rounds, "import", "bare"),
            f"≤ {_LIMITS_S['import']:g} s",
            over <= _LIMITS_S["import"],
        ),
        *(
            Row(
                f"routebook {name}",
                f"{median(rounds[case]):.3f} s",
                bare,
                ratio(rounds, case, "bare"),
                f"≤ {_LIMITS_S[case]:g} s",
                median(rounds[case]) <= _LIMITS_S[case],
            )
            for case, name in (("help", "--help"), ("check", "check, the example book"))
        ),
    ]


def _process(command: list[str], cache: str) -> Callable[[], float]:
    """Return a case that runs *command*; compiled modules are kept in *cache*, as an installed package has them."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = cache

    def run() -> float:
        started = time.perf_counter()
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started

    return run
