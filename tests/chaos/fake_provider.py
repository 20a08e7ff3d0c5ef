"""A fake provider on loopback, a process of its own: `fake_provider.py SCRIPT SEED`.

It says its port on stdout, then takes orders from stdin, a line each, and answers each with a line of JSON: `down` (its
address refuses connections, and those that there are end), `up`, `open` (how many connections there are), `log` (every
request that it read whole). It ends when stdin does.

What it logs is what it was asked, to the last request: a connection is reset only once the request on it was read
whole, any other is ended in one direction only, and read on until the client has ended it, too.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import struct
import sys
import time
import traceback
from dataclasses import dataclass
from typing import Any

from provider_answers import nonsense, pieces_of, refusal
from provider_deeds import Deed, deed_of

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_MARKER = re.compile(rb"#(\w+)-(\d+)#")
_RESET = struct.pack("ii", 1, 0)
_FIELDS = ("marker", "at", "line", "path", "key", "model", "open_of_model", "open_of_key", "deed")


@dataclass
class Asked:
    """A request that was read whole."""

    path: str
    key: str
    body: dict[str, Any]
    marker: str

    @property
    def model(self) -> str:
        return self.body["model"]


class Line(asyncio.Protocol):
    """A connection: one request at a time."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.number = provider.lines_made
        self.received = b""
        self.asked: Asked | None = None
        self.is_ending = False
        self.deed: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.provider.lines.add(self)
        if self.provider.is_down:
            self.end()

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.asked is None:
            self._read()

    def eof_received(self) -> bool:
        self.transport.close()
        return True

    def connection_lost(self, _: Exception | None) -> None:
        if self.deed is not None:
            self.deed.cancel()
        self.provider.lines.discard(self)
        self.asked = None

    def _read(self) -> None:
        head, found, rest = self.received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or length is None or len(rest) < int(length[1]):
            return
        body, self.received = rest[: int(length[1])], rest[int(length[1]) :]
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        marker = _MARKER.search(body)
        self.asked = Asked(
            path=first.split()[1],
            key=headers.get("x-api-key") or headers.get("authorization", ""),
            body=json.loads(body),
            marker="" if marker is None else marker[0].decode(),
        )
        self.deed = asyncio.create_task(self.provider.answer(self, self.asked))
        self.deed.add_done_callback(_give_up_on_a_mistake)

    def has_gone(self) -> bool:
        """Whether the client has ended it, which the loop may not have come to see yet."""
        try:
            seen = self.transport.get_extra_info("socket")
            with socket.socket(fileno=os.dup(seen.fileno())) as copy:
                return copy.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except (OSError, ValueError):
            return True

    def finish(self, last: bytes) -> None:
        """Write the last of an answer. The request is over before its client can know it."""
        self.asked = None
        self.transport.write(last)
        if self.received:
            self._read()

    def end(self) -> None:
        """End it in one direction; what still comes is read."""
        if not self.transport.is_closing() and not self.is_ending:
            self.is_ending = True
            self.transport.write_eof()

    def reset(self) -> None:
        """Break it off."""
        self.asked = None
        if not self.transport.is_closing():
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()


