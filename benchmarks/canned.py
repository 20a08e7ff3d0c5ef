"""What the loopback server answers, for each API: one whole answer, and one stream of CHUNKS pieces of text.

An API is one entry of ANSWERS, by what its paths have in them; the first that fits is taken. `server.c` reads them
from the file that `write_answers` writes.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

CHUNKS = 500

_TEXT = "The dentist expects you on Monday at nine. " * 25
_PIECES = tuple(f" word{number}" for number in range(CHUNKS))
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
_OUTPUT_TEXT = {"type": "output_text", "text": _TEXT, "annotations": [], "logprobs": []}
_OUTPUT_ITEM = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [_OUTPUT_TEXT]}
_RESPONSE = {
    "id": "resp_benchmark",
    "object": "response",
    "created_at": 1795000000,
    "status": "completed",
    "model": "bench-model",
    "output": [_OUTPUT_ITEM],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 120,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 80,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 200,
    },
}
_CANDIDATES = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": _TEXT}]}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 120, "candidatesTokenCount": 80, "totalTokenCount": 200},
    "modelVersion": "bench-model",
    "responseId": "gen-benchmark",
}
_CONVERSE = {
    "output": {"message": {"role": "assistant", "content": [{"text": _TEXT}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 120, "outputTokens": 80, "totalTokens": 200},
    "metrics": {"latencyMs": 400},
}


def _chat_events() -> Iterator[bytes]:
    def chunk(delta: Mapping[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event({**_CHAT, "object": "chat.completion.chunk", "choices": [choice], "usage": None})

    yield chunk({"role": "assistant", "content": ""})
    yield from (chunk({"content": piece}) for piece in _PIECES)
    yield chunk({}, "stop")
    yield _event({**_CHAT, "object": "chat.completion.chunk", "choices": []})
    yield b"data: [DONE]\n\n"


def _message_events() -> Iterator[bytes]:
    def event(kind: str, **fields: object) -> bytes:
        return _event({"type": kind, **fields}, kind)

    yield event("message_start", message={**_MESSAGE, "content": [], "stop_reason": None})
    yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for piece in _PIECES:
        yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
    yield event("content_block_stop", index=0)
    yield event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 80})
    yield event("message_stop")


def _response_events() -> Iterator[bytes]:
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    whole = "".join(_PIECES)
    part = {**_OUTPUT_TEXT, "text": whole}
    item = {**_OUTPUT_ITEM, "content": [part]}
    begun = {**_RESPONSE, "status": "in_progress", "output": [], "usage": None}
    kinds: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": {**_OUTPUT_ITEM, "content": []}},
        {"type": "response.content_part.added", **at, "part": {**_OUTPUT_TEXT, "text": ""}},
        *({"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []} for piece in _PIECES),
        {"type": "response.output_text.done", **at, "text": whole, "logprobs": []},
        {"type": "response.content_part.done", **at, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {**_RESPONSE, "output": [item]}},
    ]
    for number, fields in enumerate(kinds):
        yield _event({**fields, "sequence_number": number}, fields["type"])


def _candidate_events() -> Iterator[bytes]:
    usage = {"promptTokenCount": 120, "totalTokenCount": 120}
    for number, piece in enumerate(_PIECES, start=1):
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": piece}]}, "index": 0}
        if number == CHUNKS:
            candidate["finishReason"] = "STOP"
        yield _event({**_CANDIDATES, "candidates": [candidate], "usageMetadata": usage})


def _converse_events() -> Iterator[bytes]:
    yield _frame("messageStart", {"role": "assistant"})
    for piece in _PIECES:
        yield _frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": piece}})
    yield _frame("contentBlockStop", {"contentBlockIndex": 0})
    yield _frame("messageStop", {"stopReason": "end_turn"})
    yield _frame("metadata", {"usage": _CONVERSE["usage"], "metrics": _CONVERSE["metrics"]})


def _event(fields: Mapping[str, Any], name: str = "") -> bytes:
    """Return one server-sent event."""
    return b"%sdata: %s\n\n" % (f"event: {name}\n".encode() if name else b"", json.dumps(fields).encode())


def _frame(kind: str, fields: Mapping[str, Any]) -> bytes:
    """Return one message of Amazon's event stream: lengths, headers, JSON, and a checksum of each part."""
    said = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        b"%c%s\x07%s%s" % (len(name), name.encode(), struct.pack(">H", len(value)), value.encode())
        for name, value in said.items()
    )
    payload = json.dumps(fields).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _whole(answer: Mapping[str, Any]) -> bytes:
    body = json.dumps(answer).encode()
    return b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def _streamed(events: Iterator[bytes], kind: str = "text/event-stream") -> bytes:
    body = b"".join(events)
    pieces = (body[start : start + 8192] for start in range(0, len(body), 8192))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"content-type: %s\r\ntransfer-encoding: chunked\r\n\r\n%s0\r\n\r\n" % (kind.encode(), chunks)


_AMAZONS = "application/vnd.amazon.eventstream"
ANSWERS: dict[bytes, tuple[bytes, bytes]] = {
    b"/chat/completions": (_whole(_CHAT), _streamed(_chat_events())),
    b"/messages": (_whole(_MESSAGE), _streamed(_message_events())),
    b"/responses": (_whole(_RESPONSE), _streamed(_response_events())),
    b"generatecontent": (_whole(_CANDIDATES), _streamed(_candidate_events())),
    b"/converse": (_whole(_CONVERSE), _streamed(_converse_events(), _AMAZONS)),
}
"""A part of a path, in lower case → head and body of the whole answer, and of the stream."""


def write_answers(file: Path) -> None:
    """Write all answers to *file*: a line `PART WHOLE STREAMED`, with the sizes in bytes, and then both."""
    with file.open("wb") as out:
        for part, (whole, streamed) in ANSWERS.items():
            out.write(b"%s %d %d\n%s%s" % (part, len(whole), len(streamed), whole, streamed))
