"""Answers: what Anthropic may answer, built with its own types, whole and cut into events."""

from __future__ import annotations

import copy
import json
from typing import Any

from anthropic.types import (
    Message,
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawContentBlockStopEvent,
    RawMessageDeltaEvent,
    RawMessageStartEvent,
    RawMessageStopEvent,
)

PAGE = {
    "type": "page_location",
    "cited_text": "12",
    "document_index": 0,
    "document_title": None,
    "start_page_number": 1,
    "end_page_number": 2,
    "file_id": "file_1",
}
WEB = {"type": "web_search_result_location", "cited_text": "12", "encrypted_index": "e", "title": None, "url": "u"}
USAGE = {"input_tokens": 25, "output_tokens": 9}
FULL_USAGE = {
    **USAGE,
    "cache_creation_input_tokens": 100,
    "cache_read_input_tokens": 2000,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 0},
    "output_tokens_details": {"thinking_tokens": 4},
    "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 2},
    "service_tier": "priority",
    "inference_geo": "eu",
    "speed": "fast",
}
TEXT = {"type": "text", "text": "It is noon in München. 😀"}
THINKING = {"type": "thinking", "thinking": "Where is the sun?\n", "signature": "EqoBCkgIAR+/=="}
OMITTED = {"type": "thinking", "thinking": "", "signature": "EqoBCkgIARABGA"}
REDACTED = {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix/"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "clock__now", "input": {"zone": "Europe/Berlin"}}
DEEP = {"type": "tool_use", "id": "toolu_2", "name": "find", "input": {"a": [1, 2.5, None, {"b": ["ü", True]}]}}
BARE = {"type": "tool_use", "id": "toolu_3", "name": "ping", "input": {}}
CHAR = {
    "type": "char_location",
    "cited_text": "noon",
    "document_index": 0,
    "document_title": "Clock",
    "start_char_index": 0,
    "end_char_index": 4,
}
BLOCK_PLACE = {
    "type": "content_block_location",
    "cited_text": "noon",
    "document_index": 1,
    "document_title": None,
    "start_block_index": 0,
    "end_block_index": 1,
}
FOUND = {
    "type": "search_result_location",
    "cited_text": "noon",
    "search_result_index": 0,
    "source": "https://a.example",
    "title": "A",
    "start_block_index": 0,
    "end_block_index": 1,
}
CALLER = {"type": "code_execution_20260120", "tool_id": "srvtoolu_1"}
SERVER = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "time"}}
WEB_RESULT = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": [{"type": "web_search_result", "title": "T", "url": "https://a.example", "encrypted_content": "e"}],
}
WEB_ERROR = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"},
}
RUN = {
    "type": "code_execution_tool_result",
    "tool_use_id": "srvtoolu_2",
    "content": {"type": "code_execution_result", "content": [], "return_code": 0, "stderr": "", "stdout": "4\n"},
}
BASH = {
    "type": "bash_code_execution_tool_result",
    "tool_use_id": "srvtoolu_3",
    "content": {"type": "bash_code_execution_result", "content": [], "return_code": 1, "stderr": "x", "stdout": ""},
}
UPLOAD = {"type": "container_upload", "file_id": "file_1"}
CONTAINER = {"id": "container_1", "expires_at": "2026-11-21T12:00:00Z"}


def refused(explanation: str | None, category: str | None = None) -> dict[str, Any]:
    return {
        "stop_reason": "refusal",
        "stop_details": {"type": "refusal", "category": category, "explanation": explanation},
    }


def cited(*citations: dict[str, Any]) -> dict[str, Any]:
    return {**TEXT, "citations": list(citations)}


