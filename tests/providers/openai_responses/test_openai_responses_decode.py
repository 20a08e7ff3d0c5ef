from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from responses_decoded import answer, call, read, response_of, said, spoken

from routebook.canonical.chat import ChatResponse, TokenLogprob
from routebook.canonical.message import Message
from routebook.canonical.part import Citation, NativePart, ReasoningPart, RefusalPart, TextPart
from routebook.canonical.rate_limits import RateLimits
from routebook.canonical.tool import ToolCall
from routebook.canonical.usage import Usage
from routebook.providers.answer import Answer
from routebook.providers.fault import Fault
from routebook.providers.openai_responses.events import Events

API = "openai-responses"
FIELDS = (
    *("status", "output", "error", "usage", "object", "incomplete_details", "model", "reason", "input_tokens"),
    *("response", "item", "part", "delta", "annotation", "logprobs", "output_index", "item_id", "content_index"),
)
PARTS = (
    *("type", "role", "content", "text", "refusal", "annotations", "summary", "encrypted_content", "arguments"),
    *("name", "call_id", "id", "phase", "url", "title", "filename", "namespace", "caller", "action"),
)
KINDS = (
    "message",
    "reasoning",
    "function_call",
    "web_search_call",
    "output_text",
    "refusal",
    "completed",
    "incomplete",
)
EVENTS = (
    *("response.completed", "response.created", "response.failed", "error", "response.output_item.added"),
    *("response.output_item.done", "response.output_text.delta", "response.output_text.done"),
    *("response.function_call_arguments.delta", "response.reasoning_summary_text.delta", "response.content_part.done"),
)


def fault_of(body: object) -> Fault:
    fault = read(body)
    assert isinstance(fault, Fault), fault
    return fault


def calls_of(*calls: dict) -> tuple[ToolCall, ...]:
    return response_of(answer(*calls)).message.tool_calls


def parts_of(*items: dict) -> tuple:
    return response_of(answer(*items)).message.content


def test_words_of_another_phase_than_the_final_one_are_asides():
    message = response_of(
        answer(
            spoken({"type": "output_text", "text": "Let me see."}, phase="commentary"),
            spoken({"type": "output_text", "text": "No"}, phase="final_answer"),
            spoken({"type": "output_text", "text": "on."}),
        )
    ).message
    assert [part.aside for part in message.content if isinstance(part, TextPart)] == [True, False, False]
    assert (message.text, message.answer_text) == ("Let me see.Noon.", "Noon.")


def test_a_recorded_answer_is_read_whole():
    thought = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAAA", "status": None}
    body = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": "Be brief.",
        "model": "gpt-x",
        "output": [thought, said("Noon.")],
        "service_tier": "default",
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tools": [{"type": "function", "name": "now"}],
        "usage": {
            "input_tokens": 20,
            "input_tokens_details": {"cached_tokens": 16, "cache_write_tokens": 2},
            "output_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 5},
            "total_tokens": 27,
        },
        "metadata": {},
    }
    headers = {"x-request-id": "req_1", "x-ratelimit-remaining-tokens": "9"}
    assert response_of(body, **headers) == ChatResponse(
        message=Message(
            "assistant",
            [
                ReasoningPart("", json.dumps(thought, separators=(",", ":")), redacted=True, api=API),
                TextPart("Noon."),
            ],
        ),
        finish_reason="stop",
        raw_finish_reason="completed",
        usage=Usage(input=20, output=7, cached_input=16, cache_write=2, reasoning=5),
        request_id="req_1",
        id="resp_1",
        model="gpt-x",
        service_tier="default",
        rate_limits=RateLimits(tokens_remaining=9),
        extra={"created_at": 1, "background": False},
    )


def test_recorded_tool_calls_are_read_with_what_was_said_before_them():
    response = response_of(
        answer(
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "A clock helps."}]},
            said("Let me see."),
            call('{"zone": "UTC"}', "clock__now", call_id="c1", id="fc_1"),
            call("", "list", call_id="c2", id="fc_2"),
        )
    )
    assert response.finish_reason == "tool_calls"
    assert [type(part) for part in response.message.content] == [ReasoningPart, TextPart, ToolCall, ToolCall]
    assert response.message.content[0].text == "A clock helps."
    assert response.message.tool_calls == (ToolCall("c1", "clock__now", {"zone": "UTC"}), ToolCall("c2", "list", {}))


