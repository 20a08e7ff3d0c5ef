"""Exchanges over httpx2: the only file that knows the library.

Works on its connection pool, one a server address, below its client: no cookies, no redirects, no `.netrc`, no
credentials out of URLs. The environment's proxies are used, except for loopback.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from functools import cache, lru_cache, partial
from typing import cast

import httpx2

from ...routing.provider_spec import Timeouts
from .clock import Clock
from .decompress import Body
from .exchange import DEFAULT_CONNECTIONS, ConnectionLimits, ExchangeFault, HttpRequest, HttpResponse, HttpStream
from .proxies import proxy_for

_IDLE_S = 30.0
_ENCODINGS = {"accept-encoding": "gzip, deflate"}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


class HttpxTransport:
    """A Transport over httpx2's connection pools, made at the first request to an address."""

    def __init__(self, limits: ConnectionLimits = DEFAULT_CONNECTIONS) -> None:
        self._limits = limits
        self._pools: dict[str, httpx2.AsyncHTTPTransport] = {}
        self._closed = False

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse:
        """Send *request* and read the whole answer; see `Transport.send`."""
        clock = Clock(timeouts)
        with _told(request.url, clock, timeouts):
            pool, foreign = self._prepared(request, timeouts)
            async with asyncio.timeout_at(clock.deadline()) as timer:
                response = await pool.handle_async_request(foreign)
                try:
                    return await _whole(response, clock, timer)
                finally:
                    await response.aclose()

    @asynccontextmanager
    async def stream(self, request: HttpRequest, timeouts: Timeouts) -> AsyncGenerator[HttpStream, None]:
        """Send *request*, and read the answer while it comes; see `Transport.stream`."""
        clock = Clock(timeouts)
        with _told(request.url, clock, timeouts):
            pool, foreign = self._prepared(request, timeouts)
            async with asyncio.timeout_at(clock.deadline()):
                response = await pool.handle_async_request(foreign)
        try:
            yield _Stream(response, partial(_told, request.url, clock, timeouts), clock)
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close every connection; later requests are refused."""
        self._closed = True
        for pool in self._pools.values():
            await pool.aclose()
        self._pools.clear()

    def _prepared(self, request: HttpRequest, timeouts: Timeouts) -> tuple[httpx2.AsyncHTTPTransport, httpx2.Request]:
        if self._closed:
            raise ExchangeFault("connection", "the client is closed")
        url = _read_url(request.url)
        foreign = _foreign_request(request, url, timeouts, self._limits)
        address = _address(url)
        pool = self._pools.get(address)
        if pool is None:
            pool = self._pools[address] = _make_pool(url, self._limits)
        return pool, foreign


class _Stream:
    """An HttpStream over an open response of httpx2's."""

    def __init__(
        self, response: httpx2.Response, told: Callable[[], AbstractContextManager[None]], clock: Clock
    ) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = dict(response.headers)
        self._response = response
        self._told = told
        self._clock = clock

    def begin_content(self) -> None:
        """Say that the first content is there."""
        self._clock.begin_content()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes; see `HttpStream.pieces`. The clock rests while nobody waits for a piece."""
        body = Body(self.headers.get("content-encoding", ""))
        coming = _stream_of(self._response).__aiter__()
        while True:
            with self._told():
                async with asyncio.timeout_at(self._clock.deadline()):
                    piece = await anext(coming, None)
            if piece is None:
                body.end()
                return
            yield body.take(piece)


async def _whole(response: httpx2.Response, clock: Clock, timer: asyncio.Timeout) -> HttpResponse:
    clock.begin_content()
    timer.reschedule(clock.deadline())
    headers = dict(response.headers)
    body = Body(headers.get("content-encoding", ""))
    content = bytearray()
    async for piece in _stream_of(response):
        content += body.take(piece)
        timer.reschedule(clock.deadline())
    body.end()
    return HttpResponse(response.status_code, headers, bytes(content))


def _stream_of(response: httpx2.Response) -> httpx2.AsyncByteStream:
    """Return the body as it comes off the connection, still compressed."""
    return cast(httpx2.AsyncByteStream, response.stream)


@contextmanager
def _told(address: str, clock: Clock, timeouts: Timeouts) -> Iterator[None]:
    """Raise what the library raises inside the block as an ExchangeFault."""
    try:
        yield
    except TimeoutError as error:
        raise ExchangeFault("timeout", clock.sentence) from error
    except httpx2.ConnectTimeout as error:
        message = f"no connection to {_address(_read_url(address))} within {timeouts.connect:g} s"
        raise ExchangeFault("timeout", message) from error
    except (httpx2.HTTPError, OSError) as error:
        raise _fault_of(error, _address(_read_url(address))) from error


@lru_cache(maxsize=256)
def _read_url(text: str) -> httpx2.URL:
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL as error:
        raise ExchangeFault("connection", f"the address cannot be read: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ExchangeFault("connection", "the address does not begin with http:// or https:// and a host's name")
    if url.userinfo:
        raise ExchangeFault("connection", "the address holds a user or password; use api_key or a header for it")
    return url


def _address(url: httpx2.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _foreign_request(
    request: HttpRequest, url: httpx2.URL, timeouts: Timeouts, limits: ConnectionLimits
) -> httpx2.Request:
    for name, value in request.headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            message = f"header {name!r} holds what HTTP cannot carry there: a line break, or a letter outside ASCII"
            raise ExchangeFault("bad_request", message)
    return httpx2.Request(
        request.method,
        url,
        headers={**request.headers, **_ENCODINGS},
        content=request.body,
        extensions={"timeout": {"connect": timeouts.connect, "pool": limits.queue_timeout_s}},
    )


def _make_pool(url: httpx2.URL, limits: ConnectionLimits) -> httpx2.AsyncHTTPTransport:
    foreign = httpx2.Limits(
        max_connections=limits.most, max_keepalive_connections=limits.most_idle, keepalive_expiry=_IDLE_S
    )
    context = _trusting_context() if url.scheme == "https" else _distrusting_context()
    try:
        return httpx2.AsyncHTTPTransport(verify=context, limits=foreign, proxy=proxy_for(url.scheme, url.host))
    except (httpx2.InvalidURL, ImportError, ValueError) as error:
        message = f"the proxy that the environment names for {url.scheme}:// cannot be used"
        raise ExchangeFault("connection", message) from error


@cache
def _trusting_context() -> ssl.SSLContext:
    """Make the process's one TLS context; reading the certificates takes 25 ms."""
    return httpx2.create_ssl_context()


