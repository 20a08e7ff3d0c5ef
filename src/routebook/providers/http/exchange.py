"""Exchange: one HTTP request and its whole answer, whatever library carries them.

Comes in: a request as bytes, and bounds in seconds. Goes out: the answer as bytes, or one ExchangeFault. Nothing
foreign passes this seam: neither a library's types nor its exceptions. What the bytes mean is the adapter's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ...routing.provider_spec import Timeouts

ExchangeFaultKind = Literal["timeout", "connection", "malformed_response", "bad_request"]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What is sent. Header names are in lower case, each once; headers and body never show in the repr."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What came back: header names in lower case, the body whole and decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class ExchangeFault(Exception):
    """No answer that could be read. `message` is a sentence without headers, keys or bodies.

    `timeout`: a bound was crossed; `connection`: the other side could not be reached or went away;
    `malformed_response`: what it sent is no HTTP, or too much; `bad_request`: the request cannot be sent at all.
    """

    def __init__(self, kind: ExchangeFaultKind, message: str) -> None:
        self.kind: ExchangeFaultKind = kind
        self.message = message
        super().__init__(message)


class Transport(Protocol):
    """Sends requests and keeps connections. Used from one event loop."""

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse:
        """Send *request* and read the whole answer; redirects are answers, they are never followed.

        Raises:
            ExchangeFault: There is no answer that could be read. A cancelled call closes its connection.
        """
        ...

    async def close(self) -> None:
        """Close every connection; later requests are refused."""
        ...
