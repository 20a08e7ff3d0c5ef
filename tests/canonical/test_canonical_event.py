"""Events of a model call: plain data and back, and folding."""

from __future__ import annotations

import pytest

from routebook.canonical.chat import ChatResponse
from routebook.canonical.event import (
    NoResponse,
    ReasoningDelta,
    RefusalDelta,
    ResponseFinished,
    TextDelta,
    ToolCallDelta,
    fold,
)
from routebook.canonical.message import Message

RESPONSE = ChatResponse(Message("assistant", "ab"), "stop")


async def coming(*events):
    for event in events:
        yield event


@pytest.mark.parametrize(
    ("event", "plain"),
    [
        (TextDelta("a"), {"text": "a", "choice": 0}),
        (ReasoningDelta("hm", 1), {"text": "hm", "choice": 1}),
        (RefusalDelta("no"), {"text": "no", "choice": 0}),
        (ToolCallDelta(2, "c1", "f", "{}"), {"index": 2, "id": "c1", "name": "f", "arguments": "{}", "choice": 0}),
        (ToolCallDelta(2, arguments="{"), {"index": 2, "arguments": "{", "choice": 0}),
    ],
)
def test_a_delta_is_plain_data_and_comes_back_from_it(event, plain):
    assert event.to_dict() == plain
    assert type(event).from_dict(plain) == event


async def test_folding_gives_the_response_that_ends_the_events():
    assert await fold(coming(TextDelta("a"), TextDelta("b"), ResponseFinished(RESPONSE))) == RESPONSE


async def test_events_that_end_without_a_response_are_a_clients_mistake():
    with pytest.raises(NoResponse, match="without its response"):
        await fold(coming(TextDelta("a")))
