"""Kept: what the library gives with an answer to be given back with it, unchanged: a model's proofs of its thoughts.

Pure. They are the blocks of thoughts with their signatures (`thinking_blocks`), pieces of reasoning of a provider's own
making (`reasoning_details`), and what only one provider knows (`provider_specific_fields`), of the message and of each
of its tool calls. All of it together is the signature of the answer's one ReasoningPart, as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

Plain = dict[str, Any]

FIELDS = (b'"thinking_blocks"', b'"provider_specific_fields"', b'"reasoning_details"')
"""What JSON holds that has something to keep."""
CALLS = b'"tool_calls"'
"""What says of which tool call something is kept."""

_SIGNATURE = msgspec.json.Decoder(tuple[Plain])
# Said elsewhere in the message, or nothing that is asked for again.
_TOLD = frozenset({"thinking_blocks", "reasoning_details", "reasoning_content", "reasoning", "refusal"})


def kept_of(message: Mapping[str, Any]) -> Plain:
    """Return what *message*, one of an answer, has to be kept; empty where there is nothing."""
    blocks = [_without_null(block) for block in _mappings(message.get("thinking_blocks"))]
    details = [dict(detail) for detail in _mappings(message.get("reasoning_details"))]
    return joined(
        blocks, details, fields_of(message), [fields_of_call(c) for c in _mappings(message.get("tool_calls"))]
    )


def joined(blocks: Sequence[Plain], details: Sequence[Plain], fields: Plain, calls: Sequence[Plain]) -> Plain:
    """Return all that is kept of one message, under the names by which it goes back."""
    found = {
        "thinking_blocks": list(blocks),
        "reasoning_details": list(details),
        "provider_specific_fields": fields,
        "tool_calls": list(calls) if any(calls) else [],
    }
    return {name: value for name, value in found.items() if value}


def fields_of(message: Mapping[str, Any]) -> Plain:
    """Return what only the provider knows of *message*, without what is said elsewhere."""
    fields = message.get("provider_specific_fields")
    found = _without_null(fields) if isinstance(fields, Mapping) else {}
    return {name: value for name, value in found.items() if name not in _TOLD and value not in ({}, [], "")}


def fields_of_call(call: Mapping[str, Any]) -> Plain:
    """Return what only the provider knows of a tool call; it may stand at the function in it."""
    function = call.get("function")
    return {**(fields_of(function) if isinstance(function, Mapping) else {}), **fields_of(call)}


def kept_in(signature: str) -> Plain | None:
    """Return what a signature holds, None where it is none of this API's."""
    try:
        (kept,) = _SIGNATURE.decode(signature)
    except (msgspec.DecodeError, UnicodeError):
        return None
    return kept


def put_back(kept: Mapping[str, Any], message: Plain) -> None:
    """Put what was *kept* of an answer into *message*, in which it goes back."""
    message.update({name: value for name, value in kept.items() if name != "tool_calls"})
    for call, fields in zip(message.get("tool_calls") or (), kept.get("tool_calls", ()), strict=False):
        if fields:
            call["provider_specific_fields"] = fields


class Keeping:
    """What has come to be kept of one streamed choice."""

    def __init__(self) -> None:
        self._blocks: list[Plain] = []
        self._texts: list[str] | None = None
        self._details: list[Plain] = []
        self._fields: Plain = {}
        self._calls: dict[int | str, Plain] = {}

    def add(self, delta: Mapping[str, Any]) -> None:
        """Take the next piece."""
        for block in _mappings(delta.get("thinking_blocks")):
            self._add_block(_without_null(block))
        self._details += map(dict, _mappings(delta.get("reasoning_details")))
        _merge(self._fields, fields_of(delta))
        for call in _mappings(delta.get("tool_calls")):
            # Calls are numbered by the library; what has no number is known by its id, or goes on with the last one.
            number = call.get("index")
            known = number if isinstance(number, int) else call.get("id") or next(reversed(self._calls), 0)
            _merge(self._calls.setdefault(known, {}), fields_of_call(call))

    def whole(self) -> Plain:
        """Return what would have been kept had the answer come at once."""
        self._end_block()
        return joined(self._blocks, self._details, self._fields, [*self._calls.values()])

    def _add_block(self, piece: Plain) -> None:
        """Thoughts come in pieces, and their signature last; what is withheld comes whole."""
        if piece.get("type") != "thinking":
            self._end_block()
            self._blocks.append(piece)
            return
        if self._texts is None:
            self._texts = []
            self._blocks.append({**piece, "thinking": ""})
        self._texts.append(piece.get("thinking") or "")
        block = self._blocks[-1]
        block.update({name: value for name, value in piece.items() if name != "thinking" and value})
        if block.get("signature"):
            self._end_block()

    def _end_block(self) -> None:
        if self._texts is not None:
            block = self._blocks[-1]
            block["thinking"] = "".join(self._texts)
            if not block.get("signature"):
                block.pop("signature", None)
            self._texts = None


def _merge(into: Plain, more: Mapping[str, Any]) -> None:
    """Lists go on, mappings are joined, of the rest the last word holds."""
    for name, value in more.items():
        known = into.get(name)
        if isinstance(known, list) and isinstance(value, list):
            known += value
        elif isinstance(known, dict) and isinstance(value, Mapping):
            known.update(value)
        else:
            into[name] = value


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _without_null(value: Mapping[str, Any]) -> Plain:
    return {name: item for name, item in value.items() if item is not None}
