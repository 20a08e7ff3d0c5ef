from __future__ import annotations

import json
from dataclasses import replace

import pytest
from wire_options import open_fields

from routebook.canonical.chat import ChatRequest, OutputFormat
from routebook.canonical.message import Message
from routebook.canonical.tool import ToolDefinition
from routebook.providers.fault import Fault
from routebook.providers.openai.fields import ELSEWHERE
from routebook.providers.openai_chat.encode import encode, encode_stream
from routebook.providers.openai_chat.traits import TRAITS


def body_of(request: ChatRequest, **quirks: object) -> dict:
    encoded = encode(request, quirks)
    assert isinstance(encoded, bytes), encoded
    return json.loads(encoded)


def options_of(options: dict, *, tools: bool = False, **quirks: object) -> dict:
    offered = (ToolDefinition("t", "t", "", {}),) if tools else ()
    body = body_of(ChatRequest("m", (Message("user", "x"),), tools=offered, options=options), **quirks)
    return {name: value for name, value in body.items() if name not in ("model", "messages", "tools")}


def test_a_full_request_becomes_the_recorded_body(full_request):
    assert body_of(full_request) == {
        "model": "vendor/model-1",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What time is it?"}],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "clock__now",
                    "description": "The time.",
                    "parameters": {"type": "object", "properties": {}},
                },
            }
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "answer",
                "schema": {"type": "object", "properties": {"a": {"type": "string"}}},
                "strict": False,
            },
        },
        "temperature": 0.2,
        "top_p": 0.9,
        "tool_choice": {"type": "function", "function": {"name": "clock__now"}},
        "prompt_cache_key": "agent",
        "prompt_cache_retention": "24h",
        "max_completion_tokens": 100,
        "stop": ["END"],
        "seed": 7,
        "presence_penalty": 0.5,
        "frequency_penalty": -0.5,
        "reasoning_effort": "low",
        "parallel_tool_calls": True,
        "service_tier": "flex",
    }


def test_a_tool_without_parameters_or_description_gets_an_empty_object_schema():
    body = body_of(ChatRequest("m", (), tools=(ToolDefinition("t", "t", "", {}),)))
    assert body["tools"][0]["function"] == {"name": "t", "parameters": {"type": "object", "properties": {}}}


def test_presets_say_where_options_stand():
    options = {"max_output_tokens": 5, "seed": 1, "top_k": 4, "reasoning": {"effort": "low", "budget_tokens": 9}}
    fields = {
        "max_output_tokens": "max_tokens",
        "seed": "random_seed",
        "top_k": "top_k",
        "reasoning.effort": "reasoning.effort",
        "reasoning.budget_tokens": "reasoning.max_tokens",
    }
    assert options_of(options, fields=fields) == {
        "max_tokens": 5,
        "random_seed": 1,
        "top_k": 4,
        "reasoning": {"effort": "low", "max_tokens": 9},
    }


@pytest.mark.parametrize("path", ["seed", "reasoning.effort", "top_k"])
def test_an_option_that_the_provider_lacks_is_a_fault(path: str, full_request):
    options = {"seed": 1, "reasoning": {"effort": "low"}, "top_k": 4}
    fault = encode(replace(full_request, options=options), {"lacks": [path], "fields": {"top_k": "top_k"}})
    assert isinstance(fault, Fault)
    assert fault.kind == "unsupported_option"
    assert repr(path) in fault.message


@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh", "max"])
def test_reasoning_effort_has_its_own_field(effort: str):
    assert options_of({"reasoning": {"effort": effort}}) == {"reasoning_effort": effort}


def test_a_preset_may_spell_words_in_its_own_way(full_request):
    quirks = {"choices": {"required": "any"}}
    for choice, word in (("required", "any"), ("auto", "auto")):
        body = body_of(replace(full_request, options={"tool_choice": choice}), **quirks)
        assert body["tool_choice"] == word


@pytest.mark.parametrize("count", [0, 5])
def test_probabilities_are_asked_for_with_so_many_of_the_likeliest(count: int):
    assert options_of({"logprobs": count}) == {"logprobs": True, "top_logprobs": count}


