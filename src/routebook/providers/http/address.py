"""Address: where a request goes, read once; and how a connection to there is made, by a proxy if need be."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any

import httpcore2
import httpx2

from .connections import Connection
from .exchange import ExchangeFault
from .idle_room import IDLE_S
from .network import Network
from .proxies import proxy_for

_KEPT: dict[str, Any] = {"keepalive_expiry": IDLE_S, "network_backend": Network()}


@dataclass(frozen=True, slots=True)
class Address:
    """A URL as the wire has it. `server` is its scheme, host and port, in words; `host` the value of that header."""

    url: httpcore2.URL
    server: str
    host: bytes


@lru_cache(maxsize=256)
def read_address(text: str) -> Address:
    """Read a URL.

    Raises:
        ExchangeFault: It is none that a request can go to, or it holds a user's name.
    """
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL as error:
        raise ExchangeFault("connection", f"the address cannot be read: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ExchangeFault("connection", "the address does not begin with http:// or https:// and a host's name")
    if url.userinfo:
        raise ExchangeFault("connection", "the address holds a user or password; use api_key or a header for it")
    return Address(_wire_url(url), f"{url.scheme}://{url.netloc.decode('ascii')}", url.netloc)


def maker(address: Address) -> Callable[[], Connection]:
    """Return what makes connections to the server of *address*; nothing is connected yet.

    Raises:
        ExchangeFault: The proxy that the environment names cannot be used.
    """
    scheme = address.url.scheme.decode("ascii")
    context = _trusting_context() if scheme == "https" else None
    proxy = proxy_for(scheme, address.url.host.decode("ascii"))
    try:
        pool = _proxied(proxy, context) if proxy else httpcore2.AsyncConnectionPool(context, **_KEPT)
    except (httpx2.InvalidURL, ImportError, RuntimeError, ValueError) as error:
        message = f"the proxy that the environment names for {scheme}:// cannot be used"
        raise ExchangeFault("connection", message) from error
    return partial(pool.create_connection, address.url.origin)


def _proxied(address: str, context: ssl.SSLContext | None) -> httpcore2.AsyncConnectionPool:
    proxy = httpx2.Proxy(address)
    kind = httpcore2.AsyncSOCKSProxy if proxy.url.scheme.startswith("socks") else httpcore2.AsyncHTTPProxy
    return kind(proxy_url=_wire_url(proxy.url), proxy_auth=proxy.raw_auth, ssl_context=context, **_KEPT)


def _wire_url(url: httpx2.URL) -> httpcore2.URL:
    return httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


@cache
def _trusting_context() -> ssl.SSLContext:
    """Make the process's one TLS context; reading the certificates takes 25 ms."""
    return httpcore2.default_ssl_context()
