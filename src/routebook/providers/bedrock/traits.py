"""What the converse API of Amazon Bedrock can carry. What only some of its models know goes into `extra_body`."""

from __future__ import annotations

from types import MappingProxyType

from ...routing.traits import ApiTraits, NativeSchemas, OptionRules
from ..anthropic.schemas import schema_gap

_EVERYWHERE = frozenset({"extra_body", "extra_headers", "timeout"})
_WIRE = {
    "temperature": "inferenceConfig.temperature",
    "top_p": "inferenceConfig.topP",
    "max_output_tokens": "inferenceConfig.maxTokens",
    "stop": "inferenceConfig.stopSequences",
    "reasoning.effort": "outputConfig.effort",
    "tool_choice": "toolConfig.toolChoice",
    "prompt_cache.retention": "messages.content.cachePoint",
    "service_tier": "serviceTier.type",
}

TRAITS = ApiTraits(
    name="bedrock",
    options=_EVERYWHERE.union(_WIRE),
    embedding_options=_EVERYWHERE | {"dimensions"},
    wire=MappingProxyType(_WIRE),
    notes=MappingProxyType(
        {
            "temperature": "from 0 to 1",
            "stop": "no text of blanks alone",
            "reasoning.effort": (
                "`minimal` becomes `low`; whether a model thinks at all, and on which budget, is its own matter: "
                "`extra_body: {additionalModelRequestFields: {thinking: {type: adaptive}}}` asks Claude for it"
            ),
            "tool_choice": (
                "`required` becomes `any`, a tool's name `tool` with that name; the API has no `none`, so that tools "
                "are then left out, and calls and results of the past are told in words"
            ),
            "prompt_cache.retention": (
                "`5m`, which the API takes unsaid, or `1h`, for Claude only; cache points stand behind the tools (save "
                "for Nova, which takes none there), the first system message, the last one, and the conversation"
            ),
            "service_tier": "`default`, `priority`, `flex` or `reserved`",
            "dimensions": (
                "of Titan v2, Cohere v4 (`output_dimension`) and Nova (`embeddingDimension`); others have one length"
            ),
        }
    ),
    lacks=frozenset({"json_object", "image_output"}),
    rules=OptionRules(
        values=MappingProxyType(
            {
                "prompt_cache.retention": (300.0, 3600.0),
                "reasoning.effort": ("minimal", "low", "medium", "high", "xhigh", "max"),
            }
        ),
        unblank=frozenset({"stop"}),
    ),
    native_schemas=NativeSchemas(schema_gap, "as near as the API can hold a model to it, and in words beside"),
    body_fields=frozenset(
        {
            # of a chat, set from the request and its options; the model stands in the path
            "modelId",
            "messages",
            "system",
            "toolConfig",
            "inferenceConfig",
            "outputConfig",
            "serviceTier",
            # of embeddings, whose fields each family of models has its own
            "inputText",
            "embeddingTypes",
            "texts",
            "embedding_types",
            "schemaVersion",
            "taskType",
            "dimensions",
            "output_dimension",
        }
    ),
    filled=frozenset(
        {
            *("modelId", "messages", "system"),
            *("inputText", "embeddingTypes", "texts", "embedding_types", "schemaVersion", "taskType"),
        }
    ),
    needs_base_url=False,
    credential_chain=True,
    chain_extra="bedrock",
    chain_variables=(
        *("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        *("AWS_BEARER_TOKEN_BEDROCK", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"),
        *("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_EC2_METADATA_DISABLED"),
        *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    ),
    needs=("region",),
)
