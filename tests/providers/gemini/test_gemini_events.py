from __future__ import annotations

import json
import time
from typing import Any

import pytest

from routebook.canonical.chat import ChatResponse
from routebook.canonical.event import ReasoningDelta, TextDelta, ToolCallDelta
from routebook.canonical.part import NativePart, ReasoningPart, TextPart
from routebook.canonical.tool import ToolCall
from routebook.canonical.usage import Usage
from routebook.providers.answer import Answer
from routebook.providers.fault import Fault
from routebook.providers.gemini.events import Events

ANSWER = Answer(200, {"x-goog-request-id": "req_1"}, b"", 0.0, ("sk-secret",))
COUNTS = {"promptTokenCount": 25, "candidatesTokenCount": 9, "totalTokenCount": 34}


def chunk(*parts: Any, finish: str | None = None, index: int | None = None, **fields: Any) -> dict[str, Any]:
    reason = {} if finish is None else {"finishReason": finish}
    place = {} if index is None else {"index": index}
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, **reason, **place, **fields}]}


def words(text: str, **fields: Any) -> dict[str, Any]:
    return {"text": text, **fields}


def call(*partial: dict[str, Any], more: bool = False, **fields: Any) -> dict[str, Any]:
    pieces = {"partialArgs": list(partial)} if partial else {}
    return {"functionCall": {**fields, **pieces, **({"willContinue": True} if more else {})}}


def read(*chunks: Any) -> tuple[list[Any], ChatResponse | Fault]:
    """What comes of *chunks*, and the response; a fault ends it."""
    reader, found = Events(ANSWER), []
    for data in chunks:
        assert not reader.is_finished
        new = reader.read(data if isinstance(data, bytes) else json.dumps(data).encode())
        if isinstance(new, Fault):
            return found, new
        found += new
    return found, reader.response()


def test_words_come_as_they_are_said():
    found, response = read(
        {**chunk(words("No")), "usageMetadata": {"promptTokenCount": 25}, "responseId": "r", "modelVersion": "m"},
        chunk(words("")),
        {**chunk(words("on."), finish="STOP"), "usageMetadata": COUNTS},
    )
    assert found == [TextDelta("No"), TextDelta("on.")]
    assert response.message.content == (TextPart("Noon."),)
    assert (response.finish_reason, response.raw_finish_reason, response.usage) == ("stop", "STOP", Usage(25, 9))
    assert (response.id, response.model, response.request_id) == ("r", "m", "req_1")


def test_thoughts_words_and_calls_keep_their_order_and_signatures():
    found, response = read(
        chunk(words("h", thought=True)),
        chunk(words("m", thought=True), words("So")),
        chunk(words(": ")),
        chunk({**call(id="a", name="x", args={"z": [1]}), "thoughtSignature": "U2ln"}, call(id="b", name="y")),
        chunk(words("", thoughtSignature="ZW5k"), finish="STOP"),
    )
    assert found == [
        ReasoningDelta("h"),
        ReasoningDelta("m"),
        TextDelta("So"),
        TextDelta(": "),
        ToolCallDelta(0, "a", "x"),
        ToolCallDelta(0, arguments='{"z":[1]}'),
        ToolCallDelta(1, "b", "y"),
        ToolCallDelta(1, arguments="{}"),
    ]
    assert response.message.content == (
        ReasoningPart("hm", api="gemini"),
        TextPart("So: "),
        ReasoningPart("", "U2ln", api="gemini"),
        ToolCall("a", "x", {"z": [1]}),
        ToolCall("b", "y", {}),
        ReasoningPart("", "ZW5k", redacted=True, api="gemini"),
    )
    assert response.finish_reason == "tool_calls"


def test_a_call_may_come_in_pieces_of_its_arguments():
    found, response = read(
        chunk({**call(id="a", name="x", more=True), "thoughtSignature": "U2ln"}),
        chunk(call({"jsonPath": "$.zone", "stringValue": "Eur", "willContinue": True}, more=True)),
        chunk(call({"jsonPath": "$.zone", "stringValue": "ope"}, {"jsonPath": "$.n", "numberValue": 2}, more=True)),
        chunk(
            call(
                {"jsonPath": "$.list[0]['a.b']", "boolValue": False},
                {"jsonPath": "$.list[1].c", "nullValue": "NULL_VALUE"},
                {"jsonPath": "$.list[2]", "numberValue": 0.5},
                more=True,
            )
        ),
        chunk(call(), call(name="y", args={})),
        chunk(finish="STOP"),
    )
    args = {"zone": "Europe", "n": 2, "list": [{"a.b": False}, {"c": None}, 0.5]}
    assert found[0] == ToolCallDelta(0, "a", "x")
    assert json.loads(found[1].arguments) == args
    assert found[2:] == [ToolCallDelta(1, None, "y"), ToolCallDelta(1, arguments="{}")]
    signature, *calls = response.message.content
    assert (signature, calls[0]) == (ReasoningPart("", "U2ln", api="gemini"), ToolCall("a", "x", args))
    assert calls[1].name == "y"