@cache
def _distrusting_context() -> ssl.SSLContext:
    """Make the context of plain http:// pools. It knows no certificates: if it were ever used, it would refuse."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _fault_of(error: httpx2.HTTPError | OSError, address: str) -> ExchangeFault:
    if isinstance(error, httpx2.PoolTimeout):
        return ExchangeFault("queue_timeout", f"every connection to {address} was in use")
    if isinstance(error, httpx2.ConnectError):
        return ExchangeFault("connection", f"could not connect to {address} ({_cause(error)})")
    if isinstance(error, httpx2.ProxyError):
        return ExchangeFault("connection", f"the proxy refused to connect to {address} ({error})")
    if isinstance(error, httpx2.LocalProtocolError):
        return ExchangeFault("bad_request", f"the request is no valid HTTP ({_cause(error)}); check its headers")
    if isinstance(error, httpx2.ProtocolError) and not _went_away(error):
        return ExchangeFault("malformed_response", f"{address} does not speak HTTP as it should ({_cause(error)})")
    return ExchangeFault("connection", f"the connection to {address} broke ({_cause(error)})")


def _went_away(error: httpx2.ProtocolError) -> bool:
    """Tell a peer that hung up from one that talks nonsense; h11 has one exception for both, and only words."""
    text = str(error).lower()
    return "disconnected" in text or "peer closed" in text


def _cause(error: BaseException) -> str:
    """Return the system's words for why: those of the innermost OSError, else the library's."""
    text = str(error) or type(error).__name__
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, OSError) and cause.strerror:
            text = cause.strerror
    return text[:1].lower() + text[1:].removesuffix(".")


def _chain(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        first = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else None
        cause = first or cause.__cause__ or cause.__context__
