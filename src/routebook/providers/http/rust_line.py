"""Rust line: one connection of the Rust client, in the hands of one exchange at a time.

A client of the library has connections of its own and tells nothing of them, so each line is a client with one
connection: what is in use, kept or closed is then known, and said, here as for any other library. A client for https
reads the system's certificates, which takes 5 ms, in a thread; one for http reads none.
"""

from __future__ import annotations

import asyncio
import atexit
import time
from collections.abc import Coroutine, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from types import coroutine
from typing import Any, TypeVar, cast

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BuilderError, PyreqwestError
from pyreqwest.http import Url
from pyreqwest.proxy import ProxyBuilder
from pyreqwest.request import RequestBody, StreamRequest
from pyreqwest.response import Response

from .exchange import ExchangeFault, no_certificates
from .idle_room import IDLE_S
from .severing import Mark, can_sever, new_mark, sever

T = TypeVar("T")

_AGAIN_S = 0.02
_LOOKS = 10
_GRACE_S = 1.0


@dataclass(slots=True, eq=False)
class Written:
    """A request as lines take it; its headers are checked."""

    method: str
    url: Url
    headers: list[tuple[str, str]] = field(repr=False)
    body: bytes = field(repr=False)
    connect_s: float
    total_s: float


@dataclass(frozen=True, slots=True)
class Route:
    """Where lines lead: to a server, in words, over TLS or not, by a proxy or none."""

    server: str
    encrypted: bool
    proxy: str | None = field(repr=False)


class Line:
    """A connection that is made at the first request, and anew where the server closed it meanwhile."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self.mark = new_mark()
        self._client: Client | None = None
        self._connect_s = 0.0
        self._form: tuple[Any, ...] = ()
        self._blank: StreamRequest | None = None
        self._is_asked = False
        self._is_broken = False

    def is_available(self) -> bool:
        """Tell whether it can carry another exchange."""
        return not (self._is_broken or self._is_asked)

    def has_expired(self) -> bool:
        """Tell whether it was closed meanwhile: the library finds out by itself, and connects again."""
        return self._is_broken

    async def aclose(self) -> None:
        """Close it, whatever is under way."""
        self._is_broken = True
        if self._is_asked:
            sever(self.mark)
        self._client = self._blank = None

    async def ask(self, written: Written) -> LineAnswer:
        """Send a request and wait for the head of its answer; it takes no longer to connect than the request says."""
        request = await self._request(written)
        if self._is_broken:
            raise ExchangeFault("connection", "the client is closed")
        entering = request.__aenter__()
        self._is_asked = True
        _BUSY.add(self)
        try:
            return LineAnswer(self, request, await _uncut(entering))
        except PyreqwestError:
            self.release(is_whole=False)
            raise
        except asyncio.CancelledError:
            self.release(is_whole=False)
            await self._let_go(request, entering)
            raise
        except BaseException:
            self.release(is_whole=False)
            sever(self.mark)
            raise

    def release(self, *, is_whole: bool) -> None:
        """End an exchange; where its answer was not read to its end, nothing else goes over this line."""
        self._is_asked = False
        _BUSY.discard(self)
        self._is_broken = self._is_broken or not is_whole

    async def _request(self, written: Written) -> StreamRequest:
        """Return a request with the body of *written*; what is alike for most requests is made once."""
        form = (written.method, written.url, written.headers, written.total_s)
        if self._client is None or self._connect_s != written.connect_s:
            self._client, self._connect_s = await self._connected_by(written.connect_s), written.connect_s
            self._blank = None
        if self._blank is None or form != self._form:
            builder = self._client.request(written.method, written.url).headers(written.headers)
            # Nothing outlives the exchange by much, not even what could not be closed.
            builder = builder.timeout(timedelta(seconds=written.total_s + _GRACE_S)).streamed_read_buffer_limit(0)
            self._form, self._blank = form, builder.build_streamed()
        return StreamRequest.from_request_and_body(self._blank, RequestBody.from_bytes(written.body))

    async def _connected_by(self, connect_s: float) -> Client:
        _end_in_order()
        build = _builder(self._route, self.mark, connect_s).build
        try:
            return await asyncio.to_thread(build) if self._route.encrypted else build()
        except BuilderError as error:
            raise no_certificates(self._route.server) from error
        except RuntimeError as error:
            message = (
                "the transport 'fast' cannot be used in a process that was forked off one that used it; begin"
                " processes by `spawn`, or say `settings: {transport: httpx2}`"
            )
            raise ExchangeFault("connection", message) from error

    async def _let_go(self, request: StreamRequest, entering: Coroutine[Any, Any, Response]) -> None:
        """Close the connection of a request that nobody waits for any more; wait a little for the library to see it.

        While a name is looked up there is no connection yet: one that is made later is closed then.
        """
        for _ in range(_LOOKS if can_sever() else 0):
            sever(self.mark)
            with suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN_S):
                    await _ended(request, entering)
                    return
        self._sever_until(asyncio.get_running_loop().time() + self._connect_s)

    def _sever_until(self, end: float) -> None:
        loop = asyncio.get_running_loop()
        sever(self.mark)
        if loop.time() < end:
            loop.call_later(_AGAIN_S, self._sever_until, end)


class LineAnswer:
    """An answer that comes over a line."""

    def __init__(self, line: Line, request: StreamRequest, response: Response) -> None:
        self.status = response.status
        self.headers = _read_headers(response)
        self._line = line
        self._request = request
        self._read = response.body_reader.read_chunk
        length = "" if "transfer-encoding" in self.headers else self.headers.get("content-length", "")
        self._missing = int(length) if length.isdecimal() else -1

    async def next_bytes(self) -> bytes | None:
        """Wait for more of the body."""
        if not self._missing:
            return None
        reading = self._read()
        try:
            piece = await _uncut(reading)
        except BaseException:
            reading.close()  # or the body stays locked, and cannot be closed
            raise
        if piece is None:
            self._missing = 0
            return None
        self._missing -= len(piece)
        return piece.to_bytes()

    async def end(self) -> None:
        """Leave the line fit for another request, if the body was read to its end, else close it."""
        is_whole = not self._missing
        self._line.release(is_whole=is_whole)
        if not is_whole:
            await self._request.__aexit__(None, None, None)


_BUSY: set[Line] = set()
"""The lines that an exchange goes over now."""


@cache
def _end_in_order() -> None:
    """See to it, once, that the library's thread is done with Python before Python ends; else it aborts the process."""

    @atexit.register
    def let_go() -> None:
        for line in list(_BUSY):
            sever(line.mark)
        time.sleep(_AGAIN_S)


