"""What an adapter costs: a client of ours and the vendor's own, against the bare HTTP client with the same bytes.

All talk to the same server on loopback, in turn. The server has a process of its own, so CPU time is the client's. The
bare client reads the answer, or the lines of its stream, and looks at nothing in them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

import anthropic
import httpx2
import openai

from measure import Rounds, Row, above, interleaved_async, ratio
from routebook.canonical.chat import ChatRequest
from routebook.canonical.message import Message
from routebook.providers.protocol import ClientConfig, ModelClient
from routebook.providers.registry import make_client
from server import CHUNKS, loopback

_ROUNDS = 7
_CALLS = 120
_STREAMS = 6
_TEXT = "What should I bring to the dentist? "
_KEY = "sk-bench-bench-bench"
# What an adapter may cost above the bare client, in µs of CPU.
_MOST = {"small": 60.0, "20 kB": 120.0, "chunk": 12.0}

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class _Api:
    """An API, and how its vendor's own client is made and makes a call with the fields of a body."""

    name: str
    path: str
    peer: str
    make_peer: Callable[[str], Any]
    create: Callable[[Any, dict[str, Any]], Awaitable[Any]]


_APIS = (
    _Api(
        "openai-chat",
        "/chat/completions",
        "openai",
        lambda url: openai.AsyncOpenAI(base_url=url, api_key=_KEY, max_retries=0),
        lambda peer, fields: peer.chat.completions.create(**fields),
    ),
    _Api(
        "anthropic",
        "/messages",
        "anthropic",
        lambda url: anthropic.AsyncAnthropic(base_url=url.removesuffix("/v1"), api_key=_KEY, max_retries=0),
        lambda peer, fields: peer.messages.create(**fields),
    ),
)


async def adapter_rows() -> list[Row]:
    """Measure a small call, one with 20 kB, and a chunk of a stream, for every API that has an adapter."""
    rows: list[Row] = []
    with loopback() as url:
        for api in _APIS:
            async with AsyncExitStack() as stack:
                bare = await stack.enter_async_context(httpx2.AsyncClient())
                ours = make_client(api.name, ClientConfig("house", url, _KEY))
                stack.push_async_callback(ours.close)
                peer = await stack.enter_async_context(api.make_peer(url))
                for size, messages in (("small", _messages(1, 40)), ("20 kB", _messages(10, 2000))):
                    cases = await _calls(api, url, bare, ours, peer, messages)
                    rows += await _compare(f"{api.name}, {size}", size, cases, _CALLS, 1)
                cases = await _streams(api, url, bare, ours, peer)
                rows += await _compare(f"{api.name}, streamed, per chunk", "chunk", cases, _STREAMS, CHUNKS)
    return rows


def _messages(count: int, letters: int) -> tuple[Message, ...]:
    text = (_TEXT * (letters // len(_TEXT) + 1))[:letters]
    return tuple(Message("assistant" if number % 2 else "user", text) for number in range(count))


async def _calls(
    api: _Api, url: str, bare: httpx2.AsyncClient, ours: ModelClient, peer: Any, messages: tuple[Message, ...]
) -> dict[str, Call]:
    request = ChatRequest("bench-model", messages, options={"max_output_tokens": 100})
    await ours.complete(request)
    body = (await bare.get(url)).content
    fields = json.loads(body)

    async def by_hand() -> object:
        return (await bare.post(url + api.path, content=body, headers=_HEADERS)).content

    return {"ours": lambda: ours.complete(request), "bare": by_hand, api.peer: lambda: api.create(peer, fields)}


async def _streams(api: _Api, url: str, bare: httpx2.AsyncClient, ours: ModelClient, peer: Any) -> dict[str, Call]:
    request = ChatRequest("bench-model", _messages(1, 40), options={"max_output_tokens": 100})

    async def read() -> object:
        return [event async for event in ours.stream(request)]

    await read()
    body = (await bare.get(url)).content
    fields = json.loads(body)

    async def by_hand() -> object:
        async with bare.stream("POST", url + api.path, content=body, headers=_HEADERS) as response:
            return [line async for line in response.aiter_lines()]

    async def by_peer() -> object:
        return [event async for event in await api.create(peer, fields)]

    return {"ours": read, "bare": by_hand, api.peer: by_peer}


_HEADERS = {"content-type": "application/json", "authorization": f"Bearer {_KEY}"}


async def _compare(what: str, bound: str, cases: Mapping[str, Call], calls: int, per_call: int) -> Iterator[Row]:
    rounds = await interleaved_async({name: _cost(call, calls, per_call) for name, call in cases.items()}, _ROUNDS)
    return _rows(what, _MOST[bound], rounds)


def _cost(call: Call, calls: int, per_call: int) -> Callable[[], Awaitable[float]]:
    async def measured() -> float:
        began = time.process_time()
        for _ in range(calls):
            await call()
        return (time.process_time() - began) / calls / per_call * 1e6

    return measured


def _rows(what: str, most: float, rounds: Rounds) -> Iterator[Row]:
    against = f"bare httpx2, {median(rounds['bare']):.1f} µs"
    more = above(rounds, "ours", "bare")
    limit = f"{more:+.1f} of {most:g} µs"
    for name, costs in rounds.items():
        if name != "bare":
            held = (limit, more <= most) if name == "ours" else ()
            whose = "adapter" if name == "ours" else f"its vendor's client ({name})"
            measured = f"{median(costs):.1f} µs"
            yield Row(f"{what}: {whose}, CPU", measured, against, ratio(rounds, name, "bare"), *held)
