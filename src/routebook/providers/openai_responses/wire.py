"""Wire: the answers of the responses API, typed, as far as they are read.

The items of an answer are typed one by one, because there are kinds that only the API itself knows: see `decode`.
"""

from __future__ import annotations

from typing import Any

import msgspec


class WireTopLogprob(msgspec.Struct):
    # either may be missing in a piece of a stream
    token: str | None = None
    logprob: float | None = None
    bytes: list[int] | None = None


class WireLogprob(msgspec.Struct):
    token: str
    logprob: float
    top_logprobs: list[WireTopLogprob] | None = None
    bytes: list[int] | None = None


class WirePart(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    refusal: str | None = None
    annotations: list[dict[str, Any]] | None = None
    logprobs: list[WireLogprob] | None = None


class WireItem(msgspec.Struct):
    """An item of a kind that is known: a message, a thought or the call of a function."""

    type: str
    id: str | None = None
    # of a message
    role: str | None = None
    phase: str | None = None
    status: str | None = None
    content: list[dict[str, Any]] | None = None
    # of a thought, whose words are its content, or a summary
    summary: list[dict[str, Any]] | None = None
    encrypted_content: str | None = None
    # of a call
    call_id: str | None = None
    name: str | None = None
    arguments: Any = None
    namespace: str | None = None
    caller: dict[str, Any] | None = None


class WireInputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class WireOutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class WireUsage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    input_tokens_details: WireInputDetails | None = None
    output_tokens_details: WireOutputDetails | None = None


class WireIncomplete(msgspec.Struct):
    reason: str | None = None


class WireAnswer(msgspec.Struct):
    id: str | None = None
    object: str | None = None
    model: str | None = None
    status: str | None = None
    output: list[dict[str, Any]] | None = None
    incomplete_details: WireIncomplete | None = None
    service_tier: str | None = None
    usage: WireUsage | None = None
    error: Any = None


class WireEvent(msgspec.Struct):
    type: str | None = None
    response: msgspec.Raw = msgspec.Raw()
    # which item, and which of its parts
    output_index: int | None = None
    item_id: str | None = None
    content_index: int | None = None
    summary_index: int | None = None
    # what is new, or the whole of what came in pieces; of an event that is not known it may be anything
    item: Any = None
    part: Any = None
    annotation: Any = None
    logprobs: Any = None
    delta: Any = None
    text: Any = None
    refusal: Any = None
    arguments: Any = None
    # of a failure, which some say flat, some in a mapping
    error: Any = None
    message: Any = None
    code: Any = None
    param: Any = None
    detail: Any = None
