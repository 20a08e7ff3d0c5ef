"""What the responses API can carry. It has no stop sequences, no seed, no penalties and one answer a call."""

from __future__ import annotations

from types import MappingProxyType

from ...routing.traits import ApiTraits, OptionRules

TRAITS = ApiTraits(
    name="openai-responses",
    options=frozenset(
        {
            "temperature",
            "top_p",
            "max_output_tokens",
            "reasoning.effort",
            "tool_choice",
            "parallel_tool_calls",
            "prompt_cache.key",
            "prompt_cache.retention",
            "service_tier",
            "logprobs",
            "extra_body",
            "extra_headers",
            "timeout",
        }
    ),
    embedding_options=frozenset(
        {
            "dimensions",
            "extra_body",
            "extra_headers",
            "timeout",
        }
    ),
    image_options=frozenset(
        {
            "n",
            "size",
            "quality",
            "extra_body",
            "extra_headers",
            "timeout",
        }
    ),
    rules=OptionRules(values=MappingProxyType({"prompt_cache.retention": (1800.0, 86400.0)})),
    body_fields=frozenset(
        {
            "model",
            "input",
            "instructions",
            "tools",
            "tool_choice",
            "text",
            "temperature",
            "top_p",
            "max_output_tokens",
            "reasoning",
            "parallel_tool_calls",
            "prompt_cache_key",
            "prompt_cache_retention",
            "prompt_cache_options",
            "service_tier",
            "top_logprobs",
            "include",
            "stream",
            "stream_options",
            "store",
            "background",
            "previous_response_id",
            "conversation",
        }
    ),
    filled=frozenset(
        {
            "model",
            "input",
            "instructions",
            "tools",
            "text",
            "include",
            "stream",
            "stream_options",
            "store",
            "background",
            "previous_response_id",
            "conversation",
        }
    ),
    has_client=False,
)
