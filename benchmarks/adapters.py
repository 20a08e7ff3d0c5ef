"""What an adapter costs: a client of ours over each transport, and the vendor's own, against the bare HTTP client with
the same bytes.

All talk to the same server on loopback, in turn. The server has a process of its own, so CPU time is the client's. The
bare client is httpx2; it reads the answer, or the lines of its stream, and looks at nothing in them. An API is one
entry of _APIS here, and one of `canned.ANSWERS`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any, get_args

import anthropic
import botocore.config
import botocore.session
import httpx2
import openai
from google import genai

from canned import CHUNKS
from measure import Rounds, Row, above, interleaved_async, ratio
from routebook.canonical.chat import ChatRequest
from routebook.canonical.message import Message
from routebook.providers.http.choice import TransportName
from routebook.providers.protocol import ClientConfig, ModelClient
from routebook.providers.registry import make_client
from server import loopback

_ROUNDS = 7
_CALLS = 120
_STREAMS = 6
_TEXT = "What should I bring to the dentist? "
_KEY = "sk-bench-bench-bench"
_HEADERS = {"content-type": "application/json", "authorization": f"Bearer {_KEY}"}
# What an adapter may cost above the bare client, in µs of CPU.
_MOST = {"small": 60.0, "20 kB": 120.0, "chunk": 12.0}
_TRANSPORTS: tuple[TransportName, ...] = get_args(TransportName)

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class _Api:
    """An API: what its vendor adds to the server's URL, and the vendor's own client.

    `peer` makes that client; with it and the fields of our body, `call` makes a call and `stream` reads a stream.
    """

    name: str
    base: str
    peer_name: str
    peer: Callable[[str], Any]
    call: Callable[[Any, dict[str, Any]], Awaitable[object]]
    stream: Callable[[Any, dict[str, Any]], Awaitable[object]]
    has_lines: bool = True


async def _all(coming: Awaitable[AsyncIterator[object]]) -> object:
    return [event async for event in await coming]


@asynccontextmanager
async def _google(url: str) -> AsyncIterator[Any]:
    client = genai.Client(api_key=_KEY, vertexai=False, http_options={"base_url": url})
    yield client.aio.models
    await client.aio.aclose()


def _told_google(fields: dict[str, Any]) -> dict[str, Any]:
    config = {"max_output_tokens": fields["generationConfig"]["maxOutputTokens"]}
    return {"model": "bench-model", "contents": fields["contents"], "config": config}


@asynccontextmanager
async def _amazon(url: str) -> AsyncIterator[Any]:
    session = botocore.session.Session()
    session.set_credentials("AKIABENCH", _KEY)
    config = botocore.config.Config(retries={"max_attempts": 1, "mode": "standard"}, proxies={})
    client = session.create_client("bedrock-runtime", region_name="eu-west-1", endpoint_url=url, config=config)
    yield client
    client.close()


def _told_amazon(fields: dict[str, Any]) -> dict[str, Any]:
    return {"modelId": "bench-model", **fields}


_APIS = (
    _Api(
        "openai-chat",
        "/v1",
        "openai",
        lambda url: openai.AsyncOpenAI(base_url=url, api_key=_KEY, max_retries=0),
        lambda peer, fields: peer.chat.completions.create(**fields),
        lambda peer, fields: _all(peer.chat.completions.create(**fields)),
    ),
    _Api(
        "openai-responses",
        "/v1",
        "openai",
        lambda url: openai.AsyncOpenAI(base_url=url, api_key=_KEY, max_retries=0),
        lambda peer, fields: peer.responses.create(**fields),
        lambda peer, fields: _all(peer.responses.create(**fields)),
    ),
    _Api(
        "anthropic",
        "",
        "anthropic",
        lambda url: anthropic.AsyncAnthropic(base_url=url, api_key=_KEY, max_retries=0),
        lambda peer, fields: peer.messages.create(**fields),
        lambda peer, fields: _all(peer.messages.create(**fields)),
    ),
    _Api(
        "gemini",
        "",
        "google-genai",
        _google,
        lambda peer, fields: peer.generate_content(**_told_google(fields)),
        lambda peer, fields: _all(peer.generate_content_stream(**_told_google(fields))),
    ),
    _Api(
        "bedrock",
        "",
        "botocore, in a thread",
        _amazon,
        lambda peer, fields: asyncio.to_thread(lambda: peer.converse(**_told_amazon(fields))),
        lambda peer, fields: asyncio.to_thread(lambda: list(peer.converse_stream(**_told_amazon(fields))["stream"])),
        has_lines=False,
    ),
)


async def adapter_rows() -> list[Row]:
    """Measure a small call, one with 20 kB, and a chunk of a stream, for every API, over every transport."""
    rows: list[Row] = []
    with loopback() as url:
        for api in _APIS:
            async with AsyncExitStack() as stack:
                bare = await stack.enter_async_context(httpx2.AsyncClient())
                clients = {name: _client(api, url, name) for name in _TRANSPORTS}
                for client in clients.values():
                    stack.push_async_callback(client.close)
                peer = await stack.enter_async_context(api.peer(url + api.base))
                for size, messages in (("small", _messages(1, 40)), ("20 kB", _messages(10, 2000))):
                    cases = await _calls(api, url, bare, clients, peer, messages)
                    rows += await _compare(api, size, size, cases, _CALLS, 1)
                cases = await _streams(api, url, bare, clients, peer)
                rows += await _compare(api, "streamed, per chunk", "chunk", cases, _STREAMS, CHUNKS)
    return rows


def _client(api: _Api, url: str, transport: TransportName) -> ModelClient:
    return make_client(api.name, ClientConfig("house", url + api.base, _KEY, http=transport))


def _messages(count: int, letters: int) -> tuple[Message, ...]:
    text = (_TEXT * (letters // len(_TEXT) + 1))[:letters]
    return tuple(Message("assistant" if number % 2 else "user", text) for number in range(count))


async def _calls(
    api: _Api,
    url: str,
    bare: httpx2.AsyncClient,
    clients: Mapping[str, ModelClient],
    peer: Any,
    messages: tuple[Message, ...],
) -> dict[str, Call]:
    request = ChatRequest("bench-model", messages, options={"max_output_tokens": 100})
    await clients["httpx2"].complete(request)
    place, body = await _last_post(url, bare)
    fields = json.loads(body)

    async def by_hand() -> object:
        return (await bare.post(place, content=body, headers=_HEADERS)).content

    ours = {name: lambda client=client: client.complete(request) for name, client in clients.items()}
    return {**ours, "bare": by_hand, "peer": lambda: api.call(peer, fields)}


async def _streams(
    api: _Api, url: str, bare: httpx2.AsyncClient, clients: Mapping[str, ModelClient], peer: Any
) -> dict[str, Call]:
    request = ChatRequest("bench-model", _messages(1, 40), options={"max_output_tokens": 100})

    async def read(client: ModelClient) -> object:
        return [event async for event in client.stream(request)]

    await read(clients["httpx2"])
    place, body = await _last_post(url, bare)
    fields = json.loads(body)

    async def by_hand() -> object:
        async with bare.stream("POST", place, content=body, headers=_HEADERS) as response:
            return [piece async for piece in (response.aiter_lines() if api.has_lines else response.aiter_bytes())]

    ours = {name: lambda client=client: read(client) for name, client in clients.items()}
    return {**ours, "bare": by_hand, "peer": lambda: api.stream(peer, fields)}


async def _last_post(url: str, bare: httpx2.AsyncClient) -> tuple[str, bytes]:
    """Return where the last request went, and its body."""
    last = await bare.get(url)
    return url + last.headers["x-path"], last.content


async def _compare(
    api: _Api, what: str, bound: str, cases: Mapping[str, Call], calls: int, per_call: int
) -> Iterator[Row]:
    rounds = await interleaved_async({name: _cost(call, calls, per_call) for name, call in cases.items()}, _ROUNDS)
    return _rows(api, what, _MOST[bound], rounds)


def _cost(call: Call, calls: int, per_call: int) -> Callable[[], Awaitable[float]]:
    async def measured() -> float:
        began = time.process_time()
        for _ in range(calls):
            await call()
        return (time.process_time() - began) / calls / per_call * 1e6

    return measured


def _rows(api: _Api, what: str, most: float, rounds: Rounds) -> Iterator[Row]:
    against = f"bare httpx2, {median(rounds['bare']):.1f} µs"
    for name, costs in rounds.items():
        if name == "bare":
            continue
        more = above(rounds, name, "bare")
        held = () if name == "peer" else (f"{more:+.1f} of {most:g} µs", more <= most)
        whose = f"its vendor's client ({api.peer_name})" if name == "peer" else f"adapter over {name}"
        measured = f"{median(costs):.1f} µs"
        yield Row(f"{api.name}, {what}: {whose}, CPU", measured, against, ratio(rounds, name, "bare"), *held)
