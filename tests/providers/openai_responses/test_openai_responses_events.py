from __future__ import annotations

import json
import time

import pytest
from responses_answers import ANSWERS, as_stream, cut
from responses_decoded import answer, call, said, spoken

from routebook.canonical.chat import ChatResponse, TokenLogprob
from routebook.canonical.event import ModelEvent, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from routebook.canonical.part import NativePart, ReasoningPart, RefusalPart, TextPart
from routebook.canonical.tool import ToolCall
from routebook.canonical.usage import Usage
from routebook.providers.answer import Answer
from routebook.providers.fault import Fault
from routebook.providers.openai_responses.decode import decode
from routebook.providers.openai_responses.events import Events
from routebook.providers.reading import Reading
from routebook.providers.sse import EventReader

DONE = b"[DONE]"
BEGUN = {"type": "response.created", "response": {"id": "resp_1", "model": "gpt-x", "status": "in_progress"}}
ANSWER = Answer(200, {}, b"", 0.0, ("sk-secret-key",))
MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "half"}


def event(kind: str, **fields: object) -> dict:
    return {"type": f"response.{kind}", **fields}


def added(item: dict, index: int | None = 0) -> dict:
    return event("output_item.added", item=item, **({} if index is None else {"output_index": index}))


def ended(item: dict, index: int | None = 0) -> dict:
    return event("output_item.done", item=item, **({} if index is None else {"output_index": index}))


def words(delta: str, index: int = 0, **fields: object) -> dict:
    return event("output_text.delta", **{"output_index": index, "content_index": 0, "delta": delta, **fields})


def arguments(delta: object, index: int = 0, **fields: object) -> dict:
    return event("function_call_arguments.delta", **{"output_index": index, "delta": delta, **fields})


def completed(*items: dict, **rest: object) -> dict:
    return event("completed", response=answer(*items, **rest))


END = completed()


def play(*events: object) -> tuple[list[ModelEvent], ChatResponse | Fault]:
    """What the events of a stream are, and what they add up to."""
    reader = Events(ANSWER)
    seen: list[ModelEvent] = []
    for each in events:
        found = reader.read(each if isinstance(each, bytes) else json.dumps(each).encode())
        if isinstance(found, Fault):
            return seen, found
        seen += found
    return seen, reader.response()


def response_of(*events: object) -> ChatResponse:
    _, response = play(*events)
    assert isinstance(response, ChatResponse), response
    return response


def fault_of(*events: object) -> Fault:
    _, fault = play(*events)
    assert isinstance(fault, Fault), fault
    return fault


def whole(*items: dict, **rest: object) -> ChatResponse:
    response = decode(Answer(200, {}, json.dumps(answer(*items, **rest)).encode()))
    assert isinstance(response, ChatResponse), response
    return response


def test_words_come_as_they_are_said():
    seen, response = play(BEGUN, added(MESSAGE), words("No"), words("on."), END)
    assert seen == [TextDelta("No"), TextDelta("on.")]
    assert response == whole(said("Noon."), id="resp_1", model="gpt-x")


def test_a_refusal_comes_as_it_is_said():
    seen, response = play(
        added(MESSAGE),
        event("refusal.delta", output_index=0, content_index=0, delta="I "),
        event("refusal.delta", output_index=0, content_index=0, delta="cannot."),
        event("refusal.done", output_index=0, content_index=0, refusal="I cannot."),
        END,
    )
    assert seen == [RefusalDelta("I "), RefusalDelta("cannot.")]
    assert response == whole(spoken({"type": "refusal", "refusal": "I cannot."}))


def test_thoughts_come_as_they_are_thought_and_their_parts_are_told_apart():
    def summary(index: int, delta: str) -> dict:
        return event("reasoning_summary_text.delta", output_index=0, summary_index=index, delta=delta)

    seen, response = play(
        added(THOUGHT),
        summary(0, "**A**"),
        summary(0, "."),
        summary(1, "**B**"),
        event("reasoning_summary_part.done", output_index=0, summary_index=1, part={"text": "**B**"}),
        event("reasoning_text.delta", output_index=0, content_index=0, delta="c"),
        ended({**THOUGHT, "encrypted_content": "gAAAAB+/="}),
        added(MESSAGE, 1),
        words("x", 1),
        END,
    )
    thoughts = [delta.text for delta in seen if isinstance(delta, ReasoningDelta)]
    assert thoughts == ["**A**", ".", "\n\n", "**B**", "\n\n", "c"]
    assert isinstance(response, ChatResponse)
    part, _ = response.message.content
    assert part.text == "".join(thoughts)
    assert json.loads(part.signature) == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "**A**."}, {"type": "summary_text", "text": "**B**"}],
        "content": [{"type": "reasoning_text", "text": "c"}],
        "encrypted_content": "gAAAAB+/=",
    }


