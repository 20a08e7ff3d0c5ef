"""What fake providers say, in the pieces in which it goes over the wire: chat completions, Anthropic's messages,
embeddings; whole, or as streams.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

WORDS = ("one ", "two ", "three ", "four ", "five")
USAGE = (100, 20)
"""Tokens of every answer, input and output."""


def pieces_of(path: str, asked: dict[str, Any], *, keeps_contract: bool) -> list[bytes]:
    """Return the answer to what was *asked* at *path*, head and all; the whole is its pieces in a row."""
    if path.endswith("/embeddings"):
        texts = asked["input"]
        vectors = [{"index": n, "embedding": [float(n), 0.5]} for n in range(len(texts))]
        return _whole({"data": vectors, "usage": {"prompt_tokens": USAGE[0]}})
    words, call = _said(asked, keeps_contract=keeps_contract)
    form = _Messages if path.endswith("/messages") else _Completions
    if asked.get("stream"):
        return _streamed(form.streamed(words, call))
    return _whole(form.whole(words, call))


def refusal(status: int, sentence: str, *headers: str) -> bytes:
    """Return an answer that says no."""
    body = json.dumps({"error": {"message": sentence, "type": "refused"}}).encode()
    return _head(status, "application/json", f"content-length: {len(body)}", *headers) + body


def nonsense() -> bytes:
    """Return a good answer's head, and a body that means nothing."""
    body = b'{"choices": [{'
    return _head(200, "application/json", f"content-length: {len(body)}") + body


def _said(asked: dict[str, Any], *, keeps_contract: bool) -> tuple[tuple[str, ...], dict[str, Any] | None]:
    """Return the words of the answer, and the call of a tool where one is offered and none has answered yet."""
    tools, last = asked.get("tools"), asked["messages"][-1]
    if tools and not _is_tool_result(last):
        seconds = 0.01 if keeps_contract else 0.3
        name = next(tool.get("function", tool)["name"] for tool in tools if "wait" in json.dumps(tool))
        return (), {"name": name, "arguments": {"seconds": seconds}}
    if "#number-" in json.dumps(asked["messages"]):
        return ('{"n"', ": ", "1}" if keeps_contract else '"one"}'), None
    return WORDS, None


def _is_tool_result(message: dict[str, Any]) -> bool:
    content = message["content"]
    parts = content if isinstance(content, list) else []
    return message["role"] == "tool" or any(part.get("type") == "tool_result" for part in parts)


class _Completions:
    """The dialect of chat completions."""

    @staticmethod
    def whole(words: tuple[str, ...], call: dict[str, Any] | None) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(words) or None}
        if call is not None:
            message["tool_calls"] = [_Completions._call(call)]
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if call else "stop"}
        return {"choices": [choice], "usage": _Completions._usage()}

    @staticmethod
    def streamed(words: tuple[str, ...], call: dict[str, Any] | None) -> list[str]:
        deltas: list[dict[str, Any]] = [{"content": word} for word in words]
        if call is not None:
            deltas.append({"tool_calls": [{"index": 0, **_Completions._call(call)}]})
        chunks: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
        end = {"index": 0, "delta": {}, "finish_reason": "tool_calls" if call else "stop"}
        chunks += [{"choices": [end]}, {"choices": [], "usage": _Completions._usage()}]
        return [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"]

    @staticmethod
    def _call(call: dict[str, Any]) -> dict[str, Any]:
        function = {"name": call["name"], "arguments": json.dumps(call["arguments"])}
        return {"id": "call_1", "type": "function", "function": function}

    @staticmethod
    def _usage() -> dict[str, int]:
        return {"prompt_tokens": USAGE[0], "completion_tokens": USAGE[1], "total_tokens": sum(USAGE)}


class _Messages:
    """Anthropic's dialect."""

    @staticmethod
    def whole(words: tuple[str, ...], call: dict[str, Any] | None) -> dict[str, Any]:
        block = {"type": "text", "text": "".join(words)}
        if call is not None:
            block = {"type": "tool_use", "id": "call_1", "name": call["name"], "input": call["arguments"]}
        usage = {"input_tokens": USAGE[0], "output_tokens": USAGE[1]}
        told = {"type": "message", "role": "assistant", "content": [block], "usage": usage}
        return {**told, "stop_reason": "tool_use" if call else "end_turn"}

    @staticmethod
    def streamed(words: tuple[str, ...], call: dict[str, Any] | None) -> list[str]:
        usage = {"input_tokens": USAGE[0], "output_tokens": 1}
        block: dict[str, Any] = {"type": "text", "text": ""}
        deltas: list[dict[str, Any]] = [{"type": "text_delta", "text": word} for word in words]
        if call is not None:
            block = {"type": "tool_use", "id": "call_1", "name": call["name"], "input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": json.dumps(call["arguments"])}]
        end = {"delta": {"stop_reason": "tool_use" if call else "end_turn"}, "usage": {"output_tokens": USAGE[1]}}
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": {"role": "assistant", "content": [], "usage": usage}},
            {"type": "content_block_start", "index": 0, "content_block": block},
            *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", **end},
            {"type": "message_stop"},
        ]
        return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]


def _whole(body: dict[str, Any]) -> list[bytes]:
    payload = json.dumps(body).encode()
    middle = len(payload) // 2
    head = _head(200, "application/json", f"content-length: {len(payload)}")
    return [head + payload[:middle], payload[middle:]]


def _streamed(frames: Iterable[str]) -> list[bytes]:
    head = _head(200, "text/event-stream", "transfer-encoding: chunked")
    return [head, *(f"{len(frame):x}\r\n{frame}\r\n".encode() for frame in frames), b"0\r\n\r\n"]


def _head(status: int, media_type: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} X", f"content-type: {media_type}", *headers, "", ""]).encode()
