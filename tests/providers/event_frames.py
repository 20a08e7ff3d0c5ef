"""Event frames: the events of AWS, as bytes on the wire. Headers are texts, or `(type, bytes)` of any other kind."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any
from zlib import crc32

_TEXT = 7
_SIZED = (6, 7)


def frame(headers: Mapping[str, Any], payload: bytes) -> bytes:
    """One frame, its checksums right."""
    block = b"".join(_header(name, value) for name, value in headers.items())
    lengths = struct.pack(">II", 16 + len(block) + len(payload), len(block))
    begun = lengths + struct.pack(">I", crc32(lengths)) + block + payload
    return begun + struct.pack(">I", crc32(begun))


def event(kind: str, payload: Any) -> bytes:
    """An event of that kind; its payload is plain data, or bytes as they are."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, payload if isinstance(payload, bytes) else json.dumps(payload).encode())


def exception(kind: str, payload: Any) -> bytes:
    """An exception within a stream."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, payload if isinstance(payload, bytes) else json.dumps(payload).encode())


def frames_in(stream: bytes) -> list[bytes]:
    """The frames of *stream*, one by one."""
    found = []
    while stream:
        (size,) = struct.unpack_from(">I", stream)
        found.append(stream[:size])
        stream = stream[size:]
    return found


def with_payload(whole: bytes, payload: bytes) -> bytes:
    """The same frame with another payload."""
    (headers,) = struct.unpack_from(">I", whole, 4)
    lengths = struct.pack(">II", 16 + headers + len(payload), headers)
    begun = lengths + struct.pack(">I", crc32(lengths)) + whole[12 : 12 + headers] + payload
    return begun + struct.pack(">I", crc32(begun))


def payload_of(whole: bytes) -> bytes:
    """The payload of a frame."""
    (headers,) = struct.unpack_from(">I", whole, 4)
    return whole[12 + headers : -4]


def _header(name: str, value: Any) -> bytes:
    kind, data = value if isinstance(value, tuple) else (_TEXT, value.encode())
    size = struct.pack(">H", len(data)) if kind in _SIZED else b""
    encoded = name.encode()
    return bytes([len(encoded)]) + encoded + bytes([kind]) + size + data
