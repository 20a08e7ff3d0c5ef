from __future__ import annotations

import json
from typing import Any

import pytest

from routebook.canonical.chat import ChatRequest, OutputFormat
from routebook.canonical.message import Message
from routebook.canonical.tool import ToolDefinition
from routebook.providers.fault import Fault
from routebook.providers.gemini.address import Address
from routebook.providers.gemini.encode import encode

ADDRESS = Address("/v1beta", False, "v1beta")
CLOCK = ToolDefinition(
    "clock__now", "clock.now", "The time.", {"type": "object", "properties": {"zone": {"type": "string"}}}
)
BARE = ToolDefinition("net__ping", "net.ping", "", {"type": "object", "properties": {}})
FOLDER = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}


def ask(
    *messages: Message,
    tools: tuple = (),
    output: OutputFormat | None = None,
    model: str = "gemini-3-pro",
    **options: Any,
) -> ChatRequest:
    return ChatRequest(model, messages or (Message("user", "When?"),), tools, options, output)


def sent(*messages: Message, **fields: Any) -> dict[str, Any]:
    body = encode(ask(*messages, **fields), ADDRESS)
    assert isinstance(body, bytes), body
    return json.loads(body)


def config(**fields: Any) -> dict[str, Any]:
    return sent(**fields).get("generationConfig", {})


def refused(**fields: Any) -> Fault:
    fault = encode(ask(**fields), ADDRESS)
    assert isinstance(fault, Fault), fault
    return fault


def test_a_request_is_its_contents_and_its_instructions():
    assert sent(Message("system", "Be brief."), Message("user", "When?")) == {
        "contents": [{"role": "user", "parts": [{"text": "When?"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
    }


def test_options_stand_in_the_generation_config():
    found = config(
        temperature=0.0,
        top_p=0.5,
        top_k=40,
        n=2,
        max_output_tokens=64,
        stop=("END", "\n"),
        seed=7,
        presence_penalty=0.5,
        frequency_penalty=-0.5,
        logprobs=3,
    )
    assert found == {
        "temperature": 0.0,
        "topP": 0.5,
        "topK": 40,
        "candidateCount": 2,
        "maxOutputTokens": 64,
        "stopSequences": ["END", "\n"],
        "seed": 7,
        "presencePenalty": 0.5,
        "frequencyPenalty": -0.5,
        "responseLogprobs": True,
        "logprobs": 3,
    }


def test_one_text_to_stop_at_is_a_list_of_one():
    assert config(stop="END") == {"stopSequences": ["END"]}


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        ("gemini-3-pro", "minimal", {"thinkingLevel": "MINIMAL", "includeThoughts": True}),
        ("gemini-3-pro", "low", {"thinkingLevel": "LOW", "includeThoughts": True}),
        ("gemini-3.5-flash", "medium", {"thinkingLevel": "MEDIUM", "includeThoughts": True}),
        ("gemini-3-pro", "high", {"thinkingLevel": "HIGH", "includeThoughts": True}),
        ("gemini-3-pro", "xhigh", {"thinkingLevel": "XHIGH", "includeThoughts": True}),
        ("gemini-3-pro", "max", {"thinkingLevel": "XHIGH", "includeThoughts": True}),
        ("gemini-3-pro", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-flash", "minimal", {"thinkingBudget": 1024, "includeThoughts": True}),
        ("models/gemini-2.5-pro", "low", {"thinkingBudget": 1024, "includeThoughts": True}),
        ("gemini-2.5-flash", "medium", {"thinkingBudget": 8192, "includeThoughts": True}),
        ("publishers/google/models/gemini-2.5-pro", "max", {"thinkingBudget": 24576, "includeThoughts": True}),
    ],
)
def test_effort_is_a_level_or_a_budget_by_the_models_generation(model: str, effort: str, thinking: dict[str, Any]):
    assert config(model=model, reasoning={"effort": effort}) == {"thinkingConfig": thinking}


@pytest.mark.parametrize(
    ("tokens", "thinking"),
    [(2048, {"thinkingBudget": 2048, "includeThoughts": True}), (0, {"thinkingBudget": 0})],
)
def test_a_budget_is_sent_as_it_is_and_asks_for_thoughts(tokens: int, thinking: dict[str, Any]):
    assert config(reasoning={"budget_tokens": tokens}) == {"thinkingConfig": thinking}


def test_tools_are_declared_by_their_json_schema():
    assert sent(tools=(CLOCK, BARE))["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "clock__now",
                    "description": "The time.",
                    "parametersJsonSchema": CLOCK.to_dict()["parameters"],
                },
                {"name": "net__ping"},
            ]
        }
    ]