@pytest.mark.parametrize(
    ("quirks", "more"),
    [
        ({}, {"stream": True, "stream_options": {"include_usage": True}}),
        ({"stream_usage": False}, {"stream": True}),
    ],
)
def test_a_stream_is_asked_for_with_its_usage_unless_the_preset_forbids_it(quirks: dict, more: dict, full_request):
    assert json.loads(encode_stream(full_request, quirks)) == {**body_of(full_request), **more}


def test_zero_and_false_are_values():
    options = {"temperature": 0, "seed": 0, "parallel_tool_calls": False}
    assert options_of(options, tools=True) == options


def test_parallel_tool_calls_is_sent_only_with_tools():
    assert options_of({"parallel_tool_calls": True}) == {}


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ("clock.now", {"type": "function", "function": {"name": "clock__now"}}),
        ("clock__now", {"type": "function", "function": {"name": "clock__now"}}),
    ],
)
def test_a_tool_choice_is_a_word_or_names_the_tool_as_the_model_knows_it(choice: str, sent: object, full_request):
    assert body_of(replace(full_request, options={"tool_choice": choice}))["tool_choice"] == sent


def test_a_tool_choice_that_is_none_of_the_tools_is_a_fault_that_names_them(full_request):
    fault = encode(replace(full_request, options={"tool_choice": "clock.later"}), {})
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.message) == (
        "bad_request",
        "`tool_choice` names 'clock.later', which is none of the tools: clock.now",
    )


def test_a_tool_choice_says_nothing_where_there_is_no_tool(full_request):
    assert "tool_choice" not in body_of(replace(full_request, tools=(), options={"tool_choice": "clock.now"}))


@pytest.mark.parametrize(
    ("seconds", "sent"),
    [(1800.0, {"prompt_cache_options": {"ttl": "30m"}}), (86400.0, {"prompt_cache_retention": "24h"})],
)
def test_a_prompt_is_kept_for_as_long_as_the_api_has_a_word_for(seconds: float, sent: dict):
    assert options_of({"prompt_cache": {"retention": seconds}}) == sent


def test_a_prompt_kept_for_another_while_is_a_fault(full_request):
    fault = encode(replace(full_request, options={"prompt_cache": {"retention": 3600.0}}), {})
    assert isinstance(fault, Fault)
    assert fault.kind == "unsupported_option"


def test_every_option_that_the_api_is_said_to_carry_has_a_field_closed_to_extra_body():
    assert set(TRAITS.wire) == TRAITS.options - ELSEWHERE
    assert TRAITS.body_fields.issuperset(TRAITS.wire.values())


def test_every_field_of_a_full_request_is_closed_to_extra_body(full_request):
    body = json.loads(encode_stream(replace(full_request, options={**full_request.options, "n": 2, "logprobs": 1}), {}))
    assert open_fields(body, TRAITS.body_fields) == set()


def test_headers_and_timeouts_stay_out_of_the_body():
    assert options_of({"extra_headers": {"x": "y"}, "timeout": {"total": 5}}) == {}


def test_extra_body_is_added_as_it_is():
    extra = {"provider": {"order": ["a", "b"], "deep": {"x": None}}, "top_k": 40}
    assert options_of({"temperature": 1, "extra_body": extra}) == {"temperature": 1, **extra}


def test_a_schemas_name_is_made_fit_for_the_api():
    request = ChatRequest("m", (), output=OutputFormat("folders.v2", {"type": "object"}))
    assert body_of(request)["response_format"]["json_schema"]["name"] == "folders_v2"


def test_a_closed_schema_is_strict():
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    request = ChatRequest("m", (), output=OutputFormat("o", schema))
    assert body_of(request)["response_format"]["json_schema"] == {"name": "o", "schema": schema, "strict": True}


@pytest.mark.parametrize("options", [{"top_k": 40}, {"reasoning": {"budget_tokens": 10}}])
def test_an_option_without_a_place_is_a_fault_and_not_dropped(options: dict, full_request):
    fault = encode(replace(full_request, options=options), {})
    assert isinstance(fault, Fault)
    assert fault.kind == "unsupported_option"
    assert "has no place in api 'openai-chat'" in fault.message