@coroutine
def _uncut(asked: Coroutine[Any, Any, T]) -> Generator[Any, None, T]:
    """Wait for *asked*, which a cancellation of the wait leaves as it is, to be waited for again.

    The library would take the cancellation for itself, and forget it where its answer is just there.
    """
    while True:
        try:
            waiting = asked.send(None)
        except StopIteration as end:
            return cast(T, end.value)
        yield waiting


async def _ended(request: StreamRequest, entering: Coroutine[Any, Any, Response]) -> None:
    with suppress(PyreqwestError):
        await _uncut(entering)
        await request.__aexit__(None, None, None)


def _builder(route: Route, mark: Mark, connect_s: float) -> ClientBuilder:
    builder = (
        ClientBuilder()
        .runtime_multithreaded(False)
        .no_proxy()
        .http1_only()
        .http1_lower_case_headers()
        .follow_redirects(False)
        .referer(False)
        .gzip(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .user_agent("")
        .connect_timeout(timedelta(seconds=connect_s))
        .pool_max_idle_per_host(1)
        .pool_idle_timeout(timedelta(seconds=IDLE_S))
        .tcp_keepalive(mark.idle)
        .tcp_keepalive_interval(mark.interval)
    )
    if route.proxy is not None:
        builder = builder.proxy(ProxyBuilder.all(route.proxy))
    # Without TLS there is nothing to trust, and no certificates are read for it.
    return builder if route.encrypted else builder.danger_accept_invalid_certs(True)


def _read_headers(response: Response) -> Mapping[str, str]:
    """Return headers by their names in lower case; the values of one that comes more often are joined."""
    try:
        headers = response.headers.dict_multi_value()
    except ValueError:
        headers = _readable(response)
    return {name: value if isinstance(value, str) else ", ".join(value) for name, value in headers.items()}


def _readable(response: Response) -> dict[str, str | list[str]]:
    """Return the headers without those whose values the library cannot read, as they are outside ASCII."""
    found: dict[str, str | list[str]] = {}
    for name in set(response.headers):
        with suppress(ValueError):
            found[name] = response.get_header_all(name)
    return found
