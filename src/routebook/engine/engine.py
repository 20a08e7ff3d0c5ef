"""Engine: holds the current table, runs features with it, and closes what it opened."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from ..book import BookReport, read_script, script_of
from ..diagnostics.diagnostic import Diagnostic, has_errors
from ..errors import EngineClosed, RequestError, RouteFileError
from ..providers.http.choice import TransportName
from ..routing.context import Context, ContextLike, context_of
from ..routing.script import Script
from ..routing.settled import Settled
from ..routing.table import RoutingTable
from ..telemetry.feed import Feed
from ..telemetry.feed import Listener as RecordListener
from .budget import Spending
from .changes import Change, changes_between, reload_line
from .clients import Clients
from .dump import Dumping, Taking, WireRequest, secret_or_why
from .events import Listener, RunFinished, StreamEvent, Tell, telling
from .limits import BreakerState, Limiter, LimitState
from .messages import MessagesLike
from .pool import Leases, Pool
from .relay import relayed
from .reload import LiveBook, Reading, Reload, check_reload_listener
from .result import EmbeddingResult, ImageResult, RunResult
from .runs import Runs
from .shadow import Shadows
from .single import SingleAsked, start_by_kind, start_embedding, start_image
from .start import RunAsked, RunMeans, asked_of, start_run
from .toolbox import ServerPool

_LOG = logging.getLogger("routebook")
_MOST_IDLE_SERVERS = 32
_PAUSE_S = 1.0
_LISTENERS_S = 5.0
NOT_OPEN = "the engine is not open; use it inside `async with Engine(...)` or `with SyncEngine(...)`"

Book = str | os.PathLike[str] | RoutingTable
ScriptLike = str | os.PathLike[str] | Sequence[Mapping[str, Any]]
ReloadListener = Callable[[Reload], object]


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What an engine runs on: the table's digest, since when (seconds since the epoch), whether edits are watched,
    the diagnostics of the last reload (errors: the table is the one before it), and what carries requests over HTTP,
    `httpx2` or `fast`.

    `runs` counts those under way, `limits` says how calls stand to the limits of the book, `breakers` which targets are
    left alone for now, `dropped_records` how many records no listener was told, since one of them is too slow.
    """

    digest: str
    loaded_at: float
    watching: bool
    diagnostics: tuple[Diagnostic, ...]
    transport: TransportName
    runs: int
    limits: tuple[LimitState, ...]
    breakers: tuple[BreakerState, ...]
    dropped_records: int


