"""Exchanges over httpx2, or rather its connections: no cookies, no redirects, no `.netrc`, no credentials out of URLs.

What the library's client and pool would do besides costs a call more than all the rest. The environment's proxies are
used, except for loopback.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from time import monotonic
from typing import Any, Protocol, cast

import httpcore2

from ...routing.provider_spec import Timeouts
from .address import Address
from .causes import FOREIGN, fault_of
from .dialing import maker, wire_url
from .exchange import ExchangeFault, HttpRequest, client_is_closed
from .headers import read_headers, sent_headers
from .keep_alive import idle_s
from .transfer import Answer, PooledTransport


class HttpxTransport(PooledTransport["_Line", httpcore2.Request]):
    """A Transport over httpx2's connections, made at the first request to an address."""

    foreign = FOREIGN

    def _maker(self, address: Address) -> Callable[[], _Line]:
        make = maker(address)
        return lambda: _Line(make())

    def _written(self, request: HttpRequest, address: Address, timeouts: Timeouts) -> httpcore2.Request:
        headers = [
            (name.encode("ascii"), value.encode("ascii")) for name, value in sent_headers(request.headers, address.host)
        ]
        return httpcore2.Request(
            request.method.encode("ascii"),
            wire_url(address.url),
            headers=[*headers, (b"content-length", b"%d" % len(request.body))],
            content=request.body,
            extensions={"timeout": {"connect": timeouts.connect}},
        )

    async def _ask(self, connection: _Line, written: httpcore2.Request) -> Answer:
        return _Answer(await connection.ask(written), connection)

    def fault_of(self, error: Exception, address: Address, timeouts: Timeouts) -> ExchangeFault:
        """Return the fault that a foreign *error* stands for."""
        return fault_of(error, address.server, timeouts.connect)


class _Line:
    """A connection of the library's."""

    def __init__(self, inner: httpcore2.AsyncConnectionInterface) -> None:
        self.has_sent = False
        self._inner = inner
        self._idle_until = 0.0
        self._is_closed = False

    async def ask(self, written: httpcore2.Request) -> httpcore2.Response:
        """Send a request and wait for the head of its answer."""
        if not self.has_sent:
            written.extensions["trace"] = self._note
        return await self._inner.handle_async_request(written)

    def rest(self, rest_s: float) -> None:
        """Say that it can be used again for so many seconds."""
        self._idle_until = monotonic() + rest_s

    def is_available(self) -> bool:
        """Tell whether it can carry another exchange."""
        return self._inner.is_available() and not _has_more(self._inner)

    def has_expired(self) -> bool:
        """Tell whether it, idle, was closed by the other side or is too old."""
        return monotonic() >= self._idle_until or self._inner.has_expired()

    async def aclose(self) -> None:
        """Close it, whatever is under way."""
        self._is_closed = True
        await self._inner.aclose()

    async def _note(self, step: str, told: Mapping[str, Any]) -> None:
        """Take note of a *step* that the library is about to take on a new connection.

        The first request on it may be the library's own, to a proxy.

        Raises:
            ExchangeFault: It was closed while it connected, which the library cannot be told: nothing is sent.
        """
        if step == "http11.send_request_headers.started" and told["request"].method != b"CONNECT":
            if self._is_closed:
                raise client_is_closed()
            self.has_sent = True


class _Stream(Protocol):
    """The body of an answer as the library has it: closing it makes the connection idle, if it was read to its end."""

    def __aiter__(self) -> AsyncGenerator[bytes, None]: ...

    async def aclose(self) -> None: ...


class _Answer:
    """An answer of the library's, which does not tell what of it is there."""

    is_ready = False

    def __init__(self, response: httpcore2.Response, line: _Line) -> None:
        self._line = line
        self.status = response.status
        self.headers = read_headers(response.headers)
        self._stream = cast(_Stream, response.stream)
        self._pieces = self._stream.__aiter__()

    async def next_bytes(self) -> bytes | None:
        """Wait for more of the body."""
        return await anext(self._pieces, None)

    async def end(self) -> None:
        """Make the connection idle, if the body was read to its end, or close it."""
        self._line.rest(idle_s(self.headers))
        await self._pieces.aclose()
        await self._stream.aclose()


def _has_more(connection: httpcore2.AsyncConnectionInterface) -> bool:
    """Tell whether bytes came behind the end of the answer, or its end is the connection's.

    The library says so nowhere, and would read such bytes as the answer to the next request.
    """
    inner: object = connection
    while (beneath := getattr(inner, "_connection", None)) is not None:
        inner = beneath
    state = getattr(inner, "_h11_state", None)
    return state is not None and state.trailing_data != (b"", False)
