"""The fake providers of a chaos run, as the test holds them: processes that it starts, orders about, and ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PROVIDER = str(Path(__file__).parent / "fake_provider.py")


@dataclass(frozen=True)
class FakeProvider:
    """One of them. Orders are given while the test's event loop stands still, so that nothing is sent meanwhile."""

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def open(self) -> int:
        """How many connections there are."""
        return self._order("open")

    def down(self) -> None:
        self._order("down")

    def up(self) -> None:
        self._order("up")

    def log(self) -> list[dict[str, Any]]:
        """Return every request that it read whole, in the order in which they came."""
        return self._order("log")

    def _order(self, order: str) -> Any:
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextmanager
def fake_providers(**scripts: str) -> Iterator[Mapping[str, FakeProvider]]:
    """Start a provider of each name, which does what its script says; they end with the block."""
    with ExitStack() as stack:
        named = enumerate(scripts.items(), 1)
        yield {name: stack.enter_context(_started(script, seed)) for seed, (name, script) in named}


@contextmanager
def _started(script: str, seed: int) -> Iterator[FakeProvider]:
    command = [sys.executable, _PROVIDER, script, str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield FakeProvider(process, int(process.stdout.readline()))
        finally:
            process.kill()
