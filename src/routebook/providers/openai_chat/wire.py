"""Wire: the answers of chat completions calls, typed, as far as they are read.

Shapes that the API's dialects add are known: reasoning beside or within the content, an error inside a choice.
"""

from __future__ import annotations

from typing import Any

import msgspec


class WireFunction(msgspec.Struct):
    name: str | None = None
    arguments: Any = None


class WireCall(msgspec.Struct):
    id: str | None = None
    function: WireFunction | None = None


class WirePart(msgspec.Struct):
    type: str
    text: str | None = None
    thinking: str | list[dict[str, Any]] | None = None
    refusal: str | None = None


class WireMessage(msgspec.Struct):
    content: str | list[WirePart] | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[WireCall] | None = None
    function_call: WireFunction | None = None


class WireChoice(msgspec.Struct):
    message: WireMessage | None = None
    finish_reason: str | None = None
    error: Any = None


class WireInputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class WireOutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class WireUsage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: WireInputDetails | None = None
    completion_tokens_details: WireOutputDetails | None = None


class WireAnswer(msgspec.Struct):
    choices: list[WireChoice] | None = None
    usage: WireUsage | None = None
    error: Any = None


class WireCallPiece(msgspec.Struct):
    index: int = 0
    id: str | None = None
    function: WireFunction | None = None


class WirePiece(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[WireCallPiece] | None = None


class WireChoicePiece(msgspec.Struct):
    index: int = 0
    delta: WirePiece | None = None
    finish_reason: str | None = None


class WireChunk(msgspec.Struct):
    choices: list[WireChoicePiece] | None = None
    usage: WireUsage | None = None
    error: Any = None
