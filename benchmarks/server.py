"""A loopback server that answers every POST with one fixed answer of its API, in a process of its own.

Where a stream is asked for, it comes in one burst. What is answered stands in `canned`.

Run as a script it prints its port and serves until it is ended; `loopback()` does both for a `with` block. GET returns
the body of the last POST, and its path in a header, so that a bare client can send the same bytes to the same place.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from canned import answer_to


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with kept-alive connections, as much of it as a client of ours sends."""

    last_path = b"/"
    last_body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            _, _, after = head.lower().partition(b"\r\ncontent-length:")
            size = int(after.split(b"\r\n", 1)[0]) if after else 0
            body = self._buffer[end + 4 : end + 4 + size]
            if len(body) < size:
                return
            self._buffer = self._buffer[end + 4 + size :]
            self._answer(head.split(b"\r\n", 1)[0], body)

    def _answer(self, line: bytes, body: bytes) -> None:
        method, path, _ = line.split(b" ")
        if method == b"POST":
            type(self).last_path, type(self).last_body = path, body
            answer = answer_to(path.lower(), body)
        else:
            answer = (
                b"x-path: %s\r\ncontent-length: %d\r\n\r\n" % (self.last_path, len(self.last_body)) + self.last_body
            )
        self._transport.write(b"HTTP/1.1 200 OK\r\n" + answer)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def loopback() -> Iterator[str]:
    """Serve in another process; yields the server's URL."""
    process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.communicate()


if __name__ == "__main__":
    asyncio.run(_serve())
