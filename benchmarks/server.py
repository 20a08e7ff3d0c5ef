"""A loopback server that answers every POST with one fixed chat completion, in a process of its own.

Run as a script it prints its port and serves until it is ended; `loopback()` does both for a `with` block. GET returns
the body of the last POST, so that a bare client can send the same bytes.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_ANSWER = json.dumps(
    {
        "id": "chatcmpl-benchmark",
        "object": "chat.completion",
        "created": 1795000000,
        "model": "bench-model",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "The dentist expects you on Monday at nine. " * 8},
            }
        ],
        "usage": {"prompt_tokens": 120, "completion_tokens": 80, "total_tokens": 200},
    }
).encode()


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with kept-alive connections, as much of it as a client of ours sends."""

    last_body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            _, _, after = head.partition(b"\r\ncontent-length:")
            size = int(after.split(b"\r\n", 1)[0]) if after else 0
            body = self._buffer[end + 4 : end + 4 + size]
            if len(body) < size:
                return
            self._buffer = self._buffer[end + 4 + size :]
            self._answer(is_post=head.startswith(b"post "), body=body)

    def _answer(self, *, is_post: bool, body: bytes) -> None:
        if is_post:
            type(self).last_body = body
        answer = _ANSWER if is_post else self.last_body
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(answer)}\r\n\r\n"
        self._transport.write(head.encode() + answer)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def loopback() -> Iterator[str]:
    """Serve in another process; yields the base URL."""
    process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.terminate()
        process.communicate()


if __name__ == "__main__":
    asyncio.run(_serve())
