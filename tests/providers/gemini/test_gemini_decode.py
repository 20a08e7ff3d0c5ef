from __future__ import annotations

import json
from typing import Any

import pytest

from routebook.canonical.chat import ChatResponse, TokenLogprob
from routebook.canonical.frozen import EMPTY
from routebook.canonical.part import AudioPart, ImagePart, NativePart, ReasoningPart, TextPart
from routebook.canonical.tool import ToolCall
from routebook.canonical.usage import Usage
from routebook.providers.answer import Answer
from routebook.providers.fault import Fault
from routebook.providers.gemini.decode import decode

WORDS = {"text": "Noon."}
WHOLE = {
    "candidates": [{"content": {"role": "model", "parts": [WORDS]}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
    "modelVersion": "gemini-x-1",
    "responseId": "resp_1",
}


def answer_of(body: Any, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(200, {name.replace("_", "-"): value for name, value in headers.items()}, content, 0.0, ("sk-secret",))


def candidate(*parts: Any, finish: str | None = "STOP", **fields: Any) -> dict[str, Any]:
    return {"content": {"role": "model", "parts": list(parts)}, "finishReason": finish, **fields}


def read(*parts: Any, finish: str | None = "STOP", **fields: Any) -> ChatResponse:
    response = decode(answer_of({**WHOLE, "candidates": [candidate(*parts, finish=finish, **fields)]}))
    assert isinstance(response, ChatResponse), response
    return response


def fault_of(body: Any) -> Fault:
    fault = decode(answer_of(body))
    assert isinstance(fault, Fault), fault
    return fault


def test_an_answer_has_its_words_reason_counts_and_names():
    response = decode(answer_of(WHOLE, x_goog_request_id="req_1", x_gemini_service_tier="standard"))
    assert response.message.content == (TextPart("Noon."),)
    assert (response.finish_reason, response.raw_finish_reason) == ("stop", "STOP")
    assert response.usage == Usage(input=3, output=2)
    assert (response.id, response.model, response.request_id) == ("resp_1", "gemini-x-1", "req_1")
    assert (response.service_tier, response.rate_limits, response.extra) == ("standard", None, EMPTY)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("STOP", "stop"),
        ("NO_IMAGE", "stop"),
        ("MAX_TOKENS", "length"),
        ("CONTINUATION", "length"),
        ("OTHER", "length"),
        ("LANGUAGE", "length"),
        ("IMAGE_OTHER", "length"),
        ("TOO_MANY_TOOL_CALLS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("MODEL_ARMOR", "content_filter"),
        ("ESCALATION", "content_filter"),
        ("PUP_LIMITED_DISABLED", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("IMAGE_PROHIBITED_CONTENT", "content_filter"),
        ("IMAGE_RECITATION", "content_filter"),
        ("UNEXPECTED_TOOL_CALL", "stop"),
        ("SOMETHING_NEW", "stop"),
        ("FINISH_REASON_UNSPECIFIED", "stop"),
        (None, "stop"),
    ],
)
def test_a_reason_has_a_portable_word(raw: str | None, reason: str):
    response = read(WORDS, finish=raw)
    assert (response.finish_reason, response.raw_finish_reason) == (reason, raw)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [("STOP", "tool_calls"), ("UNEXPECTED_TOOL_CALL", "tool_calls"), ("MAX_TOKENS", "length"), (None, "tool_calls")],
)
def test_an_answer_with_calls_ends_for_them_unless_it_was_cut_short(raw: str | None, reason: str):
    assert read({"functionCall": {"id": "a", "name": "x", "args": {}}}, finish=raw).finish_reason == reason


@pytest.mark.parametrize("raw", ["STOP", "MAX_TOKENS", "SAFETY", "PROHIBITED_CONTENT"])
def test_an_answer_without_content_is_one_where_it_has_a_reason(raw: str):
    assert read(finish=raw).message.content == ()
    whole = {**WHOLE, "candidates": [{"finishReason": raw}]}
    assert decode(answer_of(whole)).message.content == ()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("OTHER", "the provider broke off the answer, and gave no reason: Who knows."),
        ("LANGUAGE", "the provider broke off the answer for its language: Who knows."),
        ("UNEXPECTED_TOOL_CALL", "the model called a tool that it was not offered: Who knows."),
        ("NO_IMAGE", "the model made no image, and said nothing: Who knows."),
        ("TOO_MANY_TOOL_CALLS", "broke off its own tool calls before there was an answer: Who knows."),
    ],
)
def test_an_answer_that_was_broken_off_before_it_began_is_none(raw: str, words: str):
    fault = fault_of({**WHOLE, "candidates": [candidate(finish=raw, finishMessage="Who knows.")]})
    assert (fault.kind, words in fault.message, fault.usage) == ("malformed_response", True, Usage(3, 2)), fault


