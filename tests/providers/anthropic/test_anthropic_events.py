from __future__ import annotations

import json
import time
from typing import Any

import pytest

from routebook.canonical.chat import ChatResponse
from routebook.canonical.event import ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from routebook.canonical.part import NativePart, ReasoningPart, RefusalPart, TextPart
from routebook.canonical.tool import ToolCall
from routebook.canonical.usage import Usage
from routebook.providers.answer import Answer
from routebook.providers.anthropic.events import Events
from routebook.providers.fault import Fault

ANSWER = Answer(200, {"request-id": "req_1"}, b"", 0.0, ("sk-secret",))
START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x-1",
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": 25, "output_tokens": 1, "service_tier": "standard"},
    },
}
STOP = {"type": "message_stop"}


def end(reason: str = "end_turn", output: int = 9, **fields: Any) -> dict[str, Any]:
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": None, **fields},
        "usage": {"output_tokens": output},
    }


def begin(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def piece(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def over(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


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
        begin(0, type="text", text=""),
        {"type": "ping"},
        piece(0, "text_delta", text="No"),
        piece(0, "text_delta", text=""),
        piece(0, "text_delta", text="on."),
        over(0),
        end(),
        STOP,
    )
    assert found == [TextDelta("No"), TextDelta("on.")]
    assert response.message.content == (TextPart("Noon."),)
    assert (response.finish_reason, response.raw_finish_reason) == ("stop", "end_turn")
    assert (response.id, response.model, response.request_id) == ("msg_1", "claude-x-1", "req_1")
    assert (response.usage, response.service_tier) == (Usage(input=25, output=9), "standard")


def test_thoughts_and_calls_come_in_pieces_and_keep_their_order():
    found, response = read(
        START,
        begin(0, type="thinking", thinking="", signature=""),
        piece(0, "thinking_delta", thinking="h"),
        piece(0, "thinking_delta", thinking="m"),
        piece(0, "signature_delta", signature="Eqo"),
        piece(0, "signature_delta", signature="B="),
        over(0),
        begin(1, type="redacted_thinking", data="b64=="),
        over(1),
        begin(2, type="tool_use", id="a", name="x", input={}),
        piece(2, "input_json_delta", partial_json=""),
        piece(2, "input_json_delta", partial_json='{"z": '),
        piece(2, "input_json_delta", partial_json="[1]}"),
        over(2),
        begin(3, type="thinking", thinking="", signature=""),
        piece(3, "signature_delta", signature="c2ln"),
        over(3),
        begin(4, type="tool_use", id="b", name="y", input={}),
        over(4),
        end("tool_use"),
        STOP,
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
        ReasoningPart("hm", "EqoB=", api="anthropic"),
        ReasoningPart("", "b64==", redacted=True, api="anthropic"),
        ToolCall("a", "x", {"z": [1]}),
        ReasoningPart("", "c2ln", api="anthropic"),
        ToolCall("b", "y", {}),
    )
    assert response.finish_reason == "tool_calls"


def test_a_call_that_was_cut_short_keeps_its_text():
    _, response = read(
        START,
        begin(0, type="tool_use", id="a", name="x", input={}),
        piece(0, "input_json_delta", partial_json='{"z": ['),
        end("max_tokens"),
        STOP,
    )
    assert response.message.content == (ToolCall("a", "x", None, '{"z": ['),)
    assert response.finish_reason == "length"


def test_blocks_that_begin_with_something_in_them_are_told_at_once():
    found, response = read(
        START,
        begin(0, type="text", text="No"),
        piece(0, "text_delta", text="on."),
        begin(1, type="thinking", thinking="h", signature="s"),
        begin(2, type="tool_use", id="a", name="x", input={"z": 1}),
        end("tool_use"),
        STOP,
    )
    assert found == [TextDelta("No"), TextDelta("on."), ReasoningDelta("h"), ToolCallDelta(0, "a", "x")]
    assert response.message.text == "Noon."
    assert response.message.tool_calls == (ToolCall("a", "x", {"z": 1}),)


def test_citations_are_gathered_with_their_text():
    cited = {"type": "char_location", "cited_text": "12", "document_index": 0}
    _, response = read(
        START,
        begin(0, type="text", text="", citations=[]),
        piece(0, "citations_delta", citation=cited),
        piece(0, "text_delta", text="Noon."),
        end(),
        STOP,
    )
    (part,) = response.message.content
    assert [citation.to_dict()["data"] for citation in part.citations] == [cited]


def test_blocks_and_pieces_that_only_this_api_knows_are_kept():
    found, response = read(
        START,
        begin(0, type="server_tool_use", id="s", name="web_search", input={}),
        piece(0, "input_json_delta", partial_json='{"query": "time"}'),
        begin(1, type="web_search_tool_result", tool_use_id="s", content=[]),
        begin(2, type="compaction", content=None, notes=["a"]),
        piece(2, "compaction_delta", content="So far", notes=["b"], seal=1),
        piece(2, "compaction_delta", content=": noon."),
        begin(3, type="text", text="Noon."),
        piece(3, "sparkle_delta", sparkle="*"),
        end(),
        STOP,
    )
    assert found == [TextDelta("Noon.")]
    natives = [part.to_dict()["data"] for part in response.message.content if isinstance(part, NativePart)]
    assert natives == [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "time"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
        {"type": "compaction", "content": "So far: noon.", "notes": ["a", "b"], "seal": 1},
    ]


def test_a_refusal_is_told_at_the_end_with_its_words():
    details = {"type": "refusal", "category": None, "explanation": "I cannot."}
    found, response = read(START, end("refusal", stop_details=details), STOP)
    assert found == [RefusalDelta("I cannot.")]
    assert (response.finish_reason, response.message.content) == ("refusal", (RefusalPart("I cannot."),))


def test_later_counts_replace_earlier_ones_where_they_say_anything():
    counts = {"output_tokens": 12, "cache_read_input_tokens": 100, "output_tokens_details": {"thinking_tokens": 4}}
    _, response = read(
        START, end(output=3), {"type": "message_delta", "delta": {}, "usage": counts}, end(output=15), STOP
    )
    assert response.usage == Usage(input=125, output=15, cached_input=100, reasoning=4)


def test_counts_that_come_at_the_end_alone_are_read():
    began = {"type": "message_start", "message": {**START["message"], "usage": None}}
    _, response = read(began, end(output=3), STOP)
    assert response.usage == Usage(output=3)


def test_what_the_end_says_beside_is_kept():
    container = {"id": "c", "expires_at": "2026-11-21T00:00:00Z"}
    last = {**end("stop_sequence", stop_sequence="END", container=container), "context_management": {"edits": [1]}}
    _, response = read(START, last, STOP)
    beside = {"stop_sequence": "END", "container": container, "context_management": {"edits": [1]}}
    assert response.to_dict()["extra"] == beside


def test_events_of_unknown_types_are_passed_over():
    _, response = read({"type": "hello"}, START, begin(0, type="text", text="Noon."), {"type": "sparkle"}, end(), STOP)
    assert response.message.text == "Noon."


def test_an_error_in_the_stream_has_its_own_kind_and_what_was_counted():
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded, sk-secret"}}
    found, fault = read(START, begin(0, type="text", text="No"), error)
    assert found == [TextDelta("No")]
    assert (fault.kind, fault.usage) == ("overloaded", Usage(input=25, output=1))
    assert "sk-secret" not in fault.message
    assert read(error)[1].usage is None


@pytest.mark.parametrize(("given", "told"), [({"z": 1}, '{"z":1}'), ('{"z": 1}', '{"z": 1}')])
def test_arguments_that_came_with_the_beginning_of_a_call_are_told_at_its_end(given: Any, told: str):
    found, response = read(
        START, begin(0, type="tool_use", id="a", name="x", input=given), over(0), over(1), end("tool_use"), STOP
    )
    assert found == [ToolCallDelta(0, "a", "x"), ToolCallDelta(0, arguments=told)]
    assert response.message.tool_calls == (ToolCall("a", "x", {"z": 1}),)


def test_an_error_in_place_of_the_message_is_one():
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Busy."}}
    _, fault = read({"type": "message_start", "message": error}, begin(0, type="text", text="x"), end(), STOP)
    assert (fault.kind, fault.message) == ("overloaded", "Busy.")


def test_the_response_is_the_same_as_often_as_it_is_asked_for():
    reader = Events(ANSWER)
    for event in (
        START,
        begin(0, type="thinking", thinking="h", signature=""),
        piece(0, "signature_delta", signature="c2ln"),
        begin(1, type="text", text="No"),
        piece(1, "text_delta", text="on."),
        end(),
        STOP,
    ):
        reader.read(json.dumps(event).encode())
    assert reader.response() == reader.response()
    assert reader.response().message.content == (ReasoningPart("h", "c2ln", api="anthropic"), TextPart("Noon."))


def test_a_stream_without_its_last_event_was_cut_off():
    _, fault = read(START, begin(0, type="text", text="Noon."), over(0), end(output=5))
    assert (fault.kind, fault.usage) == ("connection", Usage(input=25, output=5))


@pytest.mark.parametrize(
    "events",
    [
        (),
        (STOP,),
        (end(),),
        ({"type": "message_start"},),
        (START, START),
        (START, piece(0, "text_delta", text="x")),
        (START, begin(0, type="text", text=""), piece(1, "text_delta", text="x")),
        (START, begin(0, type="text", text=""), piece(-1, "text_delta", text="x")),
        (START, begin(0, type="text", text=""), {"type": "content_block_delta", "index": 0}),
        (START, begin(0, type="text", text=""), {"type": "content_block_delta", "delta": {"type": "text_delta"}}),
        (START, begin(-1, type="text", text="")),
        (START, begin(0, type="text", text=""), begin(0, type="text", text="")),
        (START, begin(0, text="x")),
        (START, {"type": "content_block_start", "index": 0}),
        (START, begin(0, type="text", text=""), piece(0, "text_delta", text=7)),
        (START, b'{"type": "content_block_del'),
        (START, b"[DONE]"),
        (START, {"index": 0}),
        (START, end(), {**START, "message": {"role": "user"}}),
        (START, end(None), STOP),
    ],
)
def test_a_stream_that_makes_no_sense_is_malformed(events: tuple[Any, ...]):
    _, fault = read(*events)
    assert (type(fault), getattr(fault, "kind", None)) == (Fault, "malformed_response"), fault


def test_a_piece_of_an_unknown_block_with_a_number_that_cannot_be_is_malformed():
    for number in (b"1e999", b"9" * 5000):
        delta = b'{"type":"content_block_delta","index":0,"delta":{"type":"x","n":' + number + b"}}"
        _, fault = read(START, begin(0, type="weird"), delta)
        assert (type(fault), getattr(fault, "kind", None)) == (Fault, "malformed_response"), fault


def test_an_unknown_block_of_many_pieces_takes_no_time():
    began = time.process_time()
    pieces = [piece(0, "x", text="y")] * 3000
    _, response = read(START, begin(0, type="weird", text="x" * 10_000_000), *pieces, end(), STOP)
    assert time.process_time() - began < 10
    assert response.message.content[0].data["text"].endswith("x" + "y" * 3000)
