"""StreamEvents: an answer while it comes, and folding them into the whole of it.

A provider's client yields deltas as they come and one `ResponseFinished`, the last, with the very response that the
same call would have given without streaming. Of a call's alternatives, `choice` tells which one a delta belongs to.
"""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass

from .chat import ChatResponse


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer's text."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of what the model thinks."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """More of the words with which the model declines to answer."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """More of a tool call: the `index`-th of its answer, from 0.

    `id` and `name` stand in the first delta of a call, None after it; `arguments` is a piece of JSON text.
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ResponseFinished:
    """The answer is complete: the last event of a model call."""

    response: ChatResponse


ModelEvent = TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta | ResponseFinished
"""What a provider's client yields."""


async def fold(events: AsyncIterable[ModelEvent]) -> ChatResponse:
    """Read *events* of one model call to their end; return the response.

    Raises:
        ValueError: They ended without one, which no client does: it raises a ProviderError instead.
    """
    response: ChatResponse | None = None
    async for event in events:
        if isinstance(event, ResponseFinished):
            response = event.response
    if response is None:
        raise ValueError("the events of a model call ended without its response")
    return response
