"""Exchanges over asyncio's own transports, read by httptools, a parser in C: HTTP/1.1, no cookies, no redirects.

The twin of `over_httpx2`, for those who want a call to cost less CPU. Imported where the extra `fast` is installed.
What goes by a proxy of the environment's goes over httpx2.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from ...routing.provider_spec import Timeouts
from .address import Address, read_address
from .causes import FOREIGN, fault_of
from .dialing import trusting
from .exchange import DEFAULT_CONNECTIONS, ConnectionLimits, ExchangeFault, HttpRequest
from .headers import sent_headers
from .over_httpx2 import HttpxTransport
from .proxies import proxy_for
from .socket_line import Server, SocketLine, Written
from .transfer import Answer, Exchange, PooledTransport

_PORTS = {"http": 80, "https": 443}


class HttptoolsTransport(PooledTransport[SocketLine, Written]):
    """A Transport over sockets, made at the first request to an address."""

    foreign = FOREIGN

    def __init__(self, limits: ConnectionLimits = DEFAULT_CONNECTIONS) -> None:
        super().__init__(limits)
        self._by_proxy = HttpxTransport(limits)
        self._is_proxied: dict[str, bool] = {}
        self._given: tuple[str, str, Mapping[str, str]] = ("", "", {})
        self._head = b""

    def _begin(self, request: HttpRequest, timeouts: Timeouts) -> Coroutine[Any, Any, Exchange[Any, Any]]:
        address = read_address(request.url)
        is_proxied = self._is_proxied.get(address.server)
        if is_proxied is None:
            is_proxied = self._is_proxied[address.server] = proxy_for(address.scheme, address.name) is not None
        return self._by_proxy._begin(request, timeouts) if is_proxied else super()._begin(request, timeouts)

    async def close(self) -> None:
        """Close every connection; later requests are refused."""
        await super().close()
        await self._by_proxy.close()

    def _maker(self, address: Address) -> Callable[[], SocketLine]:
        return partial(SocketLine, Server(address.name, address.url.port or _PORTS[address.scheme], trusting(address)))

    def _written(self, request: HttpRequest, address: Address, timeouts: Timeouts) -> Written:
        """Return *request* as lines take it; a head equal to the last is not written again."""
        if self._given != (request.method, request.url, request.headers):
            self._head = _head(request, address)
            self._given = (request.method, request.url, dict(request.headers))
        return Written(b"%s%d\r\n\r\n" % (self._head, len(request.body)), request.body, timeouts.connect)

    def _ask(self, connection: SocketLine, written: Written) -> Coroutine[Any, Any, Answer]:
        return connection.ask(written)

    def fault_of(self, error: Exception, address: Address, timeouts: Timeouts) -> ExchangeFault:
        """Return the fault that a foreign *error* stands for."""
        return fault_of(error, address.server, timeouts.connect)


def _head(request: HttpRequest, address: Address) -> bytes:
    """Return the head of *request* up to the number that is the length of its body."""
    lines = [f"{request.method} {address.url.raw_path.decode('ascii')} HTTP/1.1"]
    lines += (f"{name}: {value}" for name, value in sent_headers(request.headers, address.host))
    return "\r\n".join([*lines, "content-length: "]).encode("ascii")