def test_what_is_encrypted_of_a_thought_that_only_began_is_not_kept():
    part, _ = response_of(added(THOUGHT), added(MESSAGE, 1), words("x", 1), END).message.content
    assert "encrypted_content" not in json.loads(part.signature)


def test_calls_side_by_side_are_told_apart():
    seen, response = play(
        added(call("", "clock", id="fc_1", call_id="c1"), 0),
        added(call("", "search", id="fc_2", call_id="c2"), 1),
        arguments('{"a"', 0, item_id="fc_1"),
        arguments('{"b"', 1, item_id="fc_2"),
        arguments(": 1}", 0, item_id="fc_1"),
        arguments(": 2}", 1, item_id="fc_2"),
        END,
    )
    assert isinstance(response, ChatResponse)
    assert response.message.tool_calls == (ToolCall("c1", "clock", {"a": 1}), ToolCall("c2", "search", {"b": 2}))
    assert seen[:3] == [
        ToolCallDelta(0, "c1", "clock"),
        ToolCallDelta(1, "c2", "search"),
        ToolCallDelta(0, arguments='{"a"'),
    ]


FIRST, SECOND = call("", "clock", id="fc_1", call_id="c1"), call("", "clock", id="fc_2", call_id="c2")


@pytest.mark.parametrize(
    "events",
    [
        # the arguments at the end of each alone
        [added(FIRST, 0), ended({**FIRST, "arguments": "{}"}, 0), ended({**SECOND, "arguments": '{"a":1}'}, 1), END],
        # in the last event alone
        [completed({**FIRST, "arguments": "{}"}, {**SECOND, "arguments": '{"a":1}'})],
        # no index
        [
            added(FIRST, None),
            event("function_call_arguments.delta", delta="{}", item_id="fc_1"),
            added(SECOND, None),
            event("function_call_arguments.delta", delta='{"a"', item_id="fc_2"),
            event("function_call_arguments.delta", delta=":1}"),
            END,
        ],
        # another id in each event
        [
            added(FIRST, 0),
            arguments("{}", 0, item_id="x"),
            added(SECOND, 1),
            arguments('{"a":1}', 1, item_id="y"),
            completed({**FIRST, "id": "p", "arguments": "{}"}, {**SECOND, "id": "q", "arguments": '{"a":1}'}),
        ],
        # whole at once, and no text
        [added(FIRST, 0), arguments({}, 0), added(SECOND, 1), arguments({"a": 1}, 1), END],
        # whole when they end, and again in every later event
        [
            added(FIRST, 0),
            event("function_call_arguments.done", output_index=0, arguments="{}"),
            ended({**FIRST, "arguments": "{}"}, 0),
            added(SECOND, 1),
            event("function_call_arguments.done", output_index=1, arguments='{"a":1}'),
            completed({**FIRST, "arguments": "{}"}, {**SECOND, "arguments": '{"a":1}'}),
        ],
        # the name at the end
        [
            added({"type": "function_call", "id": "fc_1", "call_id": "c1"}, 0),
            arguments("{}", 0),
            ended({**FIRST, "arguments": "{}"}, 0),
            added(SECOND, 1),
            arguments('{"a":1}', 1),
            END,
        ],
        # the name at the beginning
        [
            added(FIRST, 0),
            arguments("{}", 0),
            ended({"type": "function_call", "id": "fc_1", "arguments": "{}"}, 0),
            added(SECOND, 1),
            arguments('{"a":1}', 1),
            END,
        ],
        # the same item begun twice
        [added(FIRST, 0), added(FIRST, 0), arguments("{}", 0), added(SECOND, 1), arguments('{"a":1}', 1), END],
    ],
)
def test_calls_are_put_together_and_told_once_however_a_server_sends_them(events: list):
    seen, response = play(*events)
    assert isinstance(response, ChatResponse), response
    assert response.message.tool_calls == (ToolCall("c1", "clock", {}), ToolCall("c2", "clock", {"a": 1}))
    deltas = [delta for delta in seen if isinstance(delta, ToolCallDelta)]
    for index, (call_id, sent) in enumerate((("c1", "{}"), ("c2", '{"a":1}'))):
        own = [delta for delta in deltas if delta.index == index]
        assert ([delta.id for delta in own if delta.id], [delta.name for delta in own if delta.name]) == (
            [call_id],
            ["clock"],
        )
        assert "".join(delta.arguments for delta in own) == sent


