from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from routebook.canonical.chat import ChatRequest, OutputFormat
from routebook.canonical.message import Message
from routebook.canonical.part import ReasoningPart, TextPart
from routebook.canonical.tool import ToolCall, ToolDefinition, ToolResult
from routebook.providers.anthropic.encode import encode, encode_stream
from routebook.providers.anthropic.traits import TRAITS
from routebook.providers.fault import Fault

OLDER = "2023-06-01"
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
THOUGHT = ReasoningPart("hm", "c2ln", api="anthropic")


def ask(*messages: Message, tools=(), output=None, **options) -> ChatRequest:
    return ChatRequest("claude-x", messages or (HELLO,), tools, options, output)


def body_of(request: ChatRequest, version: str = TRAITS.api_version) -> dict[str, Any]:
    encoded = encode(request, version)
    assert isinstance(encoded, bytes), encoded
    return json.loads(encoded)


def fault_of(request: ChatRequest, version: str = TRAITS.api_version) -> Fault:
    fault = encode(request, version)
    assert isinstance(fault, Fault)
    return fault


def test_the_smallest_request_has_a_model_a_limit_and_messages():
    assert body_of(ask()) == {
        "model": "claude-x",
        "max_tokens": TRAITS.default_max_output_tokens,
        "messages": [{"role": "user", "content": "When?"}],
    }


def test_a_stream_differs_from_a_whole_answer_by_one_field():
    request = ask(max_output_tokens=5)
    assert json.loads(encode_stream(request, OLDER)) == {**body_of(request, OLDER), "stream": True}


def test_options_stand_where_the_traits_say():
    body = body_of(
        ask(
            max_output_tokens=64,
            stop=["END"],
            temperature=0.0,
            top_p=0.5,
            top_k=40,
            service_tier="standard_only",
            prompt_cache={"retention": 3600.0},
            reasoning={"effort": "max"},
        ),
        OLDER,
    )
    assert (body["max_tokens"], body["stop_sequences"]) == (64, ["END"])
    assert (body["temperature"], body["top_p"], body["top_k"]) == (0.0, 0.5, 40)
    assert body["service_tier"] == "standard_only"
    assert body["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert body["output_config"] == {"effort": "max"}
    assert TRAITS.wire["prompt_cache.retention"] == "cache_control.ttl"


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k"])
def test_an_option_that_the_version_dropped_is_refused_with_the_version_that_has_it(name: str):
    fault = fault_of(ask(**{name: 1}))
    assert fault.kind == "unsupported_option"
    assert f"{name!r}" in fault.message
    assert "`api_version: 2023-06-01`" in fault.message
    assert body_of(ask(**{name: 1}), OLDER)[name] == 1


@pytest.mark.parametrize(
    "options", [{"seed": 7}, {"n": 2}, {"logprobs": 1}, {"presence_penalty": 0.5}, {"prompt_cache": {"key": "a"}}]
)
def test_an_option_without_a_place_is_refused_by_its_name(options: dict[str, Any]):
    fault = fault_of(ask(**options), OLDER)
    assert fault.kind == "unsupported_option"
    assert "has no place in api 'anthropic'" in fault.message


def test_cache_points_stand_behind_what_conversations_have_in_common():
    point = {"type": "ephemeral", "ttl": "1h"}
    messages = (Message("system", "Rules."), Message("system", "The folders."), HELLO)
    body = body_of(
        ask(*messages, tools=(CLOCK, replace(CLOCK, name="clock__then")), prompt_cache={"retention": 3600.0})
    )

    assert [tool.get("cache_control") for tool in body["tools"]] == [None, point]
    assert [block.get("cache_control") for block in body["system"]] == [point, point]
    assert body["cache_control"] == point
    assert "cache_control" not in str(body["messages"])


def test_a_lone_system_message_has_its_cache_point():
    body = body_of(ask(Message("system", "Rules."), HELLO, prompt_cache={"retention": 300.0}))
    assert body["system"] == [{"type": "text", "text": "Rules.", "cache_control": {"type": "ephemeral", "ttl": "5m"}}]


def test_a_prompt_is_kept_for_five_minutes_or_an_hour_and_nothing_else():
    assert body_of(ask(prompt_cache={"retention": 300.0}))["cache_control"]["ttl"] == "5m"
    assert fault_of(ask(prompt_cache={"retention": 86400.0})).kind == "unsupported_option"


def test_extra_body_is_merged_at_the_top():
    assert body_of(ask(extra_body={"metadata": {"user_id": "u"}}))["metadata"] == {"user_id": "u"}


@pytest.mark.parametrize(("effort", "sent"), [("minimal", "low"), ("low", "low"), ("xhigh", "xhigh"), ("max", "max")])
def test_an_effort_turns_adaptive_thinking_on_and_asks_to_see_the_thoughts(effort: str, sent: str):
    body = body_of(ask(reasoning={"effort": effort}))
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert body["output_config"] == {"effort": sent}


def test_no_effort_turns_thinking_off():
    body = body_of(ask(reasoning={"effort": "none"}))
    assert body["thinking"] == {"type": "disabled"}
    assert "output_config" not in body


def test_a_budget_turns_thinking_on_beside_the_effort_of_the_answer():
    body = body_of(ask(reasoning={"budget_tokens": 2048, "effort": "medium"}, max_output_tokens=4096))
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert (body["output_config"], body["max_tokens"]) == ({"effort": "medium"}, 4096)


@pytest.mark.parametrize("budget", [1024, 8191, 8192, 50_000])
def test_a_limit_that_nobody_set_exceeds_the_budget(budget: int):
    assert body_of(ask(reasoning={"budget_tokens": budget}))["max_tokens"] > budget


def test_a_budget_that_leaves_no_room_for_an_answer_is_refused_save_beside_tools():
    options = {"reasoning": {"budget_tokens": 4096}, "max_output_tokens": 4096}
    fault = fault_of(ask(**options))

    assert (fault.kind, "(4096) is part of `max_output_tokens` (4096)" in fault.message) == ("bad_request", True)
    assert body_of(ask(tools=(CLOCK,), **options))["thinking"]["budget_tokens"] == 4096
    # the last call of a loop offers none
    assert body_of(ask(HELLO, Message("assistant", (THOUGHT, CALL)), RESULT, **options))["thinking"]


def test_a_budget_without_thinking_is_refused():
    assert fault_of(ask(reasoning={"budget_tokens": 2048, "effort": "none"})).kind == "bad_request"


@pytest.mark.parametrize(
    ("messages", "thinks"),
    [
        ((HELLO, Message("assistant", (THOUGHT, CALL)), RESULT), True),
        # a loop is one answer, and the thought stands at its beginning
        ((HELLO, Message("assistant", (THOUGHT, CALL)), RESULT, Message("assistant", (CALL,)), RESULT), True),
        ((HELLO, Message("assistant", (CALL,)), RESULT), False),
        ((HELLO, Message("assistant", (ReasoningPart("hm", "c2ln", api="gemini"), CALL)), RESULT), False),
        ((HELLO, Message("assistant", (CALL,)), RESULT, Message("user", "And in words?")), False),
        # a loop that is over is no matter
        ((HELLO, Message("assistant", (CALL,)), RESULT, Message("assistant", "Noon."), HELLO), True),
    ],
)
def test_a_loop_that_another_model_began_goes_on_without_a_budget_for_thoughts(messages: tuple, thinks: bool):
    """The API refuses to think within a loop whose first thought it is not shown."""
    body = body_of(ask(*messages, tools=(CLOCK,), reasoning={"budget_tokens": 2048, "effort": "low"}))
    assert ("thinking" in body, body["output_config"]) == (thinks, {"effort": "low"})
    assert body["max_tokens"] > 2048


@pytest.mark.parametrize("choice", ["required", "clock.now"])
def test_a_forced_call_comes_with_its_effort_alone_and_refuses_a_budget(choice: str):
    body = body_of(ask(tools=(CLOCK,), tool_choice=choice, reasoning={"effort": "low"}))
    assert "thinking" not in body
    assert body["output_config"] == {"effort": "low"}
    fault = fault_of(ask(tools=(CLOCK,), tool_choice=choice, reasoning={"budget_tokens": 2048}))
    assert fault.kind == "unsupported_option"


def test_a_tool_has_a_name_words_and_a_schema_of_an_object():
    bare = ToolDefinition("ping", "net.ping", "", {})
    loose = ToolDefinition("find", "find", "", {"properties": {"a": {"type": "string"}}})
    assert body_of(ask(tools=(CLOCK, bare, loose)))["tools"] == [
        {
            "name": "clock__now",
            "description": "The time.",
            "input_schema": {"type": "object", "properties": {}},
        },
        {"name": "ping", "input_schema": {"type": "object", "properties": {}}},
        {"name": "find", "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}}},
    ]


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": "clock.now"}, {"type": "tool", "name": "clock__now"}),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"parallel_tool_calls": True}, {"type": "auto", "disable_parallel_tool_use": False}),
        (
            {"tool_choice": "required", "parallel_tool_calls": False},
            {"type": "any", "disable_parallel_tool_use": True},
        ),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"type": "none"}),
    ],
)
def test_a_choice_of_tools_and_of_calls_side_by_side_is_one_object(options: dict[str, Any], sent: dict[str, Any]):
    assert body_of(ask(tools=(CLOCK,), **options))["tool_choice"] == sent


