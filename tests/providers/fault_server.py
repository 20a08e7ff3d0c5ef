"""Faults: how a server can fail on the wire, each written to the socket byte by byte.

Each takes the body that a good server would have sent, and returns a reply for `Loopback.start`.
"""

from __future__ import annotations

import asyncio
import gzip
import re
import socket
import struct
import zlib
from collections.abc import Callable, Coroutine

from event_frames import event, frames_in, payload_of, with_payload

Reply = Callable[[asyncio.StreamWriter], Coroutine[None, None, None]]
Fault = Callable[[bytes], Reply]

_PAUSE_S = 0.02
_FLOOD_BYTES = 64 * 1024
_OPEN_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
_CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def _head(body: bytes, *headers: str, length: int | None = None) -> bytes:
    kind = "application/json" if body.startswith(b"{") else "text/event-stream"
    size = len(body) if length is None else length
    return "\r\n".join(
        ["HTTP/1.1 200 OK", f"content-type: {kind}", f"content-length: {size}", *headers, "", ""]
    ).encode()


def _whole(body: bytes) -> bytes:
    return _head(body) + body


def _writes(make: Callable[[bytes], bytes], *, then_stall: bool = False) -> Fault:
    def fault(body: bytes) -> Reply:
        async def reply(writer: asyncio.StreamWriter) -> None:
            writer.write(make(body))
            await writer.drain()
            if then_stall:
                await asyncio.sleep(30)

        return reply

    return fault


def _resets(make: Callable[[bytes], bytes]) -> Fault:
    def fault(body: bytes) -> Reply:
        async def reply(writer: asyncio.StreamWriter) -> None:
            writer.write(make(body))
            await writer.drain()
            await asyncio.sleep(_PAUSE_S)
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()

        return reply

    return fault


def _repeats(start: Callable[[bytes], bytes], piece: Callable[[bytes], bytes], pause_s: float | None = None) -> Fault:
    """Go on for ever: as fast as the client reads, or with a pause after each piece."""

    def fault(body: bytes) -> Reply:
        async def reply(writer: asyncio.StreamWriter) -> None:
            writer.write(start(body))
            again = piece(body)
            while True:
                writer.write(again)
                await writer.drain()
                await asyncio.sleep(pause_s or 0)

        return reply

    return fault


def _drips(body: bytes) -> Reply:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(_head(body))
        for byte in body:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(_PAUSE_S)

    return reply


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def _is_framed(body: bytes) -> bool:
    """Tell a stream of AWS's frames from one of server-sent events."""
    return body.startswith(b"\0")


def _delta(body: bytes) -> bytes:
    """Return the event that brings the words."""
    if _is_framed(body):
        return next(frame for frame in frames_in(body) if b"Noon" in frame)
    return next(event for event in body.split(b"\n\n") if b"Noon" in event) + b"\n\n"


def _comment(body: bytes) -> bytes:
    """Return what says nothing in a stream."""
    return event("keepAlive", {}) if _is_framed(body) else b": still here\n\n"


def _opening(body: bytes) -> bytes:
    """Return the head, and the events before the one that brings the words."""
    is_stream = body.startswith(b"data") or _is_framed(body)
    return _OPEN_HEAD + (body.partition(_delta(body))[0] if is_stream else b"")


def _packed(body: bytes, encoding: str = "gzip") -> bytes:
    return _head(body, f"content-encoding: {encoding}", length=len(body)) + body


def _bomb() -> bytes:
    """128 MiB of blanks, packed, in about 130 kB."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([*(packer.compress(b" " * 2**20) for _ in range(128)), packer.flush()])


_BOMB = _bomb()


def _twice(body: bytes) -> bytes:
    if _is_framed(body):
        return b"".join(with_payload(frame, _twice(payload_of(frame))) for frame in frames_in(body))
    return re.sub(rb'("\w+"): "Noon\."', rb'\1: "Noon.", \1: "Midnight."', body)


def _deep(body: bytes) -> bytes:
    deep = b'{"error": ' + b"[" * 100_000
    if _is_framed(body):
        return event("messageStart", deep)
    return deep if body.startswith(b"{") else b"data: " + deep + b"\n\n"


HANGS_UP: dict[str, Fault] = {
    "hangs up before its answer": _writes(lambda body: b""),
    "resets before its answer": _resets(lambda body: b""),
    "hangs up within its head": _writes(lambda body: _head(body)[:30]),
    "hangs up in the middle": _writes(lambda body: _head(body) + _half(body)),
    "resets in the middle": _resets(lambda body: _head(body) + _half(body)),
    "says too long a length, and hangs up": _writes(lambda body: _head(body, length=len(body) + 9) + _half(body)),
    "cuts a chunk off": _writes(lambda body: _CHUNKED + b"%x\r\n" % len(body) + _half(body)),
}

TAKES_TOO_LONG: dict[str, Fault] = {
    "stalls before its answer": _writes(lambda body: b"", then_stall=True),
    "stalls within its head": _writes(lambda body: _head(body)[:30], then_stall=True),
    "stalls in the middle": _writes(lambda body: _head(body) + _half(body), then_stall=True),
    "says too long a length, and stalls": _writes(
        lambda body: _head(body, length=len(body) + 9) + _half(body), then_stall=True
    ),
    "drips": _drips,
    "sends interim answers without end": _repeats(
        lambda body: b"", lambda body: b"HTTP/1.1 103 Early Hints\r\n\r\n", _PAUSE_S
    ),
    "floods with interim answers": _repeats(lambda body: b"", lambda body: b"HTTP/1.1 102 Processing\r\n\r\n" * 500),
    "sends comments without end": _repeats(lambda body: _OPEN_HEAD, _comment, _PAUSE_S),
    "sends events without end": _repeats(_opening, _delta, _PAUSE_S),
    "floods with events": _repeats(_opening, lambda body: _delta(body) * 200, 0.001),
}

TALKS_NONSENSE: dict[str, Fault] = {
    "sends a page": _writes(lambda body: _whole(b"<html><title>Hi</title></html>")),
    "sends words": _writes(lambda body: _whole(b"Good day")),
    "sends nothing, with status 200": _writes(lambda body: _whole(b"")),
    "sends nothing, with status 204": _writes(lambda body: b"HTTP/1.1 204 No Content\r\n\r\n"),
    "sends nothing, with status 205": _writes(lambda body: b"HTTP/1.1 205 X\r\ncontent-length: 0\r\n\r\n"),
    "cuts its compression off": _writes(lambda body: _packed(gzip.compress(body)[:-12])),
    "breaks its compression": _writes(lambda body: _packed(body)),
    "compresses twice": _writes(lambda body: _packed(gzip.compress(gzip.compress(body)), "gzip, gzip")),
    "compresses as nobody asked": _writes(lambda body: _packed(body, "br")),
    "sends a compression bomb": _writes(lambda body: _packed(_BOMB)),
    "sends a header without end": _repeats(lambda body: b"HTTP/1.1 200 OK\r\nx: ", lambda body: b"x" * _FLOOD_BYTES),
    "sends headers without end": _repeats(
        lambda body: b"HTTP/1.1 200 OK\r\n", lambda body: b"x-header: filled to the brim\r\n" * 2000
    ),
    "is no HTTP server": _writes(lambda body: b"SSH-2.0-OpenSSH_9\r\n\r\n"),
    "says two lengths": _writes(lambda body: _head(body, "content-length: 3") + body),
    "says too short a length": _writes(lambda body: _head(body, length=len(_half(body))) + body),
    "sends chunks of rubbish": _writes(lambda body: _CHUNKED + b"rubbish\r\n" + body),
    "cuts an answer without length off": _writes(lambda body: b"HTTP/1.0 200 OK\r\n\r\n" + _half(body)),
    "sends bytes that are no UTF-8": _writes(lambda body: _whole(body.replace(b"Noon", b"N\xff\xfen"))),
    "says a thing twice": _writes(lambda body: _whole(_twice(body))),
    "nests without end": _writes(lambda body: _whole(_deep(body))),
    "sends a body without end": _repeats(lambda body: _OPEN_HEAD + b'{"id": "', lambda body: b"x" * _FLOOD_BYTES),
    "sends a line without end": _repeats(lambda body: _OPEN_HEAD + b"data: ", lambda body: b"x" * _FLOOD_BYTES),
}

CUTS_STREAMS_OFF = ("says too short a length", "cuts an answer without length off")
"""What of a whole answer is half a JSON, and of a stream one that ends too early."""
