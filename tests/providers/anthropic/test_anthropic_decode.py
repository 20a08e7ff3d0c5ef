from __future__ import annotations

import json
from typing import Any

import pytest

from routebook.canonical.chat import ChatResponse
from routebook.canonical.frozen import EMPTY
from routebook.canonical.part import NativePart, ReasoningPart, RefusalPart, TextPart
from routebook.canonical.rate_limits import RateLimits
from routebook.canonical.tool import ToolCall
from routebook.canonical.usage import Usage
from routebook.providers.answer import Answer
from routebook.providers.anthropic.decode import decode
from routebook.providers.fault import Fault

NOW = 1_790_000_000.0
WHOLE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x-1",
    "content": [{"type": "text", "text": "Noon."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


def answer_of(body: Any, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(200, {name.replace("_", "-"): value for name, value in headers.items()}, content, NOW, ("sk-secret",))


def read(content: Any = WHOLE["content"], **fields: Any) -> ChatResponse:
    response = decode(answer_of({**WHOLE, "content": content, **fields}))
    assert isinstance(response, ChatResponse), response
    return response


def fault_of(body: Any) -> Fault:
    fault = decode(answer_of(body))
    assert isinstance(fault, Fault)
    return fault


def use(**fields: Any) -> dict[str, Any]:
    return {"type": "tool_use", **fields}


def test_an_answer_has_its_words_reason_counts_and_names():
    response = decode(answer_of(WHOLE, request_id="req_1"))
    assert response.message.content == (TextPart("Noon."),)
    assert (response.finish_reason, response.raw_finish_reason) == ("stop", "end_turn")
    assert response.usage == Usage(input=3, output=2)
    assert (response.id, response.model, response.request_id) == ("msg_1", "claude-x-1", "req_1")
    assert (response.service_tier, response.rate_limits, response.extra) == (None, None, EMPTY)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "length"),
        ("compaction", "length"),
        ("refusal", "refusal"),
        ("tool_use", "stop"),
        ("something_new", "stop"),
        (None, "stop"),
    ],
)
def test_a_reason_has_a_portable_word(raw: str | None, reason: str):
    response = read(stop_reason=raw)
    assert (response.finish_reason, response.raw_finish_reason) == (reason, raw)


@pytest.mark.parametrize(
    ("raw", "reason"), [("tool_use", "tool_calls"), ("end_turn", "tool_calls"), ("max_tokens", "length")]
)
def test_an_answer_with_calls_ends_for_them_unless_it_was_cut_short(raw: str, reason: str):
    assert read([use(id="a", name="x", input={})], stop_reason=raw).finish_reason == reason


@pytest.mark.parametrize("raw", ["end_turn", "max_tokens", "stop_sequence", "refusal"])
def test_an_answer_without_content_is_one_where_it_has_a_reason(raw: str):
    assert read([], stop_reason=raw).message.content == ()


def test_a_refusal_has_its_words_beside_what_was_said():
    details = {"type": "refusal", "category": "cyber", "explanation": "I cannot help with that."}
    response = read(stop_reason="refusal", stop_details=details)
    assert response.message.content == (TextPart("Noon."), RefusalPart("I cannot help with that."))
    assert response.message.text == "Noon."
    assert (response.finish_reason, response.to_dict()["extra"]) == ("refusal", {"stop_details": details})


def test_thoughts_keep_their_place_and_their_signatures():
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "EqoB+/=é"},
        {"type": "redacted_thinking", "data": "b64=="},
        use(id="a", name="x", input={"z": [1, {"y": None}]}),
        {"type": "thinking", "thinking": "", "signature": "c2ln"},
        {"type": "thinking", "thinking": "unsigned", "signature": ""},
        {"type": "text", "text": ""},
    ]
    assert read(content).message.content == (
        ReasoningPart("hm", "EqoB+/=é", api="anthropic"),
        ReasoningPart("", "b64==", redacted=True, api="anthropic"),
        ToolCall("a", "x", {"z": [1, {"y": None}]}),
        ReasoningPart("", "c2ln", api="anthropic"),
        ReasoningPart("unsigned", api="anthropic"),
    )


