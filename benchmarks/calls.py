"""What a run costs: `engine.run` over `openai-chat`, against the bare HTTP client that posts the same bytes.

Both talk to the same server on loopback, in turn. The server has a process of its own, so CPU time is the client's.
The bare client reads the answer's bytes and looks at nothing in them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median

import httpx2

import routebook
from measure import Rounds, Row, interleaved_async, ratio
from routebook import Engine
from server import loopback

_ROUNDS = 9
_AT_ONCE = 64
_CALLS = {1: 200, _AT_ONCE: 640}
_TEXT = "The dentist can see me on Monday at nine. I should bring the X-ray from last year."

Call = Callable[[], Awaitable[object]]
Cost = tuple[float, float]
"""Seconds of wall time and of CPU time, for one call."""


async def call_rows() -> list[Row]:
    """Measure calls one after the other, and many at once."""
    with loopback() as base_url:
        async with Engine(_table(base_url)) as engine, httpx2.AsyncClient() as bare:
            await engine.run("answer", _TEXT)
            body = (await bare.get(base_url)).content
            url, headers = f"{base_url}/chat/completions", {"content-type": "application/json"}

            async def by_hand() -> object:
                return (await bare.post(url, content=body, headers=headers)).content

            async def run() -> object:
                return await engine.run("answer", _TEXT)

            return [row for at_once, calls in _CALLS.items() for row in await _compare(run, by_hand, at_once, calls)]


def _table(base_url: str) -> routebook.RoutingTable:
    return routebook.compile_mapping(
        {
            "providers": {"house": {"api": "openai-chat", "base_url": base_url, "auth": "none"}},
            "models": {"bench": {"provider": "house", "id": "bench-model", "price": {"input": 1, "output": 2}}},
            "features": {"answer": {"options": {"temperature": 0.2}, "use": {"model": "bench"}}},
        }
    )


async def _compare(run: Call, by_hand: Call, at_once: int, calls: int) -> list[Row]:
    costs: dict[str, list[Cost]] = {"run": [], "bare": []}

    def case(name: str, call: Call) -> Callable[[], Awaitable[float]]:
        async def measured() -> float:
            cost = await _cost(call, at_once, calls)
            costs[name].append(cost)
            return cost[0]

        return measured

    await interleaved_async({"run": case("run", run), "bare": case("bare", by_hand)}, _ROUNDS)
    # The first round only warms up.
    wall: Rounds = {name: [cost[0] for cost in each[1:]] for name, each in costs.items()}
    cpu: Rounds = {name: [cost[1] for cost in each[1:]] for name, each in costs.items()}
    how = "one after the other" if at_once == 1 else f"{at_once} at once"
    return [_row(f"engine.run, {how}, wall per call", wall), _row(f"engine.run, {how}, CPU per call", cpu)]


def _row(what: str, rounds: Rounds) -> Row:
    against = f"bare httpx2, {median(rounds['bare']) * 1e6:.0f} µs"
    return Row(what, f"{median(rounds['run']) * 1e6:.0f} µs", against, ratio(rounds, "run", "bare"))


async def _cost(call: Call, at_once: int, calls: int) -> Cost:
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await call()

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    return (time.perf_counter() - wall) / calls, (time.process_time() - cpu) / calls
