"""The bare transports: bytes that are ready are posted, and the answer's bytes are read and not looked at."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx2

from contenders.asked import FIELDS, KEY, Contender
from routebook.providers.http.choice import make_transport
from routebook.providers.http.exchange import DEFAULT_CONNECTIONS, HttpRequest
from routebook.routing.provider_spec import Timeouts

_BODY = json.dumps(FIELDS).encode()
_STREAM_BODY = json.dumps({**FIELDS, "stream": True}).encode()
_HEADERS = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}


def opened(name: str, url: str) -> AbstractAsyncContextManager[Contender]:
    """Open `httpx2`, the library's own client, or `fast`, our transport without anything above it."""
    return {"httpx2": _httpx2, "fast": _fast}[name](f"{url}/v1/chat/completions")


@asynccontextmanager
async def _httpx2(place: str) -> AsyncIterator[Contender]:
    limits = httpx2.Limits(max_connections=1000, max_keepalive_connections=1000)
    async with httpx2.AsyncClient(limits=limits, timeout=60.0) as client:

        async def call() -> object:
            return (await client.post(place, content=_BODY, headers=_HEADERS)).content

        async def stream() -> int:
            async with client.stream("POST", place, content=_STREAM_BODY, headers=_HEADERS) as response:
                return len([line async for line in response.aiter_lines()])

        yield Contender(call, stream)


@asynccontextmanager
async def _fast(place: str) -> AsyncIterator[Contender]:
    transport, timeouts = make_transport("fast", DEFAULT_CONNECTIONS), Timeouts()
    whole, streamed = (HttpRequest("POST", place, _HEADERS, body) for body in (_BODY, _STREAM_BODY))

    async def call() -> object:
        return (await transport.send(whole, timeouts)).body

    async def stream() -> int:
        count = 0
        async with transport.stream(streamed, timeouts) as answer:
            while await answer.next_piece() is not None:
                count += 1
        return count

    try:
        yield Contender(call, stream)
    finally:
        await transport.close()