@pytest.mark.parametrize(
    "events",
    [
        # more of it before it is said which call it is
        [arguments('{"a"', item_id="fc_2"), added(SECOND), arguments(":1}", item_id="fc_2"), END],
        [arguments('{"a"', item_id="x"), added(SECOND), arguments(":1}", item_id="y"), END],
        [arguments('{"a"'), added(SECOND), arguments(":1}"), END],
        # never, before it is over
        [arguments('{"a":1}', item_id="fc_2"), ended({**SECOND, "arguments": '{"a":1}'}), END],
        [arguments('{"a":1}', item_id="fc_2"), completed({**SECOND, "arguments": '{"a":1}'})],
    ],
)
def test_a_call_is_told_under_the_id_that_it_has_in_the_answer(events: list):
    seen, response = play(*events)
    assert isinstance(response, ChatResponse), response
    assert response.message.tool_calls == (ToolCall("c2", "clock", {"a": 1}),)
    assert seen[0] == ToolCallDelta(0, "c2", "clock")
    assert "".join(delta.arguments for delta in seen[1:] if isinstance(delta, ToolCallDelta)) == '{"a":1}'


TEXT_DONE = event("output_text.done", output_index=0, content_index=0, text="Noon.")
PART_DONE = event("content_part.done", output_index=0, content_index=0, part={"type": "output_text", "text": "Noon."})


@pytest.mark.parametrize(
    "events",
    [
        [words("Noon."), TEXT_DONE, PART_DONE, ended(said("Noon.")), completed(said("Noon."))],
        [added(MESSAGE), words("Noon."), completed(said("Noon."))],
        [added(MESSAGE), TEXT_DONE, END],
        [TEXT_DONE, PART_DONE, END],
        [PART_DONE, END],
        [ended(said("Noon.")), END],
        [completed(said("Noon."))],
        [words("Noon."), ended({**MESSAGE, "content": [{"type": "output_text", "text": ""}]}), END],
        [words("Noon."), completed({**MESSAGE, "content": []})],
        [event("output_text.delta", delta="Noon."), completed(said("Noon."))],
        [event("output_text.delta", delta="No", item_id="a"), words("on.", item_id="a"), completed(said("Noon."))],
        [words("Noon."), {"type": "response.completed"}],
        [words("Noon."), {"type": "response.completed", "response": None}],
        [words("Noon."), event("completed", response={"status": "in_progress"})],
        [words("Noon."), event("done", response={})],
    ],
)
def test_words_are_told_once_and_kept_however_often_a_server_says_them(events: list):
    seen, response = play(BEGUN, *events)
    assert isinstance(response, ChatResponse), response
    assert "".join(delta.text for delta in seen if isinstance(delta, TextDelta)) == "Noon."
    assert response.message.content == (TextPart("Noon."),)
    assert response.finish_reason == "stop"


@pytest.mark.parametrize(
    "events",
    [
        [event("reasoning_summary_text.done", output_index=0, summary_index=0, text="hm"), END],
        [event("reasoning_summary_part.done", output_index=0, summary_index=0, part={"text": "hm"}), END],
        [event("reasoning_text.done", output_index=0, content_index=0, text="hm"), END],
        [event("content_part.done", output_index=0, part={"type": "reasoning_text", "text": "hm"}), END],
        [ended({**THOUGHT, "summary": [{"type": "summary_text", "text": "hm"}]}), END],
        [completed({**THOUGHT, "content": [{"type": "reasoning_text", "text": "hm"}]})],
    ],
)
def test_a_thought_that_comes_whole_is_told_all_the_same(events: list):
    seen, response = play(*events)
    assert seen == [ReasoningDelta("hm")]
    assert isinstance(response, ChatResponse), response
    (part,) = response.message.content
    assert isinstance(part, ReasoningPart)
    assert part.text == "hm"


def test_the_last_event_holds_where_it_says_something_else_than_the_pieces():
    seen, response = play(added(MESSAGE), words("Midnight."), completed(said("Noon.")))
    assert seen == [TextDelta("Midnight.")]
    assert response == whole(said("Noon."))


def test_what_stands_beside_an_empty_text_is_that_of_the_last_event():
    """Its sources and probabilities are not always told in pieces, or all of them."""
    page = {"type": "url_citation", "url": "https://a.test/"}
    likely = {"token": "", "logprob": -0.1, "top_logprobs": []}
    item = spoken({"type": "output_text", "text": "", "annotations": [page], "logprobs": [likely]})
    told = event("output_text.annotation.added", output_index=0, content_index=0, annotation={**page, "title": "old"})
    assert response_of(added(MESSAGE), told, completed(item)) == whole(item)


