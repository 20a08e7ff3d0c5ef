"""Usage: the tokens that a chat completions answer counts → canonical usage, and what it says beside.

Pure. Dialects count alike and name differently; some count reasoning beside the answer, and not within it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...canonical.usage import Usage
from .wire import WireInputDetails, WireOutputDetails, WireUsage

_READ = frozenset(WireUsage.__struct_fields__)
_READ_DETAILS = frozenset((*WireInputDetails.__struct_fields__, *WireOutputDetails.__struct_fields__))
_DETAILS = ("prompt_tokens_details", "completion_tokens_details")


def read_usage(usage: WireUsage | None) -> Usage | None:
    """Return the tokens; None where they are not said, or a count is negative: a number that cannot be is none."""
    if usage is None or (usage.prompt_tokens is None and usage.completion_tokens is None):
        return None
    given, made = usage.prompt_tokens or 0, usage.completion_tokens or 0
    inputs = usage.prompt_tokens_details or WireInputDetails()
    outputs = usage.completion_tokens_details or WireOutputDetails()
    reasoning = outputs.reasoning_tokens or usage.reasoning_tokens or 0
    # Some dialects count reasoning beside the completion, not within it; their total says so.
    beside = usage.total_tokens is not None and usage.total_tokens == given + made + reasoning
    counted = Usage(
        input=given,
        output=made + reasoning if beside else made,
        cached_input=inputs.cached_tokens or usage.prompt_cache_hit_tokens or usage.cached_tokens or 0,
        cache_write=inputs.cache_write_tokens or usage.cache_creation_input_tokens or 0,
        reasoning=reasoning,
    )
    return (
        None
        if min(counted.input, counted.output, counted.cached_input, counted.cache_write, reasoning) < 0
        else counted
    )


def rest_of_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return what *usage* says beside what `read_usage` reads: a cost, tokens of sound; zeros say nothing."""
    rest = {name: value for name, value in usage.items() if name not in _READ and value}
    for name in _DETAILS:
        details = usage.get(name)
        found = {key: value for key, value in (details or {}).items() if key not in _READ_DETAILS and value}
        if found:
            rest[name] = found
    return rest
