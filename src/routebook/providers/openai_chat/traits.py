"""What the chat completions API can carry."""

from __future__ import annotations

from ...routing.traits import ApiTraits

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
            "parallel_tool_calls",
            "service_tier",
            "extra_body",
            "extra_headers",
            "timeout",
        }
    ),
    body_fields=frozenset(
        {
            # set from the request and its options, some under the name that a quirk gives
            "model",
            "messages",
            "tools",
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
            "service_tier",
            # never set, and not for anyone else to set: the answer could not be read
            "stream",
            "stream_options",
            "n",
            "tool_choice",
            "functions",
            "function_call",
        }
    ),
)
