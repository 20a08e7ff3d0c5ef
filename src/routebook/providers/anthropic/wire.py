"""Wire: the answers of the messages API, typed, as far as they are read.

The blocks of an answer are typed one by one, because there are kinds that only the API itself knows: see `decode`.
"""

from __future__ import annotations

from typing import Any

import msgspec


class WireOutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class WireUsage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens_details: WireOutputDetails | None = None
    service_tier: str | None = None
    cache_creation: Any = None
    inference_geo: Any = None
    server_tool_use: Any = None
    speed: Any = None
    iterations: Any = None
    fallback_credit: Any = None


class WireBlock(msgspec.Struct):
    type: str
    text: str | None = None
    citations: list[dict[str, Any]] | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: Any = None
    caller: dict[str, Any] | None = None
    toolset_name: str | None = None


class WireAnswer(msgspec.Struct):
    type: str | None = None
    id: str | None = None
    role: str | None = None
    model: str | None = None
    content: list[dict[str, Any]] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: dict[str, Any] | None = None
    container: Any = None
    diagnostics: Any = None
    context_management: Any = None
    input_transformations: Any = None
    usage: WireUsage | None = None
    error: Any = None


class WireDelta(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    citation: dict[str, Any] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: dict[str, Any] | None = None
    container: Any = None


class WireEvent(msgspec.Struct):
    type: str
    index: int | None = None
    message: WireAnswer | None = None
    content_block: dict[str, Any] | None = None
    delta: WireDelta | None = None
    context_management: Any = None
    input_transformations: Any = None
    usage: WireUsage | None = None
    error: Any = None
