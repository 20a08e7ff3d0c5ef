"""What tests of the transports have in common: requests, bounds, and what came of a call."""

from __future__ import annotations

import asyncio
import socket

import pytest

from routebook.providers.http.exchange import ExchangeFault, HttpRequest, Transport
from routebook.providers.http.over_httptools import HttptoolsTransport
from routebook.providers.http.over_httpx2 import HttpxTransport
from routebook.routing.provider_spec import Timeouts

FAST = Timeouts(connect=2, first_token=2, idle=2, total=4)
TRANSPORTS = {"httpx2": HttpxTransport, "fast": HttptoolsTransport}


def post(url: str, headers: dict | None = None, body: bytes = b"{}") -> HttpRequest:
    return HttpRequest("POST", url, headers or {}, body)


async def fault_of(transport: Transport, url: str, timeouts: Timeouts = FAST, **rest: object) -> ExchangeFault:
    with pytest.raises(ExchangeFault) as caught:
        await transport.send(post(url, **rest), timeouts)
    return caught.value


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def url_of(server: asyncio.Server, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def writes(payload: bytes):
    """A reply that is *payload*, behind which the server hangs up."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(payload)
        await writer.drain()

    return reply