@pytest.mark.parametrize("raw", ["MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "MISSING_THOUGHT_SIGNATURE"])
@pytest.mark.parametrize("parts", [(), (WORDS,)])
def test_what_a_model_could_not_write_is_no_answer_whatever_was_said_until_then(raw: str, parts: tuple):
    message = "Malformed function call: print(clock.now(sk-secret"
    fault = fault_of({**WHOLE, "candidates": [candidate(*parts, finish=raw, finishMessage=message)]})
    assert (fault.kind, fault.usage) == ("malformed_response", Usage(3, 2))
    assert "Malformed function call: print(clock.now([redacted]" in fault.message


def test_a_blocked_request_is_a_refused_one():
    body = {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "No sk-secret."},
        "usageMetadata": {"promptTokenCount": 7, "totalTokenCount": 7},
    }
    fault = fault_of(body)
    assert (fault.kind, fault.usage) == ("content_filter", Usage(7))
    assert fault.message == "the provider's content filter refuses the request (PROHIBITED_CONTENT): No [redacted]."
    assert fault_of({"promptFeedback": {"blockReason": "OTHER"}}).kind == "content_filter"
    begun = {"candidates": [{"content": {"role": "model", "parts": [{"text": "No"}]}}]}
    assert fault_of({**begun, "promptFeedback": {"blockReason": "OTHER"}}).kind == "content_filter"
    assert fault_of({"promptFeedback": {"safetyRatings": []}}).kind == "malformed_response"


def test_thoughts_keep_their_place_and_every_part_its_signature():
    call = {"functionCall": {"id": "a", "name": "x", "args": {"z": [1, {"y": None}]}}}
    parts = [
        {"text": "hm", "thought": True},
        {"text": " hm", "thought": True, "thoughtSignature": "dGhv+/=é"},
        {"text": "A"},
        {"text": "B", "thoughtSignature": "dGV4dA=="},
        {"text": "", "thoughtSignature": "ZW5k"},
        {**call, "thoughtSignature": "Y2FsbA=="},
        {"text": ""},
        {"text": "", "thought": True},
        {"text": "", "thought": True, "thoughtSignature": "ZW1wdHk="},
    ]
    assert read(*parts).message.content == (
        ReasoningPart("hm", api="gemini"),
        ReasoningPart(" hm", "dGhv+/=é", api="gemini"),
        TextPart("A"),
        ReasoningPart("", "dGV4dA==", api="gemini"),
        TextPart("B"),
        ReasoningPart("", "ZW5k", redacted=True, api="gemini"),
        ReasoningPart("", "Y2FsbA==", api="gemini"),
        ToolCall("a", "x", {"z": [1, {"y": None}]}),
        NativePart("gemini", {"text": "", "thought": True, "thoughtSignature": "ZW1wdHk="}),
    )


def test_texts_that_follow_each_other_are_one_and_so_are_thoughts():
    parts = [
        {"text": "h", "thought": True},
        {"text": "m", "thought": True},
        {"text": "No"},
        {"text": "on", "thought": False},
        {"text": "."},
    ]
    assert read(*parts).message.content == (ReasoningPart("hm", api="gemini"), TextPart("Noon."))


def test_pictures_and_sound_are_parts_of_their_own():
    stored = {"fileData": {"mimeType": "image/png", "fileUri": "gs://house/a.png"}}
    assert read(
        {"inlineData": {"mimeType": "image/png", "data": "AA=="}},
        {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "AAAA"}},
        stored,
    ).message.content == (
        ImagePart(data="AA==", media_type="image/png"),
        AudioPart("AAAA", "audio/L16;rate=24000"),
        ImagePart(url="gs://house/a.png", media_type="image/png"),
    )


