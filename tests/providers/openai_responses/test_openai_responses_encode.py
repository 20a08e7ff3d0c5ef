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
from routebook.providers.openai_responses.encode import encode, encode_stream
from routebook.providers.openai_responses.traits import TRAITS

ENCRYPTED = "reasoning.encrypted_content"
LIKELY = "message.output_text.logprobs"
CLOSED = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
NOT_CARRIED = ("stop", "seed", "presence_penalty", "frequency_penalty")


@pytest.fixture
def request_of_this_api(full_request: ChatRequest) -> ChatRequest:
    """The request with everything in it, without what this API has no place for."""
    options = {name: value for name, value in full_request.options.items() if name not in NOT_CARRIED}
    return replace(full_request, options=options)


def body_of(request: ChatRequest, **quirks: object) -> dict:
    encoded = encode(request, quirks)
    assert isinstance(encoded, bytes), encoded
    return json.loads(encoded)


def options_of(options: dict, *, tools: bool = False, **quirks: object) -> dict:
    offered = (ToolDefinition("t", "t", "", {}),) if tools else ()
    body = body_of(ChatRequest("m", (Message("user", "x"),), tools=offered, options=options), **quirks)
    return {name: value for name, value in body.items() if name not in ("model", "input", "tools", "store")}


def test_a_full_request_becomes_the_recorded_body(request_of_this_api):
    assert body_of(request_of_this_api) == {
        "model": "vendor/model-1",
        "input": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What time is it?"}],
        "store": False,
        "tools": [
            {
                "type": "function",
                "name": "clock__now",
                "description": "The time.",
                "parameters": {"type": "object", "properties": {}},
                "strict": False,
            }
        ],
        "text": {
            "format": {
                "type": "json_schema",
                "name": "answer",
                "schema": {"type": "object", "properties": {"a": {"type": "string"}}},
                "strict": False,
            },
        },
        "temperature": 0.2,
        "top_p": 0.9,
        "max_output_tokens": 100,
        "reasoning": {"effort": "low"},
        "include": [ENCRYPTED],
        "tool_choice": {"type": "function", "name": "clock__now"},
        "parallel_tool_calls": True,
        "prompt_cache_key": "agent",
        "prompt_cache_retention": "24h",
        "service_tier": "flex",
    }


def test_a_tool_without_parameters_or_description_gets_an_empty_object_schema():
    body = body_of(ChatRequest("m", (), tools=(ToolDefinition("t", "t", "", {}),)))
    schema = {"type": "object", "properties": {}}
    assert body["tools"] == [{"type": "function", "name": "t", "parameters": schema, "strict": False}]


@pytest.mark.parametrize(("schema", "strict"), [(CLOSED, True), ({**CLOSED, "required": []}, False)])
def test_a_tool_is_strict_where_that_changes_nothing_and_always_says_so(schema: dict, strict: bool):
    (tool,) = body_of(ChatRequest("m", (), tools=(ToolDefinition("t", "t", "", schema),)))["tools"]
    assert (tool["parameters"], tool["strict"]) == (schema, strict)


@pytest.mark.parametrize("path", ["prompt_cache.key", "reasoning.effort", "service_tier"])
def test_an_option_that_the_provider_lacks_is_a_fault(path: str, request_of_this_api):
    fault = encode(request_of_this_api, {"lacks": [path]})
    assert isinstance(fault, Fault)
    assert fault.kind == "unsupported_option"
    assert repr(path) in fault.message


def test_fields_that_a_preset_names_for_chats_are_not_this_apis():
    fields = {"max_output_tokens": "max_tokens", "reasoning.effort": "reasoning_effort"}
    options = {"max_output_tokens": 50, "reasoning": {"effort": "none"}}
    assert options_of(options, fields=fields) == {"max_output_tokens": 50, "reasoning": {"effort": "none"}}


@pytest.mark.parametrize("effort", ["minimal", "low", "medium", "high", "xhigh", "max"])
def test_who_asks_for_thoughts_asks_for_them_encrypted(effort: str):
    assert options_of({"reasoning": {"effort": effort}}) == {"reasoning": {"effort": effort}, "include": [ENCRYPTED]}


def test_who_asks_for_no_thoughts_or_says_nothing_does_not():
    """A model that does not think refuses them."""
    assert options_of({"reasoning": {"effort": "none"}}) == {"reasoning": {"effort": "none"}}
    assert options_of({}) == {}


@pytest.mark.parametrize("count", [0, 5])
def test_probabilities_are_asked_for_with_so_many_of_the_likeliest(count: int):
    assert options_of({"logprobs": count}) == {"top_logprobs": count, "include": [LIKELY]}


def test_what_is_included_is_one_list():
    options = {"logprobs": 2, "reasoning": {"effort": "low"}}
    assert options_of(options)["include"] == [LIKELY, ENCRYPTED]


def test_a_stream_is_asked_for(request_of_this_api):
    assert json.loads(encode_stream(request_of_this_api, {})) == {**body_of(request_of_this_api), "stream": True}


def test_zero_and_false_are_values():
    options = {"temperature": 0, "parallel_tool_calls": False}
    assert options_of(options, tools=True) == options


