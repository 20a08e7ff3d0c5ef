"""Wire: the answers of the converse API, typed, as far as they are read.

The blocks of an answer are typed one by one, because there are kinds that only the API itself knows: see `decode`.
"""

from __future__ import annotations

from typing import Any

import msgspec


class WireUsage(msgspec.Struct, rename="camel"):
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    cache_details: Any = None


class WireTier(msgspec.Struct):
    type: str | None = None


class WireToolUse(msgspec.Struct, rename="camel"):
    tool_use_id: str | None = None
    name: str | None = None
    input: Any = None


class WireReasoningText(msgspec.Struct):
    text: str | None = None
    signature: str | None = None


class WireReasoning(msgspec.Struct, rename="camel"):
    reasoning_text: WireReasoningText | None = None
    redacted_content: str | None = None


class WireText(msgspec.Struct):
    text: str


class WireCited(msgspec.Struct):
    content: list[WireText] | None = None
    citations: list[dict[str, Any]] | None = None


class WireBytes(msgspec.Struct):
    bytes: str


class WireImage(msgspec.Struct):
    format: str
    source: WireBytes


class WireBlock(msgspec.Struct, rename="camel"):
    """One of these is set."""

    text: str | None = None
    tool_use: WireToolUse | None = None
    reasoning_content: WireReasoning | None = None
    citations_content: WireCited | None = None
    image: WireImage | None = None


class WireMessage(msgspec.Struct):
    role: str | None = None
    content: list[dict[str, Any]] | None = None


class WireOutput(msgspec.Struct):
    message: WireMessage | None = None


class WireAnswer(msgspec.Struct, rename="camel"):
    output: WireOutput | None = None
    stop_reason: str | None = None
    usage: WireUsage | None = None
    metrics: Any = None
    additional_model_response_fields: Any = None
    trace: Any = None
    performance_config: Any = None
    service_tier: WireTier | None = None
    # of what is no answer, but the name and the words of a failure
    error: str | None = msgspec.field(name="__type", default=None)
    message: Any = None


class WireStart(msgspec.Struct, rename="camel"):
    content_block_index: int | None = None
    start: dict[str, Any] | None = None


class WireReasoningPiece(msgspec.Struct, rename="camel"):
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class WireToolUsePiece(msgspec.Struct):
    input: str | None = None


class WirePiece(msgspec.Struct, rename="camel"):
    text: str | None = None
    tool_use: WireToolUsePiece | None = None
    reasoning_content: WireReasoningPiece | None = None
    citation: dict[str, Any] | None = None


class WireDelta(msgspec.Struct, rename="camel"):
    content_block_index: int | None = None
    delta: WirePiece | None = None


class WireException(msgspec.Struct):
    type: str
    body: Any = None


class WireEvent(msgspec.Struct, rename="camel"):
    """One of these is set; none, where the event is of another kind."""

    message_start: WireMessage | None = None
    content_block_start: WireStart | None = None
    content_block_delta: WireDelta | None = None
    message_stop: WireAnswer | None = None
    metadata: WireAnswer | None = None
    exception: WireException | None = None
