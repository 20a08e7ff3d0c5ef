"""What fake providers of every API answer: words, a tool's call, a stream, vectors, pictures, and each refusal."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

ECHO = "plain__echo"
"""The name under which a model is shown the tool `echo` of the server `plain`."""

REFUSALS: dict[str, tuple[int, str]] = {
    "authentication": (401, "no"),
    "permission_denied": (403, "no"),
    "not_found": (404, "no"),
    "bad_request": (400, "no"),
    "unsupported_option": (400, "unknown parameter: 'seed'"),
    "unsupported_capability": (400, "this model does not support images"),
    "context_window_exceeded": (413, "no"),
    "content_filter": (400, "stopped by the content policy"),
    "rate_limit": (429, "no"),
    "quota_exceeded": (402, "no"),
    "timeout": (504, "no"),
    "server_error": (500, "no"),
    "overloaded": (529, "no"),
}
"""A kind of failure → how every API says it: a status, and words where the status says too little."""

KINDS_ON_THE_WIRE = (*REFUSALS, "connection", "malformed_response")

_PIXEL = "iVBORw0KGgo="
_SSE = "content-type: text/event-stream"
_AMAZONS = "content-type: application/vnd.amazon.eventstream"


@dataclass(frozen=True)
class WireApi:
    """One API: the header that carries its key, what stands before the key there, and what a provider answers."""

    key_header: str
    key_prefix: str
    words: Any
    call: Any
    stream: bytes
    stream_type: str = _SSE
    vectors: Mapping[str, Any] | None = None
    picture: Mapping[str, Any] | None = None
    model: str = "vendor/m"

    def key_of(self, received: Any) -> str:
        return received.headers[self.key_header].removeprefix(self.key_prefix)

    def said(self, text: str) -> bytes:
        return _http(200, self.words(text))

    def called(self, text: str) -> bytes:
        """An answer that calls the tool `echo` with *text*."""
        return _http(200, self.call({"text": text}))

    def streamed(self) -> bytes:
        return _http(200, self.stream, self.stream_type)

    def embedded(self) -> bytes:
        return _http(200, self.vectors)

    def drawn(self) -> bytes:
        return _http(200, self.picture)

    def refused(self, kind: str, *headers: str) -> bytes | None:
        """What makes a client say *kind*; None hangs up."""
        if kind == "connection":
            return None
        if kind == "malformed_response":
            return _http(200, b"<html>")
        status, words = REFUSALS[kind]
        return _http(status, {"error": {"message": words}}, *headers)


def _http(status: int, body: Any, *headers: str) -> bytes:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(payload)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + payload


def _events(*events: Any) -> bytes:
    lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
    return "".join(f"data: {line}\n\n" for line in lines).encode()


def _frames(*events: tuple[str, Any]) -> bytes:
    return b"".join(_frame(kind, json.dumps(fields).encode()) for kind, fields in events)


def _frame(kind: str, payload: bytes) -> bytes:
    said = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        b"%c%s\x07%s%s" % (len(name), name.encode(), struct.pack(">H", len(value)), value.encode())
        for name, value in said.items()
    )
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    begun = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return begun + struct.pack(">I", crc32(begun))


def _choice(finish: str = "stop", **message: Any) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", **message}}
    return {"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 3}}


def _chat_call(arguments: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": ECHO, "arguments": json.dumps(arguments)}
    return _choice("tool_calls", content=None, tool_calls=[{"id": "c1", "type": "function", "function": function}])


def _output(*items: dict[str, Any]) -> dict[str, Any]:
    return {"status": "completed", "output": list(items), "usage": {"input_tokens": 9, "output_tokens": 3}}


def _message(stop: str, *content: dict[str, Any]) -> dict[str, Any]:
    usage = {"input_tokens": 9, "output_tokens": 3}
    return {"type": "message", "role": "assistant", "content": list(content), "stop_reason": stop, "usage": usage}


def _candidate(*parts: dict[str, Any]) -> dict[str, Any]:
    counted = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}
    return {"candidates": [candidate], "usageMetadata": counted}


def _converse(stop: str, *content: dict[str, Any]) -> dict[str, Any]:
    usage = {"inputTokens": 9, "outputTokens": 3, "totalTokens": 12}
    return {"output": {"message": {"role": "assistant", "content": list(content)}}, "stopReason": stop, "usage": usage}


def _call_item(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "function_call", "call_id": "c1", "name": ECHO, "arguments": json.dumps(arguments)}


APIS: dict[str, WireApi] = {
    "openai-chat": WireApi(
        "authorization",
        "Bearer ",
        words=lambda text: _choice(content=text),
        call=_chat_call,
        stream=_events(
            {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
            {"choices": [{"index": 0, "delta": {"content": "Noon."}}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            "[DONE]",
        ),
        vectors={"data": [{"index": 0, "embedding": [0.5]}], "usage": {"prompt_tokens": 7}},
        picture={"created": 1, "data": [{"b64_json": _PIXEL}]},
    ),
    "openai-responses": WireApi(
        "authorization",
        "Bearer ",
        words=lambda text: _output(
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
        ),
        call=lambda arguments: _output(_call_item(arguments)),
        stream=_events(
            {"type": "response.created", "response": {"status": "in_progress", "output": []}},
            {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "content": []}},
            {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Noon."},
            {"type": "response.completed", "response": {"status": "completed", "output": []}},
        ),
    ),
    "anthropic": WireApi(
        "x-api-key",
        "",
        words=lambda text: _message("end_turn", {"type": "text", "text": text}),
        call=lambda arguments: _message(
            "tool_use", {"type": "tool_use", "id": "c1", "name": ECHO, "input": dict(arguments)}
        ),
        stream=_events(
            {"type": "message_start", "message": _message("")},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Noon."}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
            {"type": "message_stop"},
        ),
    ),
    "gemini": WireApi(
        "x-goog-api-key",
        "",
        words=lambda text: _candidate({"text": text}),
        call=lambda arguments: _candidate({"functionCall": {"id": "c1", "name": ECHO, "args": dict(arguments)}}),
        stream=_events(_candidate({"text": "Noon."})),
        vectors={"embedding": {"values": [0.5]}},
        picture=_candidate({"inlineData": {"mimeType": "image/png", "data": _PIXEL}}),
    ),
    "bedrock": WireApi(
        "authorization",
        "Bearer ",
        words=lambda text: _converse("end_turn", {"text": text}),
        call=lambda arguments: _converse(
            "tool_use", {"toolUse": {"toolUseId": "c1", "name": ECHO, "input": dict(arguments)}}
        ),
        stream=_frames(
            ("messageStart", {"role": "assistant"}),
            ("contentBlockDelta", {"delta": {"text": "Noon."}, "contentBlockIndex": 0}),
            ("contentBlockStop", {"contentBlockIndex": 0}),
            ("messageStop", {"stopReason": "end_turn"}),
            ("metadata", {"usage": {"inputTokens": 1, "outputTokens": 1}, "metrics": {"latencyMs": 1}}),
        ),
        stream_type=_AMAZONS,
        vectors={"embedding": [0.5], "inputTextTokenCount": 7},
        model="amazon.titan-embed-text-v2:0",
    ),
    "litellm": WireApi(
        "authorization",
        "Bearer ",
        words=lambda text: {"id": "1", "object": "chat.completion", "created": 1, **_choice(content=text)},
        call=lambda arguments: {"id": "1", "object": "chat.completion", "created": 1, **_chat_call(arguments)},
        stream=_events(
            {"id": "1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Noon."}}]},
            {"id": "1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            "[DONE]",
        ),
        vectors={"object": "list", "data": [{"index": 0, "embedding": [0.5]}], "usage": {"prompt_tokens": 7}},
        picture={"created": 1, "data": [{"b64_json": _PIXEL}]},
        model="openai/m",
    ),
}
"""Each API whose adapter can be pointed at loopback."""
