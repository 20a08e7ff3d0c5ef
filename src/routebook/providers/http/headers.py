"""Headers: those of a request as HTTP can carry them, and those of an answer as adapters read them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .exchange import ExchangeFault

ENCODINGS = "gzip, deflate"
"""How an answer may be packed: as `decompress` unpacks it."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_VALUE = re.compile(r"(?![\t ])[\t\x20-\x7e]*(?<![\t ])").fullmatch
_TRANSPORTS_OWN = ("accept-encoding", "content-length", "transfer-encoding")


def sent_headers(headers: Mapping[str, str], host: str) -> list[tuple[str, str]]:
    """Return what is sent of *headers*, in their order, with `host` before and the transport's own behind them.

    The length of the body is for the caller to say.

    Raises:
        ExchangeFault: HTTP cannot carry one; no value is shown.
    """
    sent = [] if "host" in headers else [("host", host)]
    for name, value in headers.items():
        if not _NAME(name) or not _VALUE(value):
            message = (
                f"header {name!r} holds what HTTP cannot carry there: a line break, a letter outside ASCII, or a blank"
                " at its begin or end"
            )
            raise ExchangeFault("bad_request", message, sent=False)
        if name not in _TRANSPORTS_OWN:
            sent.append((name, value))
    sent.append(("accept-encoding", ENCODINGS))
    return sent


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Return headers by their names in lower case; the values of one that comes more often are joined."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers
