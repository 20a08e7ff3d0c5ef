"""A loopback server that answers every POST with one fixed answer of its API, in a process of its own.

Where a stream is asked for, it comes in one burst: CHUNKS pieces of text, and what else belongs to it.

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

CHUNKS = 500

_TEXT = "The dentist expects you on Monday at nine. " * 8
_CHAT = {
    "id": "chatcmpl-benchmark",
    "object": "chat.completion",
    "created": 1795000000,
    "model": "bench-model",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": _TEXT}}],
    "usage": {"prompt_tokens": 120, "completion_tokens": 80, "total_tokens": 200},
}
_MESSAGE = {
    "id": "msg_benchmark",
    "type": "message",
    "role": "assistant",
    "model": "bench-model",
    "content": [{"type": "text", "text": _TEXT}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 120, "output_tokens": 80},
}


def _chat_events() -> Iterator[str]:
    def chunk(delta: dict[str, str], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return f"data: {json.dumps({**_CHAT, 'object': 'chat.completion.chunk', 'choices': [choice], 'usage': None})}"

    yield chunk({"role": "assistant", "content": ""})
    yield from (chunk({"content": f" word{number}"}) for number in range(CHUNKS))
    yield chunk({}, "stop")
    yield "data: [DONE]"


def _message_events() -> Iterator[str]:
    def event(kind: str, **fields: object) -> str:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}"

    yield event("message_start", message={**_MESSAGE, "content": [], "stop_reason": None})
    yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for number in range(CHUNKS):
        yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": f" word{number}"})
    yield event("content_block_stop", index=0)
    yield event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 80})
    yield event("message_stop")


def _whole(answer: dict[str, object]) -> bytes:
    body = json.dumps(answer).encode()
    return b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def _streamed(events: Iterator[str]) -> bytes:
    body = "".join(f"{event}\n\n" for event in events).encode()
    pieces = (body[start : start + 8192] for start in range(0, len(body), 8192))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


# By whether the messages API is asked, and whether for a stream.
_ANSWERS = {
    (False, False): _whole(_CHAT),
    (False, True): _streamed(_chat_events()),
    (True, False): _whole(_MESSAGE),
    (True, True): _streamed(_message_events()),
}


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
            self._answer(head.split(b"\r\n", 1)[0], body)

    def _answer(self, line: bytes, body: bytes) -> None:
        if line.startswith(b"post "):
            type(self).last_body = body
            answer = _ANSWERS[b"/messages" in line, b'"stream":true' in body]
        else:
            answer = b"content-length: %d\r\n\r\n" % len(self.last_body) + self.last_body
        self._transport.write(b"HTTP/1.1 200 OK\r\n" + answer)


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
