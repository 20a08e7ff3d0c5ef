"""Events: the chunks of a streamed chat completions call → canonical events, and the response that they add up to.

Pure. The pieces are put together as the wire's own answer, and that is decoded as one that came whole: so a stream
folds to exactly the response of the same call without streaming.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ...canonical.chat import ChatResponse
from ...canonical.event import ModelEvent, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from ..answer import CUT_OFF, Answer
from ..body import malformed, read_json
from ..fault import Fault
from .decode import response_of
from .faults import fault_of_error
from .wire import WireAnswer, WireCall, WireChoice, WireChunk, WireFunction, WireMessage, WirePiece

_DECODER = msgspec.json.Decoder(WireChunk)
_DONE = b"[DONE]"


class Events:
    """Reads the chunks of one answer; *answer* has its status and headers."""

    def __init__(self, answer: Answer, quirks: Mapping[str, Any]) -> None:
        self.is_finished = False
        self._answer = answer
        self._ends_by_reason = quirks.get("stream_end") == "finish_reason"
        self._whole = WireAnswer(choices=[])
        self._pieces: dict[int, _Pieces] = {}

    def read(self, data: bytes) -> Sequence[ModelEvent] | Fault:
        """Take the next chunk; return what is new in it. See `StreamReader.read`."""
        if data == _DONE:
            self.is_finished = True
            return ()
        chunk = read_json(_DECODER, data, self._answer)
        if isinstance(chunk, Fault):
            return chunk
        if chunk.error:
            return fault_of_error(chunk.error, self._answer)
        self._whole.usage = chunk.usage or self._whole.usage
        events: list[ModelEvent] = []
        for choice in chunk.choices or ():
            pieces = self._pieces.get(choice.index)
            if pieces is None:
                pieces = self._pieces[choice.index] = _Pieces(choice.index)
            if choice.delta is not None:
                pieces.add(choice.delta, events)
            if choice.finish_reason is not None:
                pieces.finish_reason = choice.finish_reason
        return events

    def response(self) -> ChatResponse | Fault:
        """Return the whole answer; see `StreamReader.response`."""
        has_reasons = all(pieces.finish_reason is not None for pieces in self._pieces.values())
        if not self.is_finished and not (self._ends_by_reason and self._pieces and has_reasons):
            return CUT_OFF if self._pieces else malformed("the stream has no events", self._answer)
        self._whole.choices = [self._pieces[index].whole() for index in sorted(self._pieces)]
        return response_of(self._whole, self._answer)


class _Pieces:
    """What has come of one choice."""

    def __init__(self, index: int) -> None:
        self.finish_reason: str | None = None
        self._index = index
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, WireCall] = {}

    def add(self, piece: WirePiece, events: list[ModelEvent]) -> None:
        reasoning = piece.reasoning_content or piece.reasoning
        if reasoning:
            self._reasoning.append(reasoning)
            events.append(ReasoningDelta(reasoning, self._index))
        if piece.content:
            self._text.append(piece.content)
            events.append(TextDelta(piece.content, self._index))
        if piece.refusal:
            self._refusal.append(piece.refusal)
            events.append(RefusalDelta(piece.refusal, self._index))
        for call in piece.tool_calls or ():
            function = call.function or WireFunction()
            known = self._calls.get(call.index)
            if known is None or known.function is None:
                self._calls[call.index] = WireCall(call.id, WireFunction(function.name, function.arguments or ""))
            else:
                known.function.arguments += function.arguments or ""
            events.append(ToolCallDelta(call.index, call.id, function.name, function.arguments or "", self._index))

    def whole(self) -> WireChoice:
        message = WireMessage(
            content="".join(self._text) or None,
            refusal="".join(self._refusal) or None,
            reasoning="".join(self._reasoning) or None,
            tool_calls=[self._calls[index] for index in sorted(self._calls)] or None,
        )
        return WireChoice(message, self.finish_reason)