def test_a_choice_of_no_tool_is_refused_with_those_that_there_are():
    fault = fault_of(ask(tools=(CLOCK,), tool_choice="clock.then"))
    assert fault == Fault("bad_request", "`tool_choice` names 'clock.then', which is none of the tools: clock.now")


def test_without_tools_the_options_of_tools_say_nothing():
    body = body_of(ask(tool_choice="required", parallel_tool_calls=False))
    assert body.keys() == {"model", "max_tokens", "messages"}


def test_a_conversation_with_calls_and_no_tools_names_the_tools_that_were_called_and_lets_none_be():
    calls = (ToolCall("a", "clock__now", {}), ToolCall("b", "find", {}), ToolCall("c", "find", {}))
    results = tuple(ToolResult(call.id, "x", ()) for call in calls)
    body = body_of(ask(HELLO, Message("assistant", calls), Message("tool", results)))
    assert body["tools"] == [{"name": name, "input_schema": {"type": "object"}} for name in ("clock__now", "find")]
    assert body["tool_choice"] == {"type": "none"}


def test_a_schema_is_held_by_the_api_beside_the_effort():
    body = body_of(ask(output=OutputFormat("folder", FOLDER), reasoning={"effort": "low"}))
    assert body["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": FOLDER}}


def test_a_schema_that_the_api_does_not_know_is_asked_for_in_words():
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    body = body_of(ask(Message("system", "Be brief."), HELLO, output=OutputFormat("counts", schema)))
    assert "output_config" not in body
    assert body["system"][0] == {"type": "text", "text": "Be brief."}
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
    assert TRAITS.notes.keys() <= TRAITS.options