@pytest.mark.parametrize(
    "part",
    [
        {"executableCode": {"language": "PYTHON", "code": "2+2"}, "thoughtSignature": "Y29k"},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "4"}},
        {"inlineData": {"mimeType": "image/png", "data": "AA=="}, "thought": True},
        {"inlineData": {"mimeType": "image/png", "data": "AA==", "displayName": "a"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "AA=="}},
        {"inlineData": {"mimeType": "image/png"}},
        {"inlineData": {"mimeType": "audio/wav", "data": ""}},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://house/a.mp4"}},
        {"fileData": {"mimeType": "image/png"}},
        {"toolCall": {"id": "t", "toolType": "URL_CONTEXT"}},
        {"notYetKnown": {"x": [1]}},
        {"functionResponse": {"name": "x", "response": {}}},
    ],
)
def test_parts_that_only_this_api_knows_are_kept_whole(part: dict[str, Any]):
    assert read(part).message.content == (NativePart("gemini", part),)


def test_calls_without_an_id_get_one_each_and_without_a_name_none():
    calls = read(
        {"functionCall": {"name": "x"}},
        {"functionCall": {"id": "call_0", "name": "x", "args": None}},
        {"functionCall": {"id": "", "name": ""}},
    ).message.tool_calls
    assert len({call.id for call in calls}) == 3
    assert [(call.name, call.arguments) for call in calls] == [("x", {}), ("x", {}), (None, {})]
    assert calls[1].id == "call_0"


def test_counts_include_the_cache_the_thoughts_and_what_was_found():
    usage = {
        "promptTokenCount": 3200,
        "cachedContentTokenCount": 3000,
        "candidatesTokenCount": 10,
        "thoughtsTokenCount": 40,
        "toolUsePromptTokenCount": 5,
        "totalTokenCount": 3255,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 3200}],
        "trafficType": "ON_DEMAND",
        "serviceTier": "flex",
    }
    response = decode(answer_of({**WHOLE, "usageMetadata": usage}))
    assert response.usage == Usage(input=3205, output=50, cached_input=3000, reasoning=40)
    assert response.service_tier == "flex"
    assert response.to_dict()["extra"] == {
        "usageMetadata": {
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 3200}],
            "trafficType": "ON_DEMAND",
            "toolUsePromptTokenCount": 5,
        }
    }


@pytest.mark.parametrize("usage", [None, {}, {"totalTokenCount": 3}, {"promptTokenCount": -1}])
def test_counts_that_cannot_be_are_none(usage: dict[str, int] | None):
    assert decode(answer_of({**WHOLE, "usageMetadata": usage})).usage is None


def test_counts_of_thoughts_alone_are_counts():
    usage = {"promptTokenCount": 5, "thoughtsTokenCount": 60, "totalTokenCount": 65}
    assert decode(answer_of({**WHOLE, "usageMetadata": usage})).usage == Usage(input=5, output=60, reasoning=60)


def test_several_candidates_are_choices_in_their_order():
    body = {**WHOLE, "candidates": [candidate({"text": "B"}, index=1), candidate({"text": "A"}, finish="MAX_TOKENS")]}
    response = decode(answer_of(body))
    assert [choice.message.text for choice in response.choices] == ["A", "B"]
    assert [choice.finish_reason for choice in response.choices] == ["length", "stop"]


def test_sources_belong_to_the_last_text():
    web = {"web": {"uri": "https://a.example", "title": "A"}}
    note = {"retrievedContext": {"uri": "gs://b", "title": "B", "text": "noon"}}
    odd = {"somethingNew": 1}
    recited = {"uri": "https://c.example", "title": "C", "startIndex": 0}
    response = read(
        {"inlineData": {"mimeType": "image/png", "data": "AA=="}},
        WORDS,
        groundingMetadata={"groundingChunks": [web, note, odd], "webSearchQueries": ["x"]},
        citationMetadata={"citations": [recited]},
    )
    citations = response.message.content[1].citations
    assert [(cited.url, cited.title, cited.text) for cited in citations] == [
        ("https://a.example", "A", None),
        ("gs://b", "B", "noon"),
        (None, None, None),
        ("https://c.example", "C", None),
    ]
    assert [cited.to_dict()["data"] for cited in citations] == [web, note, odd, recited]
    assert response.to_dict()["extra"]["candidates"][0]["groundingMetadata"]["webSearchQueries"] == ["x"]


def test_probabilities_are_read_with_the_likeliest():
    logprobs = {
        "chosenCandidates": [{"token": "No", "logProbability": -0.5}, {"logProbability": -1}, {"token": "."}],
        "topCandidates": [{"candidates": [{"token": "No", "logProbability": -0.5}]}, {}],
    }
    assert read(WORDS, logprobsResult=logprobs).logprobs == (
        TokenLogprob("No", -0.5, (TokenLogprob("No", -0.5),)),
        TokenLogprob("", -1.0),
        TokenLogprob(".", 0.0),
    )