def test_a_call_in_pieces_that_was_cut_short_has_what_came():
    found, response = read(
        chunk(call({"jsonPath": "$.zone", "stringValue": "Eur", "willContinue": True}, name="x", more=True)),
        chunk(finish="MAX_TOKENS"),
    )
    assert found == [ToolCallDelta(0, None, "x")]
    assert [(one.name, one.arguments) for one in response.message.tool_calls] == [("x", {"zone": "Eur"})]
    assert response.finish_reason == "length"


@pytest.mark.parametrize(
    "path", [None, 7, "", "$", "zone", "$zone", "$.", "$[0]", "$..a", "$.a[", "$.a[9999]", "$.a[1x]", "$.a['b]"]
)
def test_a_piece_of_an_argument_that_names_no_place_is_malformed(path: Any):
    _, fault = read(chunk(call({"jsonPath": path, "stringValue": "x"}, name="x", more=True)))
    assert (type(fault), fault.kind) == (Fault, "malformed_response")


def test_an_argument_in_many_pieces_takes_no_time():
    began = time.process_time()
    piece = chunk(call({"jsonPath": "$.text", "stringValue": "x" * 100, "willContinue": True}, more=True))
    _, response = read(chunk(call(name="x", more=True)), *[piece] * 20_000, chunk(call()), chunk(finish="STOP"))
    assert len(response.message.tool_calls[0].arguments["text"]) == 2_000_000
    assert time.process_time() - began < 10


def test_parts_that_only_this_api_knows_are_kept():
    code, result = {"executableCode": {"code": "2+2"}}, {"codeExecutionResult": {"output": "4"}}
    found, response = read(chunk(code), chunk(result, words("Four.")), chunk(finish="STOP"))
    assert found == [TextDelta("Four.")]
    assert response.message.content == (NativePart("gemini", code), NativePart("gemini", result), TextPart("Four."))


def test_sources_and_probabilities_of_all_chunks_are_gathered():
    first, second = {"uri": "https://a.example"}, {"uri": "https://b.example"}
    _, response = read(
        chunk(
            words("No"),
            citationMetadata={"citations": [first]},
            logprobsResult={"chosenCandidates": [{"token": "No", "logProbability": -1}]},
            groundingMetadata={"webSearchQueries": ["x"]},
        ),
        chunk(
            words("on"),
            citationMetadata={"citations": [second]},
            logprobsResult={"chosenCandidates": [{"token": "on", "logProbability": -2}]},
            groundingMetadata={"groundingChunks": [{"web": {"uri": "https://c.example"}}]},
            finish="STOP",
        ),
    )
    assert [cited.url for cited in response.message.content[0].citations] == [
        "https://c.example",
        "https://a.example",
        "https://b.example",
    ]
    assert [item.token for item in response.logprobs] == ["No", "on"]
    grounding = response.to_dict()["extra"]["candidates"][0]["groundingMetadata"]
    assert grounding.keys() == {"webSearchQueries", "groundingChunks"}


def test_several_candidates_come_side_by_side():
    found, response = read(
        chunk(words("A")),
        chunk(words("B"), index=1),
        chunk(call(name="x"), index=1, finish="STOP"),
        chunk(words("a"), finish="STOP"),
    )
    assert found[:2] == [TextDelta("A"), TextDelta("B", 1)]
    assert found[2] == ToolCallDelta(0, None, "x", choice=1)
    assert [choice.message.text for choice in response.choices] == ["Aa", "B"]


def test_a_blocked_request_is_a_refused_one():
    _, fault = read({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}})
    assert (fault.kind, fault.usage) == ("content_filter", Usage(4))


