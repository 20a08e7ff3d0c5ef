from __future__ import annotations

import base64
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
from routebook.providers.bedrock.events import Events, joined_base64
from routebook.providers.fault import Fault

ANSWER = Answer(200, {"x-amzn-requestid": "req_1"}, b"", 0.0, ("sk-secret",))
START = {"messageStart": {"role": "assistant"}}
METADATA = {"metadata": {"usage": {"inputTokens": 25, "outputTokens": 9, "totalTokens": 34}}}


def end(reason: str | None = "end_turn", **fields: Any) -> dict[str, Any]:
    return {"messageStop": {"stopReason": reason, **fields}}


def begin(index: int, **start: Any) -> dict[str, Any]:
    return {"contentBlockStart": {"contentBlockIndex": index, "start": start}}


def piece(index: int, **delta: Any) -> dict[str, Any]:
    return {"contentBlockDelta": {"contentBlockIndex": index, "delta": delta}}


def thought(index: int, **delta: Any) -> dict[str, Any]:
    return piece(index, reasoningContent=delta)


def over(index: int) -> dict[str, Any]:
    return {"contentBlockStop": {"contentBlockIndex": index}}


def failed(kind: str, **body: Any) -> dict[str, Any]:
    return {"exception": {"type": kind, "body": body}}


def use(call: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"toolUse": {"toolUseId": call, "name": name, **fields}}


def read(*events: Any) -> tuple[list[Any], ChatResponse | Fault]:
    """What comes of *events*, and the response; a fault ends it."""
    reader, found = Events(ANSWER), []
    for event in events:
        assert not reader.is_finished
        new = reader.read(event if isinstance(event, bytes) else json.dumps(event).encode())
        if isinstance(new, Fault):
            return found, new
        found += new
    return found, reader.response()


def test_words_come_as_they_are_said():
    found, response = read(
        START,
        {"keepAlive": {}},
        piece(0, text="No"),
        piece(0, text=""),
        piece(0, text="on."),
        over(0),
        end(),
        METADATA,
    )
    assert found == [TextDelta("No"), TextDelta("on.")]
    assert response.message.content == (TextPart("Noon."),)
    assert (response.finish_reason, response.raw_finish_reason) == ("stop", "end_turn")
    assert (response.request_id, response.usage) == ("req_1", Usage(input=25, output=9))


def test_thoughts_and_calls_come_in_pieces_and_keep_their_order():
    found, response = read(
        START,
        thought(0, text="h"),
        thought(0, text="m"),
        thought(0, signature="Eqo"),
        thought(0, signature="B="),
        over(0),
        thought(1, redactedContent="YjY0"),
        begin(2, **use("a", "x")),
        piece(2, toolUse={"input": ""}),
        piece(2, toolUse={"input": '{"z": '}),
        piece(2, toolUse={"input": "[1]}"}),
        over(2),
        thought(3, signature="c2ln"),
        begin(4, **use("b", "y")),
        over(4),
        end("tool_use"),
        METADATA,
    )
    assert found == [
        ReasoningDelta("h"),
        ReasoningDelta("m"),
        ToolCallDelta(0, "a", "x"),
        ToolCallDelta(0, arguments='{"z": '),
        ToolCallDelta(0, arguments="[1]}"),
        ToolCallDelta(1, "b", "y"),
    ]
    assert response.message.content == (
        ReasoningPart("hm", "EqoB=", api="bedrock"),
        ReasoningPart("", "YjY0", redacted=True, api="bedrock"),
        ToolCall("a", "x", {"z": [1]}),
        ReasoningPart("", "c2ln", api="bedrock"),
        ToolCall("b", "y", {}),
    )
    assert response.finish_reason == "tool_calls"


def test_a_call_that_was_cut_short_keeps_its_text():
    _, response = read(
        START, begin(0, **use("a", "x")), piece(0, toolUse={"input": '{"z": ['}), end("max_tokens"), METADATA
    )
    assert response.message.content == (ToolCall("a", "x", None, '{"z": ['),)
    assert response.finish_reason == "length"


