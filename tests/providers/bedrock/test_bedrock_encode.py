from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from routebook.canonical.chat import ChatRequest, OutputFormat
from routebook.canonical.message import Message
from routebook.canonical.part import TextPart
from routebook.canonical.tool import ToolCall, ToolDefinition, ToolResult
from routebook.providers.bedrock.encode import encode
from routebook.providers.bedrock.traits import TRAITS
from routebook.providers.fault import Fault

HELLO = Message("user", "When?")
CLOCK = ToolDefinition("clock__now", "clock.now", "The time.", {"type": "object", "properties": {}})
FOLDER = {
    "type": "object",
    "properties": {"id": {"type": "string"}},
    "required": ["id"],
    "additionalProperties": False,
}
CALL = ToolCall("a", "clock__now", {})
RESULT = Message("tool", (ToolResult("a", "clock.now", (TextPart("12:00"),)),))
POINT = {"cachePoint": {"type": "default"}}
LONG_POINT = {"cachePoint": {"type": "default", "ttl": "1h"}}


def ask(*messages: Message, tools=(), output=None, model="anthropic.claude-x", **options) -> ChatRequest:
    return ChatRequest(model, messages or (HELLO,), tools, options, output)


def body_of(request: ChatRequest) -> dict[str, Any]:
    encoded = encode(request)
    assert isinstance(encoded, bytes), encoded
    return json.loads(encoded)


def fault_of(request: ChatRequest) -> Fault:
    fault = encode(request)
    assert isinstance(fault, Fault)
    return fault


def test_the_smallest_request_has_messages_alone():
    assert body_of(ask()) == {"messages": [{"role": "user", "content": [{"text": "When?"}]}]}


def test_options_stand_where_the_traits_say():
    body = body_of(
        ask(
            max_output_tokens=64,
            stop=["END"],
            temperature=0.0,
            top_p=0.5,
            service_tier="flex",
            reasoning={"effort": "max"},
        )
    )
    assert body["inferenceConfig"] == {"maxTokens": 64, "stopSequences": ["END"], "temperature": 0.0, "topP": 0.5}
    assert body["serviceTier"] == {"type": "flex"}
    assert body["outputConfig"] == {"effort": "max"}


@pytest.mark.parametrize(
    "options",
    [{"n": 2}, {"logprobs": 1}, {"parallel_tool_calls": True}, {"prompt_cache": {"key": "a"}}, {"dimensions": 3}],
)
def test_an_option_without_a_place_is_refused_by_its_name(options: dict[str, Any]):
    fault = fault_of(ask(**options))
    assert fault.kind == "unsupported_option"
    assert fault.message.endswith("has no place in api 'bedrock'")


@pytest.mark.parametrize(
    "options", [{"top_k": 7}, {"seed": 7}, {"presence_penalty": 0.5}, {"reasoning": {"budget_tokens": 2048}}]
)
def test_an_option_that_only_models_know_is_refused_with_the_field_that_has_it(options: dict[str, Any]):
    fault = fault_of(ask(**options))
    assert (fault.kind, "`extra_body: {additionalModelRequestFields" in fault.message) == ("unsupported_option", True)


@pytest.mark.parametrize(
    "effort", [("minimal", "low"), ("low", "low"), ("medium", "medium"), ("high", "high"), ("xhigh", "xhigh")]
)
def test_an_effort_is_the_apis_own_word(effort: tuple[str, str]):
    assert body_of(ask(reasoning={"effort": effort[0]}))["outputConfig"] == {"effort": effort[1]}


def test_an_effort_of_none_is_refused_because_the_api_has_no_such_word():
    fault = fault_of(ask(reasoning={"effort": "none"}))
    assert (fault.kind, "minimal, low, medium" in fault.message) == ("unsupported_option", True)
    assert "none" not in TRAITS.rules.values["reasoning.effort"]


def test_cache_points_stand_behind_what_conversations_have_in_common():
    messages = (Message("system", "Rules."), Message("system", "The folders."), HELLO)
    tools = (CLOCK, replace(CLOCK, name="clock__then"))
    body = body_of(ask(*messages, tools=tools, prompt_cache={"retention": 3600.0}))

    assert ["toolSpec" in tool for tool in body["toolConfig"]["tools"]] == [True, True, False]
    assert body["toolConfig"]["tools"][-1] == LONG_POINT
    assert body["system"] == [{"text": "Rules."}, LONG_POINT, {"text": "The folders."}, LONG_POINT]
    assert body["messages"][-1]["content"] == [{"text": "When?"}, LONG_POINT]


def test_a_lone_system_message_has_one_cache_point_and_five_minutes_are_not_said():
    body = body_of(ask(Message("system", "Rules."), HELLO, prompt_cache={"retention": 300.0}))
    assert body["system"] == [{"text": "Rules."}, POINT]
    assert "toolConfig" not in body


def test_an_answer_to_go_on_with_has_the_cache_point_before_it():
    body = body_of(ask(HELLO, Message("assistant", "It is"), prompt_cache={"retention": 300.0}))
    assert [POINT in message["content"] for message in body["messages"]] == [True, False]


