from __future__ import annotations

import json
from typing import Any

import pytest

from routebook.canonical.chat import ChatResponse
from routebook.canonical.frozen import EMPTY
from routebook.canonical.part import ImagePart, NativePart, ReasoningPart, TextPart
from routebook.canonical.tool import ToolCall
from routebook.canonical.usage import Usage
from routebook.providers.answer import Answer
from routebook.providers.bedrock.decode import decode
from routebook.providers.fault import Fault

NOON = [{"text": "Noon."}]
WHOLE = {
    "output": {"message": {"role": "assistant", "content": NOON}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
}


def answer_of(body: Any, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(200, {name.replace("_", "-"): value for name, value in headers.items()}, content, 0.0, ("sk-secret",))


def whole(content: Any = NOON, role: str = "assistant", **fields: Any) -> dict[str, Any]:
    return {**WHOLE, "output": {"message": {"role": role, "content": content}}, **fields}


def read(content: Any = NOON, **fields: Any) -> ChatResponse:
    response = decode(answer_of(whole(content, **fields)))
    assert isinstance(response, ChatResponse), response
    return response


def fault_of(body: Any) -> Fault:
    fault = decode(answer_of(body))
    assert isinstance(fault, Fault)
    return fault


def use(**fields: Any) -> dict[str, Any]:
    return {"toolUse": fields}


def test_an_answer_has_its_words_reason_counts_and_names():
    response = decode(answer_of(WHOLE, x_amzn_requestid="req_1"))
    assert response.message.content == (TextPart("Noon."),)
    assert (response.finish_reason, response.raw_finish_reason) == ("stop", "end_turn")
    assert response.usage == Usage(input=3, output=2)
    assert (response.id, response.model, response.request_id) == (None, None, "req_1")
    assert (response.service_tier, response.rate_limits, response.extra) == (None, None, EMPTY)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("refusal", "refusal"),
        ("tool_use", "stop"),
        ("something_new", "stop"),
        (None, "stop"),
    ],
)
def test_a_reason_has_a_portable_word(raw: str | None, reason: str):
    response = read(stopReason=raw)
    assert (response.finish_reason, response.raw_finish_reason) == (reason, raw)


@pytest.mark.parametrize(
    ("raw", "reason"), [("tool_use", "tool_calls"), ("end_turn", "tool_calls"), ("max_tokens", "length")]
)
def test_an_answer_with_calls_ends_for_them_unless_it_was_cut_short(raw: str, reason: str):
    assert read([use(toolUseId="a", name="x", input={})], stopReason=raw).finish_reason == reason


@pytest.mark.parametrize("raw", ["end_turn", "max_tokens", "stop_sequence", "content_filtered"])
def test_an_answer_without_content_is_one_where_it_has_a_reason(raw: str):
    assert read([], stopReason=raw).message.content == ()


@pytest.mark.parametrize("raw", ["malformed_model_output", "malformed_tool_use"])
def test_an_answer_that_its_model_broke_is_malformed_and_has_its_counts(raw: str):
    fault = fault_of(whole(stopReason=raw))
    assert (fault.kind, fault.usage, raw in fault.message) == ("malformed_response", Usage(3, 2), True)


def test_thoughts_keep_their_place_and_their_signatures():
    content = [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "EqoB+/=é"}}},
        {"reasoningContent": {"redactedContent": "b64=="}},
        use(toolUseId="a", name="x", input={"z": [1, {"y": None}]}),
        {"reasoningContent": {"reasoningText": {"text": "", "signature": "c2ln"}}},
        {"reasoningContent": {"reasoningText": {"text": "unsigned"}}},
        {"reasoningContent": {"reasoningText": {"text": ""}}},
        {"text": ""},
    ]
    assert read(content).message.content == (
        ReasoningPart("hm", "EqoB+/=é", api="bedrock"),
        ReasoningPart("", "b64==", redacted=True, api="bedrock"),
        ToolCall("a", "x", {"z": [1, {"y": None}]}),
        ReasoningPart("", "c2ln", api="bedrock"),
        ReasoningPart("unsigned", api="bedrock"),
    )


