"""What the chat completions API can carry.

Its `n` and `logprobs` are not claimed: an answer has one choice here, and no place for probabilities.
"""

from __future__ import annotations

from types import MappingProxyType

from ...routing.traits import ApiTraits, NativeSchemas
from .strict import strict_gap

TRAITS = ApiTraits(
    name="openai-chat",
    options=frozenset(
        {
            "temperature",
            "top_p",
            "max_output_tokens",
            "stop",
            "seed",
            "presence_penalty",
            "frequency_penalty",
            "reasoning.effort",
            "tool_choice",
            "parallel_tool_calls",
            "prompt_cache.key",
            "prompt_cache.retention",
            "service_tier",
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
    native_schemas=NativeSchemas(strict_gap, "with `strict: false`, as a strong hint"),
    values=MappingProxyType({"prompt_cache.retention": (1800.0, 86400.0)}),
    body_fields=frozenset(
        {
            # set from the request and its options, some under the name that a quirk gives
            "model",
            "messages",
            "tools",
            "tool_choice",
            "response_format",
            "temperature",
            "top_p",
            "max_completion_tokens",
            "max_tokens",
            "stop",
            "seed",
            "random_seed",
            "presence_penalty",
            "frequency_penalty",
            "reasoning_effort",
            "parallel_tool_calls",
            "prompt_cache_key",
            "prompt_cache_retention",
            "prompt_cache_options",
            "service_tier",
            # never set, and not for anyone else to set: the answer could not be read
            "stream",
            "stream_options",
            "n",
            "logprobs",
            "top_logprobs",
            "functions",
            "function_call",
        }
    ),
)
