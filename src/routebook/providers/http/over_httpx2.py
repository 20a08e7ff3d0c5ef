"""Exchanges over httpx2, or rather its connections: no cookies, no redirects, no `.netrc`, no credentials out of URLs.

What the library's client and pool would do besides costs a call more than all the rest. The environment's proxies are
used, except for loopback.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol, cast

import httpcore2

from ...routing.provider_spec import Timeouts
from .address import Address, maker, read_address
from .causes import FOREIGN, fault_of
from .clock import Clock
from .connections import Connection, Connections
from .decompress import Body
from .exchange import DEFAULT_CONNECTIONS, ConnectionLimits, ExchangeFault, HttpRequest, HttpResponse, HttpStream
from .idle_room import IdleRoom

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_HEADER_VALUE = re.compile(r"(?![\t ])[\t\x20-\x7e]*(?<![\t ])").fullmatch
_OWN_HEADERS = ("accept-encoding", "content-length", "transfer-encoding")


class HttpxTransport:
    """A Transport over httpx2's connections, made at the first request to an address."""

    def __init__(self, limits: ConnectionLimits = DEFAULT_CONNECTIONS) -> None:
        self._limits = limits
        self._room: IdleRoom[Connection] = IdleRoom(limits.most_idle) if limits.room is None else limits.room
        self._connections: dict[str, Connections] = {}
        self._closed = False

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse:
        """Send *request* and read the whole answer; see `Transport.send`."""
        exchange = await self._begin(request, timeouts)
        try:
            exchange.begin_content()
            content = bytearray()
            while (piece := await exchange.next_piece()) is not None:
                content += piece
            return HttpResponse(exchange.status, exchange.headers, bytes(content))
        finally:
            await exchange.end()

    @asynccontextmanager
    async def stream(self, request: HttpRequest, timeouts: Timeouts) -> AsyncGenerator[HttpStream, None]:
        """Send *request*, and read the answer while it comes; see `Transport.stream`."""
        exchange = await self._begin(request, timeouts)
        try:
            yield exchange
        finally:
            await exchange.end()

    async def close(self) -> None:
        """Close every connection; later requests are refused."""
        self._closed = True
        for connections in self._connections.values():
            await connections.close()
        self._connections.clear()

    async def _begin(self, request: HttpRequest, timeouts: Timeouts) -> _Exchange:
        """Send *request* and wait for the head of the answer."""
        if self._closed:
            raise ExchangeFault("connection", "the client is closed")
        address = read_address(request.url)
        foreign = _foreign_request(request, address, timeouts.connect)
        connections = self._connections_to(address)
        clock = Clock(timeouts)
        connection = await connections.take(min(self._limits.queue_timeout_s, timeouts.total))
        try:
            clock.begin()
            async with asyncio.timeout_at(clock.deadline()):
                response = await connection.handle_async_request(foreign)
            return _Exchange(response, connections, connection, clock, address)
        except BaseException as error:
            await connections.give_back(connection)
            if isinstance(error, FOREIGN):
                raise _told(error, clock, address) from error
            raise

    def _connections_to(self, address: Address) -> Connections:
        connections = self._connections.get(address.server)
        if connections is None:
            connections = Connections(address.server, maker(address), self._limits.most, self._room)
            self._connections[address.server] = connections
        return connections


class _Stream(Protocol):
    """The body of an answer as the library has it: closing it makes the connection idle, if it was read to its end."""

    def __aiter__(self) -> AsyncGenerator[bytes, None]: ...

    async def aclose(self) -> None: ...


class _Exchange:
    """An answer whose head is there, as an HttpStream; `end` has to be called."""

    def __init__(
        self,
        response: httpcore2.Response,
        connections: Connections,
        connection: Connection,
        clock: Clock,
        address: Address,
    ) -> None:
        self.status = response.status
        self.headers = _read_headers(response.headers)
        self._body = Body(self.headers.get("content-encoding", ""))
        self._stream = cast(_Stream, response.stream)
        self._pieces = self._stream.__aiter__()
        self._connections = connections
        self._connection = connection
        self._clock = clock
        self._address = address

    def begin_content(self) -> None:
        """Say that the first content is there."""
        self._clock.begin_content()

    async def next_piece(self) -> bytes | None:
        """Wait for more of the body; see `HttpStream.next_piece`. The clock rests while nobody waits."""
        try:
            piece = await self._timed_piece()
            if piece is not None:
                return self._body.take(piece)
            self._body.end()
        except ExchangeFault as fault:
            fault.head = HttpResponse(self.status, self.headers, b"")
            raise
        return None

    async def _timed_piece(self) -> bytes | None:
        try:
            async with asyncio.timeout_at(self._clock.deadline()):
                return await self._packed_piece()
        except FOREIGN as error:
            raise _told(error, self._clock, self._address) from error

    async def _packed_piece(self) -> bytes | None:
        if not self._body.has_more:
            return await anext(self._pieces, None)
        await asyncio.sleep(0)
        return b""

    async def end(self) -> None:
        """Keep the connection, if the body was read to its end, or close it."""
        try:
            await self._pieces.aclose()
            await self._stream.aclose()
        finally:
            await self._connections.give_back(self._connection)


def _told(error: Exception, clock: Clock, address: Address) -> ExchangeFault:
    if isinstance(error, TimeoutError):
        return ExchangeFault("timeout", clock.sentence)
    return fault_of(error, address.server, clock.connect_s)


def _foreign_request(request: HttpRequest, address: Address, connect_s: float) -> httpcore2.Request:
    headers = [(b"host", address.host)] if "host" not in request.headers else []
    for name, value in request.headers.items():
        if not _HEADER_NAME(name) or not _HEADER_VALUE(value):
            message = (
                f"header {name!r} holds what HTTP cannot carry there: a line break, a letter outside ASCII, or a blank"
                " at its begin or end"
            )
            raise ExchangeFault("bad_request", message)
        if name not in _OWN_HEADERS:
            headers.append((name.encode("ascii"), value.encode("ascii")))
    headers += ((b"accept-encoding", b"gzip, deflate"), (b"content-length", b"%d" % len(request.body)))
    return httpcore2.Request(
        request.method.encode("ascii"),
        address.url,
        headers=headers,
        content=request.body,
        extensions={"timeout": {"connect": connect_s}},
    )


def _read_headers(raw: list[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Return headers by their names in lower case; the values of one that comes more often are joined."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers
