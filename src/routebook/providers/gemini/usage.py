"""Usage: the tokens that a generateContent answer counts → canonical usage, and what it says beside. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...canonical.usage import Usage
from .wire import WireUsage

_READ = frozenset(
    {
        *("promptTokenCount", "cachedContentTokenCount", "candidatesTokenCount", "thoughtsTokenCount"),
        *("toolUsePromptTokenCount", "totalTokenCount", "serviceTier"),
    }
)


def read_usage(usage: WireUsage | None) -> Usage | None:
    """Return the tokens; None where they are not said, or a count is negative: a number that cannot be is none.

    The API counts thoughts beside the answer, and what its own tools found beside the prompt.
    """
    if usage is None or (usage.prompt_token_count is None and usage.candidates_token_count is None):
        return None
    given, found = usage.prompt_token_count or 0, usage.tool_use_prompt_token_count or 0
    made, thought = usage.candidates_token_count or 0, usage.thoughts_token_count or 0
    cached = usage.cached_content_token_count or 0
    if min(given, found, made, thought, cached) < 0:
        return None
    return Usage(input=given + found, output=made + thought, cached_input=cached, reasoning=thought)


def rest_of_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return what *usage* says beside what `read_usage` reads: tokens by modality, the kind of traffic."""
    rest = {name: value for name, value in usage.items() if name not in _READ and value}
    if usage.get("toolUsePromptTokenCount"):
        rest["toolUsePromptTokenCount"] = usage["toolUsePromptTokenCount"]
    return rest
