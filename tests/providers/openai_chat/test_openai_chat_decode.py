from __future__ import annotations

import json

import pytest
from decoded import answer, read, response_of
from hypothesis import given, settings
from hypothesis import strategies as st

from routebook.canonical.chat import ChatResponse
from routebook.canonical.message import Message
from routebook.canonical.part import ReasoningPart, TextPart
from routebook.canonical.rate_limits import RateLimits
from routebook.canonical.tool import ToolCall
from routebook.canonical.usage import Usage
from routebook.providers.answer import Answer
from routebook.providers.fault import Fault
from routebook.providers.openai_chat.events import Events

FIELDS = (
    "choices",
    "message",
    "error",
    "usage",
    "object",
    "citations",
    "search_results",
    "model",
    "more",
    "prompt_tokens",
)
PARTS = (
    *("content", "refusal", "reasoning", "reasoning_details", "tool_calls", "function_call", "annotations", "images"),
    *(
        "audio",
        "function",
        "arguments",
        "type",
        "text",
        "thinking",
        "url",
        "image_url",
        "url_citation",
        "data",
        "summary",
    ),
)


def fault_of(body: object) -> Fault:
    fault = read(body)
    assert isinstance(fault, Fault), fault
    return fault


def call(arguments: object = "{}", name: object = "t", **rest: object) -> dict:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **rest}


def calls_of(*calls: dict) -> tuple[ToolCall, ...]:
    return response_of(answer({"tool_calls": list(calls)}, "tool_calls")).message.tool_calls


def test_a_recorded_answer_is_read_whole():
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-x",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Noon.", "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 20,
            "completion_tokens": 7,
            "total_tokens": 27,
            "prompt_tokens_details": {"cached_tokens": 16, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 0},
        },
        "service_tier": "default",
    }
    assert response_of(body, **{"x-request-id": "req_1"}) == ChatResponse(
        message=Message("assistant", "Noon."),
        finish_reason="stop",
        raw_finish_reason="stop",
        usage=Usage(input=20, output=7, cached_input=16, reasoning=5),
        request_id="req_1",
        id="chatcmpl-1",
        model="gpt-x",
        service_tier="default",
        extra={"created": 1},
    )


def test_recorded_tool_calls_are_read_with_what_was_said_before_them():
    message = {
        "content": "Let me see.",
        "reasoning_content": "A clock helps.",
        "tool_calls": [call('{"zone": "UTC"}', "clock__now", id="c1"), call("", "list", id="c2")],
    }
    response = response_of(answer(message, "tool_calls"))
    assert response.finish_reason == "tool_calls"
    assert response.message.content == (
        ReasoningPart("A clock helps.", api="openai-chat"),
        TextPart("Let me see."),
        ToolCall("c1", "clock__now", {"zone": "UTC"}),
        ToolCall("c2", "list", {}),
    )


def test_a_missing_or_null_id_becomes_one_that_is_unique_in_the_answer():
    calls = calls_of(call(), call(id=None), call(id="call_0"), call(id=""))
    assert [c.id for c in calls] == ["call_0_", "call_1", "call_0", "call_3"]


@pytest.mark.parametrize("name", [None, ""])
def test_a_call_without_a_name_has_none(name: object):
    assert calls_of(call(name=name, id="c"))[0].name is None


def test_a_call_without_a_function_has_no_name_and_no_arguments():
    assert calls_of({"id": "c", "type": "function"}) == (ToolCall("c", None, {}),)


@pytest.mark.parametrize("arguments", [None, "", "  ", "null", "{}", {}])
def test_no_arguments_are_an_empty_object(arguments: object):
    assert calls_of(call(arguments, id="c"))[0].arguments == {}


def test_arguments_that_are_an_object_already_are_taken():
    assert calls_of(call({"a": 1}, id="c"))[0].arguments == {"a": 1}