def test_blocks_that_only_this_api_knows_are_kept_whole():
    blocks = [
        use(toolUseId="s", name="grounding", input={"query": "time"}, type="server_tool_use"),
        {"toolResult": {"toolUseId": "s", "content": [{"text": "x"}]}},
        {"guardContent": {"text": {"text": "x"}}},
        {"searchResult": {"source": "s", "title": "t", "content": [{"text": "x"}]}},
        {"video": {"format": "mp4", "source": {"bytes": "AAAA"}}},
        {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://a/b"}}}},
        {"image": {"format": "png", "source": {"bytes": "AAAA"}, "error": {"message": "x"}}},
        {"citationsContent": {"content": [{"sparkle": 1}], "citations": []}},
        {"not_yet_known": {"deep": {"er": [1, 2.5, None]}}},
    ]
    parts = read(blocks).message.content
    assert all(isinstance(part, NativePart) and part.api == "bedrock" for part in parts)
    assert [part.to_dict()["data"] for part in parts] == blocks


def test_a_picture_is_one():
    parts = read([{"image": {"format": "jpeg", "source": {"bytes": "/9j/"}}}]).message.content
    assert parts == (ImagePart(data="/9j/", media_type="image/jpeg"),)


def test_citations_say_where_and_what_and_are_kept():
    page = {
        "title": "Clock",
        "sourceContent": [{"text": "1"}, {"text": "2"}],
        "location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}},
    }
    web = {"title": "A", "location": {"web": {"url": "https://a.example", "domain": "a.example"}}}
    odd = {"source": "https://b.example", "sourceContent": ["x", {"text": 7}], "location": [], "title": 7}
    cited = {"content": [{"text": "No"}, {"text": "on."}], "citations": [page, web, odd]}
    (part,) = read([{"citationsContent": cited}]).message.content
    assert part.text == "Noon."
    assert [(each.url, each.title, each.text) for each in part.citations] == [
        (None, "Clock", "12"),
        ("https://a.example", "A", None),
        ("https://b.example", None, None),
    ]
    assert [each.to_dict()["data"] for each in part.citations] == [page, web, odd]
    assert read([{"citationsContent": {}}, *NOON]).message.text == "Noon."


@pytest.mark.parametrize(
    "nothing", [{}, {"input": None}, {"input": ""}, {"input": " "}, {"input": {}}, {"input": "{}"}]
)
def test_a_call_without_arguments_has_an_empty_object(nothing: dict[str, Any]):
    (call,) = read([use(toolUseId="a", name="x", **nothing)]).message.tool_calls
    assert call == ToolCall("a", "x", {})


@pytest.mark.parametrize(("given", "raw"), [([1], "[1]"), ("[1", "[1"), (7, "7")])
def test_arguments_that_are_no_object_are_kept_as_text(given: Any, raw: str):
    (call,) = read([use(toolUseId="a", name="x", input=given)]).message.tool_calls
    assert (call.arguments, call.arguments_json) == (None, raw)


def test_calls_without_an_id_get_one_each_and_without_a_name_none():
    calls = read([use(name="x"), use(toolUseId="call_0"), use(toolUseId="", name="")]).message.tool_calls
    assert len({call.id for call in calls}) == 3
    assert [(call.id, call.name) for call in calls][1] == ("call_0", None)
    assert calls[2].name is None


def test_counts_include_the_cache():
    details = [{"ttl": "5m", "inputTokens": 200}]
    counts = {"inputTokens": 10, "cacheWriteInputTokens": 200, "cacheReadInputTokens": 3000, "outputTokens": 50}
    response = read(usage={**counts, "totalTokens": 3260, "cacheDetails": details})
    assert response.usage == Usage(input=3210, output=50, cached_input=3000, cache_write=200)
    assert response.to_dict()["extra"] == {"usage": {"cacheDetails": details}}
    assert read(usage={**counts, "totalTokens": 60}).to_dict()["extra"] == {"usage": {"totalTokens": 60}}


@pytest.mark.parametrize("usage", [None, {"inputTokens": -1, "outputTokens": 1}, {"cacheReadInputTokens": -5}])
def test_counts_that_cannot_be_are_none(usage: dict[str, int] | None):
    assert read(usage=usage).usage is None


def test_what_has_no_place_of_its_own_is_beside():
    beside = {
        "metrics": {"latencyMs": 551},
        "additionalModelResponseFields": {"stop_sequence": "END"},
        "trace": {"guardrail": {"modelOutput": ["x"]}},
        "performanceConfig": {"latency": "optimized"},
    }
    response = read(**beside, serviceTier={"type": "priority"})
    assert (response.to_dict()["extra"], response.service_tier) == (beside, "priority")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the answer is empty"),
        (b"<html><title>502 Bad Gateway</title></html>", "the answer is a web page, no JSON: 502 Bad Gateway"),
        (b'{"output": {"message": {"co', "the answer is no JSON"),
        (b"\xff\xfe{}", "the answer"),
        (b"[]", "the answer does not fit this API"),
        ({}, "the answer has no content"),
        ({"detail": "no such route"}, "the answer has no content: no such route"),
        ({"choices": [{"message": {"content": "Noon."}}]}, "the answer has no content"),
        ({**WHOLE, "output": None}, "the answer has no content"),
        ({**WHOLE, "output": {"message": None}}, "the answer has no content"),
        (whole(None), "the answer has no content"),
        (whole("Noon."), "the answer does not fit this API"),
        (whole(["Noon."]), "the answer does not fit this API"),
        (whole([{}]), "a block with 0 kinds of content"),
        (whole([{"text": "a", "image": {}}]), "a block with 2 kinds of content"),
        (whole([{"text": 7}]), "the answer does not fit this API"),
        (whole([{"toolUse": []}]), "the answer does not fit this API"),
        (whole([{"reasoningContent": {"reasoningText": 7}}]), "the answer does not fit this API"),
        (whole(role="user"), "the answer's role is 'user', not 'assistant'"),
        (whole([], stopReason=None), "no content, no tool calls, and no stopReason"),
        (whole([], stopReason="tool_use"), "ends for its tool calls, and has none"),
        (whole(usage={"inputTokens": "3"}), "the answer does not fit this API"),
    ],
)
def test_what_is_no_answer_of_this_api_is_malformed(body: Any, words: str):
    fault = fault_of(body)
    assert (fault.kind, words in fault.message) == ("malformed_response", True), fault.message


@pytest.mark.parametrize("levels", [600, 3000, 100_000])
@pytest.mark.parametrize("kind", ["toolUse", "not_yet_known"])
def test_an_answer_that_is_nested_too_deeply_is_malformed(levels: int, kind: str):
    deep = '{"a":' * levels + "1" + "}" * levels
    block = f'{{"{kind}": {{"toolUseId": "a", "name": "x", "input": {deep}}}}}'
    body = f'{{"output": {{"message": {{"content": [{block}]}}}}, "stopReason": "end_turn"}}'
    found = decode(answer_of(body.encode()))
    assert isinstance(found, ChatResponse) or found.kind == "malformed_response"
    assert levels < 3000 or isinstance(found, Fault)


def test_an_error_in_an_answer_of_success_has_its_own_kind_and_no_secret():
    fault = fault_of({"__type": "com.amazon#ThrottlingException", "message": "Slow down, sk-secret"})
    assert (fault.kind, fault.message) == ("rate_limit", "Slow down, [redacted]")
    assert fault_of({"__type": "Odd", "message": ["x"]}).kind == "server_error"
