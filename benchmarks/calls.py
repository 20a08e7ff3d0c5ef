"""What a run costs: `engine.run` over `openai-chat`, by each transport, against a bare client that posts the same
bytes.

All talk to the same server on loopback, in turn. The server has a process of its own, so CPU time is the client's.
The bare client reads the answer's bytes and looks at nothing in them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from statistics import median
from typing import get_args

import httpx2

import routebook
from measure import Rounds, Row, interleaved_async, ratio
from routebook import Engine
from routebook.providers.http.choice import TransportName
from server import loopback

_ROUNDS = 9
_AT_ONCE = 64
_CALLS = {1: 200, _AT_ONCE: 640}
# What a whole call may cost over the fast transport, many at once.
_MOST_S = 160e-6
_TEXT = "The dentist can see me on Monday at nine. I should bring the X-ray from last year."

Call = Callable[[], Awaitable[object]]
Cost = tuple[float, float]
"""Seconds of wall time and of CPU time, for one call."""


async def call_rows() -> list[Row]:
    """Measure calls one after the other, and many at once."""
    with loopback() as server:
        async with AsyncExitStack() as stack:
            bare = await stack.enter_async_context(httpx2.AsyncClient())
            cases: dict[str, Call] = {}
            for transport in get_args(TransportName):
                engine = await stack.enter_async_context(Engine(_table(f"{server}/v1", transport)))
                cases[transport] = partial(engine.run, "answer", _TEXT)
                await cases[transport]()
            last = await bare.get(server)
            url, body, headers = server + last.headers["x-path"], last.content, {"content-type": "application/json"}

            async def by_hand() -> object:
                return (await bare.post(url, content=body, headers=headers)).content

            cases["bare"] = by_hand
            return [row for at_once, calls in _CALLS.items() for row in await _compare(cases, at_once, calls)]


def _table(base_url: str, transport: str) -> routebook.RoutingTable:
    return routebook.compile_mapping(
        {
            "settings": {"transport": transport},
            "providers": {"house": {"api": "openai-chat", "base_url": base_url, "auth": "none"}},
            "models": {"bench": {"provider": "house", "id": "bench-model", "price": {"input": 1, "output": 2}}},
            "features": {"answer": {"options": {"temperature": 0.2}, "use": {"model": "bench"}}},
        }
    )


async def _compare(cases: Mapping[str, Call], at_once: int, calls: int) -> list[Row]:
    costs: dict[str, list[Cost]] = {name: [] for name in cases}

    def case(name: str, call: Call) -> Callable[[], Awaitable[float]]:
        async def measured() -> float:
            cost = await _cost(call, at_once, calls)
            costs[name].append(cost)
            return cost[0]

        return measured

    await interleaved_async({name: case(name, call) for name, call in cases.items()}, _ROUNDS)
    # The first round only warms up.
    wall: Rounds = {name: [cost[0] for cost in each[1:]] for name, each in costs.items()}
    cpu: Rounds = {name: [cost[1] for cost in each[1:]] for name, each in costs.items()}
    how = "one after the other" if at_once == 1 else f"{at_once} at once"
    rows = []
    for name in cases:
        if name != "bare":
            most = _MOST_S if (name, at_once) == ("fast", _AT_ONCE) else None
            rows.append(_row(f"engine.run over {name}, {how}, wall per call", wall, name))
            rows.append(_row(f"engine.run over {name}, {how}, CPU per call", cpu, name, most))
    return rows


def _row(what: str, rounds: Rounds, name: str, most_s: float | None = None) -> Row:
    against, measured = f"bare httpx2, {median(rounds['bare']) * 1e6:.0f} µs", median(rounds[name])
    held = () if most_s is None else (f"{measured * 1e6:.0f} of {most_s * 1e6:.0f} µs", measured <= most_s)
    return Row(what, f"{measured * 1e6:.0f} µs", against, ratio(rounds, name, "bare"), *held)


async def _cost(call: Call, at_once: int, calls: int) -> Cost:
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await call()

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    return (time.perf_counter() - wall) / calls, (time.process_time() - cpu) / calls