def test_sources_and_probabilities_in_pieces_are_in_the_whole():
    page = {"type": "url_citation", "url": "https://a.test/"}
    likely = {"token": "No", "logprob": -0.1, "top_logprobs": [{"token": "Yes", "logprob": -2.0}]}
    response = response_of(
        words("No", logprobs=[likely]),
        words("on.", logprobs=[]),
        event("output_text.annotation.added", output_index=0, content_index=0, annotation=page),
        END,
    )
    (text,) = response.message.content
    assert [citation.url for citation in text.citations] == ["https://a.test/"]
    assert response.logprobs == (TokenLogprob("No", -0.1, (TokenLogprob("Yes", -2.0),)),)


def test_parts_of_a_message_are_told_apart():
    response = response_of(
        words("Well."),
        event("refusal.delta", output_index=0, content_index=1, delta="No."),
        words("Sorry", content_index=2),
        END,
    )
    assert response.message.content == (TextPart("Well."), RefusalPart("No."), TextPart("Sorry"))


def test_items_that_only_this_api_knows_are_kept_as_they_ended():
    begun = {"type": "web_search_call", "id": "ws_1", "status": "in_progress"}
    item = {**begun, "status": "completed", "action": {"type": "search"}}
    progress = event("web_search_call.searching", output_index=0, item_id="ws_1")
    seen, response = play(added(begun), progress, ended(item), added(MESSAGE, 1), words("x", 1), END)
    assert seen == [TextDelta("x")]
    assert isinstance(response, ChatResponse)
    assert response.message.content == (NativePart("openai-responses", item), TextPart("x"))


