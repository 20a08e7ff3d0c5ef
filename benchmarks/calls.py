"""What `engine.run` adds to its client's own call: both in this process, over each transport, in turn.

The server has a process of its own, so CPU time is the client's. What a run costs as a whole, and how that stands to
others, is `race`'s.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from statistics import median
from typing import get_args

from contenders.ours import opened
from cores import CLIENT_CORE, pinned
from measure import Rounds, Row, above, interleaved_async, ratio
from routebook.providers.http.choice import TransportName
from server import loopback
from worker import measured

# Many short rounds: what slows this machine for longer than one slows both.
_ROUNDS = 41
_CALLS = {1: 50, 64: 192}
_MOST_US = 100.0

Call = Callable[[], Awaitable[object]]


async def call_rows() -> list[Row]:
    """Measure calls one after the other, and many at once."""
    rows: list[Row] = []
    with loopback() as url, pinned(CLIENT_CORE):
        for transport in get_args(TransportName):
            async with AsyncExitStack() as stack:
                client, engine = [
                    (await stack.enter_async_context(opened(f"{kind}-{transport}", url))).call
                    for kind in ("client", "engine")
                ]
                for at_once, calls in _CALLS.items():
                    cases = {"client": _cost(client, calls, at_once), "engine": _cost(engine, calls, at_once)}
                    rounds = await interleaved_async(cases, _ROUNDS)
                    rows += _rows(transport, at_once, rounds)
    return rows


def _cost(call: Call, calls: int, at_once: int) -> Callable[[], Awaitable[float]]:
    """Return a case that gives the microseconds of CPU of one call."""

    async def cost_us() -> float:
        return (await measured(call, calls, at_once)).cpu_s * 1e6

    return cost_us


def _rows(transport: str, at_once: int, rounds: Rounds) -> Iterator[Row]:
    more = above(rounds, "engine", "client")
    how = "one after the other" if at_once == 1 else f"{at_once} at once"
    yield Row(
        f"engine.run over {transport}, {how}, adds CPU",
        f"{more:.0f} µs",
        f"its client's own call, {median(rounds['client']):.0f} µs",
        ratio(rounds, "engine", "client"),
        f"≤ {_MOST_US:g} µs",
        more <= _MOST_US,
    )
