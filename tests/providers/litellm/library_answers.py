"""What providers behind the library answer on the wire, and clients of the library for them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable

import pytest

from routebook.canonical.chat import ChatRequest
from routebook.canonical.message import Message
from routebook.canonical.tool import ToolDefinition
from routebook.errors import ProviderError
from routebook.providers.litellm.client import LiteLLMClient

KEY = "sk-canary-0123456789abcdef"

CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m-1",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Noon."}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}
CLAUDE = "anthropic/claude-sonnet-4-5"
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "Noon."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 3, "output_tokens": 2},
}
THOUGHTS = [
    {"type": "thinking", "thinking": "Let me.", "signature": "c2ln+/=="},
    {"type": "redacted_thinking", "data": "QUJD"},
]
GEMINI = "gemini/gemini-2.5-flash"
CANDIDATE = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Noon."}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
}


def ask(model: str = "openai/m-1", *messages: Message, **fields: object) -> ChatRequest:
    return ChatRequest(model, messages or (Message("user", "When?"),), **{"target": "luna", **fields})


def chunk(index: int = 0, finish_reason: str | None = None, **delta: object) -> dict:
    choice = {"index": index, "delta": delta, "finish_reason": finish_reason}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": [choice]}


CHUNKS: tuple[dict | str, ...] = (
    chunk(role="assistant", content=""),
    chunk(content="No"),
    chunk(content="on."),
    chunk(finish_reason="stop"),
    {**chunk(), "choices": [], "usage": CHAT["usage"]},
    "[DONE]",
)


def events_of(chunks: Iterable[dict | str]) -> bytes:
    lines = [item if isinstance(item, str) else json.dumps(item) for item in chunks]
    return "".join(f"data: {line}\n\n" for line in lines).encode()


def message_events(message: dict) -> bytes:
    """An Anthropic message as the events of a stream."""
    begun = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
    events: list[dict] = [{"type": "message_start", "message": begun}]
    for index, block in enumerate(message["content"]):
        start, deltas = _pieces(block)
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    usage = {"output_tokens": message["usage"]["output_tokens"]}
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    events += [{"type": "message_delta", "delta": ended, "usage": usage}, {"type": "message_stop"}]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


def _pieces(block: dict) -> tuple[dict, list[dict]]:
    match block["type"]:
        case "thinking":
            text, half = block["thinking"], len(block["thinking"]) // 2
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in (text[:half], text[half:])]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
            return {"type": "thinking", "thinking": "", "signature": ""}, deltas
        case "text":
            return {"type": "text", "text": ""}, [{"type": "text_delta", "text": block["text"]}]
        case "tool_use":
            arguments = json.dumps(block["input"])
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": arguments}]
        case _:
            return block, []


async def last_of(events: AsyncIterator[object]) -> object:
    """The last of *events*."""
    return [event async for event in events][-1]


async def error_of(client: LiteLLMClient, model: str = "openai/m-1", **fields: object) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await client.complete(ask(model, **fields))
    return caught.value


ANSWERS = {"openai/m-1": CHAT, "hosted_vllm/m-1": CHAT, CLAUDE: MESSAGE, GEMINI: CANDIDATE}
STREAMS = {
    "openai/m-1": events_of(CHUNKS),
    "hosted_vllm/m-1": events_of(CHUNKS),
    CLAUDE: message_events(MESSAGE),
    GEMINI: events_of([CANDIDATE]),
}
MODELS = list(ANSWERS)
CLOCK = ToolDefinition(
    "clock__now", "clock.now", "The time.", {"type": "object", "properties": {"zone": {"type": "string"}}}
)
