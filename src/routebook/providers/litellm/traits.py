"""What the LiteLLM library can carry, to whatever provider its model ids name."""

from __future__ import annotations

from types import MappingProxyType

from ...routing.traits import ApiTraits, NativeSchemas
from ..openai.strict import strict_gap
from .arguments import OWN

_EVERYWHERE = frozenset({"extra_body", "extra_headers", "timeout"})
_WIRE = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "n": "n",
    "max_output_tokens": "max_completion_tokens",
    "stop": "stop",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "reasoning.effort": "reasoning_effort",
    "reasoning.budget_tokens": "thinking.budget_tokens",
    "tool_choice": "tool_choice",
    "parallel_tool_calls": "parallel_tool_calls",
    "service_tier": "service_tier",
    "logprobs": "top_logprobs",
}

KEY_HEADER = "litellm-api-key"
"""The header of a call that holds the key; the library is given it as `api_key`."""

TRAITS = ApiTraits(
    name="litellm",
    options=_EVERYWHERE.union(_WIRE),
    embedding_options=_EVERYWHERE | {"dimensions"},
    image_options=_EVERYWHERE | {"n", "size", "quality"},
    image_apart=frozenset({"size", "quality"}),
    native_schemas=NativeSchemas(strict_gap, "with `strict: false`, as a strong hint"),
    wire=MappingProxyType(_WIRE),
    notes=MappingProxyType(
        {
            "extra_body": "each field is an argument of the library's call, which passes on what it does not know",
            "logprobs": "with `logprobs: true`",
            "max_output_tokens": "`max_tokens` where the library knows only that of a provider",
            "parallel_tool_calls": "only beside tools",
            "reasoning.budget_tokens": "with `type: enabled`",
            "tool_choice": "a tool's name is a mapping; only beside tools",
        }
    ),
    body_fields=OWN
    | {
        # set from the request and its options
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
        "presence_penalty",
        "frequency_penalty",
        "reasoning_effort",
        "thinking",
        "parallel_tool_calls",
        "service_tier",
        "logprobs",
        "top_logprobs",
        # of embeddings and images
        "input",
        "encoding_format",
        "dimensions",
        "prompt",
        "size",
        "quality",
        # the answer is read as it was asked for
        "stream",
        "stream_options",
        # in place of `tools`, and never set
        "functions",
        "function_call",
    },
    filled=OWN
    | {
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
    },
    own_headers=MappingProxyType({KEY_HEADER: "api_key"}),
    takes=("region", "project", "location", "api_version"),
    needs_base_url=False,
    credential_chain=True,
    extra="litellm",
)