ANSWERS: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "words": ([TEXT], {}),
    "nothing": ([], {}),
    "two-texts": ([TEXT, {"type": "text", "text": "Really."}], {}),
    "long": ([{"type": "text", "text": "word " * 4000}], {}),
    "any-letters": ([{"type": "text", "text": '"\\\u2028\x7f\n\t</s> {"a": 1}'}], {}),
    "json": ([{"type": "text", "text": '{"folder_id": "f-1"}'}], {}),
    "cut-short": ([TEXT], {"stop_reason": "max_tokens"}),
    "stopped": ([TEXT], {"stop_reason": "stop_sequence", "stop_sequence": "END"}),
    "window-full": ([TEXT], {"stop_reason": "model_context_window_exceeded"}),
    "paused": ([TEXT, SERVER], {"stop_reason": "pause_turn"}),
    "refused": ([], refused("I cannot help with that.", "cyber")),
    "refused-in-the-middle": ([TEXT], refused("I stop here.")),
    "refused-without-words": ([], refused(None, "bio")),
    "thought": ([THINKING, TEXT], {}),
    "thought-omitted": ([OMITTED, TEXT], {}),
    "thought-hidden": ([REDACTED, TEXT], {}),
    "thoughts-of-both-kinds": ([THINKING, REDACTED, OMITTED, TEXT], {}),
    "thought-cut-short": ([THINKING], {"stop_reason": "max_tokens"}),
    "call": ([USE], {"stop_reason": "tool_use"}),
    "call-with-nothing": ([BARE], {"stop_reason": "tool_use"}),
    "call-deep": ([DEEP], {"stop_reason": "tool_use"}),
    "words-and-call": ([TEXT, USE], {"stop_reason": "tool_use"}),
    "three-calls": ([USE, DEEP, BARE], {"stop_reason": "tool_use"}),
    "thought-and-call": ([THINKING, USE], {"stop_reason": "tool_use"}),
    "thoughts-between-calls": ([THINKING, USE, OMITTED, DEEP, REDACTED, BARE], {"stop_reason": "tool_use"}),
    "call-cut-short": ([TEXT, BARE], {"stop_reason": "max_tokens"}),
    "call-by-the-model": ([{**USE, "caller": {"type": "direct"}}], {"stop_reason": "tool_use"}),
    "call-by-code": ([{**USE, "caller": CALLER}], {"stop_reason": "tool_use"}),
    "call-of-a-set": ([{**USE, "toolset_name": "browser"}], {"stop_reason": "tool_use"}),
    "cited-by-place": ([cited(CHAR)], {}),
    "cited-by-page": ([cited(PAGE)], {}),
    "cited-by-block": ([cited(BLOCK_PLACE)], {}),
    "cited-from-a-search": ([cited(FOUND, WEB)], {}),
    "cited-in-turn": ([TEXT, cited(CHAR), TEXT, cited(PAGE, CHAR)], {}),
    "searched": ([SERVER, WEB_RESULT, cited(WEB)], {}),
    "search-failed": ([SERVER, WEB_ERROR, TEXT], {}),
    "ran-code": ([{**SERVER, "name": "code_execution", "input": {"code": "2+2"}}, RUN, TEXT], {}),
    "ran-bash": ([BASH, UPLOAD, TEXT], {"container": CONTAINER}),
    "searched-and-thought": ([THINKING, SERVER, WEB_RESULT, OMITTED, USE], {"stop_reason": "tool_use"}),
    "all-counts": ([TEXT], {"usage": FULL_USAGE}),
    "cached": ([TEXT], {"usage": {**USAGE, "cache_read_input_tokens": 500}}),
    "a-tier": ([TEXT], {"usage": {**USAGE, "service_tier": "batch"}}),
    "diagnosed": ([TEXT], {"diagnostics": {"cache_miss_reason": {"type": "unavailable"}}}),
    "no-counts": ([TEXT], {"usage": {"input_tokens": 0, "output_tokens": 0}}),
}


def vendors(name: str) -> Message:
    """The answer as the vendor's own type, which refuses what it does not know."""
    content, fields = ANSWERS[name]
    plain = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x-1",
        "content": content,
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
        **fields,
    }
    return Message.model_validate(copy.deepcopy(plain), strict=False)


def stream_of(message: Message, size: int = 7) -> list[Any]:
    """Cut *message* into the vendor's own events, its text in pieces of *size* letters."""
    whole = message.model_dump(mode="json", exclude_unset=True)
    usage = whole["usage"]
    counted_late = ("output_tokens", "output_tokens_details", "server_tool_use")
    before = {
        **whole,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": {**usage, **dict.fromkeys(counted_late), "output_tokens": 1},
    }
    events: list[Any] = [RawMessageStartEvent.model_validate({"type": "message_start", "message": before})]
    for index, block in enumerate(whole["content"]):
        start, deltas = cut(block, size)
        begun = {"type": "content_block_start", "index": index, "content_block": start}
        events.append(RawContentBlockStartEvent.model_validate(begun))
        for delta in deltas:
            piece = {"type": "content_block_delta", "index": index, "delta": delta}
            events.append(RawContentBlockDeltaEvent.model_validate(piece))
        events.append(RawContentBlockStopEvent(type="content_block_stop", index=index))
    ended = {key: whole.get(key) for key in ("stop_reason", "stop_sequence", "stop_details", "container")}
    counts = {key: usage.get(key) for key in counted_late}
    last = {"type": "message_delta", "delta": ended, "usage": counts}
    return [*events, RawMessageDeltaEvent.model_validate(last), RawMessageStopEvent(type="message_stop")]


def cut(block: dict[str, Any], size: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return how a block begins, and its pieces."""
    kind = block["type"]
    if kind == "text":
        cited_here = [{"type": "citations_delta", "citation": item} for item in block.get("citations", ())]
        texts = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"], size)]
        return {**block, "text": "", "citations": None}, [*cited_here, *texts]
    if kind == "thinking":
        thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"], size)]
        signature = {"type": "signature_delta", "signature": block["signature"]}
        return {**block, "thinking": "", "signature": ""}, [*thoughts, signature]
    if kind in ("tool_use", "server_tool_use") and block["input"]:
        text = json.dumps(block["input"], ensure_ascii=False)
        inputs = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces(text, size)]
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": ""}, *inputs]
    return block, []


def pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def sse(events: list[Any]) -> bytes:
    lines = (f"event: {event.type}\ndata: {event.model_dump_json(exclude_unset=True)}\n\n" for event in events)
    return 'event: ping\ndata: {"type": "ping"}\n\n: keep-alive\n\n'.join(lines).encode()