def test_hidden_thoughts_in_pieces_are_joined_as_the_data_they_are():
    first, second = base64.b64encode(b"a").decode(), base64.b64encode(b"bc").decode()
    _, response = read(
        START,
        thought(0, redactedContent=first),
        thought(0, redactedContent=second),
        piece(1, text="Noon."),
        end(),
        METADATA,
    )
    assert response.message.content[0].signature == base64.b64encode(b"abc").decode()
    assert joined_base64(["%%"]) == "%%"
    _, fault = read(START, thought(0, redactedContent="%"), thought(0, redactedContent="%"), end(), METADATA)
    assert (fault.kind, fault.usage) == ("malformed_response", Usage(input=25, output=9))


def test_a_thought_and_words_under_one_index_are_two_parts():
    _, response = read(START, thought(0, text="hm"), piece(0, text="Noon."), end(), METADATA)
    assert response.message.content == (ReasoningPart("hm", api="bedrock"), TextPart("Noon."))


def test_citations_are_gathered_with_their_text():
    cited = {"title": "Clock", "sourceContent": [{"text": "12"}]}
    _, response = read(START, piece(0, text="No"), piece(0, citation=cited), piece(0, text="on."), end(), METADATA)
    (part,) = response.message.content
    assert (part.text, part.citations[0].text) == ("Noon.", "12")
    assert part.citations[0].to_dict()["data"] == cited


def test_blocks_and_pieces_that_only_this_api_knows_are_kept():
    found, response = read(
        START,
        begin(0, **use("s", "grounding", type="server_tool_use")),
        piece(0, toolUse={"input": '{"query": "time"}'}),
        begin(1, toolResult={"toolUseId": "s", "status": "success"}),
        piece(1, toolResult=[{"text": "a"}]),
        piece(1, toolResult=[{"json": {"b": 1}}]),
        begin(2, toolResult={"toolUseId": "t"}),
        begin(3, sparkle={"color": "red"}),
        piece(3, sparkle={"size": 1}),
        piece(3, sparkle={"size": 2}),
        piece(4, glitter="*"),
        piece(5, text="Noon."),
        end(),
        METADATA,
    )
    assert found == [TextDelta("Noon.")]
    natives = [part.to_dict()["data"] for part in response.message.content if isinstance(part, NativePart)]
    assert natives == [
        use("s", "grounding", type="server_tool_use", input={"query": "time"}),
        {"toolResult": {"toolUseId": "s", "status": "success", "content": [{"text": "a"}, {"json": {"b": 1}}]}},
        {"toolResult": {"toolUseId": "t", "content": []}},
        {"sparkle": {"color": "red", "size": 2}},
        {"glitter": {"value": "*"}},
    ]


def test_a_stream_that_ends_without_its_counts_is_whole_and_has_none():
    reader = Events(ANSWER)
    for event in (START, piece(0, text="Noon."), end()):
        reader.read(json.dumps(event).encode())
    assert not reader.is_finished
    response = reader.response()
    assert (response.message.text, response.usage) == ("Noon.", None)


def test_counts_may_come_before_the_end():
    _, response = read(START, METADATA, end("max_tokens"))
    assert (response.finish_reason, response.usage) == ("length", Usage(input=25, output=9))


def test_what_the_end_says_beside_is_kept():
    fields = {"stop_sequence": "END"}
    beside = {
        "metrics": {"latencyMs": 5},
        "trace": {"promptRouter": {"invokedModelId": "m"}},
        "performanceConfig": {"latency": "standard"},
        "serviceTier": {"type": "flex"},
    }
    metadata = {"metadata": {**METADATA["metadata"], **beside}}
    _, response = read(START, end("stop_sequence", additionalModelResponseFields=fields), metadata)
    tier = beside.pop("serviceTier")
    assert response.to_dict()["extra"] == {**beside, "additionalModelResponseFields": fields}
    assert response.service_tier == tier["type"]


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("internalServerException", {"message": "boom"}, "server_error"),
        ("modelStreamErrorException", {"message": "boom"}, "server_error"),
        ("modelStreamErrorException", {"message": "No.", "originalStatusCode": 429}, "rate_limit"),
        ("modelStreamErrorException", {"originalMessage": "No.", "originalStatusCode": 400}, "bad_request"),
        ("modelStreamErrorException", {"message": "No.", "originalStatusCode": 0}, "server_error"),
        ("validationException", {"message": "Input is too long for requested model."}, "context_window_exceeded"),
        ("validationException", {"message": "No."}, "bad_request"),
        ("throttlingException", {"message": "Too many tokens, please wait."}, "rate_limit"),
        ("serviceUnavailableException", {"message": "Try again."}, "server_error"),
        ("serviceUnavailableException", {"message": "We are overloaded."}, "overloaded"),
        ("modelTimeoutException", {"message": "Too slow."}, "timeout"),
        ("accessDeniedException", {"message": "No."}, "permission_denied"),
        ("somethingNewException", {"message": "boom"}, "server_error"),
        ("", {}, "server_error"),
    ],
)
def test_an_exception_in_the_stream_has_its_own_kind(kind: str, body: dict, expected: str):
    found, fault = read(START, piece(0, text="No"), failed(kind, **body))
    assert found == [TextDelta("No")]
    assert (fault.kind, fault.usage) == (expected, None)
    assert fault.message


