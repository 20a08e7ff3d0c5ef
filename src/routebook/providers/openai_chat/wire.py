"""Wire: the answers of chat completions calls, typed, as far as they are read.

Shapes that the API's dialects add are known: reasoning beside or within the content, images beside it, an error
inside a choice, tokens counted under other names.
"""

from __future__ import annotations

from typing import Any

import msgspec


class WireFunction(msgspec.Struct):
    name: str | None = None
    arguments: Any = None


class WireCustom(msgspec.Struct):
    name: str | None = None
    input: str | None = None


class WireCall(msgspec.Struct):
    id: str | None = None
    function: WireFunction | None = None
    custom: WireCustom | None = None


class WireAudio(msgspec.Struct):
    id: str | None = None
    data: str | None = None
    transcript: str | None = None
    expires_at: int | None = None


class WireMessage(msgspec.Struct):
    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[dict[str, Any]] | None = None
    tool_calls: list[WireCall] | None = None
    function_call: WireFunction | None = None
    annotations: list[dict[str, Any]] | None = None
    images: list[str | dict[str, Any]] | None = None
    audio: WireAudio | None = None


class WireTopLogprob(msgspec.Struct):
    token: str
    logprob: float
    bytes: list[int] | None = None


class WireLogprob(msgspec.Struct):
    token: str
    logprob: float
    top_logprobs: list[WireTopLogprob] | None = None
    bytes: list[int] | None = None


class WireLogprobs(msgspec.Struct):
    content: list[WireLogprob] | None = None
    refusal: list[WireLogprob] | None = None
    # as Together has it, in the form of the API before this one
    tokens: list[str] | None = None
    token_logprobs: list[float | None] | None = None
    top_logprobs: Any = None


class WireChoice(msgspec.Struct):
    index: int = 0
    message: WireMessage | None = None
    finish_reason: str | None = None
    logprobs: WireLogprobs | None = None
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
    # as dialects have it: DeepSeek, Moonshot and Together, LiteLLM, Perplexity
    prompt_cache_hit_tokens: int | None = None
    cached_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    reasoning_tokens: int | None = None


class WireBody(msgspec.Struct):
    """What an answer and each chunk of one have in common."""

    id: str | None = None
    object: str | None = None
    model: str | None = None
    service_tier: str | None = None
    usage: WireUsage | None = None
    error: Any = None
    citations: list[str | dict[str, Any]] | None = None
    search_results: list[dict[str, Any]] | None = None


class WireAnswer(WireBody):
    choices: list[WireChoice] | None = None


class WireCallPiece(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: WireFunction | None = None
    custom: WireCustom | None = None


class WirePiece(msgspec.Struct):
    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[dict[str, Any]] | None = None
    tool_calls: list[WireCallPiece] | None = None
    function_call: WireFunction | None = None
    annotations: list[dict[str, Any]] | None = None
    images: list[str | dict[str, Any]] | None = None
    audio: WireAudio | None = None


class WireChoicePiece(msgspec.Struct):
    index: int = 0
    delta: WirePiece | None = None
    message: msgspec.Raw = msgspec.Raw()
    finish_reason: str | None = None
    # a number where a piece is one token
    logprobs: WireLogprobs | float | None = None
    error: Any = None


class WireGroq(msgspec.Struct):
    error: Any = None


class WireChunk(WireBody):
    choices: list[WireChoicePiece] | None = None
    # where Groq says why it stopped early
    x_groq: WireGroq | None = None
    # of what is no chunk, but the words of a failure
    message: Any = None
    detail: Any = None
