"""Engine: holds the current table, runs features with it, and closes what it opened."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

from ..book import BookReport, read_script, script_of
from ..diagnostics.diagnostic import Diagnostic
from ..errors import EngineClosed, RequestError
from ..providers.http.choice import TransportName
from ..routing.context import Context, ContextLike, context_of
from ..routing.script import Script
from ..routing.settled import Settled
from ..routing.table import RoutingTable
from ..telemetry.feed import Feed
from ..telemetry.listener import RecordListener
from .budget import Spending
from .clients import Clients
from .current import Current, ReloadListener
from .dump import Dumping, Taking, WireRequest, secret_or_why
from .events import Listener, RunFinished, StreamEvent, Tell, telling
from .limits import BreakerState, Limiter, LimitState
from .messages import MessagesLike
from .pool import Leases, Pool
from .relay import relayed
from .reload import LiveBook, check_reload_listener
from .result import EmbeddingResult, ImageResult, RunResult
from .runs import Runs
from .shadow import Shadows
from .single import start_by_kind, start_embedding, start_image
from .start import FeatureAsked, RunAsked, RunMeans, Shared, asked_of, start_run

_LOG = logging.getLogger("routebook")
_MOST_IDLE_SERVERS = 32
_LISTENERS_S = 5.0
NOT_OPEN = "the engine is not open; use it inside `async with Engine(...)` or `with SyncEngine(...)`"

Book = str | os.PathLike[str] | RoutingTable
ScriptLike = str | os.PathLike[str] | Sequence[Mapping[str, Any]]


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
        self._current = Current(self._swap, on_reload)
        self._feed = Feed(listeners)
        self._runs = Runs()
        self._clients = Clients(self._environment)
        self._limiter = Limiter()
        spending = Spending()
        self._shadows = Shadows(self._clients, self._limiter, spending)
        self._shared = Shared(Pool(_MOST_IDLE_SERVERS), self._environment, spending, self._shadows)
        self._closing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._clients.script = await asyncio.to_thread(_read_script, self._script)
        if isinstance(self._book, RoutingTable):
            table = self._current.begin(BookReport(self._book, self._book.diagnostics))
        else:
            table = await self._current.begin_with(LiveBook(self._book, self._environment))
        self._limiter.use(table)
        _LOG.info("loaded %s; transport: %s", table.digest[:12], self._clients.http_of(table))
        if self._watch:
            self._current.watch()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def table(self) -> RoutingTable:
        """The current table. A run keeps the one it began with."""
        return self._settled().table

    @property
    def status(self) -> EngineStatus:
        """What the engine runs on now."""
        return EngineStatus(
            digest=self.table.digest,
            loaded_at=self._current.loaded_at,
            watching=self._current.is_watched,
            diagnostics=self._current.diagnostics,
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
        asked = FeatureAsked(feature, context_of(context), options, model)
        settled = self._settled()
        with self._runs.counted(), Leases() as leases:
            return await start_embedding(asked, inputs, self._means(settled, asked.context, leases))

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
        asked = FeatureAsked(feature, context_of(context), options, model)
        settled = self._settled()
        with self._runs.counted(), Leases() as leases:
            return await start_image(asked, prompt, self._means(settled, asked.context, leases))

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
        settled = self._settled()
        if self._clients.script is not None:
            raise RequestError("the engine plays a script: nothing goes over the wire", "dump")
        asked = asked_of(feature, content, inputs, context, options, model)
        with self._runs.counted():
            async with AsyncExitStack() as stack:
                clients = Clients(self._environment, secret_or_why, Taking())
                stack.push_async_callback(clients.close)
                leases = stack.enter_context(Leases())
                real = clients.of_run(settled.table, asked.context, leases)
                dumping = Dumping(settled.table, asked.context, self._environment, real.client)
                limits = Limiter().of_run(settled.table, real.payer)
                tell = telling(lambda _: None) if stream else None
                shared = replace(self._shared, shadows=None)
                means = RunMeans(settled, dumping.client_of, limits, leases, shared, tell)
                return await dumping.request_of(start_by_kind(asked, means))

    async def _run(self, asked: RunAsked, tell: Tell | None) -> RunResult:
        settled = self._settled()
        with self._runs.counted(), Leases() as leases:
            result = await start_run(asked, self._means(settled, asked.context, leases, tell))
        if tell is not None:
            await tell(RunFinished(result))
        return result

    def _settled(self) -> Settled:
        """Return what the current table decides."""
        settled = self._current.settled
        if settled is None:
            raise EngineClosed(NOT_OPEN)
        return settled

    def _means(self, settled: Settled, context: Context, leases: Leases, tell: Tell | None = None) -> RunMeans:
        clients = self._clients.of_run(settled.table, context, leases)
        limits = self._limiter.of_run(settled.table, clients.payer)
        observe = self._feed.tell if self._feed.is_on else None
        return RunMeans(settled, clients.client, limits, leases, self._shared, tell, observe)

    async def reload(self) -> tuple[Diagnostic, ...]:
        """Compile the book now and take the table if it is good; return all diagnostics."""
        self._settled()
        return await self._current.reload()

    async def close(self) -> None:
        """Stop watching, wait for runs to end and cancel the others, then close every client and tool server.

        The wait is as long as the book's `settings.drain` (10 s). Calls that overlap end together; a later one does
        nothing.
        """
        if self._closing is None or self._closing.done():
            settled, self._current.settled = self._current.settled, None
            drain_s = 0.0 if settled is None else settled.table.drain_s
            self._closing = asyncio.create_task(self._close(drain_s))
        # A caller that stops waiting takes the closing from no other.
        await asyncio.shield(self._closing)

    async def _close(self, drain_s: float) -> None:
        await self._current.close()
        await self._runs.drain(drain_s)
        await self._shadows.close()
        await self._feed_ends()
        closed = await asyncio.gather(self._clients.close(), self._shared.servers.close(), return_exceptions=True)
        for outcome in closed:
            if outcome is not None:
                raise outcome

    async def _feed_ends(self) -> None:
        """Let the listeners hear the rest, for a while."""
        if self._feed.is_on:
            await asyncio.to_thread(self._feed.close, _LISTENERS_S)

    def _swap(self, table: RoutingTable) -> None:
        """Keep what *table* still needs of what is open; the rest closes after its last run."""
        self._clients.keep_only(table)
        self._limiter.use(table)
        self._shared.servers.retain(frozenset(table.digests.values()).__contains__)


def _read_script(script: ScriptLike | None) -> Script | None:
    if script is None:
        return None
    return read_script(script) if isinstance(script, (str, os.PathLike)) else script_of(script)
