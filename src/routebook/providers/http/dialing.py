"""Dialing: how httpx2's connections to an address are made, by a proxy if need be; whom every library trusts."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import Any

import httpcore2
import httpx2

from .address import Address
from .exchange import no_certificates
from .network import Network
from .proxies import proxy_for, unusable

_NETWORK: dict[str, Any] = {"network_backend": Network()}


def maker(address: Address) -> Callable[[], httpcore2.AsyncConnectionInterface]:
    """Return what makes connections to the server of *address*; nothing is connected yet.

    Raises:
        ExchangeFault: The proxy that the environment names cannot be used, or no certificates can be read.
    """
    context = trusting(address)
    proxy = proxy_for(address.scheme, address.name)
    try:
        pool = _proxied(proxy, context) if proxy else httpcore2.AsyncConnectionPool(context, **_NETWORK)
    except (httpx2.InvalidURL, ImportError, RuntimeError, ValueError) as error:
        raise unusable(address.scheme) from error
    return partial(pool.create_connection, wire_url(address.url).origin)


def trusting(address: Address) -> ssl.SSLContext | None:
    """Return what tells whom to trust at *address*: the process's one TLS context, or None without TLS.

    Raises:
        ExchangeFault: No certificates can be read.
    """
    try:
        return _trusting_context() if address.scheme == "https" else None
    except OSError as error:
        raise no_certificates(address.server) from error


@lru_cache(maxsize=256)
def wire_url(url: httpx2.URL) -> httpcore2.URL:
    """Return *url* as the library's connections take it."""
    return httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _proxied(address: str, context: ssl.SSLContext | None) -> httpcore2.AsyncConnectionPool:
    proxy = httpx2.Proxy(address)
    kind = httpcore2.AsyncSOCKSProxy if proxy.url.scheme.startswith("socks") else httpcore2.AsyncHTTPProxy
    return kind(proxy_url=wire_url(proxy.url), proxy_auth=proxy.raw_auth, ssl_context=context, **_NETWORK)


@cache
def _trusting_context() -> ssl.SSLContext:
    """Make the process's one TLS context; reading the certificates takes 25 ms."""
    context = httpcore2.default_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
