"""A loopback server that a test scripts byte by byte: it answers, stalls, resets, redirects, talks nonsense."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from routebook.canonical.chat import ChatRequest, OutputFormat
from routebook.canonical.message import Message
from routebook.canonical.tool import ToolDefinition


@dataclass(frozen=True)
class Received:
    """A request as it came in; `headers` in wire order, names in lower case."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    @property
    def json(self) -> dict:
        return json.loads(self.body)


Reply = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """A listening server: what it got, and how many of its connections are open."""

    port: int
    received: list[Received] = field(default_factory=list)
    open_connections: int = 0
    tasks: set[asyncio.Task] = field(default_factory=set)
    arrival: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_for(self, requests: int) -> None:
        """Wait until so many requests have come in, ten seconds at most."""
        async with asyncio.timeout(10):
            while len(self.received) < requests:
                self.arrival.clear()
                await self.arrival.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Loopback:
    """Starts servers, each with the one reply that it gives to every request."""

    def __init__(self) -> None:
        self._running: list[tuple[asyncio.Server, Server]] = []

    async def start(self, reply: Reply) -> Server:
        server = Server(0)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            server.tasks.add(asyncio.current_task())
            server.open_connections += 1
            try:
                while (received := await _read_request(reader)) is not None:
                    server.received.append(received)
                    server.arrival.set()
                    if isinstance(reply, bytes):
                        writer.write(reply)
                        await writer.drain()
                    else:
                        await reply(writer)
                        return
            except (ConnectionError, asyncio.CancelledError):
                return  # the client went away, or the test is over
            finally:
                server.open_connections -= 1
                writer.close()

        listener = await asyncio.start_server(serve, "127.0.0.1", 0)
        server.port = listener.sockets[0].getsockname()[1]
        self._running.append((listener, server))
        return server

    async def stop(self) -> None:
        for listener, server in self._running:
            listener.close()
            for task in server.tasks:
                task.cancel()
            await asyncio.gather(*server.tasks, return_exceptions=True)

    @staticmethod
    def answer(status: int, body: bytes | dict | list, *headers: str) -> bytes:
        """An HTTP answer with its length; plain data is sent as JSON."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} X", f"content-length: {len(payload)}", *headers, "", ""]
        return "\r\n".join(lines).encode() + payload


async def _read_request(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    line, *rest = head.strip().split("\r\n")
    headers = tuple((name.lower(), value.strip()) for name, _, value in (item.partition(":") for item in rest))
    length = next((int(value) for name, value in headers if name == "content-length"), 0)
    return Received(line, headers, await reader.readexactly(length))


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    running = Loopback()
    yield running
    await running.stop()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's proxies out of the tests; the ones about proxies set their own."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def full_request() -> ChatRequest:
    """A request with everything that this version can ask of a provider, save `extra_body`."""
    return ChatRequest(
        model="vendor/model-1",
        messages=(Message("system", "Be brief."), Message("user", "What time is it?")),
        tools=(ToolDefinition("clock__now", "clock.now", "The time.", {"type": "object", "properties": {}}),),
        options={
            "temperature": 0.2,
            "top_p": 0.9,
            "max_output_tokens": 100,
            "stop": ["END"],
            "seed": 7,
            "presence_penalty": 0.5,
            "frequency_penalty": -0.5,
            "reasoning": {"effort": "low"},
            "tool_choice": "clock.now",
            "parallel_tool_calls": True,
            "prompt_cache": {"key": "agent", "retention": 86400.0},
            "service_tier": "flex",
            "extra_headers": {"X-Title": "Demo"},
            "timeout": 5.0,
        },
        output=OutputFormat("answer", {"type": "object", "properties": {"a": {"type": "string"}}}),
        feature="chat_agent",
        target="luna",
    )
