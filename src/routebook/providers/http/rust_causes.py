"""Rust causes: what the Rust client raises → an ExchangeFault, in the sentences of `causes`."""

from __future__ import annotations

import re
from typing import Any

from pyreqwest.exceptions import (
    ConnectError,
    ConnectTimeoutError,
    DecodeError,
    PyreqwestError,
    RequestTimeoutError,
)

from ...routing.provider_spec import Timeouts
from .exchange import ExchangeFault

FOREIGN = (PyreqwestError,)
"""What the library raises when an exchange fails."""

_REFUSED = "tunnel error: "
_CONNECTING = "client error (Connect)"
_SYSTEMS_NUMBER = re.compile(r" \(os error \d+\)$")
_NAMES = re.compile(r"[A-Z]\w+")
_CAPITALS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_UNTRUSTED = "invalid peer certificate: "
# What the library says → the same thing in the other library's words.
_WORDS = {
    "connection closed before message completed": "server disconnected without sending a response",
    "end of file before message length reached": "peer closed connection without sending complete message body",
    "tls handshake eof": "peer closed connection during the TLS handshake",
}


def fault_of(error: Exception, address: str, timeouts: Timeouts) -> ExchangeFault:
    """Return the fault that *error*, one of FOREIGN, stands for."""
    said = _said(error)
    cause, connecting = _cause(said), _CONNECTING in said
    if isinstance(error, ConnectTimeoutError) and connecting:
        return ExchangeFault("timeout", f"no connection to {address} within {timeouts.connect:g} s")
    if isinstance(error, RequestTimeoutError):
        return ExchangeFault("timeout", f"no complete answer within {timeouts.total:g} s")
    if said[-1].startswith(_REFUSED):
        return ExchangeFault("connection", f"the proxy refused to connect to {address} ({cause})")
    if isinstance(error, ConnectError) and connecting:
        return ExchangeFault("connection", f"could not connect to {address} ({cause})")
    if isinstance(error, DecodeError) or cause.startswith("invalid "):
        return ExchangeFault("malformed_response", f"{address} does not speak HTTP as it should ({cause})")
    return ExchangeFault("connection", f"the connection to {address} broke ({cause})")


def _said(error: Exception) -> list[str]:
    """Return what the error and its causes say, the innermost last."""
    details: Any = getattr(error, "details", None)
    causes = details.get("causes") if isinstance(details, dict) else None
    return [str(cause["message"]) for cause in causes or ()] or [str(getattr(error, "message", error))]


def _cause(said: list[str]) -> str:
    """Return why, in the system's words."""
    text = _SYSTEMS_NUMBER.sub("", said[-1]).removeprefix(_REFUSED)
    if text.startswith(_UNTRUSTED):
        return f"its certificate is not trusted: {_in_words(text)}"
    text = _WORDS.get(text, text).removeprefix("failed to lookup address information: ")
    return text[:1].lower() + text[1:].removesuffix(".") if text[1:2].islower() else text


def _in_words(text: str) -> str:
    """Return the last name in *text*, `Other(UnknownIssuer)`, as words."""
    names = _NAMES.findall(text)
    return _CAPITALS.sub(" ", names[-1]).lower() if names else text
