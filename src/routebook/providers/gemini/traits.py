"""What the generateContent API of Gemini can carry, at Google AI and at Vertex."""

from __future__ import annotations

from types import MappingProxyType

from ...routing.traits import ApiTraits, NativeSchemas, OptionRules
from .schemas import schema_gap

_EVERYWHERE = frozenset({"extra_body", "extra_headers", "timeout"})
_WIRE = {
    "temperature": "generationConfig.temperature",
    "top_p": "generationConfig.topP",
    "top_k": "generationConfig.topK",
    "n": "generationConfig.candidateCount",
    "max_output_tokens": "generationConfig.maxOutputTokens",
    "stop": "generationConfig.stopSequences",
    "seed": "generationConfig.seed",
    "presence_penalty": "generationConfig.presencePenalty",
    "frequency_penalty": "generationConfig.frequencyPenalty",
    "reasoning.effort": "generationConfig.thinkingConfig.thinkingLevel",
    "reasoning.budget_tokens": "generationConfig.thinkingConfig.thinkingBudget",
    "tool_choice": "toolConfig.functionCallingConfig.mode",
    "service_tier": "serviceTier",
    "logprobs": "generationConfig.logprobs",
}

_SCHEMAS = NativeSchemas(schema_gap, "as near as the API can hold a model to it, and in words beside")

TRAITS = ApiTraits(
    name="gemini",
    options=_EVERYWHERE.union(_WIRE),
    embedding_options=_EVERYWHERE | {"dimensions"},
    image_options=_EVERYWHERE | {"n", "size"},
    native_schemas=_SCHEMAS,
    tool_schemas=_SCHEMAS,
    rules=OptionRules(
        values=MappingProxyType({"service_tier": ("standard", "flex", "priority")}),
        beside_budget=MappingProxyType({"reasoning.effort": None}),
    ),
    wire=MappingProxyType(_WIRE),
    embedding_wire=MappingProxyType({"dimensions": "outputDimensionality"}),
    image_wire=MappingProxyType(
        {"n": "generationConfig.candidateCount", "size": "generationConfig.imageConfig.aspectRatio"}
    ),
    notes=MappingProxyType(
        {
            "stop": "five texts at the most",
            "logprobs": "with `responseLogprobs: true`",
            "reasoning.effort": (
                "`MINIMAL`, `LOW`, `MEDIUM`, `HIGH`, `XHIGH`, which `max` becomes too, and thoughts are asked for; "
                "`none` becomes a `thinkingBudget` of 0, which some models refuse; Gemini 2.5 knows no levels: there "
                "it is a `thinkingBudget` of 1024 for `minimal` and `low`, 8192 for `medium`, 24576 for more; not "
                "beside `reasoning.budget_tokens`"
            ),
            "reasoning.budget_tokens": "0 turns thinking off, which some models refuse; thoughts are asked for",
            "tool_choice": (
                "`AUTO`, `NONE`, or `ANY` for `required`; a tool's name is `ANY` with that name alone in "
                "`allowedFunctionNames`; only beside tools"
            ),
            "service_tier": "`standard`, `flex` or `priority`",
            "dimensions": "at Vertex in `embedContentConfig`, or in `parameters` of models that are no Gemini",
            "n": "of images that an Imagen model makes, in `parameters.sampleCount`",
            "size": (
                "a ratio (`16:9`), a size (`2K`), both (`16:9 2K`), or width and height of a picture that the model "
                "makes (`1344x768`): `aspectRatio` and `imageSize`; of an Imagen model `aspectRatio` and "
                "`sampleImageSize`, in `parameters`"
            ),
        }
    ),
    body_fields=frozenset(
        {
            # set from the request and its options; the API reads them in both spellings
            "model",
            "contents",
            "systemInstruction",
            "system_instruction",
            "tools",
            "toolConfig",
            "tool_config",
            "generationConfig",
            "generation_config",
            "serviceTier",
            "service_tier",
            # of embeddings and images
            "content",
            "requests",
            "outputDimensionality",
            "output_dimensionality",
            "embedContentConfig",
            "embed_content_config",
            "instances",
            "parameters",
        }
    ),
    filled=frozenset(
        {
            *("model", "contents", "systemInstruction", "system_instruction", "tools"),
            *("content", "requests", "instances"),
        }
    ),
    takes=("api_version", "project", "location"),
    chain_extra="vertex",
    chain_variables=("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_QUOTA_PROJECT"),
)
