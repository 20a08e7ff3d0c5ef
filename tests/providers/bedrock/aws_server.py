"""An AWS server: answers each request by what stands in it, side by side; and refuses what is not signed by AWS's
rules, which are written out here once more, by one of the keys that hold now.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import quote, urlsplit

from loopback_server import Loopback, Received, _read_request

REFUSED = {"message": "The security token included in the request is expired"}


def signature_of(received: Received, secret: str) -> str:
    """The signature that *secret* gives a request, by the headers and the time that it says were signed."""
    headers = dict(received.headers)
    said = read_authorization(received)
    method, target, _ = received.line.split(" ")
    _, day, region, service, end = said["Credential"].split("/")
    assert headers["x-amz-date"].startswith(day)
    address = urlsplit(target)
    lines = (
        *(method, quote(address.path or "/", safe="/~"), "&".join(sorted(filter(None, address.query.split("&"))))),
        *(f"{name}:{' '.join(headers[name].split())}" for name in said["SignedHeaders"].split(";")),
        *("", said["SignedHeaders"], sha256(received.body).hexdigest()),
    )
    scope = f"{day}/{region}/{service}/{end}"
    text = "\n".join(("AWS4-HMAC-SHA256", headers["x-amz-date"], scope, sha256("\n".join(lines).encode()).hexdigest()))
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, end, text):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


def read_authorization(received: Received) -> dict[str, str]:
    """The parts of the header, by name."""
    (text,) = received.header("authorization")
    algorithm, _, rest = text.partition(" ")
    assert algorithm == "AWS4-HMAC-SHA256"
    return dict(part.split("=", 1) for part in rest.split(", "))


@dataclass
class Aws:
    """The keys that hold: the secret of each, and its session's token; `good` answers what they signed."""

    secrets: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)
    good: bytes = b""

    def refusal(self, received: Received) -> dict[str, str] | None:
        """Why a request is refused, None where it is not."""
        access = read_authorization(received)["Credential"].split("/")[0]
        if access not in self.secrets or received.header("x-amz-security-token") != self._token(access):
            return REFUSED
        if read_authorization(received)["Signature"] != signature_of(received, self.secrets[access]):
            return {"message": "The request signature we calculated does not match the signature you provided."}
        return None

    def _token(self, access: str) -> list[str]:
        return [self.tokens[access]] if access in self.tokens else []

    async def answer(self, received: Received) -> bytes:
        """Answer what is signed well with `good`, and the rest with 403."""
        refusal = self.refusal(received)
        if refusal is None:
            return self.good
        return Loopback.answer(403, refusal, "x-amzn-errortype: ExpiredTokenException")


class Answering:
    """A server that answers each request with what *answer* makes of it, on connections that stay open."""

    def __init__(self, answer: Callable[[Received], Awaitable[bytes]]) -> None:
        self.received: list[Received] = []
        self.tasks: set[asyncio.Task] = set()
        self._answer = answer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Answering:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *about: object) -> None:
        self._listener.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())
        try:
            while (received := await _read_request(reader)) is not None:
                self.received.append(received)
                writer.write(await self._answer(received))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # the client went away, or the test is over
        finally:
            writer.close()
