"""What the generateContent API of Gemini can carry."""

from __future__ import annotations

from ...routing.traits import ApiTraits

TRAITS = ApiTraits(
    name="gemini",
    options=frozenset(
        {
            "temperature",
            "top_p",
            "top_k",
            "n",
            "max_output_tokens",
            "stop",
            "seed",
            "presence_penalty",
            "frequency_penalty",
            "reasoning.effort",
            "reasoning.budget_tokens",
            "tool_choice",
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
            "extra_body",
            "extra_headers",
            "timeout",
        }
    ),
    body_fields=frozenset(
        {
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
        }
    ),
    filled=frozenset({"contents", "systemInstruction", "system_instruction", "tools"}),
    takes=("api_version", "project", "location"),
    has_client=False,
)
