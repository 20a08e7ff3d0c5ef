"""Exchanges over httpx2, or rather its connections: no cookies, no redirects, no `.netrc`, no credentials out of URLs.

What the library's client and pool would do besides costs a call more than all the rest. The environment's proxies are
used, except for loopback.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Protocol, cast

import httpcore2

from ...routing.provider_spec import Timeouts
from .address import Address
from .causes import FOREIGN, fault_of
from .dialing import maker, wire_url
from .exchange import ExchangeFault, HttpRequest
from .headers import read_headers, sent_headers
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
        return _Answer(await connection.inner.handle_async_request(written))

    def fault_of(self, error: Exception, address: Address, timeouts: Timeouts) -> ExchangeFault:
        """Return the fault that a foreign *error* stands for."""
        return fault_of(error, address.server, timeouts.connect)


class _Line:
    """A connection of the library's."""

    def __init__(self, inner: httpcore2.AsyncConnectionInterface) -> None:
        self.inner = inner
        self.has_expired = inner.has_expired
        self.aclose = inner.aclose

    def is_available(self) -> bool:
        """Tell whether it can carry another exchange."""
        return self.inner.is_available() and not _has_more(self.inner)


class _Stream(Protocol):
    """The body of an answer as the library has it: closing it makes the connection idle, if it was read to its end."""

    def __aiter__(self) -> AsyncGenerator[bytes, None]: ...

    async def aclose(self) -> None: ...


class _Answer:
    """An answer of the library's, which does not tell what of it is there."""

    is_ready = False

    def __init__(self, response: httpcore2.Response) -> None:
        self.status = response.status
        self.headers = read_headers(response.headers)
        self._stream = cast(_Stream, response.stream)
        self._pieces = self._stream.__aiter__()

    async def next_bytes(self) -> bytes | None:
        """Wait for more of the body."""
        return await anext(self._pieces, None)

    async def end(self) -> None:
        """Make the connection idle, if the body was read to its end, or close it."""
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