def test_an_exception_has_what_was_counted_and_no_secret():
    _, fault = read(START, METADATA, failed("throttlingException", message="sk-secret is slow"))
    assert (fault.kind, fault.usage) == ("rate_limit", Usage(input=25, output=9))
    assert "sk-secret" not in fault.message
    assert read({"exception": {"type": "throttlingException", "body": "Slow."}})[1].message == "Slow."


def test_the_response_is_the_same_as_often_as_it_is_asked_for():
    reader = Events(ANSWER)
    for event in (START, thought(0, text="h", signature="c2ln"), piece(1, text="Noon."), end(), METADATA):
        reader.read(json.dumps(event).encode())
    assert reader.response() == reader.response()
    assert reader.response().message.content == (ReasoningPart("h", "c2ln", api="bedrock"), TextPart("Noon."))


def test_a_stream_without_its_last_event_was_cut_off():
    _, fault = read(START, piece(0, text="Noon."), over(0))
    assert (fault.kind, fault.usage) == ("connection", None)


@pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use"])
def test_an_answer_that_its_model_broke_is_malformed_and_has_its_counts(reason: str):
    _, fault = read(START, piece(0, text="Noon."), end(reason), METADATA)
    assert (fault.kind, fault.usage) == ("malformed_response", Usage(input=25, output=9))


@pytest.mark.parametrize(
    "events",
    [
        (),
        (end(),),
        (METADATA,),
        (piece(0, text="x"),),
        (begin(0, **use("a", "x")),),
        (START, START),
        (START, piece(-1, text="x")),
        (START, {"contentBlockDelta": {"contentBlockIndex": 0}}),
        (START, {"contentBlockDelta": {"delta": {"text": "x"}}}),
        (START, begin(-1, **use("a", "x"))),
        (START, {"contentBlockStart": {"start": {}}}),
        (START, begin(0), begin(0)),
        (START, begin(0, toolUse={"toolUseId": "a"}, image={})),
        (START, piece(0, text=7)),
        (START, b'{"contentBlockDel'),
        (START, b"[DONE]"),
        ({"messageStart": {"role": "user"}}, end()),
        (START, end(None), METADATA),
        (START, end("tool_use"), METADATA),
        (START, piece(0, toolUse={"input": "{}"}), piece(1, text="x"), end(), METADATA),
        (START, begin(0, image={"format": "png"}), piece(0, toolUse={"input": "{}"}), end(), METADATA),
        (START, begin(0, toolUse={"toolUseId": 7, "name": "x"}), end(), METADATA),
    ],
)
def test_a_stream_that_makes_no_sense_is_malformed(events: tuple[Any, ...]):
    _, fault = read(*events)
    assert (type(fault), getattr(fault, "kind", None)) == (Fault, "malformed_response"), fault


def test_a_piece_of_an_unknown_block_with_a_number_that_cannot_be_is_malformed():
    for number in (b"1e999", b"9" * 5000):
        delta = b'{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"sparkle":' + number + b"}}}"
        _, fault = read(START, delta)
        assert (type(fault), getattr(fault, "kind", None)) == (Fault, "malformed_response"), fault


def test_a_block_of_many_pieces_takes_no_time():
    began = time.process_time()
    pieces = [piece(0, toolResult=[{"text": "y"}])] * 3000 + [piece(1, text="y" * 100)] * 30_000
    _, response = read(START, begin(0, toolResult={"text": "x" * 10_000_000}), *pieces, end(), METADATA)
    assert time.process_time() - began < 10
    assert len(response.message.text) == 3_000_000