def test_blocks_that_only_this_api_knows_are_kept_whole():
    blocks = [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "time"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "x", "url": "u"}]},
        {"type": "mcp_tool_use", "id": "m", "server_name": "n", "name": "t", "input": {}},
        {"type": "container_upload", "file_id": "f"},
        {"type": "not_yet_known", "deep": {"er": [1, 2.5, None]}, "text": ["a"], "citations": {"enabled": True}},
    ]
    parts = read(blocks).message.content
    assert all(isinstance(part, NativePart) and part.api == "anthropic" for part in parts)
    assert [part.to_dict()["data"] for part in parts] == blocks


def test_citations_say_where_and_what_and_are_kept():
    page = {
        "type": "page_location",
        "cited_text": "12",
        "document_index": 0,
        "document_title": "Clock",
        "start_page_number": 1,
        "end_page_number": 2,
        "file_id": None,
    }
    web = {"type": "web_search_result_location", "url": "https://a.example", "title": "A", "encrypted_index": "e"}
    (part,) = read([{"type": "text", "text": "Noon.", "citations": [page, web]}]).message.content
    first, second = part.citations
    assert (first.url, first.title, first.text) == (None, "Clock", "12")
    assert (second.url, second.title, second.text) == ("https://a.example", "A", None)
    assert [first.to_dict()["data"], second.to_dict()["data"]] == [page, web]


@pytest.mark.parametrize(
    "nothing", [{}, {"input": None}, {"input": ""}, {"input": " "}, {"input": {}}, {"input": "{}"}]
)
def test_a_call_without_arguments_has_an_empty_object(nothing: dict[str, Any]):
    (call,) = read([use(id="a", name="x", **nothing)]).message.tool_calls
    assert call == ToolCall("a", "x", {})


@pytest.mark.parametrize(("given", "raw"), [([1], "[1]"), ("[1", "[1"), (7, "7")])
def test_arguments_that_are_no_object_are_kept_as_text(given: Any, raw: str):
    (call,) = read([use(id="a", name="x", input=given)]).message.tool_calls
    assert (call.arguments, call.arguments_json) == (None, raw)


def test_calls_without_an_id_get_one_each_and_without_a_name_none():
    calls = read([use(name="x"), use(id="call_0"), use(id="", name="")]).message.tool_calls
    assert len({call.id for call in calls}) == 3
    assert [(call.id, call.name) for call in calls][1] == ("call_0", None)
    assert calls[2].name is None


def test_counts_include_the_cache_and_the_thoughts():
    usage = {
        "input_tokens": 10,
        "cache_creation_input_tokens": 200,
        "cache_read_input_tokens": 3000,
        "output_tokens": 50,
        "output_tokens_details": {"thinking_tokens": 40},
        "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 0},
        "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0},
        "service_tier": "priority",
        "speed": "fast",
        "inference_geo": "eu",
    }
    response = read(usage=usage)
    assert response.usage == Usage(input=3210, output=50, cached_input=3000, cache_write=200, reasoning=40)
    assert response.service_tier == "priority"
    beside = ("cache_creation", "server_tool_use", "speed", "inference_geo")
    assert response.to_dict()["extra"]["usage"] == {name: usage[name] for name in beside}


@pytest.mark.parametrize("usage", [None, {"input_tokens": -1, "output_tokens": 1}, {"cache_read_input_tokens": -5}])
def test_counts_that_cannot_be_are_none(usage: dict[str, int] | None):
    assert read(usage=usage).usage is None


def test_what_has_no_place_of_its_own_is_beside():
    container = {"id": "c", "expires_at": "2026-11-21T00:00:00Z"}
    caller = {"type": "code_execution_20260120", "tool_id": "srvtoolu_1"}
    content = [
        use(id="a", name="x", input={}, caller={"type": "direct"}),
        use(id="b", name="x", input={}, caller=caller, toolset_name="browser"),
    ]
    response = read(
        content,
        stop_sequence="END",
        container=container,
        diagnostics={"cache_miss_reason": None},
        context_management={"applied_edits": []},
    )
    assert response.to_dict()["extra"] == {
        "stop_sequence": "END",
        "container": container,
        "diagnostics": {"cache_miss_reason": None},
        "context_management": {"applied_edits": []},
        "tool_use": {"b": {"caller": caller, "toolset_name": "browser"}},
    }


