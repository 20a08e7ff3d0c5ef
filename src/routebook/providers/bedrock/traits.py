"""What the converse API of Amazon Bedrock can carry. What only some of its models know goes into `extra_body`."""

from __future__ import annotations

from types import MappingProxyType

from ...routing.traits import ApiTraits, OptionRules

TRAITS = ApiTraits(
    name="bedrock",
    options=frozenset(
        {
            "temperature",
            "top_p",
            "max_output_tokens",
            "stop",
            "tool_choice",
            "prompt_cache.retention",
            "service_tier",
            "extra_body",
            "extra_headers",
            "timeout",
        }
    ),
    rules=OptionRules(values=MappingProxyType({"prompt_cache.retention": (300.0, 3600.0)})),
    body_fields=frozenset(
        {
            "modelId",
            "messages",
            "system",
            "toolConfig",
            "inferenceConfig",
            "outputConfig",
            "serviceTier",
        }
    ),
    filled=frozenset({"modelId", "messages", "system"}),
    needs_base_url=False,
    credential_chain=True,
    needs=("region",),
    has_client=False,
)
