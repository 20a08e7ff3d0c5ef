"""Socket line: one connection on asyncio's own transport, in the hands of one exchange at a time.

Neither side runs ahead: of an answer that nobody reads, and of a request that the server does not read, no more than a
bound is held. An answer may come before its request is whole; it is read then, and the rest is not sent.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import httpcore2

from .answer_reader import AnswerReader
from .exchange import ExchangeFault
from .keep_alive import idle_s
from .news import has_news
from .reach import reach

_MOST_WAITING_BYTES = 256 * 1024
_PIECE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Server:
    """Where lines lead."""

    name: str
    port: int
    tls: ssl.SSLContext | None


@dataclass(slots=True)
class Written:
    """A request as lines take it."""

    head: bytes = field(repr=False)
    body: bytes = field(repr=False)
    connect_s: float


class SocketLine(asyncio.Protocol):
    """A connection that is made at the first request. It is the answer to the request that it carries as well."""

    status: int
    headers: Mapping[str, str]

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader: AnswerReader | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._broken: Exception | None = None
        self._is_full = False
        self._is_paused = False
        self._is_sent = True
        self._over_at = 0.0
        self._idle_until = 0.0

    @property
    def has_sent(self) -> bool:
        """Whether a byte of the request that it carries may have gone out."""
        return self._reader is not None

    def is_available(self) -> bool:
        """Tell whether it can carry another exchange."""
        return self._reader is None and self._broken is None and self._transport is not None

    def has_expired(self) -> bool:
        """Tell whether it, idle, was closed by the other side or is too old."""
        if self._broken is not None or self._transport is None or self._loop.time() >= self._idle_until:
            return True
        return has_news(self._transport.get_extra_info("socket").fileno())

    async def aclose(self) -> None:
        """Close it, whatever is under way."""
        self._break(ExchangeFault("connection", "the client is closed"))

    async def ask(self, written: Written) -> SocketLine:
        """Send a request and wait for the head of its answer; it takes no longer to connect than the request says."""
        transport = self._transport or await self._connected(written.connect_s)
        reader = self._reader = AnswerReader()
        if len(written.body) <= _PIECE_BYTES:
            transport.write(written.head + written.body)
        else:
            await self._send(transport, reader, written)
        while not reader.has_head:
            await self._change()
        self.status, self.headers = reader.status, reader.headers
        return self

    @property
    def is_ready(self) -> bool:
        """Whether more of the body is there, or its end."""
        reader = self._reader
        return reader is not None and (reader.waiting_bytes > 0 or reader.is_over)

    async def next_bytes(self) -> bytes | None:
        """Wait for more of the body."""
        reader = self._reader
        assert reader is not None
        while not reader.waiting_bytes:
            if reader.is_over:
                return None
            await self._change()
        if self._is_paused and not reader.is_over:
            self._resume()
        return reader.take()

    async def end(self) -> None:
        """Leave the line fit for another request, if its answer came to its end, else close it.

        One that is not read is closed as well: TLS may hold there, unseen, what follows the answer.
        """
        reader, transport = self._reader, self._transport
        assert reader is not None
        assert transport is not None
        reader.close()
        is_whole = reader.is_over and reader.keeps_alive and self._is_sent
        if not is_whole or self._is_paused or transport.get_write_buffer_size():
            await self.aclose()
            return
        self._reader = None
        self._idle_until = self._over_at + idle_s(self.headers)

    async def _connected(self, connect_s: float) -> asyncio.Transport:
        """Connect, to whichever address of the server's name answers first.

        Raises:
            ConnectTimeout: It took longer than *connect_s*, handshake included.
            ConnectError: It failed.
        """
        server = self._server
        try:
            async with asyncio.timeout(connect_s):
                reached = await reach(server.name, server.port)
                await self._loop.create_connection(
                    lambda: self,
                    sock=reached,
                    ssl=server.tls,
                    server_hostname=server.name if server.tls else None,
                    ssl_handshake_timeout=connect_s if server.tls else None,
                )
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout from error
        except (OSError, UnicodeError, OverflowError) as error:
            raise httpcore2.ConnectError(str(error) or "the peer closed it during the TLS handshake") from error
        if self._broken is not None:
            raise self._broken
        assert self._transport is not None
        return self._transport

    async def _send(self, transport: asyncio.Transport, reader: AnswerReader, written: Written) -> None:
        """Send a large request, no faster than the server reads it, and no further once it answers."""
        self._is_sent = False
        transport.write(written.head)
        for begin in range(0, len(written.body), _PIECE_BYTES):
            while self._is_full and not reader.has_head:
                await self._change()
            if reader.has_head or transport.is_closing():
                return
            transport.write(written.body[begin : begin + _PIECE_BYTES])
        self._is_sent = True

    async def _change(self) -> None:
        """Wait until something came, went, or broke.

        Raises:
            Exception: It had broken before: why.
        """
        if self._broken is not None:
            raise self._broken
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _resume(self) -> None:
        self._is_paused = False
        if self._transport is not None:
            self._transport.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _break(self, why: Exception) -> None:
        """Close the connection at once; whoever waits for it is told *why*, unless there was a reason before."""
        self._broken = self._broken or why
        if self._transport is not None:
            self._transport.abort()
        self._wake()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # other loops' are no heirs of asyncio's
        if self._broken is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        if reader is None:
            self._break(httpcore2.RemoteProtocolError("it answered what was not asked"))
            return
        try:
            reader.feed(data)
        except httpcore2.RemoteProtocolError as error:
            self._break(error)
            return
        if reader.is_over:
            self._over_at = self._loop.time()
        if reader.waiting_bytes > _MOST_WAITING_BYTES and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)

    def _end(self, why: Exception | None) -> None:
        """Take the end of the connection, *why* it ended if it broke."""
        try:
            if self._reader is not None and why is None and self._broken is None:
                self._reader.feed_end()
        except httpcore2.RemoteProtocolError as error:
            why = error
        self._break(why or httpcore2.ReadError("the connection was closed"))

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._wake()