@pytest.mark.parametrize(("arguments", "raw"), [("{broken", "{broken"), ("[1]", "[1]"), ([1], "[1]"), (7, "7")])
def test_arguments_that_are_no_object_are_kept_raw(arguments: object, raw: str):
    (read_call,) = calls_of(call(arguments, id="c"))
    assert (read_call.arguments, read_call.arguments_json) == (None, raw)


def test_a_call_of_the_old_form_is_a_call():
    message = {"content": None, "function_call": {"name": "t", "arguments": '{"a": 1}'}}
    response = response_of(answer(message, "function_call"))
    assert response.message.tool_calls == (ToolCall("call_0", "t", {"a": 1}),)
    assert (response.finish_reason, response.raw_finish_reason) == ("tool_calls", "function_call")


@pytest.mark.parametrize(
    ("message", "raw", "portable"),
    [
        ({"content": "x"}, "stop", "stop"),
        ({"content": "x"}, None, "stop"),
        ({"content": "x"}, "eos", "stop"),
        ({"content": "x"}, "tool_calls", "stop"),
        ({"content": "x"}, "length", "length"),
        ({"content": "x"}, "model_length", "length"),
        ({"content": "x"}, "max_tokens", "length"),
        ({"content": None}, "length", "length"),
        ({"content": ""}, "stop", "stop"),
        ({"content": ""}, "content_filter", "content_filter"),
        ({"content": None}, "content_filter: PROHIBITED_CONTENT", "content_filter"),
        ({"refusal": "no"}, "stop", "refusal"),
        ({"content": "x", "tool_calls": [call()]}, "stop", "tool_calls"),
        ({"content": "x", "tool_calls": [call()]}, None, "tool_calls"),
        ({"content": "x", "tool_calls": [call()]}, "length", "length"),
    ],
)
def test_a_finish_reason_is_portable_and_keeps_the_raw_word(message: dict, raw: str | None, portable: str):
    response = response_of(answer(message, raw))
    assert (response.finish_reason, response.raw_finish_reason) == (portable, raw)


