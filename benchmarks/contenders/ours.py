"""Ours: the client of `openai-chat` alone, and whole runs of an engine, over either transport."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import routebook
from contenders.asked import KEY, KEY_NAME, MODEL, MOST_TOKENS, PRICE_INPUT, PRICE_OUTPUT, TEMPERATURE, TEXT, Contender
from routebook import Engine
from routebook.canonical.chat import ChatRequest
from routebook.canonical.message import Message
from routebook.providers.http.choice import TransportName
from routebook.providers.protocol import ClientConfig
from routebook.providers.registry import make_client

_TRANSPORTS: dict[str, TransportName] = {"httpx2": "httpx2", "fast": "fast"}


def opened(name: str, url: str) -> AbstractAsyncContextManager[Contender]:
    """Open `client-httpx2`, `client-fast`, `engine-httpx2` or `engine-fast`."""
    kind, _, transport = name.partition("-")
    return {"client": _client, "engine": _engine}[kind](url, _TRANSPORTS[transport])


@asynccontextmanager
async def _client(url: str, transport: TransportName) -> AsyncIterator[Contender]:
    client = make_client("openai-chat", ClientConfig("house", f"{url}/v1", KEY, http=transport))
    options = {"temperature": TEMPERATURE, "max_output_tokens": MOST_TOKENS}
    request = ChatRequest(MODEL, (Message("user", TEXT),), options=options)

    async def stream() -> int:
        return len([event async for event in client.stream(request)])

    try:
        yield Contender(lambda: client.complete(request), stream)
    finally:
        await client.close()


@asynccontextmanager
async def _engine(url: str, transport: TransportName) -> AsyncIterator[Contender]:
    async with Engine(table(url, transport), environment={KEY_NAME: KEY}) as engine:

        async def stream() -> int:
            return len([event async for event in engine.stream("answer", TEXT)])

        yield Contender(lambda: engine.run("answer", TEXT), stream)


def table(url: str, transport: TransportName) -> routebook.RoutingTable:
    """Return the table of a book with one feature, `answer`, whose model has a price."""
    price = {"input": PRICE_INPUT, "output": PRICE_OUTPUT}
    options = {"temperature": TEMPERATURE, "max_output_tokens": MOST_TOKENS}
    return routebook.compile_mapping(
        {
            "settings": {"transport": transport},
            "providers": {"house": {"api": "openai-chat", "base_url": f"{url}/v1", "api_key": {"env": KEY_NAME}}},
            "models": {"bench": {"provider": "house", "id": MODEL, "price": price}},
            "features": {"answer": {"options": options, "use": {"model": "bench"}}},
        }
    )