def test_a_missing_or_null_id_becomes_another_one_that_is_unique_in_the_answer():
    calls = calls_of(call(), call(call_id=None), call(call_id="call_0"), call(call_id=""), call(id="fc_1"))
    assert [c.id for c in calls] == ["call_0_", "call_1", "call_0", "call_3", "fc_1"]


@pytest.mark.parametrize("name", [None, ""])
def test_a_call_without_a_name_has_none(name: object):
    assert calls_of(call(name=name, call_id="c"))[0].name is None


@pytest.mark.parametrize("arguments", [None, "", "  ", "null", "{}", {}])
def test_no_arguments_are_an_empty_object(arguments: object):
    assert calls_of(call(arguments, call_id="c"))[0].arguments == {}


def test_arguments_that_are_an_object_already_are_taken():
    assert calls_of(call({"a": 1}, call_id="c"))[0].arguments == {"a": 1}


@pytest.mark.parametrize(("arguments", "raw"), [("{broken", "{broken"), ("[1]", "[1]"), ([1], "[1]"), (7, "7")])
def test_arguments_that_are_no_object_are_kept_raw(arguments: object, raw: str):
    (read_call,) = calls_of(call(arguments, call_id="c"))
    assert (read_call.arguments, read_call.arguments_json) == (None, raw)


def test_what_else_a_call_says_is_beside_it():
    direct = call(call_id="c1", caller={"type": "direct"})
    response = response_of(answer(direct, call(call_id="c2", namespace="crm", caller={"type": "program"})))
    assert response.to_dict()["extra"] == {"function_call": {"c2": {"namespace": "crm", "caller": {"type": "program"}}}}


def test_a_message_of_a_phase_says_so_before_its_words():
    assert parts_of(spoken({"type": "output_text", "text": "x"}, phase="commentary")) == (
        NativePart(API, {"type": "message", "phase": "commentary"}),
        TextPart("x", aside=True),
    )


def test_a_part_of_a_message_that_only_this_api_knows_is_kept_within_its_message():
    strange = {"type": "output_hologram", "data": "AAAA"}
    message = spoken({"type": "output_text", "text": "See"}, strange, {"type": "output_text", "text": "."}, id="msg_1")
    assert parts_of(message) == (
        TextPart("See"),
        NativePart(API, {**message, "content": [strange]}),
        TextPart("."),
    )


def test_an_item_that_only_this_api_knows_is_kept_as_it_came():
    item = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}, "x": None}
    assert parts_of(item, said("x")) == (NativePart(API, item), TextPart("x"))


def test_sources_are_on_the_text_that_cites_them():
    page = {"type": "url_citation", "url": "https://a.test/", "title": "A"}
    file = {"type": "file_citation", "file_id": "f", "filename": "a.pdf", "index": 1}
    odd = {"type": "odd", "url": 7, "title": ""}
    first = {"type": "output_text", "text": "Noon.", "annotations": [page, file, odd]}
    assert parts_of(spoken(first, {"type": "output_text", "text": "So."})) == (
        TextPart(
            "Noon.",
            (
                Citation(API, page, "https://a.test/", "A"),
                Citation(API, file, None, "a.pdf"),
                Citation(API, odd),
            ),
        ),
        TextPart("So."),
    )


def test_a_text_of_the_older_name_and_an_empty_one_are_read():
    assert parts_of(spoken({"type": "text", "text": "x"}, {"type": "output_text", "text": ""})) == (TextPart("x"),)


def test_the_parts_of_a_thought_are_told_apart_and_kept_whole():
    summary = [{"type": "summary_text", "text": text} for text in ("**A**", "", "**B**")]
    item = {"type": "reasoning", "id": "rs_1", "summary": summary, "content": [{"type": "reasoning_text", "text": "c"}]}
    (part, _) = parts_of(item, said("x"))
    assert part.text == "**A**\n\n**B**\n\nc"
    assert json.loads(part.signature) == item
    assert not part.redacted


def test_probabilities_of_all_texts_are_read():
    token = {"token": "No", "logprob": -0.1, "bytes": [78, 111], "top_logprobs": [{"token": "Yes", "logprob": -2.5}]}
    short = {"token": "on", "logprob": 0.0, "top_logprobs": [{"token": None, "logprob": None}]}
    response = response_of(
        answer(
            spoken({"type": "output_text", "text": "No", "logprobs": [token]}),
            spoken({"type": "output_text", "text": "on", "logprobs": [short]}),
        )
    )
    assert response.logprobs == (
        TokenLogprob("No", -0.1, (TokenLogprob("Yes", -2.5),), (78, 111)),
        TokenLogprob("on", 0.0),
    )


