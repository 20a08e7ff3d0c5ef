"""Proxies: which one the environment names for an address; none for this machine itself."""

from __future__ import annotations

import ipaddress
from urllib.request import getproxies, proxy_bypass

from .exchange import ExchangeFault


def proxy_for(scheme: str, host: str) -> str | None:
    """Return the address of the proxy for requests to *host*, or None."""
    if _is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy or None


def unusable(scheme: str) -> ExchangeFault:
    """Return the fault of a proxy that cannot be used, without its address, which may hold a password."""
    message = f"the proxy that the environment names for {scheme}:// cannot be used"
    return ExchangeFault("connection", message, sent=False)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
