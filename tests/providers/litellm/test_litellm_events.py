"""A stream folds to exactly the response that the same answer gives at once, what is kept included."""

from __future__ import annotations

import json
import time

import pytest
from library_answers import THOUGHTS, chunk

from routebook.canonical.chat import ChatResponse
from routebook.canonical.event import ModelEvent, ReasoningDelta, TextDelta, ToolCallDelta
from routebook.providers.answer import Answer
from routebook.providers.fault import Fault
from routebook.providers.litellm.decode import decode
from routebook.providers.litellm.events import DONE, Events

END = chunk(finish_reason="stop")


def play(*chunks: dict | bytes) -> tuple[list[ModelEvent], ChatResponse | Fault]:
    events = Events(Answer(200, {}, b"", 0.0, ("sk-secret-key",)))
    seen: list[ModelEvent] = []
    for item in chunks:
        found = events.read(item if isinstance(item, bytes) else json.dumps(item, separators=(",", ":")).encode())
        if isinstance(found, Fault):
            return seen, found
        seen += found
    return seen, events.response()


def whole(*messages: dict, finish_reason: str = "stop") -> ChatResponse:
    choices = [
        {"index": index, "message": {"role": "assistant", **message}, "finish_reason": finish_reason}
        for index, message in enumerate(messages)
    ]
    head = {name: value for name, value in END.items() if name != "choices"}
    response = decode(Answer(200, {}, json.dumps({**head, "choices": choices}).encode()))
    assert isinstance(response, ChatResponse), response
    return response


def thinking(text: str, signature: str | None = None) -> dict:
    block = {"type": "thinking", "thinking": text, "signature": signature}
    return chunk(reasoning_content=text, thinking_blocks=[block], provider_specific_fields={"thinking_blocks": [block]})


def test_thoughts_in_pieces_are_those_of_the_whole():
    seen, response = play(
        thinking("Let "), thinking("me."), thinking("", "c2ln+/=="), chunk(thinking_blocks=THOUGHTS[1:]),
        chunk(content="No"), chunk(content="on."), END, DONE,
    )  # fmt: skip
    assert seen == [ReasoningDelta("Let "), ReasoningDelta("me."), TextDelta("No"), TextDelta("on.")]
    assert response == whole({"content": "Noon.", "reasoning_content": "Let me.", "thinking_blocks": THOUGHTS})


def test_two_thoughts_are_told_apart_by_their_signatures():
    _, response = play(
        thinking("a"), thinking("", "s1"), thinking("b"), thinking("", "s2"), chunk(content="x"), END, DONE
    )
    blocks = [{"type": "thinking", "thinking": text, "signature": f"s{n}"} for n, text in ((1, "a"), (2, "b"))]
    assert response == whole({"content": "x", "reasoning_content": "ab", "thinking_blocks": blocks})


def test_a_thought_without_a_signature_is_kept_all_the_same():
    _, response = play(thinking("a"), thinking("b"), chunk(content="x"), END, DONE)
    blocks = [{"type": "thinking", "thinking": "ab"}]
    assert response == whole({"content": "x", "reasoning_content": "ab", "thinking_blocks": blocks})


def test_what_only_a_provider_knows_is_kept_of_the_message_and_of_each_call():
    fields = {"thought_signature": "c2ln+/=="}
    piece = {"index": 1, "id": "c2", "type": "function", "function": {"name": "now", "arguments": ""}}
    seen, response = play(
        chunk(tool_calls=[{**piece, "index": 0, "id": "c1", "function": {"name": "now", "arguments": "{}"}}]),
        chunk(tool_calls=[{**piece, "provider_specific_fields": fields}]),
        chunk(tool_calls=[{"index": 1, "function": {"arguments": "{}"}}]),
        chunk(provider_specific_fields={"thought_signatures": ["a"]}),
        chunk(provider_specific_fields={"thought_signatures": ["b"], "container": {"id": 1}}),
        chunk(finish_reason="tool_calls"), DONE,
    )  # fmt: skip
    assert [type(event) for event in seen] == [ToolCallDelta] * 3
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "now", "arguments": "{}"}},
        {
            "id": "c2",
            "type": "function",
            "function": {"name": "now", "arguments": "{}"},
            "provider_specific_fields": fields,
        },
    ]
    kept = {"thought_signatures": ["a", "b"], "container": {"id": 1}}
    assert response == whole({"tool_calls": calls, "provider_specific_fields": kept}, finish_reason="tool_calls")


def test_pieces_of_a_providers_own_making_are_kept_once():
    details = [{"type": "x", "data": "1"}, {"type": "x", "data": "2"}]
    _, response = play(
        *(chunk(reasoning_content="h", reasoning_details=[detail]) for detail in details), chunk(content="x"), END, DONE
    )
    assert response == whole({"content": "x", "reasoning_content": "hh", "reasoning_details": details})


def test_each_choice_keeps_its_own():
    block = {"type": "redacted_thinking", "data": "QUJD"}
    _, response = play(
        chunk(0, content="a"), chunk(1, content="b", thinking_blocks=[block]),
        chunk(0, finish_reason="stop"), chunk(1, finish_reason="stop"), DONE,
    )  # fmt: skip
    assert response == whole({"content": "a"}, {"content": "b", "thinking_blocks": [block]})


def test_a_stream_without_its_end_is_cut_off():
    _, fault = play(thinking("a"), chunk(content="x"), END)
    assert isinstance(fault, Fault)
    assert (fault.kind, "cut off" in fault.message) == ("connection", True)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            {"classes": ["RateLimitError"], "message": "litellm.RateLimitError: XException - Slow down"},
            "rate_limit",
            "Slow down",
        ),
        ({"classes": ["X"], "message": "Gone sk-secret-key", "status": 529}, "overloaded", "Gone [redacted]"),
        (
            {"classes": [], "message": "x", "foreign": "KeyError: 'a'"},
            "malformed_response",
            "the library failed at the call or its answer: KeyError: 'a'",
        ),
        (
            {
                "classes": ["MidStreamFallbackError"],
                "message": "oh",
                "body": '{"error": {"message": "Full", "type": "overloaded_error"}}',
            },
            "overloaded",
            "Full",
        ),
    ],
)
def test_what_is_raised_in_the_middle_is_a_fault(error: dict, kind: str, message: str):
    _, fault = play(chunk(content="So "), {"error": error})
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.message) == (kind, message)


def test_thoughts_in_many_pieces_take_no_time():
    began = time.process_time()
    _, response = play(*(thinking("word ") for _ in range(20_000)), thinking("", "s"), chunk(content="x"), END, DONE)
    assert isinstance(response, ChatResponse)
    assert len(response.message.content[0].text) == 100_000
    assert time.process_time() - began < 10