def test_a_request_may_be_blocked_while_it_is_answered():
    found, fault = read(chunk(words("No")), {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
    assert (found, fault.kind) == ([TextDelta("No")], "content_filter")
    _, response = read({**chunk(words("Noon."), finish="STOP"), "promptFeedback": {"blockReason": "SAFETY"}})
    assert (response.message.text, response.finish_reason) == ("Noon.", "stop")


def test_a_marker_that_is_not_the_apis_ends_the_stream():
    reader = Events(ANSWER)
    assert reader.read(json.dumps(chunk(words("Noon."), finish="STOP")).encode()) == [TextDelta("Noon.")]
    assert (reader.read(b"[DONE]"), reader.is_finished) == ((), True)
    assert reader.response().message.text == "Noon."


def test_several_chunks_may_come_as_one():
    found, response = read([chunk(words("No")), chunk(words("on."), finish="STOP")])
    assert (found, response.message.text) == ([TextDelta("No"), TextDelta("on.")], "Noon.")


def test_a_filter_that_ends_the_answer_leaves_what_was_said():
    found, response = read(chunk(words("No")), {"candidates": [{"finishReason": "SAFETY"}], "usageMetadata": COUNTS})
    assert found == [TextDelta("No")]
    assert (response.finish_reason, response.message.text) == ("content_filter", "No")


def test_an_answer_that_breaks_off_its_call_is_malformed_at_its_end():
    _, fault = read(chunk(words("No")), chunk(finish="MALFORMED_FUNCTION_CALL", finishMessage="print("))
    assert (fault.kind, "print(" in fault.message) == ("malformed_response", True)


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_error_in_the_stream_has_its_own_kind_and_what_was_counted(wrapped: bool):
    error = {"error": {"code": 503, "message": "The model is overloaded, sk-secret.", "status": "UNAVAILABLE"}}
    counted = {**chunk(words("No")), "usageMetadata": {"promptTokenCount": 25, "candidatesTokenCount": 1}}
    found, fault = read(counted, [error] if wrapped else error)
    assert found == [TextDelta("No")]
    assert (fault.kind, fault.usage) == ("overloaded", Usage(25, 1))
    assert "sk-secret" not in fault.message
    assert read(error)[1].usage is None


@pytest.mark.parametrize("finish", [None, "FINISH_REASON_UNSPECIFIED"])
def test_a_stream_without_a_reason_for_its_end_was_cut_off(finish: str | None):
    _, fault = read({**chunk(words("Noon."), finish=finish), "usageMetadata": {"promptTokenCount": 25}})
    assert (fault.kind, fault.usage) == ("connection", Usage(25))
    _, fault = read(chunk(words("A"), finish="STOP"), chunk(words("B"), index=1))
    assert fault.kind == "connection"
    _, fault = read({"usageMetadata": {"promptTokenCount": 25}})
    assert (fault.kind, fault.usage) == ("connection", Usage(25))


def test_a_reason_may_come_with_every_chunk():
    """So it was with older models; what comes behind the first is not lost."""
    _, response = read(chunk(words("No"), finish="STOP"), chunk(words("on."), finish="MAX_TOKENS"))
    assert (response.message.text, response.finish_reason) == ("Noon.", "length")


def test_the_response_is_the_same_as_often_as_it_is_asked_for():
    reader = Events(ANSWER)
    for data in (
        chunk(call({"jsonPath": "$.a", "stringValue": "x", "willContinue": True}, name="x", more=True)),
        chunk(call({"jsonPath": "$.a", "stringValue": "y"}), citationMetadata={"citations": [{"uri": "u"}]}),
        chunk(words("Noon."), finish="STOP"),
    ):
        assert not isinstance(reader.read(json.dumps(data).encode()), Fault)
    assert reader.response() == reader.response()
    assert reader.response().message.tool_calls[0].arguments == {"a": "xy"}


@pytest.mark.parametrize(
    "chunks",
    [
        (),
        (b"[DONE]",),
        (b'{"candidates": [{"conte',),
        ([],),
        ([[]],),
        ([7],),
        ({"candidates": "x"},),
        ({"candidates": [7]},),
        ({"candidates": [{"index": "first"}]},),
        ({"candidates": [{"content": "x"}]},),
        ({"candidates": [{"content": {"parts": "x"}}]},),
        ({"candidates": [{"content": {"parts": ["x"]}}]},),
        (chunk({"functionCall": {"name": 7}}),),
        (chunk({"functionCall": {"id": []}}),),
        (chunk({"functionCall": {"name": "x", "args": "y", "willContinue": True}}),),
        (chunk({"functionCall": {"name": "x", "partialArgs": 7}}),),
        (chunk(words("A")), chunk({"text": 7}), chunk(finish="STOP")),
        (chunk(finish="SOMETHING_NEW"),),
        ({"usageMetadata": {"promptTokenCount": "x"}},),
        ({"candidates": [{"content": {"role": "user", "parts": [words("A")]}, "finishReason": "STOP"}]},),
    ],
)
def test_a_stream_that_makes_no_sense_is_malformed(chunks: tuple[Any, ...]):
    _, fault = read(*chunks)
    assert (type(fault), getattr(fault, "kind", None)) == (Fault, "malformed_response"), fault


def test_an_answer_of_many_chunks_takes_no_time():
    began = time.process_time()
    piece = json.dumps(chunk(words("x" * 100))).encode()
    _, response = read(*[piece] * 20_000, chunk(finish="STOP"))
    assert len(response.message.text) == 2_000_000
    assert time.process_time() - began < 10
