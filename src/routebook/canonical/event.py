"""StreamEvents: an answer while it comes, and folding them into the whole of it.

A provider's client yields deltas as they come and one `ResponseFinished`, the last, with the very response that the
same call would have given without streaming. Of a call's alternatives, `choice` tells which one a delta belongs to.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from .chat import ChatResponse
from .frozen import thaw
from .message import Message
from .part import ReasoningPart, RefusalPart, TextPart
from .record import Record
from .tool import ToolCall


@dataclass(frozen=True, slots=True)
class TextDelta(Record):
    """More of the answer's text."""

    text: str
    choice: int = 0
    type: ClassVar[str] = "text_delta"


@dataclass(frozen=True, slots=True)
class ReasoningDelta(Record):
    """More of what the model thinks."""

    text: str
    choice: int = 0
    type: ClassVar[str] = "reasoning_delta"


@dataclass(frozen=True, slots=True)
class RefusalDelta(Record):
    """More of the words with which the model declines to answer."""

    text: str
    choice: int = 0
    type: ClassVar[str] = "refusal_delta"


@dataclass(frozen=True, slots=True)
class ToolCallDelta(Record):
    """More of a tool call: the `index`-th of its answer, from 0.

    `id` and `name` stand in the first delta of a call, None after it; `arguments` is a piece of JSON text.
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    choice: int = 0
    type: ClassVar[str] = "tool_call_delta"


@dataclass(frozen=True, slots=True)
class ResponseFinished:
    """The answer is complete: the last event of a model call."""

    response: ChatResponse


ModelEvent = TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta | ResponseFinished
"""What a provider's client yields."""


class NoResponse(Exception):
    """The events of a model call ended, and the last was no ResponseFinished."""


def deltas_of(message: Message, choice: int = 0, pieces: int = 1) -> Iterator[ModelEvent]:
    """Yield what a stream of *message* brings, each of its texts in so many *pieces*, fewer where it is shorter."""
    calls = 0
    for part in message.content:
        if isinstance(part, ReasoningPart) and part.text:
            yield ReasoningDelta(part.text, choice)
        elif isinstance(part, TextPart):
            yield from (TextDelta(piece, choice) for piece in _cut(part.text, pieces))
        elif isinstance(part, RefusalPart):
            yield RefusalDelta(part.text, choice)
        elif isinstance(part, ToolCall):
            arguments = part.arguments_json or json.dumps(thaw(part.arguments), ensure_ascii=False)
            yield ToolCallDelta(calls, part.id, part.name, arguments, choice)
            calls += 1


def at_once(response: ChatResponse) -> Iterator[ModelEvent]:
    """Yield the events of an answer that came whole."""
    for index, choice in enumerate(response.choices):
        yield from deltas_of(choice.message, index)
    yield ResponseFinished(response)


def _cut(text: str, pieces: int) -> Iterator[str]:
    ends = [len(text) * number // pieces for number in range(pieces + 1)]
    return (text[begin:end] for begin, end in pairwise(ends) if begin < end)


async def fold(events: AsyncIterable[ModelEvent]) -> ChatResponse:
    """Read *events* of one model call to their end; return the response.

    Raises:
        NoResponse: They ended without one. A client that breaks off raises a ProviderError instead.
    """
    response: ChatResponse | None = None
    async for event in events:
        if isinstance(event, ResponseFinished):
            response = event.response
    if response is None:
        raise NoResponse("the events of a model call ended without its response")
    return response
