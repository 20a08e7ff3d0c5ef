"""Replies: what a call of the library gave → an answer as JSON, at once or in events, with the provider's headers.

Nothing here knows the library: it takes its objects by what they have. Where a provider says nothing, the library makes
something up: a reason for the end of a stream that was cut off, and tokens by its own count. Neither is passed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from ...routing.provider_spec import Timeouts
from ..answer import CUT_OFF
from ..body import ENCODER
from ..http.clock import Clock
from ..http.exchange import ExchangeFault, HttpResponse
from .events import DONE
from .raised import Raised

_OF_THE_PROVIDER = "llm_provider-"
_REQUEST_IDS = ("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id")
_PLAIN = msgspec.json.Decoder(dict[str, Any])
_NO_HEADERS: Mapping[str, str] = {}


class Waiting(Protocol):
    """Waits for the library."""

    async def next_of(self, chunks: Any, clock: Clock) -> Any:
        """Return the next of *chunks*, or what was Raised.

        Raises:
            ExchangeFault: A bound was crossed meanwhile.
            StopAsyncIteration: There is no further one.
        """
        ...

    def fault_of(self, error: Raised, timeouts: Timeouts) -> ExchangeFault:
        """Return the fault of what was raised without an answer of the provider's."""
        ...


class Whole:
    """An answer in one piece, as an HttpStream."""

    def __init__(self, response: HttpResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self._pieces = [response.body]

    def begin_content(self) -> None:
        """There is nothing to wait for."""

    async def next_piece(self) -> bytes | None:
        """Return the body, and then None."""
        return self._pieces.pop() if self._pieces else None


class Chunks:
    """An answer in chunks, as an HttpStream of server-sent events. `begin` comes first, `close` last."""

    def __init__(self, library: Waiting, chunks: Any, clock: Clock, timeouts: Timeouts) -> None:
        self.status = 200
        self.headers = _NO_HEADERS
        self._library = library
        self._chunks = chunks
        self._below: Any = beneath(chunks)
        self._clock = clock
        self._timeouts = timeouts
        self._first: list[Any] = []
        self._is_over = False

    async def begin(self) -> Raised | None:
        """Wait for the first chunk; return what was raised in place of it, None where nothing was."""
        first = await self._next()
        self._below = self._below or beneath(self._chunks)
        self.headers = headers_of(self._chunks)
        if isinstance(first, Raised):
            return first
        self._first.append(first)
        return None

    def begin_content(self) -> None:
        """Say that the first content is there."""
        self._clock.begin_content()

    async def next_piece(self) -> bytes | None:
        """Wait for the next chunk; see `HttpStream.next_piece`."""
        if self._is_over:
            return None
        chunk = self._first.pop() if self._first else await self._next()
        if chunk is None:
            self._is_over = True
            return _event(DONE)
        if isinstance(chunk, Raised):
            self._is_over = True
            if chunk.cause in ("timeout", "connect", "connection"):
                raise self._library.fault_of(chunk, self._timeouts)
            return _event(ENCODER.encode({"error": chunk.to_dict()}))
        if _is_made_up(self._chunks):
            raise ExchangeFault(CUT_OFF.kind, CUT_OFF.message)
        found = as_json(chunk)
        if isinstance(found, bytes):
            return _event(_without_guesses(found, self._chunks))
        self._is_over = True
        return _event(ENCODER.encode({"error": {"message": f"a chunk is no JSON: {found}", "classes": []}}))

    async def close(self) -> None:
        """Close the stream, and what is below it, which not every release of the library closes."""
        for stream in (self._chunks, self._below):
            closing = getattr(stream, "aclose", None)
            if closing is not None:
                await closing()

    async def _next(self) -> Any:
        """Return the next chunk, what was Raised, or None at the end."""
        try:
            return await self._library.next_of(self._chunks, self._clock)
        except StopAsyncIteration:
            return None


def _event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


def as_json(answer: Any) -> bytes | str:
    """Return an answer of the library as JSON, or why it is none."""
    try:
        text: str = answer.model_dump_json(exclude_none=True, warnings=False)
        return text.encode()
    except Exception as error:  # noqa: BLE001, whatever is wrong with what the library made
        return type(error).__name__


def _is_made_up(chunks: Any) -> bool:
    """Tell whether the last of *chunks* is the library's own `stop`, for an answer without an end."""
    has_ended = any(getattr(chunks, name, None) for name in ("received_finish_reason", "intermittent_finish_reason"))
    return getattr(chunks, "sent_last_chunk", False) and not has_ended


def _without_guesses(chunk: bytes, chunks: Any) -> bytes:
    """Take the usage out of a chunk where the provider said none: the library counts by itself then."""
    if b'"usage"' not in chunk:
        return chunk
    said = any(getattr(known, "usage", None) for known in getattr(chunks, "chunks", None) or ())
    if said:
        return chunk
    plain = _PLAIN.decode(chunk)
    del plain["usage"]
    return ENCODER.encode(plain)


def headers_of(answer: Any) -> Mapping[str, str]:
    """Return the headers of the provider's own answer, as far as the library passes them on."""
    hidden: Any = getattr(answer, "_hidden_params", None)
    found: Any = hidden.get("additional_headers") if hasattr(hidden, "get") else None
    if not hasattr(found, "items"):
        return _NO_HEADERS
    own = {
        str(name).lower().removeprefix(_OF_THE_PROVIDER): str(value)
        for name, value in found.items()
        if str(name).lower().startswith(_OF_THE_PROVIDER)
    }
    return named(own)


def named(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return *headers* with the id of the request under one name, however its provider calls it."""
    request_id = next((headers[name] for name in _REQUEST_IDS if name in headers), None)
    return headers if request_id is None else {**headers, "x-request-id": request_id}


def beneath(chunks: Any) -> Any:
    """Return the answer of HTTP that *chunks* are read from, None where it is not to be found."""
    stream = getattr(chunks, "completion_stream", None)
    known = getattr(stream, "http_response", None) or getattr(stream, "response", None)
    if known is not None:
        return known
    # Its lines come from a method of it, a generator.
    frame = getattr(getattr(stream, "streaming_response", None), "ag_frame", None)
    return None if frame is None else frame.f_locals.get("self")
