"""Virtual time: an event loop on which waiting takes none, so that seconds are exact and tests are quick.

A loop on which nothing can ever happen again is an error: whoever waits was forgotten.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_STEP_S = 1e-6
"""What one turn of the loop takes: no clock stands still."""


class _Selector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("whoever still waits does so for ever")
        self.now += _STEP_S if ready or timeout is None else max(timeout, _STEP_S)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


def play(scenario: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run *scenario* to its end, in virtual time."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(scenario())


def now() -> float:
    """Return the running loop's moment, in seconds."""
    return asyncio.get_running_loop().time()


async def settle() -> None:
    """Let everything happen that needs no time."""
    for _ in range(5):
        await asyncio.sleep(0)
