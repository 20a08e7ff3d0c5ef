"""Calls that are left at a random moment leave nothing behind, over each library, with and without TLS."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import pytest
from http_calls import url_of

from routebook.canonical.chat import ChatRequest
from routebook.canonical.message import Message
from routebook.providers.http.connections import Connections
from routebook.providers.http.exchange import ConnectionLimits
from routebook.providers.openai_chat.client import OpenAIChatClient
from routebook.providers.protocol import ClientConfig
from routebook.routing.provider_spec import Timeouts

CALLS = 300
TURNS = 16
AT_ONCE = 40
LONGEST_S = 0.02
WORDS = 8
REQUEST = ChatRequest("m-1", (Message("user", "What time is it?"),))
BOUNDS = Timeouts(connect=10, first_token=10, idle=10, total=20)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _event(delta: dict, finish: str | None = None) -> bytes:
    return (
        b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode() + b"\n\n"
    )


_MESSAGE = {"role": "assistant", "content": "noon " * WORDS}
WHOLE = json.dumps({"choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}]}).encode()
EVENTS = [*(_event({"content": "noon "}) for _ in range(WORDS)), _event({}, "stop"), b"data: [DONE]\n\n"]
PIECES = [WHOLE[at : at + 20] for at in range(0, len(WHOLE), 20)]


async def until(holds: Callable[[], bool]) -> None:
    """Wait until what nobody tells of *holds*, five seconds at most."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


class Dripping:
    """A server that says what it has to say bit by bit, and keeps its connections; `open` counts them."""

    def __init__(self, dice: random.Random) -> None:
        self.open = 0
        self._dice = dice
        self._tasks: set[asyncio.Task] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        self.open += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await self._drip(writer, json.loads(await reader.readexactly(length)))
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            self._dice.random()  # the client left
        finally:
            self.open -= 1
            writer.close()

    async def _drip(self, writer: asyncio.StreamWriter, asked: dict) -> None:
        await self._pause()
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for piece in EVENTS if asked.get("stream") else PIECES:
            await self._pause()
            writer.write(_chunk(piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async def _pause(self) -> None:
        await asyncio.sleep(self._dice.random() / 1000)

    async def until_open(self, connections: int) -> None:
        """Wait until no more are open than so many."""
        await until(lambda: self.open <= connections)

    async def until_only(self, tasks: set[asyncio.Task]) -> None:
        """Wait until no task is left but *tasks* and the server's own; asyncio shakes hands for it in some, too."""
        await until(lambda: asyncio.all_tasks() - self._tasks <= tasks)

    @asynccontextmanager
    async def running(self, shown: ssl.SSLContext | None) -> AsyncIterator[str]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=shown)
        yield url_of(server, "http" if shown is None else "https")
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextmanager
def without_collector() -> Iterator[None]:
    """What nobody closes stays open: the garbage collector does not help out."""
    gc.disable()
    yield
    gc.enable()
    gc.collect()


async def _leave_a_stream(client: OpenAIChatClient, after: int) -> None:
    events = client.stream(REQUEST)
    for _ in range(after):
        await anext(events)
    await events.aclose()


async def _read_a_stream(client: OpenAIChatClient) -> None:
    async for _ in client.stream(REQUEST):
        continue


async def _left_early(client: OpenAIChatClient, dice: random.Random) -> None:
    """Make one call, and cancel it, as often as not twice: it may be cleaning up when it is cancelled again."""
    works = (client.complete(REQUEST), _read_a_stream(client), _leave_a_stream(client, dice.randrange(1, WORDS)))
    work = dice.choice(works)
    for other in works:
        if other is not work:
            other.close()
    call = asyncio.create_task(work)
    await asyncio.sleep(dice.random() * LONGEST_S)
    call.cancel()
    if dice.random() < 0.5:
        await asyncio.sleep(0)
        call.cancel()
    with suppress(asyncio.CancelledError):
        await call


@pytest.fixture(params=["http", "https"])
def shown(request: pytest.FixtureRequest) -> ssl.SSLContext | None:
    return request.getfixturevalue("trusted") if request.param == "https" else None


async def test_calls_left_at_a_random_moment_leave_no_task_no_connection_and_every_turn_free(make, shown):
    dice = random.Random(11)
    transport = make(ConnectionLimits(most=TURNS))
    dripping = Dripping(dice)
    async with dripping.running(shown) as url:
        client = OpenAIChatClient(ClientConfig("house", url, "sk-1", timeout=BOUNDS, transport=transport))
        tasks = asyncio.all_tasks()
        with without_collector():
            left = iter(range(CALLS))

            async def caller() -> None:
                for _ in left:
                    await _left_early(client, dice)

            await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
            (connections,) = transport._connections.values()
            await dripping.until_open(len(connections._shelf))
            assert _free(connections) == TURNS
            assert connections._busy == set()
            await dripping.until_only(tasks)
            assert (await client.complete(REQUEST)).message.text == _MESSAGE["content"]
            await client.close()
            await dripping.until_open(0)


def _free(connections: Connections) -> int:
    return connections._turns.free
