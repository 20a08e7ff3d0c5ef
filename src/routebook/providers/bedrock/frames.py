"""Frames: bytes of an AWS event stream, cut anywhere → the data of each event.

Pure. A frame is its own length, the length of its headers, a checksum of the two; the headers; the payload; a checksum
of all before. All numbers are big-endian, checksums CRC-32. An event's data is an object with the event's kind as its
one key: `{"messageStop": {...}}`; an exception's is `{"exception": {"type": "throttlingException", "body": {...}}}`. A
frame that is not whole in itself is a Fault, and the last thing of its stream; what a broken stream leaves behind is
dropped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any
from zlib import crc32

import msgspec

from ..fault import Fault

_PRELUDE = struct.Struct(">III")
_CHECKSUM = struct.Struct(">I")
_LEAST_BYTES = _PRELUDE.size + _CHECKSUM.size
_MOST_HEADER_BYTES = 128 * 1024
_MOST_PAYLOAD_BYTES = 24 * 1024 * 1024
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""How many bytes the value of a header of each type has: truth, numbers, a time, an identifier."""
_BYTES, _TEXT = 6, 7
_EXCEPTIONS = {"exception": ":exception-type", "error": ":error-code"}


class _Broken(Exception):
    """A frame is none; the text says why."""


class FrameReader:
    """Reads one stream. Linear in its bytes, whatever the pieces are; holds one frame at most."""

    def __init__(self) -> None:
        self._unread: list[bytes] = []
        self._held = 0
        self._wanted = _PRELUDE.size
        self._is_broken = False

    def feed(self, piece: bytes) -> Iterator[bytes | Fault]:
        """Take the next *piece*; yield the data of each event that it completes. A Fault is the last."""
        if not piece or self._is_broken:
            return
        self._unread.append(piece)
        self._held += len(piece)
        if self._held < self._wanted:
            return
        read = self._unread[0] if len(self._unread) == 1 else b"".join(self._unread)
        try:
            yield from self._events(read)
        except _Broken as broken:
            self._is_broken = True
            self._unread.clear()
            yield Fault("malformed_response", f"the stream of events is broken: {broken}")

    def is_within_event(self) -> bool:
        """Tell whether a frame has begun, and is not whole: its length begins with a zero, as no text does."""
        return not self._is_broken and bool(self._unread) and self._unread[0][:1] == b"\0"

    def _events(self, read: bytes) -> Iterator[bytes]:
        begin = 0
        while True:
            held = len(read) - begin
            self._wanted = _wanted(read, begin) if held >= _PRELUDE.size else _PRELUDE.size
            if held < self._wanted:
                break
            end = begin + self._wanted
            frame, begin = memoryview(read)[begin:end], end
            yield _event(frame)
        rest = read[begin:]
        self._unread, self._held = [rest] if rest else [], len(rest)


def _wanted(read: bytes, begin: int) -> int:
    """Return how many bytes the frame has that begins there."""
    total, headers, checksum = _PRELUDE.unpack_from(read, begin)
    if crc32(memoryview(read)[begin : begin + 8]) != checksum:
        raise _Broken("the checksum of a frame's beginning is wrong")
    payload = total - headers - _LEAST_BYTES
    if payload < 0 or headers > _MOST_HEADER_BYTES or payload > _MOST_PAYLOAD_BYTES:
        raise _Broken(f"a frame of {total:,} bytes with {headers:,} of headers is too large, or none")
    return int(total)


def _event(frame: memoryview) -> bytes:
    (checksum,) = _CHECKSUM.unpack_from(frame, len(frame) - _CHECKSUM.size)
    if crc32(frame[: -_CHECKSUM.size]) != checksum:
        raise _Broken("the checksum of a frame is wrong")
    begin = _PRELUDE.size + _PRELUDE.unpack_from(frame)[1]
    headers = read_headers(bytes(frame[_PRELUDE.size : begin]))
    return _data(headers, bytes(frame[begin : -_CHECKSUM.size]))


def _data(headers: Mapping[str, Any], payload: bytes) -> bytes:
    kind = headers.get(":message-type")
    if kind in _EXCEPTIONS:
        named = headers.get(_EXCEPTIONS[kind])
        return b'{"exception":{"type":%s,"body":%s}}' % (_quoted(named), _body(headers, payload))
    return b"{%s:%s}" % (_quoted(headers.get(":event-type")), payload or b"{}")


def _quoted(name: Any) -> bytes:
    return msgspec.json.encode(name if isinstance(name, str) else "")


def _body(headers: Mapping[str, Any], payload: bytes) -> bytes:
    """Return what an exception says, as JSON whatever it came as."""
    said = headers.get(":error-message")
    if not payload:
        return msgspec.json.encode({"message": said if isinstance(said, str) else None})
    try:
        msgspec.json.decode(payload, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeError):
        return msgspec.json.encode({"message": payload.decode("utf-8", "replace")})
    return payload


def read_headers(block: bytes) -> dict[str, Any]:
    """Return the headers of a frame by name: texts, and the bytes of any other value.

    Raises:
        _Broken: They are none, or one stands there twice.
    """
    headers: dict[str, Any] = {}
    at = 0
    try:
        while at < len(block):
            name, at = _sized(block, at, 1)
            kind = block[at]
            size = _SIZES.get(kind)
            if size is None and kind not in (_BYTES, _TEXT):
                raise _Broken(f"a frame has a header of type {kind}, which is none")
            value, at = (block[at + 1 : at + 1 + size], at + 1 + size) if size is not None else _sized(block, at + 1, 2)
            if at > len(block):
                raise _Broken("a frame ends within its headers")
            text = name.decode()
            if text in headers:
                raise _Broken(f"a frame has the header {text!r} twice")
            headers[text] = value.decode() if kind == _TEXT else value
    except (IndexError, UnicodeDecodeError):
        raise _Broken("a frame has headers that cannot be read") from None
    return headers


def _sized(block: bytes, at: int, digits: int) -> tuple[bytes, int]:
    """Return the bytes that stand behind their own length, a number of so many bytes, and where they end."""
    begin = at + digits
    end = begin + int.from_bytes(block[at:begin], "big")
    if begin > len(block) or end > len(block):
        raise _Broken("a frame ends within its headers")
    return block[begin:end], end
