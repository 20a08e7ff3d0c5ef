"""A client of every API over both transports, what a good server answers it, and how it is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from event_frames import event as framed

from routebook.canonical.chat import ChatRequest
from routebook.canonical.message import Message
from routebook.providers.anthropic.client import AnthropicClient
from routebook.providers.bedrock.client import BedrockClient
from routebook.providers.gemini.client import GeminiClient
from routebook.providers.http.over_httptools import HttptoolsTransport
from routebook.providers.http.over_httpx2 import HttpxTransport
from routebook.providers.openai_chat.client import OpenAIChatClient
from routebook.providers.openai_responses.client import OpenAIResponsesClient
from routebook.providers.protocol import ClientConfig, ModelClient

REQUEST = ChatRequest("m-1", (Message("user", "What time is it?"),), target="luna")


KEY = "sk-very-secret"


@dataclass(frozen=True)
class Api:
    """What a client of one API is made by, and what a good server answers it."""

    client: Callable[[ClientConfig], ModelClient]
    answer: dict
    events: tuple[dict | str | bytes, ...]
    has_terminal_marker: bool = True

    @property
    def whole(self) -> bytes:
        return json.dumps(self.answer).encode()

    @property
    def stream(self) -> bytes:
        if isinstance(self.events[0], bytes):
            return b"".join(self.events)
        lines = [event if isinstance(event, str) else json.dumps(event) for event in self.events]
        return "".join(f"data: {line}\n\n" for line in lines).encode()


APIS = {
    "openai-chat": Api(
        OpenAIChatClient,
        {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Noon."}}]},
        (
            {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
            {"choices": [{"index": 0, "delta": {"content": "Noon."}}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            "[DONE]",
        ),
    ),
    "openai-responses": Api(
        OpenAIResponsesClient,
        {
            "status": "completed",
            "output": [
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Noon."}]},
            ],
        },
        (
            {"type": "response.created", "response": {"status": "in_progress", "output": []}},
            {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "content": []}},
            {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Noon."},
            {"type": "response.completed", "response": {"status": "completed", "output": []}},
        ),
    ),
    "anthropic": Api(
        AnthropicClient,
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "text", "text": "Noon."}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 1, "output_tokens": 1},
        },
        (
            {
                "type": "message_start",
                "message": {"type": "message", "role": "assistant", "content": [], "usage": {"input_tokens": 1}},
            },
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Noon."}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
            {"type": "message_stop"},
        ),
    ),
    "gemini": Api(
        GeminiClient,
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "Noon."}]}, "finishReason": "STOP"}]},
        (
            {"candidates": [{"content": {"role": "model", "parts": [{"text": ""}]}}], "usageMetadata": {}},
            {"candidates": [{"content": {"role": "model", "parts": [{"text": "Noon."}]}}]},
            {"candidates": [{"content": {"role": "model", "parts": []}, "finishReason": "STOP"}]},
        ),
        has_terminal_marker=False,
    ),
    "bedrock": Api(
        BedrockClient,
        {
            "output": {"message": {"role": "assistant", "content": [{"text": "Noon."}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
        },
        (
            framed("messageStart", {"role": "assistant"}),
            framed("contentBlockDelta", {"delta": {"text": "Noon."}, "contentBlockIndex": 0}),
            framed("contentBlockStop", {"contentBlockIndex": 0}),
            framed("messageStop", {"stopReason": "end_turn"}),
            framed("metadata", {"usage": {"inputTokens": 1, "outputTokens": 1}, "metrics": {"latencyMs": 1}}),
        ),
    ),
}


TRANSPORTS = {"httpx2": HttpxTransport, "fast": HttptoolsTransport}


async def _complete(client: ModelClient) -> str:
    return (await client.complete(REQUEST)).message.text


async def _stream(client: ModelClient) -> str:
    return [event async for event in client.stream(REQUEST)][-1].response.message.text


CALLS = {"complete": _complete, "stream": _stream}