REFUSED = spoken({"type": "refusal", "refusal": "no"})


@pytest.mark.parametrize(
    ("items", "status", "reason", "portable", "raw"),
    [
        ([said("x")], "completed", None, "stop", "completed"),
        ([said("x")], None, None, "stop", None),
        ([said("x")], "done", None, "stop", "done"),
        ([], "completed", None, "stop", "completed"),
        ([said("x")], "incomplete", "max_output_tokens", "length", "max_output_tokens"),
        ([], "incomplete", "max_output_tokens", "length", "max_output_tokens"),
        ([said("x")], "incomplete", "max_messages", "length", "max_messages"),
        ([said("x")], "incomplete", None, "length", "incomplete"),
        ([said("x")], "incomplete", "content_filter", "content_filter", "content_filter"),
        ([], "incomplete", "content_filter", "content_filter", "content_filter"),
        ([REFUSED], "completed", None, "refusal", "completed"),
        ([said("x"), call()], "completed", None, "tool_calls", "completed"),
        ([said("x"), call()], None, None, "tool_calls", None),
        ([call()], "incomplete", "max_output_tokens", "length", "max_output_tokens"),
        ([REFUSED, call()], "completed", None, "tool_calls", "completed"),
    ],
)
def test_a_finish_reason_is_portable_and_keeps_the_raw_word(
    items: list, status: str | None, reason: str | None, portable: str, raw: str | None
):
    details = None if status != "incomplete" else {"reason": reason}
    response = response_of(answer(*items, status=status, incomplete_details=details))
    assert (response.finish_reason, response.raw_finish_reason) == (portable, raw)


def test_a_refusal_is_no_text():
    assert parts_of(REFUSED) == (RefusalPart("no"),)


