"""One contender in a process of its own: it stays alive, and measures when it is told to.

Run as `python worker.py MODULE NAME URL`. It prints a line when it is ready: a JSON object with the versions of what
it has imported. Then, for each line of standard input, a JSON object as `Task`, it makes the calls and prints a line, a
JSON object as `Measured`. It ends when its input does. What a library prints goes to standard error.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import TextIO

from contenders.asked import Contender
from cores import CLIENT_CORE, pin

UPSTREAM_MS = 50
_WHOM = ("httpx2", "openai", "litellm", "tensorzero", "routebook")


@dataclass(frozen=True, slots=True)
class Task:
    """Make *calls* calls, *at_once* at a time: `kind` is call, delayed (answered 50 ms later) or stream."""

    kind: str
    calls: int
    at_once: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds for one call: of wall time and of CPU over all calls, and how long the median call and the slowest
    hundredth took, each caller's first left out, since all begin at one instant; and the process's memory after it, in
    megabytes (0 where the system does not tell).
    """

    wall_s: float
    cpu_s: float
    p50_s: float
    p99_s: float
    memory_mb: float


async def measured(call: Callable[[], Awaitable[object]], calls: int, at_once: int) -> Measured:
    """Make the calls: each of *at_once* tasks makes one after the other."""
    left, taken = iter(range(calls)), []

    async def caller() -> None:
        took = []
        for _ in left:
            began = time.perf_counter()
            await call()
            took.append(time.perf_counter() - began)
        taken.extend(took[1:] or took)

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    slow = quantiles(taken, n=100)[-1] if len(taken) > 1 else taken[0]
    return Measured(wall / calls, cpu / calls, median(taken), slow, memory_mb())


def memory_mb() -> float:
    """Return the memory that this process has resident, in megabytes."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0.0
    return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _versions() -> dict[str, str]:
    """Return the versions of those whom this process has imported."""
    return {name: importlib.metadata.version(name) for name in _WHOM if name in sys.modules}


async def _serve(out: TextIO, module: str, name: str, url: str) -> None:
    loop = asyncio.get_running_loop()
    contender = importlib.import_module(f"contenders.{module}")
    async with AsyncExitStack() as stack:
        at: dict[str, Contender] = {}
        for place in (url, f"{url}/after/{UPSTREAM_MS}"):
            at[place] = await stack.enter_async_context(contender.opened(name, place))
        direct, delayed = at.values()
        calls = {"call": direct.call, "delayed": delayed.call, "stream": direct.stream}
        print(json.dumps(_versions()), file=out, flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            task = Task(**json.loads(line))
            done = await measured(calls[task.kind], task.calls, task.at_once)
            print(json.dumps(asdict(done)), file=out, flush=True)


def main() -> None:
    """Measure until the input ends."""
    pin(CLIENT_CORE)
    out, sys.stdout = sys.stdout, sys.stderr
    asyncio.run(_serve(out, *sys.argv[1:]))


if __name__ == "__main__":
    main()
