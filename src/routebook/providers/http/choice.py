"""Choice: which transport carries requests, and making one. One of the lazy doors: the library of each is imported when
the first transport of its name is made.
"""

from __future__ import annotations

from importlib import import_module
from typing import Literal, cast

from ...errors import MissingExtra
from .exchange import ConnectionLimits, Transport

TransportName = Literal["httpx2", "fast"]

# name → the module of the transport, and its class there.
_TRANSPORTS: dict[TransportName, tuple[str, str]] = {
    "httpx2": ("routebook.providers.http.over_httpx2", "HttpxTransport"),
    "fast": ("routebook.providers.http.over_httptools", "HttptoolsTransport"),
}


def chosen(choice: Literal["auto", "httpx2", "fast"], *, fast_is_installed: bool) -> TransportName:
    """Return what *choice* comes to where the extra `fast` is installed, or is not."""
    if choice == "auto":
        return "fast" if fast_is_installed else "httpx2"
    return choice


def make_transport(name: TransportName, limits: ConnectionLimits) -> Transport:
    """Make a transport; nothing is connected yet.

    Raises:
        MissingExtra: It is `fast`, and the extra is not installed.
    """
    module, made_by = _TRANSPORTS[name]
    try:
        found = import_module(module)
    except ImportError as error:
        raise MissingExtra(name, f"transport {name!r}") from error
    return cast(Transport, getattr(found, made_by)(limits))
