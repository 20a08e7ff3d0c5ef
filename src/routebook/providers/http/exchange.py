"""Exchange: one HTTP request and its answer, whole or while it comes, whatever library carries them.

Comes in: a request as bytes, and bounds in seconds. Goes out: the answer as bytes, or one ExchangeFault. Nothing
foreign passes this seam: neither a library's types nor its exceptions. What the bytes mean is the adapter's.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from ...errors import FaultKind
from ...routing.provider_spec import Timeouts
from .idle_room import IdleRoom

ExchangeFaultKind: TypeAlias = FaultKind

LARGEST_BODY_BYTES = 64 * 1024 * 1024
"""How large an answer may be, decompressed; a larger one is a `malformed_response`."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections a transport has to one server at a time, how many it keeps open idle in all, and how long a
    request waits for one, in seconds. Where there is a *room*, idle ones are kept there, among those of others.
    """

    most: int = 1000
    most_idle: int = 1000
    queue_timeout_s: float = 30.0
    room: IdleRoom[Any] | None = None


DEFAULT_CONNECTIONS = ConnectionLimits()


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

    `timeout`: a bound was crossed; `queue_timeout`: no connection came free; `connection`: the other side could not be
    reached or went away; `malformed_response`: what it sent is no HTTP, or too much; `bad_request`: the request cannot
    be sent at all. A transport that is no wire may name any other kind. Where only the body could not be read, `head`
    is the answer without it. `sent` is false where no byte of the request can have reached the server.
    """

    def __init__(self, kind: ExchangeFaultKind, message: str, *, sent: bool = True) -> None:
        self.kind: ExchangeFaultKind = kind
        self.message = message
        self.sent = sent
        self.head: HttpResponse | None = None
        super().__init__(message)


def no_certificates(server: str) -> ExchangeFault:
    """Return the fault of a call over TLS where the system has no certificates to trust, or they cannot be read."""
    why = "this system has no certificates to trust; install them, or name a file by SSL_CERT_FILE"
    return ExchangeFault("connection", f"could not connect to {server} ({why})", sent=False)


def client_is_closed() -> ExchangeFault:
    """Return the fault of a request that is not sent, because its transport was closed before."""
    return ExchangeFault("connection", "the client is closed", sent=False)


class HttpStream(Protocol):
    """An answer that is still coming: its status and headers (names in lower case) are there."""

    status: int
    headers: Mapping[str, str]

    async def next_piece(self) -> bytes | None:
        """Wait for more of the body, and return it decompressed: a piece of any size, also an empty one, or None at
        the end. One that is waiting may be cancelled; the answer cannot be read on then.

        Raises:
            ExchangeFault: It stalls, breaks, or is too large.
        """
        ...

    def begin_content(self) -> None:
        """Say that the first content is there: from now on `idle` bounds the wait for a byte, not `first_token`."""
        ...


class Transport(Protocol):
    """Sends requests and keeps connections. Used from one event loop."""

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse:
        """Send *request* and read the whole answer; redirects are answers, they are never followed.

        Raises:
            ExchangeFault: There is no answer that could be read. A cancelled call closes its connection.
        """
        ...

    def stream(self, request: HttpRequest, timeouts: Timeouts) -> AbstractAsyncContextManager[HttpStream]:
        """Send *request*; the block begins when the head of the answer is there, and leaving it ends the exchange.

        A connection whose answer was not read to its end is closed. `timeouts.first_token` runs until
        `HttpStream.begin_content` is called, `total` until the end of the last piece.

        Raises:
            ExchangeFault: As `send`.
        """
        ...

    async def close(self) -> None:
        """Close every connection; later requests are refused."""
        ...