class Engine:
    """Runs features by a book of route files, or by a compiled table.

    Use as `async with Engine("routes/") as engine`. With *watch*, saved edits of the book are compiled and take
    effect at the next run; a bad edit changes nothing and is reported. With *script* (entries or a file's path),
    every model call is played by the script and nothing is sent anywhere.

    *listeners* are told of every attempt, turn, tool call and run when it is over (`EngineRecord`), in a thread of
    their own: no run waits for them, and one that raises is logged and told of the next all the same.

    *on_reload* is called on the event loop with a `Reload` after each edit that was taken or refused; one that raises
    is logged and ignored. Content that did not change is no reload.

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
        on_reload: ReloadListener | None = None,
        listeners: Iterable[RecordListener] = (),
    ) -> None:
        if on_reload is not None:
            check_reload_listener(on_reload)
        if watch and isinstance(book, RoutingTable):
            raise ValueError("watch=True needs the directory of a book; a table has no files to watch")
        self._book = book
        self._watch = watch
        self._script = script
        self._environment = os.environ if environment is None else environment
        self._table: RoutingTable | None = None
        self._settled: Settled | None = None
        self._diagnostics: tuple[Diagnostic, ...] = ()
        self._on_reload = on_reload
        self._feed = Feed(listeners)
        self._live: LiveBook | None = None
        self._taken = 0
        self._telling = asyncio.Lock()
        self._watcher: asyncio.Task[None] | None = None
        self._loaded_at = 0.0
        self._runs = Runs()
        self._servers: ServerPool = Pool(_MOST_IDLE_SERVERS)
        self._clients = Clients(self._environment)
        self._spending = Spending()
        self._limiter = Limiter()
        self._shadows = Shadows(self._clients, self._limiter, self._spending)
        self._closing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._clients.script = await asyncio.to_thread(_read_script, self._script)
        if isinstance(self._book, RoutingTable):
            self._begin(BookReport(self._book, self._book.diagnostics))
        else:
            self._live, self._taken = LiveBook(self._book, self._environment), 0
            self._begin((await self._first_reading(self._live)).report)
            if self._watch:
                self._watcher = asyncio.create_task(self._follow(self._live), name="routebook-watch")
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
            transport=self._clients.http_of(self.table),
            runs=len(self._runs),
            limits=self._limiter.limit_states(),
            breakers=self._limiter.breaker_states(),
            dropped_records=self._feed.dropped,
        )

    async def run(
        self,
        feature: str,
        messages: MessagesLike,
        *,
        inputs: Mapping[str, Any] | None = None,
        context: ContextLike | None = None,
        options: Mapping[str, Any] | None = None,
        model: str | None = None,
        on_event: Listener | None = None,
    ) -> RunResult:
        """Run *feature* once: model calls, tool calls, and the check of its output.

        *messages* is a string, or a list of `Message`s and OpenAI-style dicts. *inputs* are the caller's data that
        output checks look at. *on_event*, a function or coroutine function, is called with each event that `stream`
        would yield, and the run waits for it; where it raises, that is logged and ignored.

        Raises:
            RequestError: The call asks for something the feature or its inputs do not allow; *on_event* is no function.
            ResolveError: No such feature or profile, or no target that the caller's keys reach.
            ProviderError: No attempt answered; `attempts` has them all.
            ToolError: A required tool server cannot start.
            LimitError, OutputError: The run reached a limit, or its answer does not keep the output contract.
            EngineClosed: The engine is not open, or was closed and did not wait any longer for the run.
        """
        asked = asked_of(feature, messages, inputs, context, options, model)
        return await self._run(asked, None if on_event is None else telling(on_event))

    def listen(self, listener: RecordListener) -> Callable[[], None]:
        """Tell *listener* of every run and its parts from now on, as `listeners` are; what is returned ends that.

        Raises:
            RequestError: It cannot be called, or would have to be awaited then.
        """
        return self._feed.add(listener)

    def stream(
        self,
        feature: str,
        messages: MessagesLike,
        *,
        inputs: Mapping[str, Any] | None = None,
        context: ContextLike | None = None,
        options: Mapping[str, Any] | None = None,
        model: str | None = None,
    ) -> AsyncGenerator[StreamEvent, None]:
        """Run *feature* once, and yield what happens while it does; the last event is a `RunFinished` with the result.

        Closing the iterator (`aclose`, or leaving `contextlib.aclosing`) cancels the run and closes its connections.
        Once something of a model's answer was yielded, that call falls back to no other target: its error is raised.

        Raises:
            RoutebookError: As `run`, after the events until then.
        """
        asked = asked_of(feature, messages, inputs, context, options, model)
        return relayed(partial(self._run, asked))

    async def embed(
        self,
        feature: str,
        inputs: str | Sequence[str],
        *,
        context: ContextLike | None = None,
        options: Mapping[str, Any] | None = None,
        model: str | None = None,
    ) -> EmbeddingResult:
        """Turn *inputs* into `vectors`, in their order, by a feature of kind `embeddings`.

        Raises:
            RoutebookError: As `run`.
        """
        asked = SingleAsked(feature, context_of(context), options, model)
        table = self.table
        with self._runs.counted(), Leases() as leases:
            return await start_embedding(table, asked, inputs, self._means(table, asked.context, leases))

    async def generate_image(
        self,
        feature: str,
        prompt: str,
        *,
        context: ContextLike | None = None,
        options: Mapping[str, Any] | None = None,
        model: str | None = None,
    ) -> ImageResult:
        """Make `images` of what *prompt* says, at least one, by a feature of kind `image`.

        Raises:
            RoutebookError: As `run`.
        """
        asked = SingleAsked(feature, context_of(context), options, model)
        table = self.table
        with self._runs.counted(), Leases() as leases:
            return await start_image(table, asked, prompt, self._means(table, asked.context, leases))

    async def dump(
        self,
        feature: str,
        content: MessagesLike,
        *,
        inputs: Mapping[str, Any] | None = None,
        context: ContextLike | None = None,
        options: Mapping[str, Any] | None = None,
        model: str | None = None,
        stream: bool = False,
    ) -> WireRequest:
        """Return the first request that a call of *feature* would send, secrets masked; nothing is sent.

        *content* is what `run`, `embed` or `generate_image` would be given, as the feature's kind has it. Tool servers
        are started, since their tools stand in the request. The platform's keys need not be there: in place of one that
        cannot be read, the header says why.

        Raises:
            RequestError: Nothing would go over the wire: a script plays the model, say.
            RoutebookError: As `run`.
        """
        table = self.table
        if self._clients.script is not None:
            raise RequestError("the engine plays a script: nothing goes over the wire", "dump")
        asked = asked_of(feature, content, inputs, context, options, model)
        with self._runs.counted():
            async with AsyncExitStack() as stack:
                clients = Clients(self._environment, secret_or_why, Taking())
                stack.push_async_callback(clients.close)
                leases = stack.enter_context(Leases())
                real = clients.of_run(table, asked.context, leases)
                dumping = Dumping(table, asked.context, self._environment, real.client)
                limits = Limiter().of_run(table, real.payer)
                tell = telling(lambda _: None) if stream else None
                means = RunMeans(
                    Settled(table),
                    dumping.client_of,
                    limits,
                    self._servers,
                    self._environment,
                    self._spending,
                    None,
                    tell,
                )
                return await dumping.request_of(start_by_kind(table, asked, means, leases))

    async def _run(self, asked: RunAsked, tell: Tell | None) -> RunResult:
        table = self.table
        with self._runs.counted(), Leases() as leases:
            result = await start_run(table, asked, self._means(table, asked.context, leases, tell), leases)
        if tell is not None:
            await tell(RunFinished(result))
        return result

    def _means(self, table: RoutingTable, context: Context, leases: Leases, tell: Tell | None = None) -> RunMeans:
        clients = self._clients.of_run(table, context, leases)
        limits = self._limiter.of_run(table, clients.payer)
        observe = self._feed.tell if self._feed.is_on else None
        settled = self._settled
        if settled is None or settled.table is not table:
            settled = self._settled = Settled(table)
        return RunMeans(
            settled,
            clients.client,
            limits,
            self._servers,
            self._environment,
            self._spending,
            self._shadows,
            tell,
            observe,
        )

    async def reload(self) -> tuple[Diagnostic, ...]:
        """Compile the book now and take the table if it is good; return all diagnostics."""
        current = self.table
        if self._live is None:
            return current.diagnostics
        reading = await self._live.read()
        if self._table is None:
            raise EngineClosed("the engine was closed while its book was compiled")
        await self._take(reading)
        return reading.report.diagnostics

    async def close(self) -> None:
        """Stop watching, wait for runs to end and cancel the others, then close every client and tool server.

        The wait is as long as the book's `settings.drain` (10 s). Calls that overlap end together; a later one does
        nothing.
        """
        if self._closing is None or self._closing.done():
            drain_s = 0.0 if self._table is None else self._table.drain_s
            self._table = None
            self._closing = asyncio.create_task(self._close(drain_s))
        # A caller that stops waiting takes the closing from no other.
        await asyncio.shield(self._closing)

    async def _close(self, drain_s: float) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait([self._watcher])
        if self._live is not None:
            await self._live.close()
        await self._runs.drain(drain_s)
        await self._shadows.close()
        await self._feed_ends()
        closed = await asyncio.gather(self._clients.close(), self._servers.close(), return_exceptions=True)
        for outcome in closed:
            if outcome is not None:
                raise outcome

    async def _feed_ends(self) -> None:
        """Let the listeners hear the rest, for a while."""
        if self._feed.is_on:
            await asyncio.to_thread(self._feed.close, _LISTENERS_S)

    async def _first_reading(self, live: LiveBook) -> Reading:
        try:
            return await live.read()
        except BaseException:
            await live.close()
            raise

    def _begin(self, report: BookReport) -> None:
        if report.table is None:
            raise RouteFileError(report.diagnostics)
        self._table, self._diagnostics, self._loaded_at = report.table, report.diagnostics, time.time()
        self._limiter.use(report.table)
        _LOG.info("loaded %s; transport: %s", report.table.digest[:12], self._clients.http_of(report.table))

    async def _follow(self, live: LiveBook) -> None:
        """Take every edit; where following itself breaks, begin again after a pause, and say so once."""
        has_told = False
        while True:
            try:
                async with aclosing(live.edits()) as edits:
                    async for reading in edits:
                        await self._take(reading)
            except Exception:  # noqa: BLE001, an engine that watches does so to its end
                if not has_told:
                    _LOG.exception("edits of the book could not be followed; that begins again")
                has_told = True
            await asyncio.sleep(_PAUSE_S)

    async def _take(self, reading: Reading) -> None:
        """Make a good table current in one assignment; a bad one leaves the last good one. Then tell what came of it.

        Readings may come twice and late: each is taken once, and none after a later one.
        """
        before, refused = self._table, has_errors(self._diagnostics)
        if before is None or reading.number <= self._taken:
            async with self._telling:  # whoever asked for a reload goes on when it has been told
                return
        report, known, self._taken = reading.report, self._diagnostics, reading.number
        self._diagnostics = report.diagnostics
        if report.table is not None:
            self._table = report.table
            if report.table != before:
                self._loaded_at = time.time()
                self._clients.keep_only(report.table)
                self._limiter.use(report.table)
                self._servers.retain(frozenset(report.table.digests.values()).__contains__)
        if report.table is None and report.diagnostics == known:
            return
        if report.table is None or report.table != before or refused:
            await self._tell(before, report)

    async def _tell(self, before: RoutingTable, report: BookReport) -> None:
        """Log what came of an edit, and hand it to the listener."""
        after = report.table or before
        loaded_at = self._loaded_at
        async with self._telling:
            changes = await asyncio.to_thread(_changes, before, after)
            if report.table is None:
                errors = [diagnostic for diagnostic in report.diagnostics if diagnostic.severity == "error"]
                text = str(RouteFileError(errors))
                _LOG.warning("the edited book does not compile, the last good table stays:\n%s", text)
            elif after != before:
                _LOG.info("%s", reload_line(after, changes))
            else:
                _LOG.info("the book is mended, table %s stays", after.digest[:12])
            self._listen(Reload(after.digest, before.digest, loaded_at, report.diagnostics, changes))

    def _listen(self, reload: Reload) -> None:
        if self._on_reload is None:
            return
        try:
            self._on_reload(reload)
        except (Exception, asyncio.CancelledError):  # noqa: BLE001, a host's mistake is no reason to stop
            _LOG.exception("on_reload failed, which changes nothing")


def _changes(before: RoutingTable, after: RoutingTable) -> tuple[Change, ...]:
    """Compare two tables; what cannot be compared keeps no table from being taken."""
    try:
        return changes_between(before, after)
    except Exception:  # noqa: BLE001, the table is current already
        _LOG.exception("the changed decisions could not be told")
        return ()


def _read_script(script: ScriptLike | None) -> Script | None:
    if script is None:
        return None
    return read_script(script) if isinstance(script, (str, os.PathLike)) else script_of(script)