class Provider:
    """What was asked, and whether it is there."""

    def __init__(self, script: str, seed: int) -> None:
        self.script = script
        self.seed = seed
        self.port = 0
        self.lines: set[Line] = set()
        self.lines_made = 0
        self.log: list[tuple[Any, ...]] = []
        self.is_down = True
        self._bound = self._server = None

    async def up(self) -> None:
        """Listen, on the same port as before."""
        self._bound = self._bound or _bound(self.port)
        self.port = self._bound.getsockname()[1]
        self._server = await asyncio.get_running_loop().create_server(self._line, sock=self._bound, backlog=1024)
        self.is_down = False

    async def down(self) -> None:
        """Refuse connections from now on, and end those that there are. Nobody connects meanwhile: see `Providers`."""
        self.is_down = True
        loop = asyncio.get_running_loop()
        while (connected := _accepted(self._bound)) is not None:
            await loop.connect_accepted_socket(self._line, connected)
        self._server.close()
        # A port that is bound is nobody else's, nor that of a client that would connect to itself.
        self._bound = _bound(self.port)
        await asyncio.sleep(0.02)  # what was sent by now is read
        for line in list(self.lines):
            if line.asked is not None:
                line.reset()
            else:
                line.end()

    async def answer(self, line: Line, asked: Asked) -> None:
        """Log a request, and do with it what the script says."""
        deed = deed_of(self.script, self.seed, len(self.log))
        if "unknown" in asked.key:
            deed = Deed("unauthorized")
        self._note(line, asked, deed.kind)
        if self.is_down or line.is_ending:
            return
        await asyncio.sleep(deed.after_s)
        if deed.kind in _REFUSALS:
            status, sentence = _REFUSALS[deed.kind]
            asks = deed.kind in {"too_much", "overloaded"} and deed.retry_after_ms is not None
            line.finish(refusal(status, sentence, *([f"retry-after-ms: {deed.retry_after_ms}"] if asks else [])))
        elif deed.kind == "nonsense":
            line.finish(nonsense())
        elif deed.kind == "reset":
            line.reset()
        elif deed.kind != "stall":
            await self._tell(line, asked, deed)

    async def _tell(self, line: Line, asked: Asked, deed: Deed) -> None:
        """Answer, or begin to."""
        pieces = pieces_of(asked.path, asked.body, keeps_contract=deed.kind != "wrong")
        *first, last = pieces
        breaks = deed.kind in {"stuck", "cut"}
        for piece in first[: deed.pieces] if breaks else first:
            if line.transport.is_closing():
                return
            line.transport.write(piece)
            if deed.gap_s:
                await asyncio.sleep(deed.gap_s)
        if deed.kind == "cut":
            line.end()
        elif not breaks:
            line.finish(last)

    def _line(self) -> Line:
        self.lines_made += 1
        return Line(self)

    def _note(self, line: Line, asked: Asked, deed: str) -> None:
        busy = [other.asked for other in self.lines if other.asked and other.asked.key == asked.key]
        if len(busy) > 1:
            busy = [other.asked for other in self.lines if self._is_open_on(other, asked.key)]
        of_model = sum(other.model == asked.model for other in busy)
        entry = (asked.marker, time.time(), line.number, asked.path, asked.key, asked.model, of_model, len(busy), deed)
        self.log.append(entry)

    @staticmethod
    def _is_open_on(line: Line, key: str) -> bool:
        return line.asked is not None and line.asked.key == key and not line.has_gone()

    async def obey(self, order: str) -> object:
        if order == "log":
            return [dict(zip(_FIELDS, entry, strict=True)) for entry in self.log]
        if order == "open":
            return len(self.lines)
        await (self.up() if order == "up" else self.down())
        return order


_REFUSALS = {
    "too_much": (429, "too many requests"),
    "overloaded": (529, "overloaded"),
    "error": (500, "it broke"),
    "refused": (400, "this cannot be"),
    "unauthorized": (401, "no such key"),
}


def _give_up_on_a_mistake(deed: asyncio.Task[None]) -> None:
    """End the process where the fake itself is wrong: its next order is not answered."""
    if not deed.cancelled() and deed.exception() is not None:
        traceback.print_exception(deed.exception())
        os._exit(1)


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    bound.setblocking(False)
    return bound


def _accepted(listening: socket.socket) -> socket.socket | None:
    try:
        connected, _ = listening.accept()
    except BlockingIOError:
        return None
    connected.setblocking(False)
    return connected


async def main() -> None:
    provider = Provider(sys.argv[1], int(sys.argv[2]))
    await provider.up()
    print(provider.port, flush=True)  # noqa: T201
    orders = asyncio.StreamReader()
    reading = asyncio.StreamReaderProtocol(orders)
    await asyncio.get_running_loop().connect_read_pipe(lambda: reading, sys.stdin)
    while order := await orders.readline():
        print(json.dumps(await provider.obey(order.decode().strip())), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
