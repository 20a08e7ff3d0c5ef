"""A loopback server that a test scripts byte by byte: it answers, stalls, resets, redirects, talks nonsense."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field


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


Reply = bytes | Callable[[asyncio.StreamWriter], Coroutine[None, None, None]]


@dataclass
class Server:
    """A listening server: what it got, how many connections there were, and how many of them are open."""

    port: int
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0
    tasks: set[asyncio.Task] = field(default_factory=set)
    arrival: asyncio.Event = field(default_factory=asyncio.Event)
    departure: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_for(self, requests: int) -> None:
        """Wait until so many requests have come in, ten seconds at most."""
        async with asyncio.timeout(10):
            while len(self.received) < requests:
                self.arrival.clear()
                await self.arrival.wait()

    async def wait_until_open(self, connections: int) -> None:
        """Wait until only so many connections are open, two seconds at most."""
        async with asyncio.timeout(2):
            while self.open_connections > connections:
                self.departure.clear()
                await self.departure.wait()

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
            server.connections += 1
            server.open_connections += 1
            try:
                while (received := await _read_request(reader)) is not None:
                    server.received.append(received)
                    server.arrival.set()
                    if isinstance(reply, bytes):
                        writer.write(reply)
                        await writer.drain()
                    else:
                        await _answer(reply(writer), reader, server)
                        return
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                return  # the client went away, or the test is over
            finally:
                writer.close()
                server.open_connections -= 1
                server.departure.set()

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


async def _answer(reply: Coroutine, reader: asyncio.StreamReader, server: Server) -> None:
    """Let *reply* be written, until it is or the client goes away."""
    replying, leaving = asyncio.create_task(reply), asyncio.create_task(reader.read())
    server.tasks |= {replying, leaving}
    await asyncio.wait((replying, leaving), return_when=asyncio.FIRST_COMPLETED)
    for task in (replying, leaving):
        task.cancel()
    await asyncio.gather(replying, leaving, return_exceptions=True)


async def _read_request(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    line, *rest = head.strip().split("\r\n")
    headers = tuple((name.lower(), value.strip()) for name, _, value in (item.partition(":") for item in rest))
    length = next((int(value) for name, value in headers if name == "content-length"), 0)
    return Received(line, headers, await reader.readexactly(length))