def test_parallel_tool_calls_is_sent_only_with_tools():
    assert options_of({"parallel_tool_calls": True}) == {}


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ("clock.now", {"type": "function", "name": "clock__now"}),
        ("clock__now", {"type": "function", "name": "clock__now"}),
    ],
)
def test_a_tool_choice_is_a_word_or_names_the_tool_as_the_model_knows_it(
    choice: str, sent: object, request_of_this_api
):
    assert body_of(replace(request_of_this_api, options={"tool_choice": choice}))["tool_choice"] == sent


def test_a_tool_choice_that_is_none_of_the_tools_is_a_fault_that_names_them(request_of_this_api):
    fault = encode(replace(request_of_this_api, options={"tool_choice": "clock.later"}), {})
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.message) == (
        "bad_request",
        "`tool_choice` names 'clock.later', which is none of the tools: clock.now",
    )


def test_a_tool_choice_says_nothing_where_there_is_no_tool(request_of_this_api):
    assert "tool_choice" not in body_of(replace(request_of_this_api, tools=(), options={"tool_choice": "clock.now"}))


@pytest.mark.parametrize(
    ("seconds", "sent"),
    [
        (1800.0, {"prompt_cache_options": {"ttl": "30m"}}),
        (43200.0, {"prompt_cache_options": {"ttl": "12h"}}),
        (86400.0, {"prompt_cache_retention": "24h"}),
    ],
)
def test_a_prompt_is_kept_for_as_long_as_the_api_has_a_word_for(seconds: float, sent: dict):
    assert options_of({"prompt_cache": {"retention": seconds}}) == sent


def test_a_prompt_kept_for_another_while_is_a_fault(request_of_this_api):
    fault = encode(replace(request_of_this_api, options={"prompt_cache": {"retention": 3600.0}}), {})
    assert isinstance(fault, Fault)
    assert fault.kind == "unsupported_option"


def test_every_option_that_the_api_is_said_to_carry_has_a_field_closed_to_extra_body():
    assert set(TRAITS.wire) == TRAITS.options - ELSEWHERE
    assert TRAITS.body_fields.issuperset(TRAITS.wire.values())


def test_every_field_of_a_full_request_is_closed_to_extra_body_but_for_what_is_kept(request_of_this_api):
    asked = replace(request_of_this_api, options={**request_of_this_api.options, "logprobs": 1})
    assert open_fields(json.loads(encode_stream(asked, {})), TRAITS.body_fields) == {"store"}


def test_headers_and_timeouts_stay_out_of_the_body():
    assert options_of({"extra_headers": {"x": "y"}, "timeout": {"total": 5}}) == {}


def test_extra_body_is_added_as_it_is():
    extra = {"metadata": {"team": "a"}, "truncation": "auto", "house": {"deep": {"x": None}}}
    assert options_of({"temperature": 1, "extra_body": extra}) == {"temperature": 1, **extra}


def test_extra_body_is_joined_with_what_an_option_or_an_output_sets_beside_it():
    extra = {"reasoning": {"summary": "auto"}, "text": {"verbosity": "low"}}
    options = {"reasoning": {"effort": "low"}, "extra_body": extra}
    request = ChatRequest("m", (Message("user", "x"),), (), options, OutputFormat("answer"))
    body = json.loads(encode(request, {}))
    assert body["reasoning"] == {"effort": "low", "summary": "auto"}
    assert body["text"] == {"format": {"type": "json_object"}, "verbosity": "low"}
    assert body["include"] == ["reasoning.encrypted_content"]


@pytest.mark.parametrize(("extra", "stored"), [({}, False), ({"store": True}, True), ({"store": False}, False)])
def test_nothing_is_kept_unless_extra_body_says_so(extra: dict, stored: bool):
    request = ChatRequest("m", (Message("user", "x"),), options={"extra_body": extra})
    assert body_of(request)["store"] is stored


def test_a_schemas_name_is_made_fit_for_the_api():
    request = ChatRequest("m", (), output=OutputFormat("folders.v2", {"type": "object"}))
    assert body_of(request)["text"]["format"]["name"] == "folders_v2"


def test_a_closed_schema_is_strict():
    request = ChatRequest("m", (), output=OutputFormat("o", CLOSED))
    assert body_of(request)["text"] == {
        "format": {"type": "json_schema", "name": "o", "schema": CLOSED, "strict": True}
    }


def test_without_a_schema_it_is_json_mode():
    assert body_of(ChatRequest("m", (), output=OutputFormat("o")))["text"] == {"format": {"type": "json_object"}}


@pytest.mark.parametrize(
    "options", [{"top_k": 40}, {"reasoning": {"budget_tokens": 10}}, {"seed": 1}, {"stop": ["x"]}, {"n": 2}]
)
def test_an_option_without_a_place_is_a_fault_and_not_dropped(options: dict, request_of_this_api):
    fault = encode(replace(request_of_this_api, options=options), {"fields": {"top_k": "top_k"}})
    assert isinstance(fault, Fault)
    assert fault.kind == "unsupported_option"
    assert "has no place in api 'openai-responses'" in fault.message
