from __future__ import annotations

import json
from dataclasses import replace

import pytest

from routebook.canonical.chat import ChatRequest, OutputFormat
from routebook.canonical.message import Message
from routebook.canonical.options import option_paths
from routebook.canonical.part import ImagePart, ReasoningPart, RefusalPart, TextPart
from routebook.canonical.tool import ToolCall, ToolDefinition, ToolResult
from routebook.providers.fault import Fault
from routebook.providers.openai_chat.encode import encode
from routebook.providers.openai_chat.traits import TRAITS

PIXEL = ImagePart(data="iVBORw0KGgo=", media_type="image/png")
PIXEL_BODY = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


def body_of(request: ChatRequest, **quirks: str) -> dict:
    encoded = encode(request, quirks)
    assert isinstance(encoded, bytes), encoded
    return json.loads(encoded)


def messages_of(*messages: Message, **quirks: str) -> list:
    return body_of(ChatRequest("m", messages), **quirks)["messages"]


def options_of(options: dict, *, tools: bool = False, **quirks: str) -> dict:
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


def test_a_tool_conversation_becomes_the_recorded_messages():
    call = ToolCall("c1", "clock__now", {"zone": "UTC"})
    assert messages_of(
        Message("user", "When?"),
        Message("assistant", [ReasoningPart("hm", api="openai-chat"), TextPart("Let me see."), call]),
        Message("tool", [ToolResult("c1", "clock.now", (TextPart("noon"),))]),
        Message("assistant", "At noon."),
    ) == [
        {"role": "user", "content": "When?"},
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "clock__now", "arguments": '{"zone":"UTC"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "noon"},
        {"role": "assistant", "content": "At noon."},
    ]


def test_a_message_of_tool_calls_alone_has_null_content():
    (encoded,) = messages_of(Message("assistant", [ToolCall("c1", "t", {})]))
    assert encoded["content"] is None


def test_an_empty_message_has_empty_text():
    assert [m["content"] for m in messages_of(Message("user", []), Message("assistant", []))] == ["", ""]


def test_several_texts_of_a_user_stay_apart_and_of_the_system_are_joined():
    system, user = messages_of(
        Message("system", [TextPart("a"), TextPart("b")]), Message("user", [TextPart("a"), TextPart("b")])
    )
    assert system["content"] == "ab"
    assert user["content"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]