def test_rate_limits_are_read_from_the_headers():
    headers = {
        "anthropic-ratelimit-requests-limit": "1000",
        "anthropic-ratelimit-requests-remaining": "999",
        "anthropic-ratelimit-requests-reset": "2026-09-21T14:13:30Z",
        "anthropic-ratelimit-tokens-limit": "96000",
        "anthropic-ratelimit-tokens-remaining": "95000",
        "anthropic-ratelimit-tokens-reset": "2026-09-21T16:13:25.5+02:00",
        "anthropic-ratelimit-input-tokens-limit": "80000",
    }
    assert decode(answer_of(WHOLE, **headers)).rate_limits == RateLimits(1000, 999, 10.0, 96000, 95000, 5.5)


@pytest.mark.parametrize("reset", ["", "soon", "1e400", "99999-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59"])
def test_rubbish_in_the_headers_counts_as_not_said(reset: str):
    headers = {
        "anthropic-ratelimit-tokens-limit": "many",
        "anthropic-ratelimit-tokens-remaining": "-5",
        "anthropic-ratelimit-tokens-reset": reset,
    }
    limits = decode(answer_of(WHOLE, **headers)).rate_limits
    assert limits in (None, RateLimits(tokens_reset_s=0.0))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the answer is empty"),
        (b"<html><title>502 Bad Gateway</title></html>", "the answer is a web page, no JSON: 502 Bad Gateway"),
        (b'{"content": [{"type": "te', "the answer is no JSON"),
        (b"\xff\xfe{}", "the answer"),
        (b"[]", "the answer does not fit this API"),
        ({}, "the answer has no content"),
        ({"detail": "no such route"}, "the answer has no content: no such route"),
        ({"choices": [{"message": {"content": "Noon."}}]}, "the answer has no content"),
        ({**WHOLE, "content": None}, "the answer has no content"),
        ({**WHOLE, "content": "Noon."}, "the answer does not fit this API"),
        ({**WHOLE, "content": ["Noon."]}, "the answer does not fit this API"),
        ({**WHOLE, "content": [{"text": "Noon."}]}, "the answer has a block without a type"),
        ({**WHOLE, "content": [{"type": "text", "text": 7}]}, "the answer does not fit this API"),
        ({**WHOLE, "content": [{"type": "thinking", "thinking": []}]}, "the answer does not fit this API"),
        ({**WHOLE, "role": "user"}, "the answer's role is 'user', not 'assistant'"),
        ({**WHOLE, "content": [], "stop_reason": None}, "no content, no tool calls, and no stop_reason"),
        ({**WHOLE, "content": [], "stop_reason": "tool_use"}, "ends for its tool calls, and has none"),
        (
            {**WHOLE, "content": [{"type": "thinking", "thinking": "hm"}], "stop_reason": "tool_use"},
            "ends for its tool calls, and has none",
        ),
        ({**WHOLE, "usage": {"input_tokens": "3"}}, "the answer does not fit this API"),
    ],
)
def test_what_is_no_answer_of_this_api_is_malformed(body: Any, words: str):
    fault = fault_of(body)
    assert (fault.kind, words in fault.message) == ("malformed_response", True), fault.message


@pytest.mark.parametrize("levels", [600, 3000, 100_000])
@pytest.mark.parametrize("kind", ["tool_use", "not_yet_known"])
def test_an_answer_that_is_nested_too_deeply_is_malformed(levels: int, kind: str):
    deep = '{"a":' * levels + "1" + "}" * levels
    block = f'{{"type": "{kind}", "id": "a", "name": "x", "input": {deep}}}'
    body = f'{{"content": [{block}], "stop_reason": "end_turn"}}'
    found = decode(answer_of(body.encode()))
    assert isinstance(found, ChatResponse) or found.kind == "malformed_response"
    assert levels < 3000 or isinstance(found, Fault)


def test_an_error_in_an_answer_of_success_has_its_own_kind_and_no_secret():
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded, sk-secret"}}
    fault = fault_of(body)
    assert fault.kind == "overloaded"
    assert "sk-secret" not in fault.message
    assert fault_of({"error": {"message": "boom"}}).kind == "server_error"
    assert fault_of({"type": "error"}).kind == "server_error"
