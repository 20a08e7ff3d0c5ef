"""Usage: the tokens that an answer of the responses API counts → canonical usage, and what it says beside. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...canonical.usage import Usage
from .wire import WireInputDetails, WireOutputDetails, WireUsage

_READ = frozenset(WireUsage.__struct_fields__)
_READ_DETAILS = frozenset((*WireInputDetails.__struct_fields__, *WireOutputDetails.__struct_fields__))
_DETAILS = ("input_tokens_details", "output_tokens_details")


def read_usage(usage: WireUsage | None) -> Usage | None:
    """Return the tokens; None where they are not said, or a count is negative: a number that cannot be is none."""
    if usage is None or (usage.input_tokens is None and usage.output_tokens is None):
        return None
    inputs = usage.input_tokens_details or WireInputDetails()
    outputs = usage.output_tokens_details or WireOutputDetails()
    counted = Usage(
        input=usage.input_tokens or 0,
        output=usage.output_tokens or 0,
        cached_input=inputs.cached_tokens or 0,
        cache_write=inputs.cache_write_tokens or 0,
        reasoning=outputs.reasoning_tokens or 0,
    )
    least = min(counted.input, counted.output, counted.cached_input, counted.cache_write, counted.reasoning)
    return None if least < 0 else counted


def rest_of_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return what *usage* says beside what `read_usage` reads: a cost, say; zeros say nothing."""
    rest = {name: value for name, value in usage.items() if name not in _READ and value}
    for name in _DETAILS:
        details = usage.get(name)
        found = {key: value for key, value in (details or {}).items() if key not in _READ_DETAILS and value}
        if found:
            rest[name] = found
    return rest
