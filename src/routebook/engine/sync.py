"""SyncEngine: the engine without `async`, from any thread.

One event loop in a thread of its own serves all callers; it starts on entering and ends on closing.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import AsyncGenerator, Coroutine, Generator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Self, TypeVar

from ..diagnostics.diagnostic import Diagnostic
from ..errors import EngineClosed
from ..routing.context import Context
from ..routing.table import RoutingTable
from .dump import WireRequest
from .engine import NOT_OPEN, Book, Engine, EngineStatus, ReloadListener, ScriptLike
from .events import Listener, RunFinished, StreamEvent, check_plain_listener
from .messages import MessagesLike
from .reload import Reload
from .result import EmbeddingResult, ImageResult, RunResult

T = TypeVar("T")

_LOG = logging.getLogger("routebook")


class SyncEngine:
    """`Engine` for code without an event loop. Use as `with SyncEngine("routes/") as engine`.

    The arguments, results and errors are those of `Engine`. It may be used from several threads at once.
    *on_reload* is called in a thread of its own, one reload after the other, so that it may use the engine.
    """

    def __init__(
        self,
        book: Book,
        *,
        watch: bool = False,
        script: ScriptLike | None = None,
        environment: Mapping[str, str] | None = None,
        on_reload: ReloadListener | None = None,
    ) -> None:
        listener = None if on_reload is None else _Listener(on_reload)
        self._engine = Engine(book, watch=watch, script=script, environment=environment, on_reload=listener)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._submitting = threading.Lock()

    def __enter__(self) -> Self:
        loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=_serve, args=(loop,), name="routebook-engine", daemon=True)
        self._thread.start()
        self._loop = loop
        try:
            self._wait(self._engine.__aenter__())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def table(self) -> RoutingTable:
        """The current table. A run keeps the one it began with."""
        return self._engine.table

    @property
    def status(self) -> EngineStatus:
        """What the engine runs on now."""
        return self._engine.status

    def run(
        self,
        feature: str,
        messages: MessagesLike,
        *,
        inputs: Mapping[str, Any] | None = None,
        context: Context | None = None,
        options: Mapping[str, Any] | None = None,
        model: str | None = None,
        on_event: Listener | None = None,
    ) -> RunResult:
        """Run *feature* once; as `Engine.run`.

        *on_event*, a plain function, is called in this thread, and so it may use the engine.
        """
        asked: dict[str, Any] = {"inputs": inputs, "context": context, "options": options, "model": model}
        if on_event is None:
            return self._wait(self._engine.run(feature, messages, **asked))
        check_plain_listener(on_event)
        for event in self.stream(feature, messages, **asked):
            _tell(on_event, event)
            if isinstance(event, RunFinished):
                result = event.result
        return result

    def stream(
        self,
        feature: str,
        messages: MessagesLike,
        *,
        inputs: Mapping[str, Any] | None = None,
        context: Context | None = None,
        options: Mapping[str, Any] | None = None,
        model: str | None = None,
    ) -> Generator[StreamEvent, None, None]:
        """Run *feature* once, and yield what happens while it does; as `Engine.stream`. Closing it cancels the run."""
        events = self._engine.stream(feature, messages, inputs=inputs, context=context, options=options, model=model)
        try:
            while (event := self._wait(_next(events))) is not None:
                yield event
        finally:
            with suppress(EngineClosed):
                self._wait(_close(events))

    def embed(
        self,
        feature: str,
        inputs: str | Sequence[str],
        *,
        context: Context | None = None,
        options: Mapping[str, Any] | None = None,
        model: str | None = None,
    ) -> EmbeddingResult:
        """Turn *inputs* into `vectors`; as `Engine.embed`."""
        return self._wait(self._engine.embed(feature, inputs, context=context, options=options, model=model))

    def generate_image(
        self,
        feature: str,
        prompt: str,
        *,
        context: Context | None = None,
        options: Mapping[str, Any] | None = None,
        model: str | None = None,
    ) -> ImageResult:
        """Make `images` of what *prompt* says; as `Engine.generate_image`."""
        return self._wait(self._engine.generate_image(feature, prompt, context=context, options=options, model=model))

    def dump(
        self,
        feature: str,
        content: MessagesLike,
        *,
        inputs: Mapping[str, Any] | None = None,
        context: Context | None = None,
        options: Mapping[str, Any] | None = None,
        model: str | None = None,
        stream: bool = False,
    ) -> WireRequest:
        """Return the first request that a call of *feature* would send, secrets masked; as `Engine.dump`."""
        return self._wait(
            self._engine.dump(
                feature, content, inputs=inputs, context=context, options=options, model=model, stream=stream
            )
        )

    def reload(self) -> tuple[Diagnostic, ...]:
        """Compile the book now and take the table if it is good; return all diagnostics."""
        return self._wait(self._engine.reload())

    def close(self) -> None:
        """Close the engine and end its thread. A second call does nothing."""
        try:
            with suppress(EngineClosed):
                self._wait(self._engine.close())
        finally:
            self._stop()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        with self._submitting:
            if self._loop is None:
                work.close()
                raise EngineClosed(NOT_OPEN)
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except CancelledError as error:
            raise EngineClosed("the engine was closed before this call was done") from error
        except BaseException:
            # Ctrl-C in the waiting thread: the run must not go on behind the caller's back.
            future.cancel()
            raise

    def _stop(self) -> None:
        with self._submitting:
            loop, thread = self._loop, self._thread
            self._loop, self._thread = None, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()


async def _next(events: AsyncGenerator[StreamEvent, None]) -> StreamEvent | None:
    return await anext(events, None)


async def _close(events: AsyncGenerator[StreamEvent, None]) -> None:
    await events.aclose()


def _tell(listener: Listener, event: StreamEvent) -> None:
    try:
        answer = listener(event)
        if inspect.iscoroutine(answer):
            answer.close()
            raise TypeError("on_event returned a coroutine, which SyncEngine does not await")
    except Exception:  # noqa: BLE001, a host's mistake is no reason to stop
        _LOG.exception("on_event failed, which changes nothing")


class _Listener:
    """Hands each reload to *listen* in a thread of its own, in order: the event loop's thread must not wait for it."""

    def __init__(self, listen: ReloadListener) -> None:
        self._listen = listen
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="routebook-on-reload")

    def __call__(self, reload: Reload) -> None:
        self._thread.submit(self._call, reload)

    def _call(self, reload: Reload) -> None:
        try:
            self._listen(reload)
        except Exception:  # noqa: BLE001, a host's mistake is no reason to stop
            _LOG.exception("on_reload failed, which changes nothing")


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(_end_tasks())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _end_tasks() -> None:
    """Cancel what was asked for while the engine closed; whoever waits for it is told."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