@pytest.mark.parametrize(
    ("usage", "read_as"),
    [
        (None, None),
        ({}, None),
        ({"input_tokens": 3, "output_tokens": 2}, None),
        ({"prompt_tokens": 0, "completion_tokens": 0}, Usage()),
        ({"prompt_tokens": 3, "completion_tokens": None}, Usage(input=3)),
        (
            {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": None},
            Usage(input=3, output=2),
        ),
        (
            {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": None}},
            Usage(input=3, output=2),
        ),
        (
            {"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 2}},
            Usage(input=3, cached_input=1, cache_write=2),
        ),
        (
            {
                "prompt_tokens": 3,
                "completion_tokens": 2,
                "total_tokens": 15,
                "completion_tokens_details": {"reasoning_tokens": 10},
            },
            Usage(input=3, output=12, reasoning=10),
        ),
        # DeepSeek, Together, LiteLLM and Perplexity
        ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 1}, Usage(9, 0, 8)),
        ({"prompt_tokens": 9, "cached_tokens": 8}, Usage(9, 0, 8)),
        ({"prompt_tokens": 9, "cache_creation_input_tokens": 7}, Usage(9, 0, 0, 7)),
        ({"prompt_tokens": 9, "completion_tokens": 5, "reasoning_tokens": 4, "total_tokens": 14}, Usage(9, 5, 0, 0, 4)),
    ],
)
def test_usage_is_read_with_or_without_its_details(usage: dict | None, read_as: Usage | None):
    assert response_of(answer({"content": "x"}, usage=usage)).usage == read_as


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the answer is empty"),
        (b"<html><title>Sign in</title></html>", "the answer is a web page, no JSON: Sign in"),
        (b'{"choices": [{"message": {"content": "ha', "the answer is no JSON: Input data was truncated"),
        (b"ok", "the answer is no JSON"),
        (b"[]", "the answer does not fit this API: Expected `object`"),
        (b'{"choices": [{"message": {"content": "\xff"}}]}', "not valid UTF-8"),
        (b'{"x": ' + b"[" * 100_000, "nested too deeply"),
        ({}, "the answer has no choices"),
        ({"choices": []}, "the answer has no choices"),
        ({"choices": None}, "the answer has no choices"),
        ({"detail": "Not here"}, "the answer has no choices: Not here"),
        ({"choices": [{}]}, "the answer's choice has no message"),
        ({"choices": [{"message": None}]}, "the answer's choice has no message"),
        (answer({"content": 7}), "at `$.choices[0].message.content`"),
        (answer({"tool_calls": "x"}), "at `$.choices[0].message.tool_calls`"),
        (answer({"content": [{"type": "video"}]}), "a part of type 'video'"),
        (answer({"content": [{"text": "no type"}]}), "a part of type None"),
        (answer({"content": [{"type": "text", "text": 7}]}), "a text that is none, but 7"),
        (answer({"images": [{"type": "image_url"}]}), "an image without data and without a url"),
        (answer({"content": None}, "tool_calls"), "ends for its tool calls, and has none"),
        (answer({"content": None, "reasoning": "hm"}, "tool_calls"), "ends for its tool calls, and has none"),
        (answer({}, None), "no content, no tool calls, no refusal, and no finish_reason"),
        (answer({"content": ""}, "eos"), "no content, no tool calls, no refusal, and no finish_reason"),
        (answer({"reasoning": "hm"}, None), "no content, no tool calls, no refusal, and no finish_reason"),
    ],
)
def test_what_is_no_answer_of_this_api_is_malformed(body: object, words: str):
    fault = fault_of(body)
    assert fault.kind == "malformed_response"
    assert words in fault.message


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ({"error": {"message": "Slow down", "code": "rate_limit_exceeded"}}, "rate_limit", "Slow down"),
        ({"error": {"message": "Upstream is gone", "code": 502}}, "server_error", "Upstream is gone"),
        ({"error": {"message": "Slow down", "code": 429}, "choices": []}, "rate_limit", "Slow down"),
        ({"error": "boom"}, "server_error", "boom"),
        (
            {"choices": [{"message": {"content": ""}, "error": {"code": 402, "message": "No credit"}}]},
            "quota_exceeded",
            "No credit",
        ),
        (
            {"choices": [{"message": {"content": "So"}, "finish_reason": "error", "error": {"message": "Gone"}}]},
            "server_error",
            "Gone",
        ),
        (
            answer({"content": "So far"}, "error"),
            "server_error",
            "the provider ended its answer with an error, and gave no reason",
        ),
        (
            answer({"content": "So far"}, "insufficient_system_resource"),
            "overloaded",
            "the provider broke off its answer, because it had no resources left",
        ),
        (
            answer({"content": "So far"}, "abort"),
            "server_error",
            "the provider broke off its answer, and gave no reason",
        ),
        (
            {"choices": [answer({"content": "x"})["choices"][0], {"index": 1, "finish_reason": "error"}]},
            "server_error",
            "the provider ended its answer with an error, and gave no reason",
        ),
        (
            {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404},
            "not_found",
            "The model `x` does not exist.",
        ),
    ],
)
def test_an_error_under_a_status_of_success_is_a_fault(body: dict, kind: str, message: str):
    fault = fault_of(body)
    assert (fault.kind, fault.message) == (kind, message)


def test_the_key_does_not_show_in_a_fault():
    assert fault_of({"error": "bad key sk-secret-key"}).message == "bad key [redacted]"
    assert "sk-secret" not in fault_of({"choices": [], "message": "sk-secret-key"}).message