def test_an_answer_cut_short_ends_with_its_reason():
    last = answer(said("No"), status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    response = response_of(words("No"), event("incomplete", response=last))
    assert (response.finish_reason, response.raw_finish_reason) == ("length", "max_output_tokens")
    bare = response_of(words("No"), event("incomplete", response={}))
    assert (bare.finish_reason, bare.raw_finish_reason) == ("length", "incomplete")


def test_what_events_say_of_the_whole_is_kept_and_the_last_word_that_says_something_holds():
    head = {"id": "resp_1", "model": "gpt-x", "created_at": 1, "service_tier": "auto", "x": 1}
    last = {"service_tier": "default", "usage": {"input_tokens": 3, "output_tokens": 2, "cost": 0.5}, "x": None}
    response = response_of(
        event("created", response={**head, "instructions": "Be brief.", "output": []}),
        event("in_progress", response=head),
        words("x"),
        event("completed", response={**answer(), **last}),
    )
    assert response == whole(
        said("x"),
        id="resp_1",
        model="gpt-x",
        created_at=1,
        service_tier="default",
        usage={"input_tokens": 3, "output_tokens": 2, "cost": 0.5},
        x=1,
    )


def test_unknown_events_are_passed_over_whatever_is_in_them():
    strange = event("shell_call_output.delta", item="x", part=7, delta={"stdout": "x"}, text=[], annotation=1)
    seen, response = play(BEGUN, strange, event("queued", response={}), words("x"), {"type": "keepalive"}, END)
    assert seen == [TextDelta("x")]
    assert isinstance(response, ChatResponse)


def test_the_last_event_ends_the_stream():
    events = Events(ANSWER)
    events.read(json.dumps(BEGUN).encode())
    assert not events.is_finished
    events.read(json.dumps(END).encode())
    assert events.is_finished


@pytest.mark.parametrize("events", [[BEGUN], [words("x")], [words("x"), ended(said("x"))], [words("x"), DONE]])
def test_a_stream_without_its_last_event_is_cut_off(events: list):
    fault = fault_of(*events)
    assert (fault.kind, "cut off" in fault.message) == ("connection", True)


@pytest.mark.parametrize("events", [[], [DONE], [b" [DONE]\n"]])
def test_a_stream_without_an_event_is_malformed(events: list):
    assert fault_of(*events).message == "the stream has no events"


@pytest.mark.parametrize(
    ("failure", "kind", "message"),
    [
        (
            event("failed", response={"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "Slow"}}),
            "rate_limit",
            "Slow",
        ),
        (
            event("failed", response={"error": {"code": "server_error", "message": "Gone"}}),
            "server_error",
            "Gone",
        ),
        (
            event("failed", response={"status": "failed", "error": None}),
            "server_error",
            "the provider ended its answer with an error, and gave no reason",
        ),
        (event("failed"), "server_error", "the provider ended its answer with an error, and gave no reason"),
        (event("cancelled"), "server_error", "the provider broke off its answer, and gave no reason"),
        (
            {"type": "error", "code": "insufficient_quota", "message": "No money", "param": None},
            "quota_exceeded",
            "No money",
        ),
        (
            {"type": "error", "error": {"code": "context_length_exceeded", "message": "Too much"}},
            "context_window_exceeded",
            "Too much",
        ),
        ({"type": "error", "message": "bad key sk-secret-key"}, "server_error", "bad key [redacted]"),
        ({"type": "error"}, "server_error", "the provider gave no reason"),
        ({"error": {"message": "Slow down", "code": 429}}, "rate_limit", "Slow down"),
        ({"detail": "Not here"}, "server_error", "Not here"),
        (
            {"object": "error", "message": "prompt is too long", "code": 400},
            "context_window_exceeded",
            "prompt is too long",
        ),
        (event("completed", response=answer(error={"message": "Gone", "code": 502})), "server_error", "Gone"),
    ],
)
def test_a_failure_in_the_middle_is_a_fault(failure: dict, kind: str, message: str):
    fault = fault_of(BEGUN, words("So "), failure)
    assert (fault.kind, fault.message) == (kind, message)


def test_a_failure_has_the_tokens_that_were_counted():
    failed = answer(status="failed", error={"message": "Gone"}, usage={"input_tokens": 9, "output_tokens": 1})
    assert fault_of(event("failed", response=failed)).usage == Usage(9, 1)


@pytest.mark.parametrize(
    ("broken", "said_of_it"),
    [
        (b"{half", "the answer is no JSON"),
        (b"<html>", "a web page"),
        (b"7", "does not fit this API"),
        ({"x": 1}, "the answer has no type in an event"),
        (event("completed", response=7), "does not fit this API"),
        (event("completed", response={"output": 7}), "does not fit this API"),
        (event("completed", response=answer({"type": "message", "content": 7})), "in an item of type 'message'"),
        (b'{"type": "response.completed", "response": {"\xff": 1}}', "the answer is no JSON"),
        (added({"id": "x"}), "the stream has an item without a type"),
        (event("output_item.done", item=None), "the stream has an item without a type"),
        (words(7), "the stream has a text that is none, but 7"),
        (event("output_text.done", text=["x"]), "the stream has a text that is none"),
        (b'{"type": "response.output_text.delta", "delta": "a", "delta": "b"}', "'delta' twice"),
        (event("output_text.delta", output_index="x"), "does not fit this API"),
    ],
)
def test_a_stream_that_makes_no_sense_is_malformed(broken: object, said_of_it: str):
    fault = fault_of(BEGUN, broken)
    assert (fault.kind, said_of_it in fault.message) == ("malformed_response", True), fault


FAILED = event("failed", response={"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "Slow"}})


@pytest.mark.parametrize("last", [FAILED, None, END], ids=["failed", "without its end", "completed"])
def test_a_stream_cut_at_every_byte_is_cut_off_or_ends_as_it_does(last: dict | None):
    """It is never a shorter answer, whatever byte was the last."""
    events = [event for event in cut(ANSWERS["a-thought-and-a-call"], (4,)) if event["type"] != "response.completed"]
    body = as_stream([*events, last] if last else events)
    kinds = set()
    for size in range(len(body) + 1):
        reading = Reading(Events(ANSWER), EventReader())
        reading.take(body[:size])
        found = reading.end()
        is_ended = last is not None and reading.is_over
        assert isinstance(found, ChatResponse) is (is_ended and last is END)
        if isinstance(found, Fault):
            kinds.add(found.kind)
            expected = "rate_limit" if is_ended else "connection" if size else "malformed_response"
            assert found.kind in (expected, "malformed_response" if b"\n\n" not in body[:size] else expected)
    assert "connection" in kinds
    assert ("rate_limit" in kinds) is (last is FAILED)


def test_a_stream_of_many_pieces_takes_no_time():
    began = time.process_time()
    pieces = [words("x" * 10)] * 20_000 + [arguments("1", 1)] * 20_000
    items = [ended({"type": "odd", "id": f"o{number}"}, number) for number in range(2, 10_000)]
    _, response = play(BEGUN, *pieces, *items, END)
    assert isinstance(response, ChatResponse)
    assert len(response.message.text) == 200_000
    calls = [call("{}", "t", call_id=f"c{number}") for number in range(20_000)]
    assert len(response_of(*(added(each, None) for each in calls), completed(*calls)).message.tool_calls) == 20_000
    assert time.process_time() - began < 20
