"""Events: the chunks of a streamed generateContent call → canonical events, and the response that they add up to.

Pure. Each chunk has the form of an answer; they are put together as one, and that is decoded as one that came whole:
so a stream folds to exactly the response of the same call without streaming. There is no terminal marker: a stream is
whole once every candidate has its reason, or the request was blocked. Who passes the API on may add one, or not know of
events: then all chunks come in one list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from ...canonical.chat import ChatResponse
from ...canonical.event import ModelEvent, ReasoningDelta, TextDelta, ToolCallDelta
from ..answer import CUT_OFF, Answer
from ..body import ENCODER, Malformed, malformed, read_json
from ..fault import Fault
from .decode import UNSAID, decode, response_of, typed
from .faults import fault_of_error
from .partial_calls import PartialCall
from .usage import read_usage
from .wire import WireUsage

_DECODER = msgspec.json.Decoder(dict[str, Any] | list[dict[str, Any]])
_MARKER = b"[DONE]"
_LISTS = ("citations", "chosenCandidates", "topCandidates")
"""Lists of which each chunk has the next items."""


class Events:
    """Reads the chunks of one answer; *answer* has its status and headers."""

    def __init__(self, answer: Answer) -> None:
        self.is_finished = False
        self._answer = answer
        self._whole: dict[str, Any] = {}
        self._candidates: dict[int, _Pieces] = {}

    def read(self, data: bytes) -> Sequence[ModelEvent] | Fault:
        """Take the next chunk; return what is new in it. See `StreamReader.read`."""
        if data == _MARKER:
            self.is_finished = True
            return ()
        found = read_json(_DECODER, data, self._answer)
        if isinstance(found, Fault):
            return found
        events: list[ModelEvent] = []
        for chunk in found if isinstance(found, list) else (found,):
            fault = self._take(chunk, events)
            if fault is not None:
                return fault
        return events

    def response(self) -> ChatResponse | Fault:
        """Return the whole answer; see `StreamReader.response`."""
        if not self._whole and not self._candidates:
            return malformed("the stream has no events", self._answer)
        if not self._is_whole:
            return self._told(CUT_OFF)
        candidates = [self._candidates[index].whole() for index in sorted(self._candidates)]
        return response_of({**_unfolded(self._whole), "candidates": candidates}, self._answer)

    @property
    def _is_whole(self) -> bool:
        if (self._whole.get("promptFeedback") or {}).get("blockReason"):
            return True
        return bool(self._candidates) and all(pieces.is_finished for pieces in self._candidates.values())

    def _take(self, chunk: dict[str, Any], events: list[ModelEvent]) -> Fault | None:
        """Take *chunk*, and add what is new in it to *events*; return why there is no answer, if there is none."""
        wire = typed(chunk, self._answer)
        if isinstance(wire, Fault):
            return wire
        if wire.error:
            return self._told(fault_of_error(wire.error, self._answer))
        try:
            self._keep(chunk)
            for candidate in wire.candidates or ():
                self._pieces_of(candidate).add(candidate, events)
        except Malformed as error:
            return malformed(str(error), self._answer)
        except RecursionError:
            return malformed("the answer is nested too deeply", self._answer)
        return None

    def _told(self, fault: Fault) -> Fault:
        """Return *fault* with the tokens that the provider had counted until then."""
        counted = self._whole.get("usageMetadata")
        return replace(fault, usage=read_usage(msgspec.convert(counted, WireUsage))) if counted else fault

    def _keep(self, chunk: Mapping[str, Any]) -> None:
        """Keep what *chunk* says of the answer as a whole; what a later one says holds."""
        for key, value in chunk.items():
            if key != "candidates" and value is not None:
                self._whole[key] = _joined(self._whole.get(key), value)

    def _pieces_of(self, candidate: Mapping[str, Any]) -> _Pieces:
        index = candidate.get("index")
        if index is not None and not isinstance(index, int):
            raise Malformed("the answer has a candidate whose index is no number")
        if (index or 0) not in self._candidates:
            self._candidates[index or 0] = _Pieces(index or 0)
        return self._candidates[index or 0]


def decode_streamed(answer: Answer) -> ChatResponse | Fault:
    """Return what *answer*, a success in one piece, says to a call for events: as `decode`, or all chunks in a list."""
    if answer.body.lstrip()[:1] != b"[":
        return decode(answer)
    reader = Events(answer)
    found = reader.read(answer.body)
    return found if isinstance(found, Fault) else reader.response()


class _Pieces:
    """What has come of one candidate."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._fields: dict[str, Any] = {"index": index}
        self._role: str | None = None
        self._parts: list[Any] = []
        self._calls = 0
        self._partial: PartialCall | None = None

    @property
    def is_finished(self) -> bool:
        """Whether there was a reason for its end."""
        return self._fields.get("finishReason") not in UNSAID

    def add(self, candidate: Mapping[str, Any], events: list[ModelEvent]) -> None:
        """Take the next piece, and add what is new to *events*.

        Raises:
            Malformed: It is none.
        """
        content = candidate.get("content")
        for key, value in candidate.items():
            if key not in ("index", "content") and value is not None:
                self._fields[key] = _joined(self._fields.get(key), value)
        if content is None:
            return
        if not isinstance(content, dict) or not isinstance(content.get("parts") or [], list):
            raise Malformed("the answer has a candidate whose content is none")
        self._role = content.get("role") or self._role
        for part in content.get("parts") or ():
            if not isinstance(part, dict):
                raise Malformed("the answer has a part that is none")
            self._add_part(part, events)

    def whole(self) -> dict[str, Any]:
        """Return the candidate as it would have come at once."""
        parts = [part.whole() if isinstance(part, PartialCall) else part for part in self._parts]
        return {**_unfolded(self._fields), "content": {"role": self._role, "parts": parts}}

    def _add_part(self, part: dict[str, Any], events: list[ModelEvent]) -> None:
        text, call = part.get("text"), part.get("functionCall")
        if isinstance(call, dict) and (self._partial or call.get("willContinue") or call.get("partialArgs")):
            self._add_partial(part, events)
            return
        self._parts.append(part)
        if isinstance(text, str) and text:
            events.append(ReasoningDelta(text, self._index) if part.get("thought") else TextDelta(text, self._index))
        elif isinstance(call, dict):
            self._begin_call(call, events)
            self._end_call(call.get("args") or {}, events)

    def _add_partial(self, part: dict[str, Any], events: list[ModelEvent]) -> None:
        if self._partial is None:
            self._partial = PartialCall()
            self._parts.append(self._partial)
            self._begin_call(part["functionCall"], events)
        if not self._partial.add(part):
            self._end_call(self._partial.args, events)
            self._partial = None

    def _begin_call(self, call: Mapping[str, Any], events: list[ModelEvent]) -> None:
        call_id, name = call.get("id"), call.get("name")
        if not isinstance(call_id, str | None) or not isinstance(name, str | None):
            raise Malformed("the answer has a tool call whose id or name is no text")
        events.append(ToolCallDelta(self._calls, call_id or None, name or None, choice=self._index))

    def _end_call(self, args: Any, events: list[ModelEvent]) -> None:
        events.append(ToolCallDelta(self._calls, arguments=ENCODER.encode(args).decode(), choice=self._index))
        self._calls += 1


class _Items:
    """A list that goes on in later chunks: its items, gathered once."""

    def __init__(self, first: list[Any]) -> None:
        self.items = list(first)


def _joined(before: Any, value: Any) -> Any:
    """Return what holds of a field that was said before: mappings key by key, some lists end to end, else the new."""
    if not isinstance(value, dict):
        return value
    joined = before if isinstance(before, dict) else {}
    for key, item in value.items():
        if key in _LISTS and isinstance(item, list):
            if isinstance(joined.get(key), _Items):
                joined[key].items += item
            else:
                joined[key] = _Items(item)
        elif item is not None:
            joined[key] = item
    return joined


def _unfolded(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return *fields* with plain lists."""
    return {
        name: {key: item.items if isinstance(item, _Items) else item for key, item in value.items()}
        if isinstance(value, dict)
        else value
        for name, value in fields.items()
    }
