"""Engine: holds the current table, runs features with it, and closes what it opened."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ..book import BookReport, read_book, read_script, script_of
from ..canonical.chat import ChatRequest, ChatResponse
from ..canonical.frozen import EMPTY
from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.text import render_text
from ..errors import EngineClosed, RouteFileError
from ..routing.context import Context
from ..routing.decision import PlannedAttempt
from ..routing.script import Script
from ..routing.table import RoutingTable
from .clients import Clients
from .messages import MessagesLike
from .pool import Pool
from .reload import edits
from .result import RunResult
from .start import RunAsked, start_run
from .toolbox import ServerPool

_LOG = logging.getLogger("routebook")
_DRAIN_S = 10.0
_MOST_IDLE_SERVERS = 32

Book = str | os.PathLike[str] | RoutingTable
ScriptLike = str | os.PathLike[str] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What an engine runs on: the table's digest, since when (seconds since the epoch), whether edits are watched,
    and the diagnostics of the last reload (errors: the table is the one before it).
    """

    digest: str
    loaded_at: float
    watching: bool
    diagnostics: tuple[Diagnostic, ...]


class Engine:
    """Runs features by a book of route files, or by a compiled table.

    Use as `async with Engine("routes/") as engine`. With *watch*, saved edits of the book are compiled and take
    effect at the next run; a bad edit changes nothing and is reported. With *script* (entries or a file's path),
    every model call is played by the script and nothing is sent anywhere.

    Raises:
        RouteFileError: On entering, if the book or the script is not good.
    """

    def __init__(
        self,
        book: Book,
        *,
        watch: bool = False,
        script: ScriptLike | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        if watch and isinstance(book, RoutingTable):
            raise ValueError("watch=True needs the directory of a book; a table has no files to watch")
        self._book = book
        self._watch = watch
        self._script = script
        self._environment = os.environ if environment is None else environment
        self._table: RoutingTable | None = None
        self._status: EngineStatus | None = None
        self._reloading = asyncio.Lock()
        self._watcher: asyncio.Task[None] | None = None
        self._loaded_at = 0.0
        self._runs = 0
        self._idle = asyncio.Event()
        self._servers: ServerPool = Pool(_MOST_IDLE_SERVERS)
        self._clients = Clients(self._environment, None)

    async def __aenter__(self) -> Self:
        self._clients = Clients(self._environment, await asyncio.to_thread(_read_script, self._script))
        if isinstance(self._book, RoutingTable):
            self._swap(BookReport(self._book, self._book.diagnostics))
        else:
            report = await self._compile(self._book)
            if report.table is None:
                raise RouteFileError(report.diagnostics)
            self._swap(report)
            if self._watch:
                self._watcher = asyncio.create_task(self._follow(Path(self._book)), name="routebook-watch")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def table(self) -> RoutingTable:
        """The current table. A run keeps the one it began with."""
        if self._table is None:
            raise EngineClosed("the engine is not open; use it inside `async with Engine(...)`")
        return self._table

    @property
    def status(self) -> EngineStatus:
        """What the engine runs on now."""
        if self._status is None:
            raise EngineClosed("the engine is not open; use it inside `async with Engine(...)`")
        return self._status

    async def run(
        self,
        feature: str,
        messages: MessagesLike,
        *,
        inputs: Mapping[str, Any] | None = None,
        context: Context | None = None,
        options: Mapping[str, Any] | None = None,
        model: str | None = None,
    ) -> RunResult:
        """Run *feature* once: model calls, tool calls, and the check of its output.

        *messages* is a string, or a list of `Message`s and OpenAI-style dicts. *inputs* are the caller's data that
        output checks look at.

        Raises:
            RequestError: The call asks for something the feature or its inputs do not allow.
            ResolveError: No such feature or profile, or no target that the caller's keys reach.
            ProviderError: No attempt answered; `attempts` has them all.
            ToolError: A required tool server cannot start.
            LimitError, OutputError: The run reached a limit, or its answer does not keep the output contract.
        """
        table = self.table
        asked = RunAsked(feature, messages, inputs or EMPTY, context or Context(), options, model)

        async def complete(planned: PlannedAttempt, request: ChatRequest) -> ChatResponse:
            return await self._clients.complete(table, asked.context, planned, request)

        self._runs += 1
        self._idle.clear()
        try:
            async with AsyncExitStack() as stack:
                return await start_run(table, asked, complete, self._servers, self._environment, stack)
        finally:
            self._runs -= 1
            if self._runs == 0:
                self._idle.set()

    async def reload(self) -> tuple[Diagnostic, ...]:
        """Compile the book now and take the table if it is good; return all diagnostics."""
        current = self.table
        if isinstance(self._book, RoutingTable):
            return current.diagnostics
        async with self._reloading:
            report = await self._compile(self._book)
            self._swap(report)
            await self._clients.keep_only(self.table)
            await self._servers.retain(frozenset(self.table.digests.values()).__contains__)
            return report.diagnostics

    async def close(self) -> None:
        """Stop watching, wait up to 10 s for runs to end, then close every client and tool server."""
        if self._watcher is not None:
            self._watcher.cancel()
            with suppress(asyncio.CancelledError):
                await self._watcher
            self._watcher = None
        self._table, self._status = None, None
        if self._runs:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), _DRAIN_S)
        await self._clients.close()
        await self._servers.close()

    async def _compile(self, book: str | os.PathLike[str]) -> BookReport:
        return await asyncio.to_thread(read_book, book, self._environment)

    def _swap(self, report: BookReport) -> None:
        """Make a good table current in one assignment; a bad one leaves the last good one, and says so."""
        before = self._table
        if report.table is None:
            _LOG.warning(
                "the edited book does not compile, the last good table stays:\n%s", render_text(report.diagnostics)
            )
        elif before != report.table:
            self._loaded_at = time.time()
            if before is not None:
                _LOG.info("reloaded: table %s replaces %s", report.table.digest[:12], before.digest[:12])
        self._table = report.table or before
        self._status = EngineStatus(
            digest=self._table.digest if self._table else "",
            loaded_at=self._loaded_at,
            watching=self._watch,
            diagnostics=report.diagnostics,
        )

    async def _follow(self, root: Path) -> None:
        async for _ in edits(root):
            await self.reload()


def _read_script(script: ScriptLike | None) -> Script | None:
    if script is None:
        return None
    return read_script(script) if isinstance(script, (str, os.PathLike)) else script_of(script)
