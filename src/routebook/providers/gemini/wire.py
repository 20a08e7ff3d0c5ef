"""Wire: the answers of the generateContent API, typed, as far as they are read.

An answer is read as plain data first, because nothing of it may be lost that only the API itself knows; what is read of
it is then typed here.
"""

from __future__ import annotations

from typing import Any

import msgspec


class WireBlob(msgspec.Struct, rename="camel"):
    mime_type: str | None = None
    data: str | None = None


class WireFile(msgspec.Struct, rename="camel"):
    mime_type: str | None = None
    file_uri: str | None = None


class WireCall(msgspec.Struct, rename="camel"):
    id: str | None = None
    name: str | None = None
    args: dict[str, Any] | None = None
    partial_args: list[dict[str, Any]] | None = None
    will_continue: bool | None = None


class WirePart(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: WireCall | None = None
    inline_data: WireBlob | None = None
    file_data: WireFile | None = None


class WireContent(msgspec.Struct, rename="camel"):
    role: str | None = None
    parts: list[dict[str, Any]] | None = None


class WireToken(msgspec.Struct, rename="camel"):
    token: str | None = None
    log_probability: float | None = None


class WireTop(msgspec.Struct, rename="camel"):
    candidates: list[WireToken] | None = None


class WireLogprobs(msgspec.Struct, rename="camel"):
    chosen_candidates: list[WireToken] | None = None
    top_candidates: list[WireTop] | None = None


class WireCitations(msgspec.Struct, rename="camel"):
    citations: list[dict[str, Any]] | None = None


class WireGrounding(msgspec.Struct, rename="camel"):
    grounding_chunks: list[dict[str, Any]] | None = None


class WireCandidate(msgspec.Struct, rename="camel"):
    index: int | None = None
    content: WireContent | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    citation_metadata: WireCitations | None = None
    grounding_metadata: WireGrounding | None = None
    logprobs_result: WireLogprobs | None = None


class WireFeedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None
    block_reason_message: str | None = None


class WireUsage(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    total_token_count: int | None = None
    service_tier: str | None = None


class WireAnswer(msgspec.Struct, rename="camel"):
    candidates: list[dict[str, Any]] | None = None
    prompt_feedback: WireFeedback | None = None
    usage_metadata: WireUsage | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: Any = None