@settings(max_examples=300, deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.sampled_from(["text", "error", "thinking"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*FIELDS, *PARTS]), inner, max_size=3)
            | st.dictionaries(st.sampled_from(PARTS), inner, max_size=3).map(
                lambda message: {"choices": [{"message": message, "delta": message, "finish_reason": "stop"}]}
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_an_answer_or_a_fault(body: object):
    events = Events(Answer(200, {}, b""), {"stream_end": "finish_reason"})
    found = events.read(json.dumps(body).encode())
    for result in (read(body), found if isinstance(found, Fault) else events.response()):
        assert isinstance(result, (ChatResponse, Fault))
        if isinstance(result, Fault):
            assert 0 < len(result.message) <= 500


@pytest.mark.parametrize("depth", [50, 400, 900, 5000])
@pytest.mark.parametrize(
    "template",
    [
        '{"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "more": %s}',
        '{"choices": [{"message": {"content": [{"type": "reference", "x": %s}]}, "finish_reason": "stop"}]}',
        '{"choices": [{"message": {"content": [{"type": "text", "text": %s}]}, "finish_reason": "stop"}]}',
        '{"choices": [{"message": {"content": "x", "annotations": [{"x": %s}]}, "finish_reason": "stop"}]}',
        '{"choices": [{"message": {"tool_calls": [{"function": {"name": "t", "arguments": {"x": %s}}}]}}]}',
        '{"choices": [{"message": {"reasoning_details": [{"text": %s}]}, "finish_reason": "stop"}]}',
        '{"error": %s}',
    ],
)
def test_depth_is_an_answer_or_a_fault(template: str, depth: int):
    for deep in ("[" * depth + "]" * depth, '{"text":' * depth + "1" + "}" * depth):
        body = template.replace("%s", deep).encode()
        assert isinstance(read(body), (ChatResponse, Fault))
        events = Events(Answer(200, {}, b""), {"stream_end": "finish_reason"})
        found = events.read(body.replace(b'"message"', b'"delta"'))
        assert isinstance(found if isinstance(found, Fault) else events.response(), (ChatResponse, Fault))


def test_a_negative_count_of_tokens_is_no_usage():
    assert response_of(answer({"content": "x"}, usage={"prompt_tokens": -5, "completion_tokens": 3})).usage is None


def test_every_choice_is_read_in_the_order_of_its_index():
    choices = [
        {"index": 1, "message": {"tool_calls": [call()]}, "finish_reason": "tool_calls"},
        {"index": 0, "message": {"content": "Noon."}, "finish_reason": "stop"},
        {"index": 2, "message": {"tool_calls": [call(), call(id="call_1")]}, "finish_reason": "length"},
    ]
    response = response_of({"choices": choices})
    assert response.message.text == "Noon."
    assert [choice.finish_reason for choice in response.choices] == ["stop", "tool_calls", "length"]
    ids = [made.id for choice in response.choices for made in choice.message.tool_calls]
    assert ids == ["call_0", "call_0_", "call_1"]


def test_rate_limits_beside_the_answer_are_read():
    headers = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    limits = response_of(answer({"content": "x"}), **headers).rate_limits
    assert limits == RateLimits(60, 59, 1.0, 150000, 149984, 360.0)


def test_what_has_no_place_is_kept_under_the_providers_name():
    body = answer(
        {"content": "x"},
        system_fingerprint="fp_1",
        provider="Azure",
        prompt_filter_results=[{"prompt_index": 0}],
        related_questions=None,
        usage={"prompt_tokens": 3, "cost": 0.25, "prompt_tokens_details": {"audio_tokens": 2, "video_tokens": 0}},
    )
    assert response_of(body).to_dict()["extra"] == {
        "system_fingerprint": "fp_1",
        "provider": "Azure",
        "prompt_filter_results": [{"prompt_index": 0}],
        "usage": {"cost": 0.25, "prompt_tokens_details": {"audio_tokens": 2}},
    }


@pytest.mark.parametrize("field", [b'"more": "\xff"', b'"\xff": 1', b'"more": 1e999'])
def test_a_field_nobody_reads_must_be_json_all_the_same(field: bytes):
    fault = fault_of(b'{"choices": [{"message": {"content": "x"}}], %s}' % field)
    assert (fault.kind, fault.message) == ("malformed_response", "the answer is no JSON")