def test_what_has_no_place_of_its_own_is_beside():
    body = {
        **WHOLE,
        "candidates": [candidate({"text": "A", "partMetadata": {"x": 1}}, avgLogprobs=-1.5, finishMessage="Done.")],
        "createTime": "2026-11-21T12:00:00Z",
        "modelStatus": {"modelStage": "PREVIEW"},
        "promptFeedback": {"safetyRatings": [1]},
        "somethingNew": {"a": None},
        "nothing": None,
    }
    assert decode(answer_of(body)).to_dict()["extra"] == {
        "createTime": "2026-11-21T12:00:00Z",
        "modelStatus": {"modelStage": "PREVIEW"},
        "promptFeedback": {"safetyRatings": [1]},
        "somethingNew": {"a": None},
        "candidates": [{"avgLogprobs": -1.5, "finishMessage": "Done.", "parts": {"0": {"partMetadata": {"x": 1}}}}],
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the answer is empty"),
        (b"<html><title>502 Bad Gateway</title></html>", "the answer is a web page, no JSON: 502 Bad Gateway"),
        (b'{"candidates": [{"content": {"par', "the answer is no JSON"),
        (b"\xff\xfe{}", "the answer"),
        (b"[]", "the answer does not fit this API"),
        ({}, "the answer has no candidates"),
        ({"candidates": []}, "the answer has no candidates"),
        ({"detail": "no such route"}, "the answer has no candidates: no such route"),
        ({"choices": [{"message": {"content": "Noon."}}]}, "the answer has no candidates"),
        ({"candidates": {"content": {}}}, "the answer does not fit this API"),
        ({"candidates": ["Noon."]}, "the answer does not fit this API"),
        ({"candidates": [{"content": "Noon."}]}, "the answer does not fit this API"),
        ({"candidates": [{"content": {"parts": ["Noon."]}}]}, "the answer does not fit this API"),
        ({"candidates": [candidate({"text": 7})]}, "the answer does not fit this API"),
        ({"candidates": [candidate({"functionCall": {"args": "{}"}})]}, "the answer does not fit this API"),
        ({"candidates": [candidate({"functionCall": {"args": [1]}})]}, "the answer does not fit this API"),
        ({"candidates": [candidate({"text": "a", "thoughtSignature": 7})]}, "the answer does not fit this API"),
        ({"candidates": [{"content": {"role": "user", "parts": [WORDS]}}]}, "the answer's role is 'user', not 'model'"),
        ({"candidates": [{}]}, "no content, no tool calls, and no finishReason"),
        ({"candidates": [candidate(finish="SOMETHING_NEW")]}, "no content, no tool calls, and no finishReason"),
        ({"candidates": [candidate({"text": "hm", "thought": True}, finish=None)]}, "no content, no tool calls"),
        ({**WHOLE, "usageMetadata": {"promptTokenCount": "3"}}, "the answer does not fit this API"),
        ({**WHOLE, "usageMetadata": [1]}, "the answer does not fit this API"),
    ],
)
def test_what_is_no_answer_of_this_api_is_malformed(body: Any, words: str):
    fault = fault_of(body)
    assert (fault.kind, words in fault.message) == ("malformed_response", True), fault.message


@pytest.mark.parametrize("levels", [600, 3000, 100_000])
@pytest.mark.parametrize("kind", ["functionCall", "notYetKnown"])
def test_an_answer_that_is_nested_too_deeply_is_malformed(levels: int, kind: str):
    deep = '{"a":' * levels + "1" + "}" * levels
    part = f'{{"{kind}": {{"id": "a", "name": "x", "args": {deep}}}}}'
    body = f'{{"candidates": [{{"content": {{"parts": [{part}]}}, "finishReason": "STOP"}}]}}'
    found = decode(answer_of(body.encode()))
    assert isinstance(found, ChatResponse) or found.kind == "malformed_response"
    assert levels < 3000 or isinstance(found, Fault)


def test_an_error_in_an_answer_of_success_has_its_own_kind_and_no_secret():
    fault = fault_of(
        {"error": {"code": 503, "message": "The model is overloaded, sk-secret.", "status": "UNAVAILABLE"}}
    )
    assert fault.kind == "overloaded"
    assert "sk-secret" not in fault.message
    assert fault_of({"error": {"message": "boom"}}).kind == "server_error"
