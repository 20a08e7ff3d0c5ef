"""Events: the events of a streamed messages call → canonical events, and the response that they add up to.

Pure. The pieces are put together as the wire's own answer, and that is decoded as one that came whole: so a stream
folds to exactly the response of the same call without streaming.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import msgspec

from ...canonical.chat import ChatResponse
from ...canonical.event import ModelEvent, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from ..answer import CUT_OFF, Answer
from ..body import malformed, read_json
from ..fault import Fault
from .decode import Block, read_block, refusal_of, response_of, usage_of
from .faults import fault_of_error
from .wire import WireAnswer, WireBlock, WireDelta, WireEvent

_DECODER = msgspec.json.Decoder(WireEvent)
_AT_THE_END = ("stop_reason", "stop_sequence", "stop_details", "container")
_BESIDE_THE_END = ("context_management", "input_transformations")

Found = Sequence[ModelEvent] | Fault


class Events:
    """Reads the events of one answer; *answer* has its status and headers. They go by the `type` in their data."""

    def __init__(self, answer: Answer) -> None:
        self.is_finished = False
        self._answer = answer
        self._whole: WireAnswer | None = None
        self._blocks: dict[int, _Pieces] = {}
        self._calls = 0

    def read(self, data: bytes) -> Found:
        """Take the next event; return what is new in it. See `StreamReader.read`."""
        event = read_json(_DECODER, data, self._answer)
        if isinstance(event, Fault):
            return event
        kind = event.type
        if kind == "content_block_delta":
            return self._delta(event, data)
        if kind == "content_block_start":
            return self._start_block(event)
        if kind == "content_block_stop":
            return self._end_block(event)
        if kind == "message_start":
            return self._start(event)
        if kind == "message_delta":
            return self._message_delta(event)
        if kind == "message_stop":
            self.is_finished = True
        elif kind == "error":
            return self._told(fault_of_error(event.error, self._answer))
        return ()

    def response(self) -> ChatResponse | Fault:
        """Return the whole answer; see `StreamReader.response`."""
        if self._whole is None:
            return malformed("the stream has no message_start", self._answer)
        if not self.is_finished:
            return self._told(CUT_OFF)
        blocks = [self._blocks[index].whole() for index in sorted(self._blocks)]
        return response_of(self._whole, blocks, self._answer)

    def _told(self, fault: Fault) -> Fault:
        """Return *fault* with the tokens that the provider had counted until then."""
        usage = None if self._whole is None else self._whole.usage
        return fault if usage is None else replace(fault, usage=usage_of(usage))

    def _start(self, event: WireEvent) -> Found:
        if event.message is None or self._whole is not None:
            return malformed("the stream has a message_start without a message, or a second one", self._answer)
        if event.message.error or event.message.type == "error":
            return fault_of_error(event.message.error, self._answer)
        self._whole = event.message
        return ()

    def _start_block(self, event: WireEvent) -> Found:
        index = event.index
        if event.content_block is None or index is None or index < 0 or index in self._blocks:
            words = f"the stream begins content block {index}, which is none, or has begun"
            return malformed(words, self._answer)
        block = read_block(event.content_block, self._answer)
        if isinstance(block, Fault):
            return block
        pieces = self._blocks[index] = _Pieces(block)
        if not isinstance(block, WireBlock):
            return ()
        if block.type == "tool_use":
            pieces.call = self._calls
            self._calls += 1
            return (ToolCallDelta(pieces.call, block.id or None, block.name or None),)
        return pieces.begun()

    def _delta(self, event: WireEvent, data: bytes) -> Found:
        pieces = self._blocks.get(-1 if event.index is None else event.index)
        if pieces is None or event.delta is None:
            return malformed(f"the stream goes on with content block {event.index}, which has not begun", self._answer)
        try:
            return pieces.add(event.delta, data)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            return malformed(f"the answer does not fit this API: {error}", self._answer)

    def _end_block(self, event: WireEvent) -> Found:
        pieces = self._blocks.get(-1 if event.index is None else event.index)
        return () if pieces is None else pieces.ended()

    def _message_delta(self, event: WireEvent) -> Found:
        whole, delta = self._whole, event.delta
        if whole is None:
            return malformed("the stream ends a message that has not begun", self._answer)
        if event.usage is not None:
            # The counts are totals each time.
            whole.usage = whole.usage or event.usage
            _take_over(whole.usage, event.usage, event.usage.__struct_fields__)
        _take_over(whole, event, _BESIDE_THE_END)
        if delta is None:
            return ()
        _take_over(whole, delta, _AT_THE_END)
        refusal = refusal_of(delta.stop_details)
        return (RefusalDelta(refusal),) if refusal else ()


def _take_over(into: msgspec.Struct, later: msgspec.Struct, names: Sequence[str]) -> None:
    """Take from *later* what it says, so that it holds."""
    for name in names:
        value = getattr(later, name)
        if value is not None:
            setattr(into, name, value)


class _Pieces:
    """What has come of one block; `call` is its number among the calls, -1 if it is none."""

    def __init__(self, block: Block) -> None:
        self.call = -1
        self._block = block
        self._text: list[str] = []
        self._signature: list[str] = []
        self._json: list[str] = []
        self._citations: list[dict[str, Any]] = []
        self._fields = {name: [value] for name, value in block.items()} if isinstance(block, dict) else {}

    def begun(self) -> Sequence[ModelEvent]:
        """Return what a block that begins has in it already: mostly nothing."""
        block = self._block
        if not isinstance(block, WireBlock):
            return ()
        if block.type == "text" and block.text:
            return (TextDelta(block.text),)
        return (ReasoningDelta(block.thinking),) if block.type == "thinking" and block.thinking else ()

    def add(self, delta: WireDelta, data: bytes) -> Sequence[ModelEvent]:
        """Take the next piece, *data* as it came; return what is new in it."""
        kind = delta.type
        if kind == "text_delta":
            text = delta.text or ""
            self._text.append(text)
            return (TextDelta(text),) if text else ()
        if kind == "input_json_delta":
            piece = delta.partial_json or ""
            self._json.append(piece)
            return (ToolCallDelta(self.call, arguments=piece),) if piece and self.call >= 0 else ()
        if kind == "thinking_delta":
            thought = delta.thinking or ""
            self._text.append(thought)
            return (ReasoningDelta(thought),) if thought else ()
        if kind == "signature_delta":
            self._signature.append(delta.signature or "")
        elif kind == "citations_delta" and delta.citation is not None:
            self._citations.append(delta.citation)
        elif isinstance(self._block, dict):
            self._add_unknown(msgspec.json.decode(data)["delta"])
        return ()

    def ended(self) -> Sequence[ModelEvent]:
        """Return what of a block that ends was not told: the arguments of a call that began with all of them."""
        block = self._block
        if self.call < 0 or self._json or not isinstance(block, WireBlock) or not block.input:
            return ()
        arguments = block.input if isinstance(block.input, str) else msgspec.json.encode(block.input).decode()
        return (ToolCallDelta(self.call, arguments=arguments),)

    def whole(self) -> Block:
        """Return the block with all its pieces."""
        block = self._block
        if isinstance(block, dict):
            whole = {name: _joined(values) for name, values in self._fields.items()}
            return {**whole, "input": _read_input("".join(self._json))} if self._json else whole
        text = "".join(self._text)
        if block.type == "text":
            citations = [*(block.citations or ()), *self._citations]
            return msgspec.structs.replace(block, text=(block.text or "") + text, citations=citations)
        if block.type == "thinking":
            signature = (block.signature or "") + "".join(self._signature)
            return msgspec.structs.replace(block, thinking=(block.thinking or "") + text, signature=signature)
        if block.type == "tool_use" and self._json:
            return msgspec.structs.replace(block, input="".join(self._json))
        return block

    def _add_unknown(self, delta: dict[str, Any]) -> None:
        """Add a piece of a kind that only the API knows: text and lists go on, everything else is replaced."""
        for name, value in delta.items():
            if name == "type":
                continue
            before = self._fields.get(name)
            if before and isinstance(value, (str, list)) and type(before[-1]) is type(value):
                before.append(value)
            else:
                self._fields[name] = [value]


def _joined(values: list[Any]) -> Any:
    """Return one value: texts, or lists, end to end."""
    if isinstance(values[0], str):
        return "".join(values)
    return [*chain.from_iterable(values)] if isinstance(values[0], list) else values[0]


def _read_input(text: str) -> Any:
    try:
        return msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text
