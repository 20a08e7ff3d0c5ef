"""Engine: holds the current table, runs features with it, and closes what it opened."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ..book import BookReport, read_book, read_script, script_of
from ..canonical.frozen import EMPTY
from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.text import render_text
from ..errors import EngineClosed, RouteFileError
from ..routing.context import Context
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
NOT_OPEN = "the engine is not open; use it inside `async with Engine(...)` or `with SyncEngine(...)`"

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
        self._diagnostics: tuple[Diagnostic, ...] = ()
        self._reloading = asyncio.Lock()
        self._watcher: asyncio.Task[None] | None = None
        self._loaded_at = 0.0
        self._runs: set[asyncio.Timeout] = set()
        self._idle = asyncio.Event()
        self._servers: ServerPool = Pool(_MOST_IDLE_SERVERS)
        self._clients = Clients(self._environment)
        self._closing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._clients.script = await asyncio.to_thread(_read_script, self._script)
        if isinstance(self._book, RoutingTable):
            self._swap(BookReport(self._book, self._book.diagnostics))
        else:
            report = await self._compile(self._book)
            if report.table is None:
                raise RouteFileError(report.diagnostics)
            self._swap(report)
            if self._watch:
                self._watcher = asyncio.create_task(self._follow(Path(self._book)), name="routebook-watch")
                self._watcher.add_done_callback(_report_end)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def table(self) -> RoutingTable:
        """The current table. A run keeps the one it began with."""
        if self._table is None:
            raise EngineClosed(NOT_OPEN)
        return self._table

    @property
    def status(self) -> EngineStatus:
        """What the engine runs on now."""
        return EngineStatus(
            digest=self.table.digest,
            loaded_at=self._loaded_at,
            watching=self._watcher is not None and not self._watcher.done(),
            diagnostics=self._diagnostics,
        )

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
            EngineClosed: The engine is not open, or was closed and did not wait any longer for the run.
        """
        table = self.table
        inputs, context = EMPTY if inputs is None else inputs, Context() if context is None else context
        asked = RunAsked(feature, messages, inputs, context, options, model)
        async with self._counted(), AsyncExitStack() as stack:
            complete = self._clients.of_run(table, context, stack).complete
            return await start_run(table, asked, complete, self._servers, self._environment, stack)

    async def reload(self) -> tuple[Diagnostic, ...]:
        """Compile the book now and take the table if it is good; return all diagnostics."""
        current = self.table
        if isinstance(self._book, RoutingTable):
            return current.diagnostics
        async with self._reloading:
            report = await self._compile(self._book)
            if self._table is None:
                raise EngineClosed("the engine was closed while its book was compiled")
            self._swap(report)
            self._clients.keep_only(self.table)
            self._servers.retain(frozenset(self.table.digests.values()).__contains__)
            return report.diagnostics

    async def close(self) -> None:
        """Stop watching, wait 10 s for runs to end and cancel the others, then close every client and tool server.

        Calls that overlap end together; a later one does nothing.
        """
        if self._closing is None or self._closing.done():
            self._closing = asyncio.create_task(self._close())
        # A caller that stops waiting takes the closing from no other.
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._table = None
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait([self._watcher])
        if self._runs:
            await self._drain()
        closed = await asyncio.gather(self._clients.close(), self._servers.close(), return_exceptions=True)
        for outcome in closed:
            if outcome is not None:
                raise outcome

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        """Count a run in, and let `close` end it."""
        end = asyncio.timeout(None)
        self._runs.add(end)
        self._idle.clear()
        try:
            async with end:
                yield
        except TimeoutError as error:
            if not end.expired():
                raise
            raise EngineClosed(f"the engine was closed, and the run did not end within {_DRAIN_S:g} s") from error
        finally:
            self._runs.discard(end)
            if not self._runs:
                self._idle.set()

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(_DRAIN_S):
                await self._idle.wait()
        except TimeoutError:
            _LOG.warning("closing: %d runs did not end within %g s and are cancelled", len(self._runs), _DRAIN_S)
            for end in self._runs:
                end.reschedule(asyncio.get_running_loop().time())
            await self._idle.wait()

    async def _compile(self, book: str | os.PathLike[str]) -> BookReport:
        return await asyncio.to_thread(read_book, book, self._environment)

    def _swap(self, report: BookReport) -> None:
        """Make a good table current in one assignment; a bad one leaves the last good one, and says so."""
        before = self._table
        if report.table is None:
            if report.diagnostics != self._diagnostics:
                text = render_text(report.diagnostics)
                _LOG.warning("the edited book does not compile, the last good table stays:\n%s", text)
        elif before != report.table:
            self._loaded_at = time.time()
            if before is not None:
                _LOG.info("reloaded: table %s replaces %s", report.table.digest[:12], before.digest[:12])
        self._table = report.table or before
        self._diagnostics = report.diagnostics

    async def _follow(self, root: Path) -> None:
        async for _ in edits(root):
            try:
                await self.reload()
            except Exception:  # noqa: BLE001, whatever one edit breaks, the watch goes on and says so
                _LOG.exception("an edit of the book was not taken; the next one is tried again")


def _report_end(watcher: asyncio.Task[None]) -> None:
    if not watcher.cancelled() and watcher.exception() is not None:
        _LOG.error("edits of the book are no longer noticed", exc_info=watcher.exception())


def _read_script(script: ScriptLike | None) -> Script | None:
    if script is None:
        return None
    return read_script(script) if isinstance(script, (str, os.PathLike)) else script_of(script)
