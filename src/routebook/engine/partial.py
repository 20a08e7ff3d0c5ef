"""Partial: what a model said of an answer that broke off."""

from __future__ import annotations

from collections.abc import Iterator

from ..canonical.event import ModelEvent, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from ..canonical.message import Message, Part
from ..canonical.part import ReasoningPart, RefusalPart, TextPart
from ..canonical.tool import ToolCall


class Partial:
    """Gathers the deltas of one answer, of its first choice."""

    __slots__ = ("_deltas",)

    def __init__(self) -> None:
        self._deltas: list[ModelEvent] = []

    def add(self, event: ModelEvent) -> None:
        """Note what came."""
        self._deltas.append(event)

    def message(self) -> Message | None:
        """Return what was received as a message: thoughts, refusal, text, then the calls that were begun, with their
        raw arguments. None where there was nothing.
        """
        parts = tuple(self._parts())
        return Message("assistant", parts) if parts else None

    def _parts(self) -> Iterator[Part]:
        if thought := self._text_of(ReasoningDelta):
            yield ReasoningPart(thought)
        if refusal := self._text_of(RefusalDelta):
            yield RefusalPart(refusal)
        if text := self._text_of(TextDelta):
            yield TextPart(text)
        calls: dict[int, list[ToolCallDelta]] = {}
        for event in self._deltas:
            if isinstance(event, ToolCallDelta) and event.choice == 0:
                calls.setdefault(event.index, []).append(event)
        for deltas in calls.values():
            arguments = "".join(delta.arguments for delta in deltas)
            yield ToolCall(deltas[0].id or "", deltas[0].name, None, arguments)

    def _text_of(self, kind: type[TextDelta | ReasoningDelta | RefusalDelta]) -> str:
        return "".join(event.text for event in self._deltas if isinstance(event, kind) and event.choice == 0)
