"""Exchanges over httpx2: the only file that knows the library.

Works on its connection pool, one a server address, below its client: no cookies, no redirects, no `.netrc`, no
credentials out of URLs. The environment's proxies are used, except for loopback. One timer bounds an exchange:
to the first byte, between bytes, and over the whole call; connecting has its own.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import ssl
from collections.abc import Iterator
from functools import cache, lru_cache
from urllib.request import getproxies, proxy_bypass

import httpx2

from ...routing.provider_spec import Timeouts
from .exchange import ExchangeFault, HttpRequest, HttpResponse

LARGEST_BODY_BYTES = 64 * 1024 * 1024
# Few idle connections: the pool asks the system about each of them at every call, 10 µs apiece.
_LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=20, keepalive_expiry=30.0)
_ENCODINGS = {"accept-encoding": "gzip, deflate"}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


class HttpxTransport:
    """A Transport over httpx2's connection pools, made at the first request to an address."""

    def __init__(self) -> None:
        self._pools: dict[str, httpx2.AsyncHTTPTransport] = {}
        self._closed = False

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse:
        """Send *request* and read the whole answer; see `Transport.send`."""
        if self._closed:
            raise ExchangeFault("connection", "the client is closed")
        url = _read_url(request.url)
        address = _address(url)
        foreign = _foreign_request(request, url, timeouts)
        pool = self._pool(url, address)
        clock = _Clock(timeouts)
        try:
            async with clock.timer:
                return await _exchange(pool, foreign, clock, timeouts)
        except TimeoutError as error:
            raise ExchangeFault("timeout", clock.sentence) from error
        except httpx2.ConnectTimeout as error:
            raise ExchangeFault("timeout", f"no connection to {address} within {timeouts.connect:g} s") from error
        except (httpx2.HTTPError, OSError) as error:
            raise _fault_of(error, address) from error

    async def close(self) -> None:
        """Close every connection; later requests are refused."""
        self._closed = True
        for pool in self._pools.values():
            await pool.aclose()
        self._pools.clear()

    def _pool(self, url: httpx2.URL, address: str) -> httpx2.AsyncHTTPTransport:
        pool = self._pools.get(address)
        if pool is None:
            pool = self._pools[address] = _make_pool(url)
        return pool


class _Clock:
    """The one timer of an exchange: rings at the end of its phase or of the whole call, whichever is first."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._total = timeouts.total
        self._end = asyncio.get_running_loop().time() + timeouts.total
        self.timer = asyncio.timeout_at(self._end)
        self.sentence = ""

    def start_phase(self, seconds: float, sentence: str) -> None:
        end = asyncio.get_running_loop().time() + seconds
        total = self._end <= end
        self.sentence = f"no complete answer within {self._total:g} s" if total else sentence
        self.timer.reschedule(min(end, self._end))


async def _exchange(
    pool: httpx2.AsyncHTTPTransport, request: httpx2.Request, clock: _Clock, timeouts: Timeouts
) -> HttpResponse:
    clock.start_phase(timeouts.first_token, f"no answer within {timeouts.first_token:g} s")
    response = await pool.handle_async_request(request)
    stalled = f"the answer stalled: no further byte within {timeouts.idle:g} s"
    pieces: list[bytes] = []
    size = 0
    try:
        clock.start_phase(timeouts.idle, stalled)
        async for piece in response.aiter_bytes():
            size += len(piece)
            if size > LARGEST_BODY_BYTES:
                limit = LARGEST_BODY_BYTES // 2**20
                raise ExchangeFault("malformed_response", f"the answer is larger than {limit} MiB")
            pieces.append(piece)
            clock.start_phase(timeouts.idle, stalled)
    finally:
        await response.aclose()
    return HttpResponse(response.status_code, dict(response.headers), b"".join(pieces))


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


def _foreign_request(request: HttpRequest, url: httpx2.URL, timeouts: Timeouts) -> httpx2.Request:
    for name, value in request.headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            message = f"header {name!r} holds what HTTP cannot carry there: a line break, or a letter outside ASCII"
            raise ExchangeFault("bad_request", message)
    return httpx2.Request(
        request.method,
        url,
        headers={**request.headers, **_ENCODINGS},
        content=request.body,
        extensions={"timeout": {"connect": timeouts.connect}},
    )


def _make_pool(url: httpx2.URL) -> httpx2.AsyncHTTPTransport:
    context = _trusting_context() if url.scheme == "https" else _distrusting_context()
    try:
        return httpx2.AsyncHTTPTransport(verify=context, limits=_LIMITS, proxy=_proxy_for(url))
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


def _proxy_for(url: httpx2.URL) -> str | None:
    if _is_loopback(url.host) or proxy_bypass(url.host):
        return None
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy or None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _fault_of(error: httpx2.HTTPError | OSError, address: str) -> ExchangeFault:
    if isinstance(error, httpx2.ConnectError):
        return ExchangeFault("connection", f"could not connect to {address} ({_cause(error)})")
    if isinstance(error, httpx2.ProxyError):
        return ExchangeFault("connection", f"the proxy refused to connect to {address} ({error})")
    if isinstance(error, httpx2.DecodingError):
        return ExchangeFault("malformed_response", "the answer is compressed, and its compression is broken")
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
