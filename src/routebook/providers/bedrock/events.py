"""Events: the events of a streamed converse call → canonical events, and the response that they add up to.

Pure. The pieces are put together as the wire's own answer, and that is decoded as one that came whole: so a stream
folds to exactly the response of the same call without streaming. The counts come after the end of the message; a
stream that ends between the two is whole all the same, and has none.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from ...canonical.chat import ChatResponse
from ...canonical.event import ModelEvent, ReasoningDelta, TextDelta, ToolCallDelta
from ..answer import CUT_OFF, Answer
from ..body import Malformed, malformed, read_json
from ..fault import Fault
from .decode import Block, read_block, response_of, usage_of
from .faults import fault_of_error
from .wire import WireAnswer, WireDelta, WireEvent, WireMessage, WireReasoningPiece, WireStart

_DECODER = msgspec.json.Decoder(WireEvent)
_AT_THE_END = ("stop_reason", "additional_model_response_fields")
_BESIDE_THE_END = ("usage", "metrics", "trace", "performance_config", "service_tier")
_ANSWERED = "toolResult"
_KNOWN_PIECES = frozenset({"text", "toolUse", "reasoningContent", "citation"})

Found = Sequence[ModelEvent] | Fault


class Events:
    """Reads the events of one answer; *answer* has its status and headers. Each is an object with its kind as key."""

    def __init__(self, answer: Answer) -> None:
        self.is_finished = False
        self._answer = answer
        self._begun: WireMessage | None = None
        self._whole = WireAnswer()
        self._blocks: dict[int, _Pieces] = {}
        self._calls = 0
        self._is_over = False

    def read(self, data: bytes) -> Found:
        """Take the next event; return what is new in it. See `StreamReader.read`."""
        event = read_json(_DECODER, data, self._answer)
        if isinstance(event, Fault):
            return event
        if event.content_block_delta is not None:
            return self._delta(event.content_block_delta, data)
        if event.content_block_start is not None:
            return self._start_block(event.content_block_start)
        if event.message_start is not None:
            return self._start(event.message_start)
        if event.message_stop is not None:
            return self._end(event.message_stop)
        if event.metadata is not None:
            _take_over(self._whole, event.metadata, _BESIDE_THE_END)
            self.is_finished = self._is_over
        elif event.exception is not None:
            body = event.exception.body
            said = body if isinstance(body, dict) else {"message": body}
            return self._told(fault_of_error({**said, "__type": event.exception.type}, self._answer))
        return ()

    def response(self) -> ChatResponse | Fault:
        """Return the whole answer; see `StreamReader.response`."""
        if self._begun is None:
            return malformed("the stream has no messageStart", self._answer)
        if not self._is_over:
            return self._told(CUT_OFF)
        blocks: list[Block] = []
        for index in sorted(self._blocks):
            whole = self._wholes(index)
            if isinstance(whole, Fault):
                return self._told(whole)
            blocks += whole
        return response_of(self._whole, self._begun.role, blocks, self._answer)

    def _told(self, fault: Fault) -> Fault:
        """Return *fault* with the tokens that the provider had counted until then."""
        usage = self._whole.usage
        return fault if usage is None else replace(fault, usage=usage_of(usage))

    def _wholes(self, index: int) -> list[Block] | Fault:
        try:
            plain = self._blocks[index].wholes()
        except Malformed as error:
            return malformed(str(error), self._answer)
        blocks: list[Block] = []
        for each in plain:
            block = read_block(each, self._answer)
            if isinstance(block, Fault):
                return block
            blocks.append(block)
        return blocks

    def _start(self, message: WireMessage) -> Found:
        if self._begun is not None:
            return malformed("the stream has a second messageStart", self._answer)
        self._begun = message
        return ()

    def _start_block(self, wire: WireStart) -> Found:
        index = wire.content_block_index
        if self._begun is None or index is None or index < 0 or index in self._blocks:
            return malformed(f"the stream begins content block {index}, which is none, or has begun", self._answer)
        if wire.start is not None and len(wire.start) > 1:
            words = f"the stream begins content block {index} with several kinds of content"
            return malformed(words, self._answer)
        pieces = self._blocks[index] = _Pieces(wire.start or {})
        if not pieces.is_call:
            return ()
        call, pieces.call = pieces.begun, self._calls
        self._calls += 1
        return (ToolCallDelta(pieces.call, _text(call.get("toolUseId")), _text(call.get("name"))),)

    def _delta(self, wire: WireDelta, data: bytes) -> Found:
        index = wire.content_block_index
        if self._begun is None or index is None or index < 0 or wire.delta is None:
            return malformed(f"the stream goes on with content block {index}, which is none", self._answer)
        # Words and thoughts come without a beginning.
        pieces = self._blocks.setdefault(index, _Pieces({}))
        if wire.delta.tool_use is not None and not pieces.takes_input:
            return malformed(f"the stream goes on with a call in content block {index}, which is none", self._answer)
        try:
            return pieces.add(wire, data)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            return malformed(f"the answer does not fit this API: {error}", self._answer)

    def _end(self, wire: WireAnswer) -> Found:
        if self._begun is None:
            return malformed("the stream ends a message that has not begun", self._answer)
        _take_over(self._whole, wire, _AT_THE_END)
        self._is_over = True
        self.is_finished = self._whole.usage is not None
        return ()


def _take_over(into: WireAnswer, later: WireAnswer, names: Sequence[str]) -> None:
    """Take from *later* what it says, so that it holds."""
    for name in names:
        value = getattr(later, name)
        if value is not None:
            setattr(into, name, value)


class _Pieces:
    """What has come of one block; `call` is its number among the calls, -1 if it is none."""

    def __init__(self, start: dict[str, Any]) -> None:
        self.call = -1
        self._kind = next(iter(start), "")
        begun = start.get(self._kind)
        self.begun: dict[str, Any] = begun if isinstance(begun, dict) else {}
        self._text: list[str] = []
        self._thoughts: list[str] = []
        self._signature: list[str] = []
        self._redacted: list[str] = []
        self._json: list[str] = []
        self._citations: list[dict[str, Any]] = []
        self._others: list[tuple[str, Any]] = []

    @property
    def is_call(self) -> bool:
        """Whether it is a call for us to answer; those that the API answers itself have a type."""
        return self.takes_input and self.begun.get("type") is None

    @property
    def takes_input(self) -> bool:
        """Whether it began as a call, be it the API's own."""
        return self._kind == "toolUse"

    def add(self, wire: WireDelta, data: bytes) -> Sequence[ModelEvent]:
        """Take the next piece, *data* as it came; return what is new in it."""
        delta = wire.delta
        if delta is None:
            return ()
        if delta.text is not None:
            self._text.append(delta.text)
            return (TextDelta(delta.text),) if delta.text else ()
        if delta.tool_use is not None:
            piece = delta.tool_use.input or ""
            self._json.append(piece)
            return (ToolCallDelta(self.call, arguments=piece),) if piece and self.call >= 0 else ()
        if delta.reasoning_content is not None:
            return self._add_thought(delta.reasoning_content)
        if delta.citation is not None:
            self._citations.append(delta.citation)
        else:
            given = msgspec.json.decode(data)["contentBlockDelta"]["delta"]
            self._others += [(kind, value) for kind, value in given.items() if kind not in _KNOWN_PIECES]
        return ()

    def wholes(self) -> list[dict[str, Any]]:
        """Return the block with all its pieces, as it stands in an answer that comes whole.

        A thought and words under one index are two blocks. Nothing at all is none.
        """
        found: list[dict[str, Any]] = []
        if self._thoughts or self._signature:
            thought = {"text": "".join(self._thoughts), "signature": "".join(self._signature) or None}
            found.append({"reasoningContent": {"reasoningText": thought}})
        if self._redacted:
            found.append({"reasoningContent": {"redactedContent": joined_base64(self._redacted)}})
        if self.takes_input:
            call = {**self.begun, "input": "".join(self._json)}
            found.append({"toolUse": call if self.is_call else {**call, "input": _read_input(call["input"])}})
        elif self._kind or self._others:
            found.append(self._other())
        if self._citations:
            said = [{"text": "".join(self._text)}] if self._text else []
            found.append({"citationsContent": {"content": said, "citations": self._citations}})
        elif self._text:
            found.append({"text": "".join(self._text)})
        return found

    def _add_thought(self, piece: WireReasoningPiece) -> Sequence[ModelEvent]:
        if piece.signature is not None:
            self._signature.append(piece.signature)
        if piece.redacted_content is not None:
            self._redacted.append(piece.redacted_content)
        if piece.text is None:
            return ()
        self._thoughts.append(piece.text)
        return (ReasoningDelta(piece.text),) if piece.text else ()

    def _other(self) -> dict[str, Any]:
        """Return a block of a kind that only the API knows, or a picture: lists go on, data is joined, else the last
        value counts.
        """
        kind = self._kind or self._others[0][0]
        fields: dict[str, Any] = dict(self.begun)
        data: list[str] = []
        listed: list[Any] = []
        for _, value in self._others:
            if isinstance(value, list):
                listed += value
            elif isinstance(value, dict):
                source = value.get("source")
                if isinstance(source, dict) and isinstance(source.get("bytes"), str):
                    data.append(source["bytes"])
                    value = {name: each for name, each in value.items() if name != "source"}
                fields.update(value)
            else:
                fields["value"] = value
        if data:
            fields["source"] = {"bytes": joined_base64(data)}
        return {kind: {**fields, "content": listed} if listed or kind == _ANSWERED else fields}


def joined_base64(pieces: Sequence[str]) -> str:
    """Return what *pieces* of base64 hold, one after the other, as one; a lone one unchanged.

    Raises:
        Malformed: One is no base64.
    """
    if len(pieces) == 1:
        return pieces[0]
    try:
        return base64.b64encode(b"".join(base64.b64decode(piece, validate=True) for piece in pieces)).decode()
    except (binascii.Error, ValueError) as error:
        raise Malformed("the answer has data that is no base64") from error


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _read_input(text: str) -> Any:
    try:
        return msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text
