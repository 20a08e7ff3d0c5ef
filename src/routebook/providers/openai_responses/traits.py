"""What the responses API can carry. It has no stop sequences, no seed, no penalties and one answer a call."""

from __future__ import annotations

from types import MappingProxyType

from ...routing.traits import ApiTraits, NativeSchemas, OptionRules
from ..openai.strict import strict_gap

_EVERYWHERE = frozenset({"extra_body", "extra_headers", "timeout"})
_WIRE = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_output_tokens": "max_output_tokens",
    "reasoning.effort": "reasoning.effort",
    "tool_choice": "tool_choice",
    "parallel_tool_calls": "parallel_tool_calls",
    "prompt_cache.key": "prompt_cache_key",
    "prompt_cache.retention": "prompt_cache_options.ttl",
    "service_tier": "service_tier",
    "logprobs": "top_logprobs",
}

TRAITS = ApiTraits(
    name="openai-responses",
    options=_EVERYWHERE.union(_WIRE),
    embedding_options=_EVERYWHERE | {"dimensions"},
    image_options=_EVERYWHERE | {"n", "size", "quality"},
    native_schemas=NativeSchemas(strict_gap, "with `strict: false`, as a strong hint"),
    rules=OptionRules(
        values=MappingProxyType({"prompt_cache.retention": (1800.0, 43200.0, 86400.0)}),
        least=MappingProxyType({"max_output_tokens": 16}),
    ),
    wire=MappingProxyType(_WIRE),
    notes=MappingProxyType(
        {
            "extra_body": (
                "`store` is false unless it is set here; what this API keeps of a conversation is not used, each "
                "request has all of it"
            ),
            "logprobs": "with `message.output_text.logprobs` in `include`",
            "max_output_tokens": "16 at the least",
            "parallel_tool_calls": "only beside tools",
            "prompt_cache.retention": "`30m` or `12h`; 24h is `24h` in `prompt_cache_retention`",
            "reasoning.effort": (
                "with `reasoning.encrypted_content` in `include`, save for `none`: models that do not think refuse it. "
                "Thoughts go back as they came. No summary of them is asked for, because OpenAI refuses that to "
                "organizations that it has not verified; `extra_body: {reasoning: {summary: auto}}` asks for it"
            ),
            "tool_choice": "a tool's name is a mapping; only beside tools",
        }
    ),
    lacks=frozenset({"audio_input"}),
    body_fields=frozenset(
        {
            # set from the request and its options
            "model",
            "input",
            "tools",
            "tool_choice",
            "text.format",
            "temperature",
            "top_p",
            "max_output_tokens",
            "reasoning.effort",
            "parallel_tool_calls",
            "prompt_cache_key",
            "prompt_cache_retention",
            "prompt_cache_options.ttl",
            "service_tier",
            "top_logprobs",
            "include",
            # of embeddings and images
            "encoding_format",
            "dimensions",
            "prompt",
            "n",
            "size",
            "quality",
            # the answer is read as it was asked for, and at once
            "stream",
            "stream_options",
            "background",
            # in place of messages, and never set
            "instructions",
            "previous_response_id",
            "conversation",
        }
    ),
    filled=frozenset(
        {
            "model",
            "input",
            "tools",
            "text.format",
            "include",
            "encoding_format",
            "prompt",
            "stream",
            "stream_options",
            "background",
            "instructions",
            "previous_response_id",
            "conversation",
        }
    ),
)