@pytest.mark.parametrize("model", ["amazon.nova-pro-v1:0", "us.amazon.nova-2-lite-v1:0"])
def test_nova_takes_no_cache_point_among_its_tools(model: str):
    body = body_of(ask(tools=(CLOCK,), model=model, prompt_cache={"retention": 300.0}))
    assert len(body["toolConfig"]["tools"]) == 1
    assert body["messages"][0]["content"][-1] == POINT


def test_a_prompt_is_kept_for_five_minutes_or_an_hour_and_nothing_else():
    assert fault_of(ask(prompt_cache={"retention": 86400.0})).kind == "unsupported_option"


def test_extra_body_is_merged_at_the_top():
    extra = {"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2048}}}
    assert body_of(ask(extra_body=extra))["additionalModelRequestFields"] == extra["additionalModelRequestFields"]


def test_a_tool_has_a_name_words_and_a_schema_of_an_object():
    bare = ToolDefinition("ping", "net.ping", "", {})
    loose = ToolDefinition("find", "find", "", {"properties": {"a": {"type": "string"}}})
    assert [tool["toolSpec"] for tool in body_of(ask(tools=(CLOCK, bare, loose)))["toolConfig"]["tools"]] == [
        {
            "name": "clock__now",
            "description": "The time.",
            "inputSchema": {"json": {"type": "object", "properties": {}}},
        },
        {"name": "ping", "inputSchema": {"json": {"type": "object", "properties": {}}}},
        {"name": "find", "inputSchema": {"json": {"type": "object", "properties": {"a": {"type": "string"}}}}},
    ]


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, None),
        ({"tool_choice": "auto"}, {"auto": {}}),
        ({"tool_choice": "required"}, {"any": {}}),
        ({"tool_choice": "clock.now"}, {"tool": {"name": "clock__now"}}),
    ],
)
def test_a_choice_of_tools_is_one_object(options: dict[str, Any], sent: dict[str, Any] | None):
    assert body_of(ask(tools=(CLOCK,), **options))["toolConfig"].get("toolChoice") == sent


def test_a_choice_of_no_tool_is_refused_with_those_that_there_are():
    fault = fault_of(ask(tools=(CLOCK,), tool_choice="clock.then"))
    assert fault == Fault("bad_request", "`tool_choice` names 'clock.then', which is none of the tools: clock.now")


def test_where_no_tool_shall_be_called_none_is_offered():
    assert "toolConfig" not in body_of(ask(tools=(CLOCK,), tool_choice="none"))
    assert "toolConfig" not in body_of(ask(tool_choice="required"))


@pytest.mark.parametrize("options", [{}, {"tools": (CLOCK,), "tool_choice": "none"}])
def test_a_conversation_with_calls_and_no_tools_tells_them_in_words(options: dict[str, Any]):
    """The API takes no calls without tools, and cannot be told that none of them shall be called."""
    call = ToolCall("a", "clock__now", {"zone": "UTC"})
    body = body_of(ask(HELLO, Message("assistant", (TextPart("So:"), call)), RESULT, **options))
    assert "toolConfig" not in body
    assert body["messages"][1:] == [
        {"role": "assistant", "content": [{"text": "So:"}, {"text": '[call of tool clock__now: {"zone":"UTC"}]'}]},
        {"role": "user", "content": [{"text": "[result of tool clock.now]"}, {"text": "12:00"}]},
    ]


def test_a_schema_is_held_by_the_api_beside_the_effort():
    body = body_of(ask(output=OutputFormat("a folder", FOLDER), reasoning={"effort": "low"}))
    text_format = body["outputConfig"]["textFormat"]
    named = text_format["structure"]["jsonSchema"]
    assert (body["outputConfig"]["effort"], text_format["type"], named["name"]) == ("low", "json_schema", "a_folder")
    assert json.loads(named["schema"]) == FOLDER


def test_a_schema_that_the_api_does_not_know_is_asked_for_in_words():
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    body = body_of(ask(Message("system", "Be brief."), HELLO, output=OutputFormat("counts", schema)))
    assert "outputConfig" not in body
    assert body["system"][0] == {"text": "Be brief."}
    assert body["system"][1]["text"].endswith(json.dumps(schema))


def test_there_is_no_json_mode():
    fault = fault_of(ask(output=OutputFormat("anything")))
    assert (fault.kind, "JSON mode" in fault.message) == ("unsupported_capability", True)
    assert "json_object" in TRAITS.lacks


def test_half_a_surrogate_pair_is_no_request():
    assert fault_of(ask(Message("user", "\ud83d"))).kind == "bad_request"


def test_every_option_that_the_api_carries_has_a_place_or_stands_in_none():
    assert TRAITS.wire.keys() | {"extra_body", "extra_headers", "timeout"} == TRAITS.options
    assert {place.partition(".")[0] for place in TRAITS.wire.values()} <= TRAITS.body_fields
    assert TRAITS.notes.keys() <= TRAITS.options | TRAITS.embedding_options
