"""What the chat completions API can carry."""

from __future__ import annotations

from types import MappingProxyType

from ...routing.traits import ApiTraits, NativeSchemas, OptionRules
from ..openai.strict import strict_gap

_EVERYWHERE = frozenset({"extra_body", "extra_headers", "timeout"})
_WIRE = {
    "temperature": "temperature",
    "top_p": "top_p",
    "n": "n",
    "max_output_tokens": "max_completion_tokens",
    "stop": "stop",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "reasoning.effort": "reasoning_effort",
    "tool_choice": "tool_choice",
    "parallel_tool_calls": "parallel_tool_calls",
    "prompt_cache.key": "prompt_cache_key",
    "prompt_cache.retention": "prompt_cache_options.ttl",
    "service_tier": "service_tier",
    "logprobs": "top_logprobs",
}

TRAITS = ApiTraits(
    name="openai-chat",
    options=_EVERYWHERE.union(_WIRE),
    embedding_options=_EVERYWHERE | {"dimensions"},
    image_options=_EVERYWHERE | {"n", "size", "quality"},
    image_apart=frozenset({"size", "quality"}),
    native_schemas=NativeSchemas(strict_gap, "with `strict: false`, as a strong hint"),
    rules=OptionRules(values=MappingProxyType({"prompt_cache.retention": (1800.0, 86400.0)})),
    wire=MappingProxyType(_WIRE),
    notes=MappingProxyType(
        {
            "logprobs": "with `logprobs: true`",
            "parallel_tool_calls": "only beside tools",
            "prompt_cache.retention": "`30m`; 24h is `24h` in `prompt_cache_retention`",
            "tool_choice": "a tool's name is a mapping; only beside tools",
        }
    ),
    body_fields=frozenset(
        {
            # set from the request and its options, some in the field that a preset names
            "model",
            "messages",
            "tools",
            "tool_choice",
            "response_format",
            "temperature",
            "top_p",
            "top_k",
            "n",
            "max_completion_tokens",
            "max_tokens",
            "stop",
            "seed",
            "random_seed",
            "presence_penalty",
            "frequency_penalty",
            "reasoning_effort",
            "reasoning.effort",
            "reasoning.max_tokens",
            "thinking_token_budget",
            "parallel_tool_calls",
            "prompt_cache_key",
            "prompt_cache_isolation_key",
            "prompt_cache_retention",
            "prompt_cache_options.ttl",
            "service_tier",
            "logprobs",
            "top_logprobs",
            # of embeddings and images
            "input",
            "encoding_format",
            "dimensions",
            "output_dimension",
            "prompt",
            "size",
            "quality",
            # the answer is read as it was asked for
            "stream",
            "stream_options",
            # in place of `tools`, and never set
            "functions",
            "function_call",
        }
    ),
    filled=frozenset(
        {
            "model",
            "messages",
            "tools",
            "response_format",
            "input",
            "encoding_format",
            "prompt",
            "stream",
            "stream_options",
            "functions",
        }
    ),
)
