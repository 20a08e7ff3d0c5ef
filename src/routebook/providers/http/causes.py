"""Causes: what the HTTP library raises → an ExchangeFault, a kind and a sentence without the library's words for it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpcore2

from .exchange import ExchangeFault

FOREIGN = (
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.UnsupportedProtocol,
    OSError,
)
"""What the library raises when an exchange fails."""


def fault_of(error: Exception, address: str, connect_s: float) -> ExchangeFault:
    """Return the fault that *error*, one of FOREIGN, stands for; connecting may have taken *connect_s* seconds."""
    if isinstance(error, httpcore2.ConnectTimeout):
        return ExchangeFault("timeout", f"no connection to {address} within {connect_s:g} s", sent=False)
    if isinstance(error, httpcore2.ConnectError):
        return ExchangeFault("connection", f"could not connect to {address} ({_cause(error)})", sent=False)
    if isinstance(error, httpcore2.ProxyError):
        return ExchangeFault("connection", f"the proxy refused to connect to {address} ({error})", sent=False)
    if isinstance(error, httpcore2.LocalProtocolError):
        message = f"the request is no valid HTTP ({_cause(error)}); check its headers"
        return ExchangeFault("bad_request", message, sent=False)
    if isinstance(error, httpcore2.ProtocolError) and not _went_away(error):
        return ExchangeFault("malformed_response", f"{address} does not speak HTTP as it should ({_cause(error)})")
    return ExchangeFault("connection", f"the connection to {address} broke ({_cause(error)})")


def _went_away(error: httpcore2.ProtocolError) -> bool:
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
