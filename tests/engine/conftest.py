"""Fake providers on loopback, tool servers as real processes, and books that name them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

import routebook
from routebook import RoutingTable
from routebook.book import OpenBook

PLAIN_TOOLS = str(Path(__file__).parent / "servers" / "plain_tools.py")


@dataclass(frozen=True)
class Received:
    """A request as it came in, header names in lower case; `line` is its first line, with the path."""

    headers: Mapping[str, str]
    body: bytes
    line: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return f"{self.line}{dict(self.headers)}{self.body.decode()}"


Answer = bytes | AsyncIterator[bytes] | None
Reply = Answer | list[Answer] | Callable[[Received], Awaitable[Answer]]
"""One answer for all, one after the other (the last stays), or whatever a function answers; None hangs up.

An answer that comes in pieces ends its connection, and is given up where the client goes away.
"""


@dataclass
class FakeProvider:
    """A provider on loopback: what it got, and its connections, ever and now."""

    reply: Reply
    port: int = 0
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    open: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def answer(self, received: Received) -> Answer:
        if isinstance(self.reply, list):
            return self.reply.pop(0) if len(self.reply) > 1 else self.reply[0]
        return await self.reply(received) if callable(self.reply) else self.reply

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while (received := await _read(reader)) is not None:
                self.requests.append(received)
                answer = await _unless_hung_up(reader, self.answer(received))
                if answer is None:
                    return
                if not isinstance(answer, bytes):
                    await _write_pieces(reader, writer, answer)
                    return
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            return  # the other side went away, or the test is over
        finally:
            self.open -= 1
            writer.close()

    async def wait_for(self, requests: int) -> None:
        """Wait until so many requests have come in."""
        await until(lambda: len(self.requests) >= requests)


async def _read(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    return Received(headers, await reader.readexactly(int(headers.get("content-length", 0))), first)


async def _write_pieces(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pieces: AsyncIterator[bytes]
) -> None:
    async def next_piece() -> Answer:
        return await anext(pieces, None)

    while (piece := await _unless_hung_up(reader, next_piece())) is not None:
        writer.write(piece)
        await writer.drain()


async def _unless_hung_up(reader: asyncio.StreamReader, answer: Awaitable[Answer]) -> Answer:
    """Wait for *answer*, but no longer than the client does: it sends nothing more, so a byte or an end is its end."""
    answering = asyncio.ensure_future(answer)
    hanging_up = asyncio.ensure_future(reader.read(1))
    await asyncio.wait((answering, hanging_up), return_when=asyncio.FIRST_COMPLETED)
    done = answering.done()
    for task in (answering, hanging_up):
        task.cancel()
    await asyncio.wait((answering, hanging_up))
    return answering.result() if done else None


async def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110, it holds in another process or behind a socket
            await asyncio.sleep(0.005)


class Wire:
    """Answers as a provider of chat completions gives them, and the same for scripts."""

    @staticmethod
    def http(status: int, body: object, *headers: str) -> bytes:
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} X", f"content-length: {len(payload)}", *headers, "", ""]
        return "\r\n".join(lines).encode() + payload

    @classmethod
    def text(cls, text: str | None, *, finish: str = "stop", usage: tuple[int, int] | None = (100, 20), **message: Any):
        tokens = usage and {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
        choice = {"message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
        return cls.http(200, {"choices": [choice], "usage": tokens})

    @classmethod
    def calls(cls, *calls: tuple[str, str, str], finish: str = "tool_calls"):
        """Calls as (id, name, arguments)."""
        listed = [{"id": i, "type": "function", "function": {"name": n, "arguments": a}} for i, n, a in calls]
        return cls.text(None, finish=finish, tool_calls=listed)

    @classmethod
    def chunk(cls, text: str | None = None, *, finish: str | None = None, **delta: Any) -> bytes:
        """A chunk of a stream."""
        choice = {"index": 0, "delta": {"content": text, **delta}, "finish_reason": finish}
        return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()

    @classmethod
    def stream(cls, *texts: str, finish: str = "stop", usage: tuple[int, int] = (100, 20), **delta: Any) -> bytes:
        """A whole stream: a chunk for each text, and one for *delta*."""
        pieces = [cls.chunk(text) for text in texts]
        if delta:
            pieces.append(cls.chunk(**delta))
        tokens = {"choices": [], "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1]}}
        end = f"data: {json.dumps(tokens)}\n\ndata: [DONE]\n\n".encode()
        body = b"".join([*pieces, cls.chunk(finish=finish), end])
        return cls.http(200, body, "content-type: text/event-stream")

    @classmethod
    def streamed_calls(cls, *calls: tuple[str, str, str]) -> bytes:
        """A stream of calls as (id, name, arguments)."""
        listed = [
            {"index": n, "id": i, "type": "function", "function": {"name": name, "arguments": a}}
            for n, (i, name, a) in enumerate(calls)
        ]
        return cls.stream(finish="tool_calls", tool_calls=listed)

    @classmethod
    async def dripping(cls, *pieces: bytes | asyncio.Event) -> AsyncIterator[bytes]:
        """The head of a stream and *pieces* of it, each after the events before it; then the connection ends."""
        yield b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
        for piece in pieces:
            if isinstance(piece, asyncio.Event):
                await piece.wait()
            else:
                yield piece

    @classmethod
    def error(cls, status: int, message: str = "no", *headers: str, code: str | None = None) -> bytes:
        return cls.http(status, {"error": {"message": message, "code": code}}, *headers)


@pytest.fixture
def wire() -> type[Wire]:
    return Wire


@pytest.fixture
async def fake() -> AsyncIterator[Callable[[Reply], Awaitable[FakeProvider]]]:
    """Start fake providers; their connections end with the test."""
    running: list[asyncio.Server] = []
    serving: set[asyncio.Task[None]] = set()

    async def start(reply: Reply) -> FakeProvider:
        provider = FakeProvider(reply)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            serving.add(asyncio.current_task())
            await provider.serve(reader, writer)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        provider.port = server.sockets[0].getsockname()[1]
        running.append(server)
        return provider

    yield start
    for server in running:
        server.close()
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)


class Books:
    """Books as mappings."""

    @staticmethod
    def over(*urls: str, provider: Mapping[str, Any] = {}, **feature: Any) -> dict[str, Any]:
        """Providers `p0`, `p1` ... at *urls*, each with a model `m0`, `m1` ...; feature `chat` falls back along them.

        No target is tried twice unless *provider* says so. The platform's keys are in P0_KEY, P1_KEY ...
        """
        numbers = range(len(urls))
        return {
            "providers": {
                f"p{n}": {
                    "api": "openai-chat",
                    "base_url": urls[n],
                    "api_key": {"env": f"P{n}_KEY"},
                    "retry": {"attempts": 1},
                    **provider,
                }
                for n in numbers
            },
            "models": {
                f"m{n}": {"provider": f"p{n}", "id": f"vendor/m{n}", "capabilities": ["tools", "json_schema"]}
                for n in numbers
            },
            "features": {
                "chat": {
                    "use": {"model": "m0"},
                    **({"fallbacks": [{"model": f"m{n}"} for n in numbers[1:]]} if len(urls) > 1 else {}),
                    **feature,
                }
            },
        }

    @staticmethod
    def scripted(*entries: Mapping[str, Any], **feature: Any) -> dict[str, Any]:
        """A provider `stage` that plays *entries*, its model `actor`, and a feature `chat` on it."""
        return {
            "providers": {"stage": {"api": "scripted", "script": list(entries), "retry": {"attempts": 1}}},
            "models": {"actor": {"provider": "stage", "capabilities": ["tools", "json_schema"]}},
            "features": {"chat": {"use": {"model": "actor"}, **feature}},
        }

    @staticmethod
    def tools(*args: str, **server: Any) -> dict[str, Any]:
        """A tool server with `echo`, `pid`, `wait` and `long`, that starts at once."""
        return {"command": sys.executable, "args": [PLAIN_TOOLS, *args], **server}

    @staticmethod
    def table(book: Mapping[str, Any]) -> RoutingTable:
        return routebook.compile_mapping(book, {})

    @staticmethod
    def write(root: Path, book: Mapping[str, Any]) -> Path:
        """Write *book*, a file for each section."""
        root.mkdir(parents=True, exist_ok=True)
        for section, definitions in book.items():
            (root / f"{section}.yaml").write_text(yaml.safe_dump({section: definitions}))
        return root


@pytest.fixture
def books() -> type[Books]:
    return Books


@pytest.fixture
def keys() -> dict[str, str]:
    """The platform's keys, as the environment has them."""
    return {f"P{number}_KEY": f"sk-platform-{number}" for number in range(4)}


@pytest.fixture
def eventually() -> Callable[..., Awaitable[None]]:
    """Wait until something holds."""
    return until


@pytest.fixture
def alive() -> Callable[[Path], list[int]]:
    """Which of the processes that left their id in a folder still run."""

    def running(folder: Path) -> list[int]:
        return [int(note.name) for note in folder.iterdir() if _runs(int(note.name))]

    return running


def _runs(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.fixture
def root(books, tmp_path):
    """A book on disk whose feature `chat` says `one`."""
    return books.write(tmp_path / "routes", books.scripted({"reply": {"text": "one"}}))


@pytest.fixture
def live(eventually):
    """Wait, at most a second, until the engine says something."""

    async def wait(engine, text):
        began = time.perf_counter()
        while (await engine.run("chat", "hello")).text != text:
            assert time.perf_counter() - began < 1, f"not live within a second: {text}"
            await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def compiles(monkeypatch):
    """The times at which the book was read from here on."""
    began = []
    read = OpenBook.read

    def counted(book):
        began.append(time.perf_counter())
        return read(book)

    monkeypatch.setattr(OpenBook, "read", counted)
    return began
