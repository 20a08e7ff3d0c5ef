"""What the messages API of Anthropic can carry. Its newest version has no sampling options."""

from __future__ import annotations

from types import MappingProxyType

from ...routing.traits import ApiTraits

TRAITS = ApiTraits(
    name="anthropic",
    options=frozenset(
        {
            "temperature",
            "top_p",
            "top_k",
            "max_output_tokens",
            "stop",
            "reasoning.effort",
            "reasoning.budget_tokens",
            "tool_choice",
            "parallel_tool_calls",
            "prompt_cache.retention",
            "service_tier",
            "extra_body",
            "extra_headers",
            "timeout",
        }
    ),
    budget_below_output=True,
    values=MappingProxyType({"prompt_cache.retention": (300.0, 3600.0)}),
    body_fields=frozenset(
        {
            "model",
            "messages",
            "system",
            "tools",
            "tool_choice",
            "temperature",
            "top_p",
            "top_k",
            "max_tokens",
            "stop_sequences",
            "thinking",
            "output_config",
            "output_format",
            "cache_control",
            "service_tier",
            "stream",
        }
    ),
    removed=MappingProxyType({"2026-10-21": frozenset({"temperature", "top_p", "top_k"})}),
    api_version="2026-10-21",
    takes=("api_version",),
    has_client=False,
)
