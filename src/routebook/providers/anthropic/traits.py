"""What the messages API of Anthropic can carry. Its newest version has no sampling options."""

from __future__ import annotations

from types import MappingProxyType

from ...routing.traits import ApiTraits, NativeSchemas, OptionRules
from .schemas import schema_gap

_EVERYWHERE = frozenset({"extra_body", "extra_headers", "timeout"})
_WIRE = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_output_tokens": "max_tokens",
    "stop": "stop_sequences",
    "reasoning.effort": "output_config.effort",
    "reasoning.budget_tokens": "thinking.budget_tokens",
    "tool_choice": "tool_choice.type",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    "prompt_cache.retention": "cache_control.ttl",
    "service_tier": "service_tier",
}

TRAITS = ApiTraits(
    name="anthropic",
    options=_EVERYWHERE.union(_WIRE),
    wire=MappingProxyType(_WIRE),
    notes=MappingProxyType(
        {
            "temperature": "beside `reasoning.budget_tokens` it is 1 or nothing",
            "top_p": "beside `reasoning.budget_tokens` it is from 0.95 to 1",
            "top_k": "not beside `reasoning.budget_tokens`",
            "stop": "no text of blanks alone",
            "max_output_tokens": "always sent, because the API refuses a request without it",
            "reasoning.effort": (
                "turns adaptive thinking on, save where a tool call is forced, which the API refuses beside thinking; "
                "`minimal` becomes `low`, `none` turns thinking off, which some models refuse"
            ),
            "reasoning.budget_tokens": (
                "turns thinking on with this budget, 1024 at the least, for models that know no adaptive thinking, "
                "save in a loop of tool calls that another model began: the API wants the loop's first thought, which "
                "only its own model has; no tool call can be forced beside it"
            ),
            "tool_choice": "`required` becomes `any`, a tool's name `tool` with that name",
            "parallel_tool_calls": "sent as its opposite",
            "prompt_cache.retention": "`5m` or `1h`; cache points stand behind the tools, "
            "the first system message, the last one, and the conversation",
            "service_tier": "`auto` or `standard_only`",
        }
    ),
    lacks=frozenset({"json_object", "audio_input", "embeddings", "image_output"}),
    default_max_output_tokens=8192,
    rules=OptionRules(
        values=MappingProxyType({"prompt_cache.retention": (300.0, 3600.0)}),
        least=MappingProxyType({"reasoning.budget_tokens": 1024}),
        unblank=frozenset({"stop"}),
        beside_budget=MappingProxyType({"temperature": (1, 1), "top_p": (0.95, 1), "top_k": None}),
        budget_below_output=True,
        budget_unforced=True,
    ),
    native_schemas=NativeSchemas(schema_gap, "as near as the API can hold a model to it, and in words beside"),
    body_fields=frozenset(
        {
            # set from the request and its options
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
            "cache_control",
            "service_tier",
            # never set, and not for anyone else to set: the older name of a field, and an answer that is not read
            "output_format",
            "stream",
        }
    ),
    filled=frozenset({"model", "messages", "system", "tools", "output_format", "stream"}),
    own_headers=MappingProxyType({"anthropic-version": "api_version"}),
    removed=MappingProxyType({"2023-06-01": frozenset(), "2026-10-21": frozenset({"temperature", "top_p", "top_k"})}),
    api_version="2026-10-21",
    takes=("api_version",),
)
