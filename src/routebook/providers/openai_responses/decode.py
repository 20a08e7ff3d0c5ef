"""Decode: the answer of a responses call → a canonical response.

Pure. Read once, strictly, into typed structures: what is no answer of this API is a Fault, never an empty success. An
answer without items that was completed is one: the model had nothing to say. Items that only this API knows are kept
whole; of a message, what stands beside its words and must go back with them (its `phase`) is such a piece before them.
Words of another phase than the final one are asides.
Fields of the answer that have no place in a response are in its `extra`, but for those that repeat the request at
length. Ids of messages and calls are addresses in the API's own store, and are not kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from ...canonical.chat import ChatResponse, FinishReason, TokenLogprob
from ...canonical.frozen import EMPTY
from ...canonical.message import Message, Part
from ...canonical.part import Citation, NativePart, ReasoningPart, RefusalPart, TextPart
from ...canonical.tool import ToolCall
from ..answer import Answer
from ..arguments import read_arguments
from ..body import Malformed, lacking, malformed, read_body
from ..call_id import free_id
from ..fault import Fault
from ..openai.refusals import RATE_LIMITS
from ..rate_limit_headers import read_rate_limits
from ..sentence import parse_json
from .faults import fault_of_error
from .logprobs import read_logprobs
from .thoughts import read_thought
from .traits import TRAITS
from .usage import read_usage, rest_of_usage
from .wire import WireAnswer, WireItem, WirePart

Plain = dict[str, Any]
"""An item, or a part of one, as it came."""

_KNOWN_ITEMS = frozenset({"message", "reasoning", "function_call"})
_REPEATS_THE_REQUEST = frozenset({"instructions", "tools", "text"})
HAS_A_PLACE = (_REPEATS_THE_REQUEST | {*WireAnswer.__struct_fields__, "output_text"}) - {"usage"}
_FINAL = (None, "final_answer")
_INCOMPLETE: dict[str | None, FinishReason] = {"content_filter": "content_filter"}
_UNDER_WAY = ("in_progress", "queued")
_FAILED = {
    "failed": "the provider ended its answer with an error, and gave no reason",
    "cancelled": "the provider broke off its answer, and gave no reason",
}
_NO_JSON = "the answer is no JSON"
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_DECODER = msgspec.json.Decoder(WireAnswer)
_MAYBE = msgspec.json.Decoder(WireAnswer | None)


def decode(answer: Answer) -> ChatResponse | Fault:
    """Return what *answer*, a success, says, or why it is none."""
    wire = read_body(_DECODER, answer)
    if isinstance(wire, Fault):
        return wire
    try:
        return response_of(wire, read_fields(answer.body), answer)
    except Malformed as error:
        return malformed(str(error), answer)


def read_fields(text: bytes | msgspec.Raw) -> Mapping[str, msgspec.Raw]:
    """Return every field of *text*, an answer, as it stands; none of null.

    Raises:
        Malformed: A name is none.
    """
    try:
        return _FIELDS.decode(text) or {}
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Malformed(_NO_JSON) from error


def read_answer(text: bytes | msgspec.Raw) -> WireAnswer:
    """Return *text*, an answer within an event, typed; null is one that says nothing.

    Raises:
        Malformed: It is none.
    """
    try:
        return _MAYBE.decode(text) or WireAnswer()
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Malformed(f"the answer does not fit this API: {error}") from error


def response_of(wire: WireAnswer, rest: Mapping[str, msgspec.Raw], answer: Answer) -> ChatResponse | Fault:
    """Return the response in *wire*, the body of *answer* or what its events add up to; *rest* has all its fields."""
    fault = failure_of(wire, answer)
    if fault is not None:
        return fault
    if wire.output is None:
        if wire.object == "error":
            return fault_of_error(parse_json(answer.body)[0], answer)
        return lacking("output", answer, read_usage(wire.usage))
    if wire.status in _UNDER_WAY:
        return malformed(f"the answer is none yet: its status is {wire.status!r}", answer)
    try:
        return _response(wire, wire.output, rest, answer)
    except Malformed as error:
        return malformed(str(error), answer, read_usage(wire.usage))
    except RecursionError:
        return malformed("the answer is nested too deeply", answer, read_usage(wire.usage))


def failure_of(wire: WireAnswer, answer: Answer) -> Fault | None:
    """Return why *wire* is no answer but a failure, with the tokens that were counted; None where it is none."""
    if not wire.error and wire.status not in _FAILED:
        return None
    fault = fault_of_error(wire.error or _FAILED[wire.status or ""], answer)
    return replace(fault, usage=read_usage(wire.usage))


def _response(
    wire: WireAnswer, output: Sequence[Plain], rest: Mapping[str, msgspec.Raw], answer: Answer
) -> ChatResponse:
    items = [_item(plain) for plain in output]
    logprobs: list[TokenLogprob] = []
    parts = tuple(_parts(items, output, logprobs))
    finish_reason, raw = _finish_reason(wire, parts)
    return ChatResponse(
        message=Message("assistant", parts),
        finish_reason=finish_reason,
        raw_finish_reason=raw,
        usage=read_usage(wire.usage),
        request_id=answer.headers.get("x-request-id"),
        logprobs=tuple(logprobs),
        id=wire.id or None,
        model=wire.model or None,
        service_tier=wire.service_tier,
        rate_limits=read_rate_limits(answer.headers, RATE_LIMITS, answer.now),
        extra=_extra(rest, wire, items),
    )


def _item(plain: Plain) -> WireItem | None:
    """Return an item typed, if it is known."""
    kind = plain.get("type")
    if not isinstance(kind, str):
        raise Malformed("the answer has an item without a type")
    if kind not in _KNOWN_ITEMS:
        return None
    try:
        return msgspec.convert(plain, WireItem)
    except msgspec.ValidationError as error:
        raise Malformed(f"the answer does not fit this API: {error}, in an item of type {kind!r}") from error


def _parts(items: Sequence[WireItem | None], output: Sequence[Plain], logprobs: list[TokenLogprob]) -> Iterator[Part]:
    taken = {item.call_id or item.id for item in items if item is not None and item.type == "function_call"}
    for index, (item, plain) in enumerate(zip(items, output, strict=True)):
        if item is None:
            yield NativePart(TRAITS.name, plain)
        elif item.type == "function_call":
            arguments, raw = read_arguments(item.arguments)
            call_id = item.call_id or item.id or free_id(index, taken)
            yield ToolCall(call_id, item.name or None, arguments, raw)
        elif item.type == "reasoning":
            yield read_thought(item, plain)
        else:
            yield from _message(item, plain, logprobs)


def _message(item: WireItem, plain: Plain, logprobs: list[TokenLogprob]) -> Iterator[Part]:
    if item.role not in (None, "assistant"):
        raise Malformed(f"the answer's role is {item.role!r}, not 'assistant'")
    if item.phase is not None:
        yield NativePart(TRAITS.name, {"type": "message", "phase": item.phase})
    for piece in item.content or ():
        kind = piece.get("type")
        if kind not in ("output_text", "text", "refusal"):
            # By itself it is no item; the message around it is.
            yield NativePart(TRAITS.name, {**plain, "content": [piece]})
            continue
        part = _part(piece)
        if part.refusal:
            yield RefusalPart(part.refusal)
        elif part.text or part.annotations:
            citations = tuple(_citation(source) for source in part.annotations or ())
            yield TextPart(part.text or "", citations, aside=item.phase not in _FINAL)
        logprobs += read_logprobs(part.logprobs)


def _part(piece: Plain) -> WirePart:
    try:
        return msgspec.convert(piece, WirePart)
    except msgspec.ValidationError as error:
        raise Malformed(f"the answer does not fit this API: {error}, in a message") from error


def _citation(source: Plain) -> Citation:
    title = _said(source, "title") or _said(source, "filename")
    return Citation(TRAITS.name, source, _said(source, "url"), title)


def _said(source: Plain, key: str) -> str | None:
    value = source.get(key)
    return value if isinstance(value, str) and value else None


def _finish_reason(wire: WireAnswer, parts: tuple[Part, ...]) -> tuple[FinishReason, str | None]:
    """Return the portable reason and the provider's own word: its status, or what was incomplete."""
    if wire.status == "incomplete":
        raw = None if wire.incomplete_details is None else wire.incomplete_details.reason
        return _INCOMPLETE.get(raw, "length"), raw or wire.status
    if wire.status != "completed" and all(isinstance(part, ReasoningPart) for part in parts):
        raise Malformed("the answer has no content, no tool calls, and no status of this API")
    if any(isinstance(part, ToolCall) for part in parts):
        return "tool_calls", wire.status
    return "refusal" if any(isinstance(part, RefusalPart) for part in parts) else "stop", wire.status


def _extra(rest: Mapping[str, msgspec.Raw], wire: WireAnswer, items: Sequence[WireItem | None]) -> Mapping[str, Any]:
    """Return what has no place elsewhere; null is nothing."""
    try:
        extra = {name: msgspec.json.decode(raw) for name, raw in rest.items() if name not in HAS_A_PLACE}
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Malformed(_NO_JSON) from error
    extra["usage"] = rest_of_usage(extra["usage"]) if wire.usage is not None and "usage" in extra else None
    extra["function_call"] = {
        item.call_id or "": about
        for item in items
        if item is not None and item.type == "function_call" and (about := _about_call(item))
    }
    return {name: value for name, value in extra.items() if value is not None and value != {}} or EMPTY


def _about_call(item: WireItem) -> dict[str, Any]:
    """Return which set of tools a call is for, and who made it, where it was not the model itself."""
    about: dict[str, Any] = {}
    if item.namespace is not None:
        about["namespace"] = item.namespace
    if item.caller is not None and item.caller != {"type": "direct"}:
        about["caller"] = item.caller
    return about