def test_images_go_out_as_data_or_by_address():
    (encoded,) = messages_of(Message("user", [TextPart("See:"), PIXEL, ImagePart(url="https://x.test/a.png")]))
    assert encoded["content"] == [
        {"type": "text", "text": "See:"},
        PIXEL_BODY,
        {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
    ]


def test_a_single_image_is_a_list():
    assert messages_of(Message("user", [PIXEL]))[0]["content"] == [PIXEL_BODY]


@pytest.mark.parametrize(
    ("name", "wire"),
    [(None, "unnamed_tool"), ("", "unnamed_tool"), ("clock.now", "clock_now"), ("é!", "__"), ("x" * 70, "x" * 64)],
)
def test_a_call_goes_back_under_a_name_that_the_api_takes(name: str | None, wire: str):
    (encoded,) = messages_of(Message("assistant", [ToolCall("c1", name, {})]))
    assert encoded["tool_calls"][0]["function"]["name"] == wire


def test_a_call_whose_arguments_are_no_object_goes_back_with_an_empty_one():
    (encoded,) = messages_of(Message("assistant", [ToolCall("c1", "t", None, "{broken")]))
    assert encoded["tool_calls"][0]["function"]["arguments"] == "{}"


@pytest.mark.parametrize(("text", "sent"), [("no file", "Error: no file"), ("Error: no file", "Error: no file")])
def test_a_failed_result_says_so_once(text: str, sent: str):
    (encoded,) = messages_of(Message("tool", [ToolResult("c1", "t", (TextPart(text),), is_error=True)]))
    assert encoded["content"] == sent


def test_images_of_results_follow_all_results_of_the_turn_as_a_users_message():
    encoded = messages_of(
        Message("assistant", [ToolCall("c1", "draw", {}), ToolCall("c2", "draw", {})]),
        Message("tool", [ToolResult("c1", "pen.draw", (PIXEL,))]),
        Message("tool", [ToolResult("c2", "pen.draw", (TextPart("two"), PIXEL))]),
        Message("assistant", "Done."),
    )
    assert [message["role"] for message in encoded] == ["assistant", "tool", "tool", "user", "assistant"]
    assert encoded[1]["content"] == "The result is shown as an image below."
    assert encoded[2]["content"] == "two"
    label = {"type": "text", "text": "From the result of pen.draw:"}
    assert encoded[3]["content"] == [label, PIXEL_BODY, label, PIXEL_BODY]


def test_images_of_the_last_results_are_not_lost():
    encoded = messages_of(Message("tool", [ToolResult("c1", "pen.draw", (PIXEL,))]))
    assert [message["role"] for message in encoded] == ["tool", "user"]


def test_a_refusal_goes_back_as_a_refusal():
    (encoded,) = messages_of(Message("assistant", [RefusalPart("I will not.")]))
    assert encoded == {"role": "assistant", "content": "", "refusal": "I will not."}


def test_reasoning_goes_back_only_where_the_preset_asks_and_only_the_apis_own():
    own, foreign = ReasoningPart("mine", api="openai-chat"), ReasoningPart("theirs", api="anthropic")
    message = Message("assistant", [own, foreign, TextPart("x")])
    assert messages_of(message) == [{"role": "assistant", "content": "x"}]
    assert messages_of(message, reasoning_field="reasoning_content") == [
        {"role": "assistant", "content": "x", "reasoning_content": "mine"}
    ]


def test_a_tool_without_parameters_or_description_gets_an_empty_object_schema():
    body = body_of(ChatRequest("m", (), tools=(ToolDefinition("t", "t", "", {}),)))
    assert body["tools"][0]["function"] == {"name": "t", "parameters": {"type": "object", "properties": {}}}


def test_presets_rename_fields():
    options = {"max_output_tokens": 5, "seed": 1}
    assert options_of(options) == {"max_completion_tokens": 5, "seed": 1}
    assert options_of(options, max_tokens_field="max_tokens", seed_field="random_seed") == {
        "max_tokens": 5,
        "random_seed": 1,
    }


@pytest.mark.parametrize(("effort", "sent"), [("none", "none"), ("high", "high"), ("max", "xhigh")])
def test_reasoning_effort_has_its_own_field(effort: str, sent: str):
    assert options_of({"reasoning": {"effort": effort}}) == {"reasoning_effort": sent}


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


def test_every_option_that_the_api_is_said_to_carry_is_in_the_full_request(full_request):
    claimed = TRAITS.options - {"extra_body"}
    assert set(option_paths(full_request.options)) == claimed


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


@pytest.mark.parametrize(
    ("message", "kind", "words"),
    [
        (Message("system", [PIXEL]), "unsupported_capability", "messages[1]: this API takes images from users only"),
        (Message("user", [ImagePart(data="x")]), "bad_request", "an image needs a url"),
        (Message("user", [ImagePart()]), "bad_request", "an image needs a url"),
        (Message("tool", [ToolResult("c", "t", (ImagePart(data="x"),))]), "bad_request", "an image needs a url"),
        (Message("user", [ToolCall("c", "t", {})]), "bad_request", "'user' cannot hold a ToolCall"),
        (Message("tool", "text"), "bad_request", "'tool' cannot hold a TextPart"),
        (Message("user", "\ud800"), "bad_request", "surrogate"),
    ],
)
def test_what_the_api_has_no_place_for_is_a_fault(message: Message, kind: str, words: str):
    fault = encode(ChatRequest("m", (Message("user", "x"), message)), {})
    assert isinstance(fault, Fault)
    assert (fault.kind, words in fault.message) == (kind, True)


@pytest.mark.parametrize("options", [{"top_k": 40}, {"reasoning": {"budget_tokens": 10}}])
def test_an_option_without_a_place_is_a_fault_and_not_dropped(options: dict, full_request):
    fault = encode(replace(full_request, options=options), {})
    assert isinstance(fault, Fault)
    assert fault.kind == "unsupported_option"
    assert "has no place in api 'openai-chat'" in fault.message
