"""SyncEngine: the engine without `async`, from any thread.

One event loop in a thread of its own serves all callers; it starts on entering and ends on closing, with the program
at the latest: see `engine_thread`.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import warnings
import weakref
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Self

from ..diagnostics.diagnostic import Diagnostic
from ..errors import EngineClosed
from ..routing.context import ContextLike
from ..routing.table import RoutingTable
from ..telemetry.listener import RecordListener
from .awaited import OpenStream
from .current import ReloadListener
from .dump import WireRequest
from .engine import NOT_OPEN, Book, Engine, EngineStatus, ScriptLike
from .engine_thread import EngineThread
from .events import Listener, RunFinished, StreamEvent, check_plain_listener
from .lives import LIVES
from .messages import MessagesLike
from .reload import Reload
from .result import EmbeddingResult, ImageResult, RunResult

_LOG = logging.getLogger("routebook")


class SyncEngine:
    """`Engine` for code without an event loop. Use as `with SyncEngine("routes/") as engine`.

    The arguments, results and errors are those of `Engine`. It may be used from several threads at once.
    *on_reload* is called in a thread of its own, one reload after the other, so that it may use the engine.
    """

    _thread: EngineThread | None = None

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
        self._on_reload = on_reload
        self._make = partial(
            Engine, book, watch=watch, script=script, environment=environment, listeners=tuple(listeners)
        )
        self._make(on_reload=on_reload)  # which refuses what cannot be; each opening makes its own

    def __enter__(self) -> Self:
        listener = None if self._on_reload is None else _ReloadThread(self)
        thread = EngineThread(self._make(on_reload=listener), None if listener is None else listener.end)
        with LIVES.claiming:
            if self._thread is not None and not self._thread.has_ended:
                raise RuntimeError("the engine is open already: share it between threads, or open another SyncEngine")
            self._thread = thread
        thread.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if self._thread is not None and self._thread.drop():
            said = "unclosed SyncEngine: use it inside `with SyncEngine(...)`, or call close()"
            warnings.warn(said, ResourceWarning, source=self, stacklevel=2)

    @property
    def table(self) -> RoutingTable:
        """The current table. A run keeps the one it began with."""
        return self._open().engine.table

    @property
    def status(self) -> EngineStatus:
        """What the engine runs on now."""
        return self._open().engine.status

    def run(
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
        """Run *feature* once; as `Engine.run`.

        *on_event*, a plain function, is called in this thread, and so it may use the engine.
        """
        asked: dict[str, Any] = {"inputs": inputs, "context": context, "options": options, "model": model}
        if on_event is None:
            thread = self._open()
            return thread.wait(thread.engine.run(feature, messages, **asked))
        check_plain_listener(on_event)
        for event in self.stream(feature, messages, **asked):
            _tell(on_event, event)
            if isinstance(event, RunFinished):
                result = event.result
        return result

    def listen(self, listener: RecordListener) -> Callable[[], None]:
        """Tell *listener* of every run and its parts until the engine is closed; as `Engine.listen`."""
        return self._open().engine.listen(listener)

    def stream(
        self,
        feature: str,
        messages: MessagesLike,
        *,
        inputs: Mapping[str, Any] | None = None,
        context: ContextLike | None = None,
        options: Mapping[str, Any] | None = None,
        model: str | None = None,
    ) -> Generator[StreamEvent, None, None]:
        """Run *feature* once, and yield what happens while it does; as `Engine.stream`. Closing it cancels the run."""
        thread = self._open()
        asked: dict[str, Any] = {"inputs": inputs, "context": context, "options": options, "model": model}
        stream = OpenStream(thread.engine.stream(feature, messages, **asked))
        try:
            while (event := thread.next_of(stream)) is not None:
                yield event
        finally:
            thread.leave(stream)

    def embed(
        self,
        feature: str,
        inputs: str | Sequence[str],
        *,
        context: ContextLike | None = None,
        options: Mapping[str, Any] | None = None,
        model: str | None = None,
    ) -> EmbeddingResult:
        """Turn *inputs* into `vectors`; as `Engine.embed`."""
        thread = self._open()
        return thread.wait(thread.engine.embed(feature, inputs, context=context, options=options, model=model))

    def generate_image(
        self,
        feature: str,
        prompt: str,
        *,
        context: ContextLike | None = None,
        options: Mapping[str, Any] | None = None,
        model: str | None = None,
    ) -> ImageResult:
        """Make `images` of what *prompt* says; as `Engine.generate_image`."""
        thread = self._open()
        return thread.wait(thread.engine.generate_image(feature, prompt, context=context, options=options, model=model))

    def dump(
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
        """Return the first request that a call of *feature* would send, secrets masked; as `Engine.dump`."""
        thread = self._open()
        asked: dict[str, Any] = {"inputs": inputs, "context": context, "options": options, "model": model}
        return thread.wait(thread.engine.dump(feature, content, stream=stream, **asked))

    def reload(self) -> tuple[Diagnostic, ...]:
        """Compile the book now and take the table if it is good; return all diagnostics."""
        thread = self._open()
        return thread.wait(thread.engine.reload())

    def close(self) -> None:
        """Close the engine and end its thread. A second call does nothing, but waits for the end as the first does.

        It comes from any thread: those that wait for runs are told after the book's `settings.drain`. Called in the
        engine's own thread it does not wait.
        """
        if self._thread is not None:
            self._thread.close()

    def _open(self) -> EngineThread:
        if self._thread is None:
            raise EngineClosed(NOT_OPEN)
        self._thread.check()
        return self._thread

    def _tell(self, reload: Reload) -> None:
        if self._on_reload is not None:
            try:
                self._on_reload(reload)
            except (Exception, asyncio.CancelledError):  # noqa: BLE001, a host's mistake is no reason to stop
                _LOG.exception("on_reload failed, which changes nothing")


def _tell(listener: Listener, event: StreamEvent) -> None:
    try:
        answer = listener(event)
        if inspect.iscoroutine(answer):
            answer.close()
            raise TypeError("on_event returned a coroutine, which SyncEngine does not await")
    except (Exception, asyncio.CancelledError):  # noqa: BLE001, a host's mistake is no reason to stop
        _LOG.exception("on_event failed, which changes nothing")


class _ReloadThread:
    """Hands each reload to `on_reload` in a thread of its own, in order: the event loop's thread must not wait for it.

    It does not keep the engine from being dropped, though the function it calls may know the engine.
    """

    def __init__(self, engine: SyncEngine) -> None:
        self._engine = weakref.ref(engine)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="routebook-on-reload")

    def __call__(self, reload: Reload) -> None:
        self._thread.submit(self._pass_on, reload)

    def end(self) -> None:
        """Let there be no more reloads; those that were handed over are still told."""
        self._thread.shutdown(wait=False)

    def _pass_on(self, reload: Reload) -> None:
        engine = self._engine()
        if engine is not None:
            engine._tell(reload)
