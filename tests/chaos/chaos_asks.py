"""What is asked in a chaos run, by number, and what came of it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from chaos_book import KEYS

from routebook import Context, EmbeddingResult, Engine, RoutebookError, RoutingTable, RunResult
from routebook.engine.events import RunFinished, RunStarted

_WEIGHTS = {
    "chat": 46,
    "twin": 13,
    "memory": 8,
    "number": 8,
    "agent": 5,
    "owned": 8,
    "hurried": 5,
    "metered": 3,
    "single": 4,
}
_CALLERS = ("one", "two", "three", "unknown")
_OWNED = ("alpha", "beta", "gamma")


@dataclass(frozen=True)
class Ask:
    """What is asked of a feature: whole or as a stream, by whom, and when they lose patience.

    `keys` are those that may reach each provider.
    """

    number: int
    feature: str
    streams: bool
    context: Context
    keys: Mapping[str, str]
    leaves_after: int | None
    dawdles_s: float
    cancelled_after_s: float | None

    @property
    def marker(self) -> str:
        """What the providers know it by."""
        return f"#{self.feature}-{self.number}#"


@dataclass
class Told:
    """What came of it. `digests` are those of the tables that were current when it began."""

    ask: Ask
    digests: set[str]
    run_id: str | None = None
    result: RunResult | EmbeddingResult | None = None
    error: BaseException | None = None
    has_left: bool = False
    took_s: float = 0.0
    tables: dict[str, RoutingTable] = field(default_factory=dict)

    def see(self, table: RoutingTable) -> None:
        """Note that *table* is current."""
        self.digests.add(table.digest)
        self.tables[table.digest] = table


def ask_of(number: int) -> Ask:
    """Return what is asked the *number*-th time."""
    chance = random.Random(number)
    [feature] = chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
    credentials = _callers_keys(chance) if feature == "owned" else {}
    keys = credentials or {name.lower().removesuffix("_key"): key for name, key in KEYS.items()}
    streams = feature != "memory" and chance.random() < 0.3
    return Ask(
        number=number,
        feature=feature,
        streams=streams,
        context=Context(credentials=credentials),
        keys={provider: key if provider == "gamma" else f"Bearer {key}" for provider, key in keys.items()},
        leaves_after=chance.randrange(1, 9) if streams and chance.random() < 0.3 else None,
        dawdles_s=0.01 if chance.random() < 0.1 else 0.0,
        cancelled_after_s=chance.expovariate(20) if chance.random() < 0.05 else None,
    )


def _callers_keys(chance: random.Random) -> dict[str, str]:
    caller = chance.choice(_CALLERS)
    covered = chance.sample(_OWNED, chance.randrange(1, len(_OWNED) + 1))
    return {provider: f"sk-caller-{caller}-{provider}" for provider in covered}


async def play(engine: Engine, ask: Ask) -> Told:
    """Ask, and return what came of it, whatever it is."""
    told = Told(ask, set())
    told.see(engine.table)
    began = time.perf_counter()
    playing = asyncio.ensure_future(_play(engine, ask, told))
    if ask.cancelled_after_s is not None:
        asyncio.get_running_loop().call_later(ask.cancelled_after_s, playing.cancel)
    try:
        await playing
    except asyncio.CancelledError as error:
        if ask.cancelled_after_s is None:
            raise
        told.error = None if told.result is not None else error  # it was over before it was cancelled
    except Exception as error:  # noqa: BLE001, one that it may not end in is the audit's to tell
        told.error = error
    told.took_s = time.perf_counter() - began
    if isinstance(told.error, RoutebookError):
        told.result = told.result or told.error.result
    if told.result is not None:
        told.run_id = told.result.run_id
    return told


async def _play(engine: Engine, ask: Ask, told: Told) -> None:
    told.see(engine.table)
    if ask.feature == "memory":
        told.result = await engine.embed(ask.feature, [ask.marker, "another text"])
    elif not ask.streams:
        told.result = await engine.run(ask.feature, ask.marker, context=ask.context)
    else:
        await _play_stream(engine, ask, told)


async def _play_stream(engine: Engine, ask: Ask, told: Told) -> None:
    seen = 0
    async with aclosing(engine.stream(ask.feature, ask.marker, context=ask.context)) as events:
        async for event in events:
            seen += 1
            if isinstance(event, RunStarted):
                told.run_id = event.run_id
                told.see(engine.table)
            if isinstance(event, RunFinished):
                told.result = event.result
            elif seen == ask.leaves_after:
                told.has_left = True
                return
            if ask.dawdles_s:
                await asyncio.sleep(ask.dawdles_s)
