"""Exchanges over a Rust client: HTTP/1.1, no cookies, no redirects, no unpacking, no proxies but those found here.

The twin of `over_httpx2`, for those who want a call to cost less CPU. Imported where the extra `fast` is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial

from pyreqwest.http import Url

from ...routing.provider_spec import Timeouts
from .address import Address, read_address
from .exchange import DEFAULT_CONNECTIONS, ConnectionLimits, ExchangeFault, HttpRequest
from .headers import sent_headers
from .proxies import proxy_for, unusable
from .rust_causes import FOREIGN, fault_of
from .rust_line import Line, Route, Written
from .transfer import Answer, PooledTransport

_PROXIES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


class RustTransport(PooledTransport[Line, Written]):
    """A Transport over connections of the Rust client, made at the first request to an address."""

    foreign = FOREIGN

    def __init__(self, limits: ConnectionLimits = DEFAULT_CONNECTIONS) -> None:
        super().__init__(limits)
        self._given: Mapping[str, str] = {}
        self._sent: list[tuple[str, str]] = []
        self._sent_to = ""

    def _maker(self, address: Address) -> Callable[[], Line]:
        proxy = _proxy_for(address)
        encrypted = address.scheme == "https" or (proxy or "").startswith("https:")
        return partial(Line, Route(address.server, encrypted, proxy))

    def _written(self, request: HttpRequest, address: Address, timeouts: Timeouts) -> Written:
        """Return *request* as lines take it; headers equal to the last are not looked at again."""
        if self._sent_to != address.host or self._given != request.headers:
            self._sent = sent_headers(request.headers, address.host)
            self._given, self._sent_to = dict(request.headers), address.host
        return Written(request.method, _url(request.url), self._sent, request.body, timeouts.connect, timeouts.total)

    async def _ask(self, connection: Line, written: Written) -> Answer:
        return await connection.ask(written)

    def fault_of(self, error: Exception, address: Address, timeouts: Timeouts) -> ExchangeFault:
        """Return the fault that a foreign *error* stands for."""
        return fault_of(error, address.server, timeouts)


def _proxy_for(address: Address) -> str | None:
    """Return the proxy that the environment names, as the library takes it: names are resolved behind a SOCKS one."""
    proxy = proxy_for(address.scheme, address.name)
    if proxy is None:
        return None
    try:
        url = Url(proxy)
    except ValueError as error:
        raise unusable(address.scheme) from error
    if url.scheme not in _PROXIES:
        raise unusable(address.scheme)
    return proxy.replace("socks5://", "socks5h://", 1)


@lru_cache(maxsize=256)
def _url(text: str) -> Url:
    return Url(str(read_address(text).url))
