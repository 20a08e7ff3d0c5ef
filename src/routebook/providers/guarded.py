"""Guarded: a client that another package makes, held to what `ModelClient` promises.

What it raises becomes a ProviderError, and what it returns is looked at, so that no mistake of an adapter's ends a run
in an error that nobody expects, or holds a place for ever. The words of a foreign exception are not repeated: they may
show a key. Where they do not, it stays the cause.
"""

from __future__ import annotations

import asyncio
import logging
import math
import traceback
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeGuard, TypeVar, get_args

from ..canonical.chat import ChatRequest, ChatResponse
from ..canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ..canonical.event import ModelEvent, ResponseFinished
from ..canonical.image import ImageRequest, ImageResponse
from ..canonical.message import Message
from ..canonical.usage import Usage
from ..errors import FaultKind, MissingExtra, ProviderError
from .protocol import ClientConfig, ModelClient

R = TypeVar("R", ChatResponse, EmbeddingResponse, ImageResponse)
AnyRequest = ChatRequest | EmbeddingRequest | ImageRequest

_LOG = logging.getLogger("routebook")
_KINDS = frozenset(get_args(FaultKind))
_EVENTS = get_args(ModelEvent)


class GuardedClient:
    """Passes calls on to the client that *make* makes of *config*; a client that cannot be made fails each call.

    Raises:
        MissingExtra: *make* says so.
    """

    def __init__(self, make: Callable[[ClientConfig], ModelClient], config: ClientConfig) -> None:
        self._provider = config.provider
        self._secrets = tuple(filter(None, (config.api_key, *config.headers.values())))
        self._client: ModelClient | None = None
        self._failure: Exception | None = None
        try:
            self._client = make(config)
        except MissingExtra:
            raise
        except Exception as error:  # noqa: BLE001, it is raised where a call is made
            self._failure = error

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """Make one model call."""
        with self._guarding(request):
            return self._checked(await self._made(request).complete(request), ChatResponse, request)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Make one model call, and yield its answer while it comes."""
        with self._guarding(request):
            events = self._made(request).stream(request)
        try:
            while (event := await self._next(events, request)) is not None:
                yield event
        finally:
            await self._leave(events)

    async def embed(self, request: EmbeddingRequest) -> EmbeddingResponse:
        """Turn texts into vectors."""
        with self._guarding(request):
            return self._checked(await self._made(request).embed(request), EmbeddingResponse, request)

    async def generate_image(self, request: ImageRequest) -> ImageResponse:
        """Make images."""
        with self._guarding(request):
            return self._checked(await self._made(request).generate_image(request), ImageResponse, request)

    async def close(self) -> None:
        """Close the client, if there is one."""
        if self._client is not None:
            await self._client.close()

    def _made(self, request: AnyRequest) -> ModelClient:
        if self._client is None:
            assert self._failure is not None
            raise self._error(self._failure, request, sent=False) from self._cause(self._failure)
        return self._client

    async def _next(self, events: AsyncGenerator[ModelEvent, None], request: ChatRequest) -> ModelEvent | None:
        with self._guarding(request):
            event = await anext(events, None)
            if isinstance(event, ResponseFinished):
                self._checked(event.response, ChatResponse, request)
            elif event is not None and not isinstance(event, _EVENTS):
                raise self._malformed(f"it yielded {_a(event)}, which is no event", request)
            return event

    async def _leave(self, events: AsyncGenerator[ModelEvent, None]) -> None:
        """Close a stream; where that fails, what ended it is what counts."""
        try:
            await events.aclose()
        except Exception as error:  # noqa: BLE001, another package's mistake
            what = "a stream of provider %r did not close well: %s"
            _LOG.warning(what, self._provider, type(error).__name__)

    @contextmanager
    def _guarding(self, request: AnyRequest) -> Iterator[None]:
        try:
            yield
        except ProviderError as error:
            self._mend(error, request)
            raise
        except asyncio.CancelledError as error:
            if _is_being_cancelled():
                raise
            raise self._error(error, request) from self._cause(error)
        except Exception as error:  # noqa: BLE001, this is the seam
            raise self._error(error, request) from self._cause(error)

    def _checked(self, response: R, kind: type[R], request: AnyRequest) -> R:
        if not isinstance(response, kind):
            raise self._malformed(f"it returned {_a(response)}, which is no {kind.__name__}", request)
        if response.usage is not None and not _is_usage(response.usage):
            raise self._malformed("the usage that it returned is none", request)
        if isinstance(response, ChatResponse) and not isinstance(response.message, Message):
            raise self._malformed(f"the message that it returned is {_a(response.message)}", request)
        return response

    def _error(self, error: BaseException, request: AnyRequest, *, sent: bool = True) -> ProviderError:
        """Return what *error* is among the kinds that there are."""
        kind: FaultKind = "malformed_response"
        if isinstance(error, TimeoutError):
            kind = "timeout"
        elif isinstance(error, OSError):
            kind = "connection"
        return self._fault(f"its adapter raised {type(error).__name__}", kind, request, sent=sent)

    def _malformed(self, what: str, request: AnyRequest) -> ProviderError:
        return self._fault(f"its adapter broke its promise: {what}", "malformed_response", request)

    def _fault(self, message: str, kind: FaultKind, request: AnyRequest, *, sent: bool = True) -> ProviderError:
        model = request.target or request.model
        return ProviderError(message, kind, provider=self._provider, model=model, sent=sent)

    def _cause(self, error: BaseException) -> BaseException | None:
        """Return *error*, unless it shows a secret."""
        shown = "".join(traceback.TracebackException.from_exception(error).format())
        return None if any(secret in shown for secret in self._secrets) else error

    def _mend(self, error: ProviderError, request: AnyRequest) -> None:
        """Let an adapter's own error hold nothing but what the engine can reckon with, and say whose it is."""
        error.provider, error.model = error.provider or self._provider, error.model or request.target or request.model
        if error.kind not in _KINDS:
            error.kind = "malformed_response"
        if not _is_number(error.retry_after) or not 0 <= error.retry_after < math.inf:
            error.retry_after = None
        if not isinstance(error.status, int):
            error.status = None
        if not _is_usage(error.usage):
            error.usage = None


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float))


def _is_usage(value: object) -> bool:
    return isinstance(value, Usage) and all(isinstance(getattr(value, name), int) for name in Usage.__slots__)


def _a(value: object) -> str:
    return "nothing" if value is None else f"a value of type {type(value).__name__}"
