"""A thousand runs and streams, cancelled at random moments: in the queue, while they connect, before and in an answer,
in the pause before a retry, while a tool works. Nothing is left of them but their records.
"""

from __future__ import annotations

import asyncio
import math
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field

import pytest
from chaos_book import PLAIN_TOOLS, write
from chaos_providers import fake_providers
from chaos_run import until
from leftovers import children, sockets, tasks

from routebook import Engine, RoutebookError
from routebook.records.attempt import Attempt
from routebook.records.ended import AttemptEnded, EngineRecord, RunEnded

CANCELLATIONS = 1000
AT_ONCE = 100
_SOONEST, _LATEST = 0.003, 8.0
"""When runs are cancelled, in parts of the time that one takes here."""
_FEATURES = {"chat": 10, "agent": 6, "tried-again": 3, "nowhere": 1}
_MOST_RUNS = 10 * CANCELLATIONS


@dataclass
class Heard:
    """What the engine's listener was told."""

    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    runs: list[RunEnded] = field(default_factory=list)

    def __call__(self, record: EngineRecord) -> None:
        if isinstance(record, AttemptEnded):
            self.attempts.setdefault(record.run_id, []).append(record.attempt)
        elif isinstance(record, RunEnded):
            self.runs.append(record)


@pytest.mark.parametrize("transport", ["fast", "httpx2"])
async def test_a_thousand_random_cancellations_leave_their_records_and_nothing_else(transport, tmp_path):
    heard = Heard()
    with fake_providers(slow="dawdling", broken="failing") as providers, _nobody_answers() as nowhere:
        urls = {**{name: provider.url for name, provider in providers.items()}, "nowhere": nowhere}
        write(tmp_path / "routes", _book(urls, transport))
        held = sockets(), children()
        async with Engine(tmp_path / "routes", environment={}, listeners=[heard]) as engine:
            started, cancelled = await _cancel_many(engine)
            status = engine.status
        assert not sockets() - held[0], "what was there before may go, but nothing may stay"
        assert not children() - held[1]
        assert tasks() == set()
        await until(lambda: not any(provider.open for provider in providers.values()))
        logged = {name: len(provider.log()) for name, provider in providers.items()}

    assert cancelled >= CANCELLATIONS
    assert (status.runs, status.dropped_records, len(heard.runs)) == (0, 0, started)
    assert not any(limit.gate.running or limit.gate.waiting for limit in status.limits)

    ended = [run for run in heard.runs if run.error == "CancelledError"]
    assert all(run.attempts == len(heard.attempts.get(run.run_id, ())) for run in ended)
    where = Counter(_where(heard.attempts.get(run.run_id, [])) for run in ended)
    assert set(where) >= {"in the queue", "connecting", "before an answer", "in an answer", "in a pause", "in a tool"}
    told = [attempt for attempts in heard.attempts.values() for attempt in attempts]
    assert all(attempt.kind == "cancelled" for attempt in told if attempt.outcome == "cancelled")
    sent = Counter(attempt.provider for attempt in told if attempt.sent)
    assert sent == logged


async def _cancel_many(engine: Engine) -> tuple[int, int]:
    """Begin runs, many at a time, until so many were cancelled; return how many began, and how many were."""
    chance, pace_s = random.Random(11), await _pace_s(engine)
    started, cancelled = AT_ONCE, 0

    async def work() -> None:
        nonlocal started, cancelled
        while cancelled < CANCELLATIONS and started < _MOST_RUNS:
            [feature] = chance.choices(list(_FEATURES), list(_FEATURES.values()))
            running = asyncio.create_task(
                _run(engine, feature, f"#{feature}-{started}#", streams=chance.random() < 0.5)
            )
            asyncio.get_running_loop().call_later(_moment(chance) * pace_s, running.cancel)
            started += 1
            await asyncio.wait([running])
            cancelled += running.cancelled()

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return started, cancelled


async def _pace_s(engine: Engine) -> float:
    """Return the seconds in which half of many runs come to their end on this machine, busy as it is."""
    began = time.monotonic()
    runs = [asyncio.create_task(engine.run("chat", f"#chat-{number}#")) for number in range(AT_ONCE)]
    await until(lambda: sum(run.done() for run in runs) >= AT_ONCE // 2)
    pace_s = time.monotonic() - began
    for run in runs:
        run.cancel()
    await asyncio.wait(runs)
    return pace_s


def _moment(chance: random.Random) -> float:
    """Return when a run is cancelled: as often in the first hundredth of the time as in the rest of it."""
    return math.exp(chance.uniform(math.log(_SOONEST), math.log(_LATEST)))


async def _run(engine: Engine, feature: str, text: str, *, streams: bool) -> None:
    try:
        if not streams:
            await engine.run(feature, text)
            return
        async with aclosing(engine.stream(feature, text)) as events:
            async for _ in events:
                await asyncio.sleep(0)
    except RoutebookError:
        return  # it failed before it was cancelled


def _where(attempts: list[Attempt]) -> str:
    """Return what a cancelled run was about."""
    if not attempts:
        return "before any attempt"
    last = attempts[-1]
    if last.outcome == "answered":
        return "in a tool"
    if last.outcome != "cancelled":
        return "in a pause"
    if not last.sent:
        return "in the queue" if last.provider == "slow" else "connecting"
    return "before an answer" if last.first_token_s is None else "in an answer"


@contextmanager
def _nobody_answers() -> Iterator[str]:
    """A server whose queue of connections is full, so that connecting to it does not come to an end."""
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def _book(urls: dict[str, str], transport: str):
    provider = {"api": "openai-chat", "auth": "none", "breaker": {"failures": 100_000}}
    own = {
        "slow": {"limits": {"concurrency": 40, "adaptive": False}},
        "broken": {"retry": {"backoff": "5s"}},
        "nowhere": {},
    }
    return {
        "settings": {"transport": transport},
        "providers": {name: {**provider, "base_url": f"{url}/v1", **own[name]} for name, url in urls.items()},
        "models": {name: {"provider": name} for name in urls},
        "mcp_servers": {"plain": {"command": sys.executable, "args": [PLAIN_TOOLS]}},
        "features": {
            "chat": {"use": {"model": "slow"}},
            "agent": {"use": {"model": "slow"}, "tools": {"servers": ["plain"]}},
            "tried-again": {"use": {"model": "broken"}},
            "nowhere": {"use": {"model": "nowhere"}},
        },
    }
