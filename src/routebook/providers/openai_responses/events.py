"""Events: the events of a streamed responses call → canonical events, and the response that they add up to.

Pure. The last event has the whole answer, and that is decoded as one that came without a stream: so a stream folds to
exactly the response of the same call without streaming. Its items hold, whatever came before; where it has none, or
they say nothing, as with copies of the API, what came in pieces does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from ...canonical.chat import ChatResponse
from ...canonical.event import ModelEvent
from ..answer import CUT_OFF, Answer
from ..body import Malformed, lacking, malformed, read_json
from ..fault import Fault
from ..sentence import parse_json
from .decode import HAS_A_PLACE, failure_of, read_answer, read_fields, response_of
from .faults import fault_of_error
from .items import Items
from .pieces import Item, arguments_text
from .usage import read_usage
from .wire import WireAnswer, WireEvent

_DECODER = msgspec.json.Decoder(WireEvent)
_NULL = msgspec.Raw(b"null")
_DONE = b"[DONE]"
_ENDS = {"response.completed": "completed", "response.incomplete": "incomplete", "response.done": "completed"}
_FAILURES = {"response.failed": "failed", "response.cancelled": "cancelled"}
_UNDER_WAY = (None, "in_progress", "queued")
_NOTES = frozenset({"response.created", "response.in_progress", "response.queued"})

Found = Sequence[ModelEvent] | Fault


class Events:
    """Reads the events of one answer; *answer* has its status and headers. They go by the `type` in their data."""

    def __init__(self, answer: Answer) -> None:
        self.is_finished = False
        self._answer = answer
        self._whole = WireAnswer()
        self._rest: dict[str, msgspec.Raw] = {}
        self._is_begun = False
        self._items = Items()

    def read(self, data: bytes) -> Found:
        """Take the next event; return what is new in it. See `StreamReader.read`."""
        if not data.startswith(b"{") and data.strip() == _DONE:
            return ()  # what copies of the API send after the last event, or without one
        event = read_json(_DECODER, data, self._answer)
        if isinstance(event, Fault):
            return event
        kind = event.type
        if kind == "error" or (kind is None and (event.error or event.message or event.detail)):
            return self._failed(event, data)
        if kind is None:
            return lacking("type in an event", replace(self._answer, body=data))
        self._is_begun = True
        events: list[ModelEvent] = []
        try:
            if kind in _ENDS or kind in _FAILURES or kind in _NOTES:
                return self._keep(kind, event, events)
            take = _TAKE.get(kind)
            if take is not None:
                take(self, event, events)
        except Malformed as error:
            return malformed(str(error), self._answer)
        except RecursionError:
            return malformed("the answer is nested too deeply", self._answer)
        return events

    def response(self) -> ChatResponse | Fault:
        """Return the whole answer; see `StreamReader.response`."""
        if not self.is_finished:
            fault = CUT_OFF if self._is_begun else malformed("the stream has no events", self._answer)
            return replace(fault, usage=read_usage(self._whole.usage))
        return response_of(self._whole, self._rest, self._answer)

    def _failed(self, event: WireEvent, data: bytes) -> Fault:
        if event.error:
            return fault_of_error(event.error, self._answer)
        if event.message or event.code:
            return fault_of_error({"message": event.message, "code": event.code}, self._answer)
        return fault_of_error(parse_json(data)[0], self._answer)

    def _keep(self, kind: str, event: WireEvent, events: list[ModelEvent]) -> Found:
        """Keep what an event says of the answer as a whole; with the last one, the answer is whole."""
        wire = read_answer(event.response or b"null")
        if kind in _FAILURES:
            wire.status = _FAILURES[kind]
        fault = failure_of(wire, self._answer)
        if fault is not None:
            return fault
        for name in ("id", "object", "model", "service_tier", "usage"):
            setattr(self._whole, name, getattr(wire, name) or getattr(self._whole, name))
        for name, raw in read_fields(event.response or b"null").items():
            if name not in HAS_A_PLACE and raw != _NULL:
                self._rest[name] = raw
        if kind in _ENDS:
            self.is_finished = True
            self._whole.status = _ENDS[kind] if wire.status in _UNDER_WAY else wire.status
            self._whole.incomplete_details = wire.incomplete_details
            self._whole.output = self._items.whole(wire.output or (), events)
        return events

    def _item_added(self, event: WireEvent, events: list[ModelEvent]) -> None:
        self._items.add(_item_in(event), event.output_index, events)

    def _item_done(self, event: WireEvent, events: list[ModelEvent]) -> None:
        self._items.end(_item_in(event), event, events)

    def _part(self, event: WireEvent, events: list[ModelEvent]) -> None:
        part = event.part if isinstance(event.part, dict) else {}
        kind, text = part.get("type"), part.get("refusal") or part.get("text")
        if kind in ("output_text", "refusal"):
            self._whole_words(event, text, kind, events)
        elif kind == "reasoning_text":
            self._whole_thought(event, "content", event.content_index, text, events)

    def _text_delta(self, event: WireEvent, events: list[ModelEvent]) -> None:
        message = self._items.known(event, "message")
        part = message.say(event.content_index or 0, _words(event.delta), "output_text", events)
        if isinstance(event.logprobs, list):
            part.logprobs += event.logprobs

    def _text_done(self, event: WireEvent, events: list[ModelEvent]) -> None:
        self._whole_words(event, event.text, "output_text", events)

    def _refusal_delta(self, event: WireEvent, events: list[ModelEvent]) -> None:
        self._items.known(event, "message").say(event.content_index or 0, _words(event.delta), "refusal", events)

    def _refusal_done(self, event: WireEvent, events: list[ModelEvent]) -> None:
        self._whole_words(event, event.refusal, "refusal", events)

    def _whole_words(self, event: WireEvent, words: Any, kind: str, events: list[ModelEvent]) -> None:
        message, index = self._items.known(event, "message"), event.content_index or 0
        if words and not message.has_said(index):
            message.say(index, _words(words), kind, events)

    def _annotation(self, event: WireEvent, events: list[ModelEvent]) -> None:
        if isinstance(event.annotation, dict):
            part = self._items.known(event, "message").say(event.content_index or 0, "", "output_text", events)
            part.annotations.append(event.annotation)

    def _arguments_delta(self, event: WireEvent, events: list[ModelEvent]) -> None:
        self._items.known(event, "function_call").argue(arguments_text(event.delta), events)

    def _arguments_done(self, event: WireEvent, events: list[ModelEvent]) -> None:
        self._items.known(event, "function_call").argue_whole(event.arguments, events)

    def _summary_delta(self, event: WireEvent, events: list[ModelEvent]) -> None:
        self._items.known(event, "reasoning").think("summary", event.summary_index or 0, _words(event.delta), events)

    def _summary_done(self, event: WireEvent, events: list[ModelEvent]) -> None:
        text = event.part.get("text") if isinstance(event.part, dict) else event.text
        self._whole_thought(event, "summary", event.summary_index, text, events)

    def _thought_delta(self, event: WireEvent, events: list[ModelEvent]) -> None:
        self._items.known(event, "reasoning").think("content", event.content_index or 0, _words(event.delta), events)

    def _thought_done(self, event: WireEvent, events: list[ModelEvent]) -> None:
        self._whole_thought(event, "content", event.content_index, event.text, events)

    def _whole_thought(
        self, event: WireEvent, field: str, index: int | None, words: Any, events: list[ModelEvent]
    ) -> None:
        thought = self._items.known(event, "reasoning")
        if not thought.has_thought(field, index or 0):
            thought.think(field, index or 0, _words(words), events)


_TAKE: dict[str, Callable[[Events, WireEvent, list[ModelEvent]], None]] = {
    "response.output_item.added": Events._item_added,
    "response.output_item.done": Events._item_done,
    "response.content_part.done": Events._part,
    "response.output_text.delta": Events._text_delta,
    "response.output_text.done": Events._text_done,
    "response.output_text.annotation.added": Events._annotation,
    "response.refusal.delta": Events._refusal_delta,
    "response.refusal.done": Events._refusal_done,
    "response.function_call_arguments.delta": Events._arguments_delta,
    "response.function_call_arguments.done": Events._arguments_done,
    "response.reasoning_summary_text.delta": Events._summary_delta,
    "response.reasoning_summary_text.done": Events._summary_done,
    "response.reasoning_summary_part.done": Events._summary_done,
    "response.reasoning_text.delta": Events._thought_delta,
    "response.reasoning_text.done": Events._thought_done,
}
"""What is done with each kind of event; the others only tell what a later one has whole."""


def _item_in(event: WireEvent) -> Item:
    item = event.item
    if not isinstance(item, dict) or not isinstance(item.get("type"), str):
        raise Malformed("the stream has an item without a type")
    return item


def _words(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    raise Malformed(f"the stream has a text that is none, but {value!r}")
