"""A chaos run: runs, many at a time, while a provider goes down and comes back, and the book is edited five times."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chaos_asks import ask_of, play
from chaos_audit import complaints_of
from chaos_book import Book, broken, cheaper, more_patient, other_way_round, with_higher_limits, write
from chaos_ledger import Heard, Short, short
from chaos_providers import FakeProvider
from leftovers import objects_of, resident_mib

from routebook import Engine

CONCURRENCY = 64
_STEPS = 8
_PATIENCE_S = 30.0


@dataclass(frozen=True)
class Size:
    """How many runs there are, for how long one provider is down, and how often a minute one model may be asked."""

    runs: int
    down_s: float
    most_a_minute: int


@dataclass
class Chaos:
    """One chaos run, and what comes of it. `raised_at` is the moment at which more was allowed, in seconds since the
    epoch. `grown_mib` and `grown_objects` say by how much memory and the engine's own objects grew in the second half.
    """

    engine: Engine
    providers: Mapping[str, FakeProvider]
    root: Path
    book: Book
    size: Size
    heard: Heard
    shorts: list[Short] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    digests: set[str] = field(default_factory=set)
    raised_at: float = 0.0
    grown_mib: float = 0.0
    grown_objects: int = 0

    async def play(self) -> None:
        """Play it to its end. The last runs begin when the world is well again."""
        self._calm = asyncio.Event()
        numbers = iter(range(self.size.runs))
        async with asyncio.TaskGroup() as group:
            for _ in range(CONCURRENCY):
                group.create_task(self._work(numbers))
            group.create_task(self._disturb())

    async def _work(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            if number >= self.size.runs * (_STEPS - 1) // _STEPS:
                await self._calm.wait()
            told = await play(self.engine, ask_of(number))
            self.complaints += complaints_of(told)
            self.shorts.append(short(told))
            if len(self.shorts) == self.size.runs // 2:
                self._weigh(-1)
            elif len(self.shorts) == self.size.runs:
                self._weigh(1)

    def _weigh(self, sign: int) -> None:
        self.grown_mib += sign * resident_mib()
        self.grown_objects += sign * objects_of("routebook.engine")

    async def _disturb(self) -> None:
        """Take one provider down for a while, and edit the book meanwhile."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take_down())
            for step, edit in enumerate((cheaper, other_way_round, more_patient, with_higher_limits), 2):
                await self._reach(step)
                self.digests.add(self.engine.table.digest)
                if edit is with_higher_limits:
                    self.raised_at = time.time()
                await self._edit(edit)
            await self._reach(_STEPS - 2)
            await self._break()
        self.digests.add(self.engine.table.digest)
        self._calm.set()

    async def _reach(self, step: int) -> None:
        """Wait until so many eighths of the runs are over."""
        await until(lambda: len(self.shorts) >= self.size.runs * step // _STEPS, 600)

    async def _take_down(self) -> None:
        await self._reach(1)
        self.providers["beta"].down()
        await asyncio.sleep(self.size.down_s)
        await until(lambda: self.heard.refused_connections > 0)
        self.providers["beta"].up()

    async def _edit(self, edit: Callable[[Book], Book]) -> None:
        before = self.engine.table
        self.book = edit(self.book)
        write(self.root, self.book)
        await until(lambda: self.engine.table != before)

    async def _break(self) -> None:
        """Make an edit that is refused, and mend it."""
        before = self.engine.table
        write(self.root, broken(self.book))
        await until(self._is_refused)
        assert self.engine.table is before
        write(self.root, self.book)
        await until(lambda: not self._is_refused())
        assert self.engine.table.digest == before.digest

    def _is_refused(self) -> bool:
        return any(diagnostic.severity == "error" for diagnostic in self.engine.status.diagnostics)


async def until(holds: Callable[[], bool], seconds: float = _PATIENCE_S) -> None:
    """Wait until it *holds*, so many *seconds* at most."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110, it holds when others have done what they do
            await asyncio.sleep(0.005)
