"""Address: where a request goes, read once, whatever library goes there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import httpx2

from .exchange import ExchangeFault


@dataclass(frozen=True, slots=True)
class Address:
    """A URL as the wire has it. `server` is its scheme, host and port, in words; `host` the value of that header,
    `name` the host alone.
    """

    url: httpx2.URL
    scheme: str
    name: str
    host: str
    server: str


@lru_cache(maxsize=256)
def read_address(text: str) -> Address:
    """Read a URL.

    Raises:
        ExchangeFault: It is none that a request can go to, or it holds a user's name.
    """
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL as error:
        raise _no_address(f"the address cannot be read: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise _no_address("the address does not begin with http:// or https:// and a host's name")
    if url.userinfo:
        raise _no_address("the address holds a user or password; use api_key or a header for it")
    host = url.netloc.decode("ascii")
    return Address(url, url.scheme, url.raw_host.decode("ascii"), host, f"{url.scheme}://{host}")


def _no_address(why: str) -> ExchangeFault:
    return ExchangeFault("connection", why, sent=False)
