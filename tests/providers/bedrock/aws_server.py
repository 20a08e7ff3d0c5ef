"""An AWS server: answers each request by what stands in it, side by side; and refuses what is not signed as botocore
would sign it, by one of the keys that hold now.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from unittest.mock import patch

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from loopback_server import Loopback, Received, _read_request

REFUSED = {"message": "The security token included in the request is expired"}


def signature_of(received: Received, host: str, secret: str) -> str:
    """The signature that botocore gives a request, by the headers and the time that it says were signed."""
    headers = {name: value for name, value in received.headers if name != "authorization"}
    said = read_authorization(received)
    method, path, _ = received.line.split(" ")
    access, day, region, service, _ = said["Credential"].split("/")
    signed = {name: host if name == "host" else headers[name] for name in said["SignedHeaders"].split(";")}
    token = headers.get("x-amz-security-token")
    moment = datetime.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    assert headers["x-amz-date"].startswith(day)
    request = AWSRequest(method, f"http://{host}{path}", headers=signed, data=received.body)
    with patch("botocore.auth.get_current_datetime", lambda: moment):
        SigV4Auth(ReadOnlyCredentials(access, secret, token), service, region).add_auth(request)
    return request.headers["Authorization"]


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
        (host,) = received.header("host")
        expected = signature_of(received, host, self.secrets[access])
        if received.header("authorization") != [expected]:
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