@pytest.mark.parametrize(
    ("usage", "read_as"),
    [
        (None, None),
        ({}, None),
        ({"prompt_tokens": 3, "completion_tokens": 2}, None),
        ({"input_tokens": 0, "output_tokens": 0}, Usage()),
        ({"input_tokens": 3, "output_tokens": None}, Usage(input=3)),
        ({"input_tokens": 3, "output_tokens": 2, "input_tokens_details": None}, Usage(input=3, output=2)),
        ({"input_tokens": 3, "input_tokens_details": {"cached_tokens": None}}, Usage(input=3)),
        (
            {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 2}},
            Usage(9, 0, 1, 2),
        ),
        ({"output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 4}}, Usage(0, 9, 0, 0, 4)),
        ({"input_tokens": -5, "output_tokens": 3}, None),
    ],
)
def test_usage_is_read_with_or_without_its_details(usage: dict | None, read_as: Usage | None):
    assert response_of(answer(said("x"), usage=usage)).usage == read_as


def test_what_else_usage_says_is_kept():
    details = {"cached_tokens": 1, "cache_write_tokens_details": {"ttl_12h_tokens": 3}, "audio_tokens": 0}
    usage = {"input_tokens": 9, "output_tokens": 2, "cost": 0.5, "input_tokens_details": details}
    assert response_of(answer(said("x"), usage=usage)).to_dict()["extra"] == {
        "usage": {"cost": 0.5, "input_tokens_details": {"cache_write_tokens_details": {"ttl_12h_tokens": 3}}}
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the answer is empty"),
        (b"<html><title>Sign in</title></html>", "the answer is a web page, no JSON: Sign in"),
        (b'{"output": [{"type": "mess', "the answer is no JSON: Input data was truncated"),
        (b"ok", "the answer is no JSON"),
        (b"[]", "the answer does not fit this API: Expected `object`"),
        (b'{"output": [{"type": "\xff"}]}', "not valid UTF-8"),
        (b'{"\xff": 1, "output": []}', "no JSON"),
        (b'{"x": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"output": [{"type": "function_call", "arguments": "{}", "arguments": "[]"}]}', "'arguments' twice"),
        ({}, "the answer has no output"),
        ({"output": None, "status": "completed"}, "the answer has no output"),
        ({"detail": "Not here"}, "the answer has no output: Not here"),
        (answer(status="in_progress"), "the answer is none yet: its status is 'in_progress'"),
        (answer(status="queued"), "the answer is none yet: its status is 'queued'"),
        (answer({}), "an item without a type"),
        (answer({"type": 7}), "an item without a type"),
        (answer(spoken({"type": "output_text", "text": 7})), "Expected `str | null`, got `int` - at `$.text`"),
        (answer({"type": "message", "content": "x"}), "at `$.content`, in an item of type 'message'"),
        (answer(spoken(role="user")), "the answer's role is 'user'"),
        (answer({"type": "reasoning", "summary": [{"text": 7}]}), "a text that is none, but 7"),
        (answer(status=None), "no content, no tool calls, and no status"),
        (answer(status="odd"), "no content, no tool calls, and no status"),
        (answer({"type": "reasoning", "summary": []}, status=None), "no content, no tool calls, and no status"),
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
        ({"error": "boom"}, "server_error", "boom"),
        (
            answer(status="failed", error={"code": "server_error", "message": "The model failed."}),
            "server_error",
            "The model failed.",
        ),
        (
            answer(said("So"), status="failed", error={"code": "invalid_prompt", "message": "Not that."}),
            "content_filter",
            "Not that.",
        ),
        (
            answer(status="failed"),
            "server_error",
            "the provider ended its answer with an error, and gave no reason",
        ),
        (
            answer(said("So far"), status="cancelled"),
            "server_error",
            "the provider broke off its answer, and gave no reason",
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


def test_a_failed_answer_has_the_tokens_that_were_counted():
    assert fault_of(answer(status="failed", usage={"input_tokens": 9, "output_tokens": 1})).usage == Usage(9, 1)


def test_the_key_does_not_show_in_a_fault():
    assert fault_of({"error": "bad key sk-secret-key"}).message == "bad key [redacted]"
    assert "sk-secret" not in fault_of({"message": "sk-secret-key"}).message


_LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from([*KINDS, *EVENTS])


@settings(max_examples=300, deadline=None)
@given(
    st.recursive(
        _LEAVES,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*FIELDS, *PARTS]), inner, max_size=4)
            | st.dictionaries(st.sampled_from(PARTS), inner, max_size=3).map(
                lambda item: {
                    "output": [{"type": "message", **item}, {"type": "reasoning", **item}],
                    "status": "completed",
                }
            )
        ),
        max_leaves=14,
    ),
    st.sampled_from(EVENTS),
)
def test_any_json_is_an_answer_or_a_fault(body: object, kind: str):
    events = Events(Answer(200, {}, b""))
    found: object = ()
    for event in (body, {"type": kind, "response": body, "item": body, "part": body, "delta": body, "text": body}):
        found = events.read(json.dumps(event).encode())
        if isinstance(found, Fault):
            break
    for result in (read(body), found if isinstance(found, Fault) else events.response()):
        assert isinstance(result, (ChatResponse, Fault))
        if isinstance(result, Fault):
            assert 0 < len(result.message) <= 500


@pytest.mark.parametrize("depth", [50, 400, 900, 5000])
@pytest.mark.parametrize(
    "template",
    [
        '{"status": "completed", "output": [], "more": %s}',
        '{"status": "completed", "output": [{"type": "odd", "x": %s}]}',
        '{"status": "completed", "output": [{"type": "message", "content": [{"type": "odd", "text": %s}]}]}',
        '{"output": [{"type": "message", "content": [{"type": "text", "text": "x", "annotations": [{"x": %s}]}]}]}',
        '{"output": [{"type": "function_call", "name": "t", "arguments": {"x": %s}}]}',
        '{"output": [{"type": "reasoning", "x": %s}, {"type": "message", "content": [{"type": "text", "text": "x"}]}]}',
        '{"error": %s}',
    ],
)
def test_depth_is_an_answer_or_a_fault(template: str, depth: int):
    for deep in ("[" * depth + "]" * depth, '{"text":' * depth + "1" + "}" * depth):
        body = template.replace("%s", deep).encode()
        assert isinstance(read(body), (ChatResponse, Fault))
        for kind in (b"response.completed", b"response.failed"):
            events = Events(Answer(200, {}, b""))
            found = events.read(b'{"type": "%s", "response": %s}' % (kind, body))
            assert isinstance(found if isinstance(found, Fault) else events.response(), (ChatResponse, Fault))
        events = Events(Answer(200, {}, b""))
        found = events.read(f'{{"type": "response.output_item.done", "item": {deep}}}'.encode())
        assert isinstance(found if isinstance(found, Fault) else events.response(), (ChatResponse, Fault))