@pytest.mark.parametrize(
    ("parameters", "schema"),
    [
        ({}, None),
        ({"type": "object"}, None),
        ({"type": "object", "properties": {}, "additionalProperties": False}, None),
        (
            {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "properties": {"b": {"type": "string"}}}}},
            {"type": "object", "properties": {"b": {"type": "string"}}},
        ),
        ({"properties": {"a": {}}}, {"type": "object", "properties": {"a": {}}}),
        ({"anyOf": [{"required": ["a"]}]}, {"type": "object", "anyOf": [{"required": ["a"]}]}),
        (
            {"type": "object", "properties": {"a": {"type": "string", "pattern": "^a"}}},
            {
                "type": "object",
                "properties": {"a": {"type": "string", "description": 'It must be valid under {"pattern": "^a"}.'}},
            },
        ),
    ],
)
def test_parameters_are_an_object_or_nothing(parameters: dict[str, Any], schema: dict[str, Any] | None):
    tool = ToolDefinition("t", "t", "", parameters)
    (function,) = sent(tools=(tool,))["tools"][0]["functionDeclarations"]
    assert function.get("parametersJsonSchema") == schema


@pytest.mark.parametrize(
    ("choice", "calling"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ("clock.now", {"mode": "ANY", "allowedFunctionNames": ["clock__now"]}),
        ("clock__now", {"mode": "ANY", "allowedFunctionNames": ["clock__now"]}),
    ],
)
def test_a_choice_is_a_mode_and_the_names_that_are_allowed(choice: str, calling: dict[str, Any]):
    assert sent(tools=(CLOCK, BARE), tool_choice=choice)["toolConfig"] == {"functionCallingConfig": calling}


def test_without_tools_a_choice_says_nothing():
    assert "toolConfig" not in sent(tool_choice="required")


def test_an_output_is_asked_for_by_its_schema_or_as_any_json():
    assert config(output=OutputFormat("folder", FOLDER)) == {
        "responseMimeType": "application/json",
        "responseJsonSchema": FOLDER,
    }
    assert config(output=OutputFormat("any"), temperature=0.5) == {
        "temperature": 0.5,
        "responseMimeType": "application/json",
    }


def test_the_tier_and_what_is_extra_stand_at_the_top():
    extra = {"safetySettings": [{"category": "X", "threshold": "OFF"}], "cachedContent": "cachedContents/c"}
    body = sent(service_tier="flex", extra_body=extra, extra_headers={"x-a": "b"}, timeout=5.0)
    assert body.keys() == {"contents", "serviceTier", "safetySettings", "cachedContent"}
    assert body["serviceTier"] == "flex"


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        ({"parallel_tool_calls": False}, "unsupported_option", "option 'parallel_tool_calls' has no place"),
        ({"prompt_cache": {"key": "a"}}, "unsupported_option", "option 'prompt_cache.key' has no place"),
        ({"stop": ("a", "b", "c", "d", "e", "f")}, "unsupported_option", "`stop` has 6 texts; api 'gemini' takes 5"),
        ({"reasoning": {"effort": "low", "budget_tokens": 5}}, "unsupported_option", "not both at once"),
        ({"tools": (CLOCK,), "tool_choice": "gone"}, "bad_request", "`tool_choice` names 'gone'"),
        ({"model": "../x"}, "bad_request", "model '../x' cannot stand in an address"),
        ({"model": ""}, "bad_request", "model '' cannot stand in an address"),
    ],
)
def test_what_has_no_place_is_refused(fields: dict[str, Any], kind: str, words: str):
    fault = refused(**fields)
    assert (fault.kind, words in fault.message) == (kind, True), fault


def test_half_a_surrogate_pair_is_refused():
    fault = encode(ask(Message("user", "\ud83d")), ADDRESS)
    assert isinstance(fault, Fault)
    assert "surrogate" in fault.message
