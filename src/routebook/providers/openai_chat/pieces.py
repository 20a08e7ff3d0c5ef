"""Pieces: what has come of one choice of a streamed chat completions call → its events, and the whole choice.

Pure, and linear in what comes: texts are joined once, at the end. Servers number the pieces of tool calls in their own
ways: by `index`, by `id`, or not at all, with a whole call in each piece.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...canonical.event import ModelEvent, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from ..arguments import read_arguments
from ..body import ENCODER, Malformed
from .logprobs import items_of
from .media import join_base64
from .texts import Content, said_reasoning, words
from .wire import (
    WireAudio,
    WireCall,
    WireCallPiece,
    WireChoice,
    WireChoicePiece,
    WireCustom,
    WireFunction,
    WireLogprob,
    WireLogprobs,
    WireMessage,
    WirePiece,
)

_MESSAGE = msgspec.json.Decoder(WirePiece | None)
_TEXTS = ("text", "summary")


class Pieces:
    """What has come of one choice."""

    def __init__(self, index: int) -> None:
        self.finish_reason: str | None = None
        self._index = index
        self._is_begun = False
        self._error: Any = None
        self._text: list[str] = []
        self._content: list[dict[str, Any]] = []
        self._reasoning: list[str] = []
        self._details = _Details()
        self._refusal: list[str] = []
        self._calls = _Calls()
        self._annotations: list[dict[str, Any]] = []
        self._images: list[str | dict[str, Any]] = []
        self._audio = _Audio()
        self._logprobs: list[WireLogprob] = []

    def add(self, piece: WireChoicePiece, events: list[ModelEvent]) -> None:
        """Take the next piece, and add what is new to *events*.

        Raises:
            Malformed: Its content has the right types and makes no sense.
        """
        # Servers that make a stream of a whole answer leave it a `message`; beside pieces it only repeats them.
        delta = piece.delta if piece.delta or self._is_begun else _message(piece.message)
        if delta is not None:
            self._is_begun = True
            self._add_delta(delta, events)
        if piece.finish_reason is not None:
            self.finish_reason = piece.finish_reason
        if piece.logprobs is not None:
            said = delta.content if delta is not None and isinstance(delta.content, str) else ""
            self._logprobs += items_of(piece.logprobs, said)
        self._error = piece.error or self._error

    def whole(self) -> WireChoice:
        """Return the choice as it would have come at once."""
        message = WireMessage(
            content=self._whole_content(),
            refusal="".join(self._refusal),
            reasoning="".join(self._reasoning),
            reasoning_details=self._details.whole(),
            tool_calls=self._calls.whole(),
            annotations=self._annotations,
            images=self._images,
            audio=self._audio.whole(),
        )
        return WireChoice(self._index, message, self.finish_reason, WireLogprobs(self._logprobs), self._error)

    def _add_delta(self, delta: WirePiece, events: list[ModelEvent]) -> None:
        reasoning = said_reasoning(delta)
        if reasoning:
            self._reasoning.append(reasoning)
            events.append(ReasoningDelta(reasoning, self._index))
        if delta.reasoning_details:
            self._details.add(delta.reasoning_details)
        if delta.content:
            self._add_content(delta.content, events)
        if delta.refusal:
            self._refusal.append(delta.refusal)
            events.append(RefusalDelta(delta.refusal, self._index))
        if delta.tool_calls:
            events += [self._calls.add(call, self._index) for call in delta.tool_calls]
        elif delta.function_call is not None:
            events.append(self._calls.add(WireCallPiece(0, None, delta.function_call), self._index))
        if delta.audio is not None:
            self._audio.add(delta.audio)
        self._annotations += delta.annotations or ()
        self._images += delta.images or ()

    def _add_content(self, content: Content, events: list[ModelEvent]) -> None:
        if isinstance(content, str):
            self._text.append(content)
            events.append(TextDelta(content, self._index))
            return
        for item in content or ():
            kind = item.get("type")
            if kind == "text":
                text = words(item.get("text"))
                if text:
                    self._text.append(text)
                    events.append(TextDelta(text, self._index))
            elif kind == "thinking":
                thought = words(item.get("thinking"))
                if thought:
                    self._reasoning.append(thought)
                    events.append(ReasoningDelta(thought, self._index))
            else:
                self._end_text()
                self._content.append(item)

    def _end_text(self) -> None:
        if self._text:
            self._content.append({"type": "text", "text": "".join(self._text)})
            self._text.clear()

    def _whole_content(self) -> Content:
        if self._content:
            self._end_text()
            return self._content
        return "".join(self._text)


class _Calls:
    """The tool calls of a choice, in the order in which they began."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}

    def add(self, piece: WireCallPiece, choice: int) -> ToolCallDelta:
        call_id, name, arguments = _read(piece)
        call = self._known(piece.index, call_id, name, arguments)
        if call is None:
            call = _Call(len(self._calls), piece.custom is not None)
            self._calls.append(call)
            if piece.index is not None:
                self._by_index[piece.index] = call
            new_id, new_name = call_id, name
        else:
            new_id = call_id if call.id is None else None
            new_name = name if call.name is None else None
        if new_id is not None:
            call.id = new_id
            same = self._by_id.setdefault(new_id, call)
            if same.index < call.index:
                self._by_id[new_id] = call
        call.name = call.name or name
        call.arguments.append(arguments)
        return ToolCallDelta(call.index, new_id, new_name, arguments, choice)

    def _known(self, index: int | None, call_id: str | None, name: str | None, arguments: str) -> _Call | None:
        """Return the call that a piece goes on with, None where it begins one."""
        if index is not None:
            known = self._by_index.get(index)
            if known is None or name is None:
                return known
            if known.id is not None and call_id is not None:
                return known if known.id == call_id else None
            # Without ids, whole calls that all have one index are told apart by their ends.
            is_next = known.id is None and call_id is None and bool(arguments) and known.is_whole()
            return None if is_next else known
        same = self._by_id.get(call_id) if call_id else None
        if same is not None or name is not None:
            return same
        return self._calls[-1] if self._calls else None

    def whole(self) -> list[WireCall]:
        return [call.whole() for call in self._calls]


class _Call:
    """What has come of one tool call."""

    def __init__(self, index: int, is_custom: bool) -> None:
        self.index = index
        self.id: str | None = None
        self.name: str | None = None
        self.arguments: list[str] = []
        self._is_custom = is_custom

    def is_whole(self) -> bool:
        """Tell whether the arguments came as an object in one piece: nothing can go on with them."""
        return len(self.arguments) == 1 and read_arguments(self.arguments[0])[0] is not None

    def whole(self) -> WireCall:
        text = "".join(self.arguments)
        if self._is_custom:
            return WireCall(self.id, custom=WireCustom(self.name, text))
        return WireCall(self.id, WireFunction(self.name, text))


def _message(raw: msgspec.Raw) -> WirePiece | None:
    """Return the message in *raw*, which may be empty."""
    try:
        return _MESSAGE.decode(raw) if raw else None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Malformed(f"the answer does not fit this API: {error}") from error


def _read(piece: WireCallPiece) -> tuple[str | None, str | None, str]:
    """Return the id, the name and the piece of arguments; an object that a server did not make text of is text."""
    if piece.custom is not None:
        return piece.id or None, piece.custom.name or None, piece.custom.input or ""
    function = piece.function or WireFunction()
    arguments = function.arguments
    if arguments is not None and not isinstance(arguments, str):
        arguments = ENCODER.encode(arguments).decode()
    return piece.id or None, function.name or None, arguments or ""


class _Details:
    """Reasoning in pieces of its provider's own making: those of one `type` and `index` are one."""

    def __init__(self) -> None:
        self._found: list[_Detail] = []
        self._open: dict[tuple[Any, Any], _Detail] = {}

    def add(self, pieces: list[dict[str, Any]]) -> None:
        for piece in pieces:
            kind, index = key = (piece.get("type"), piece.get("index"))
            # What is encrypted comes whole, and there may be several of one index.
            is_named = isinstance(index, (int, float, str)) and not isinstance(kind, (list, dict))
            comes_in_pieces = is_named and "data" not in piece
            detail = self._open.get(key) if comes_in_pieces else None
            if detail is None:
                detail = _Detail()
                self._found.append(detail)
                if comes_in_pieces:
                    self._open[key] = detail
            detail.add(piece)

    def whole(self) -> list[dict[str, Any]]:
        return [detail.whole() for detail in self._found]


class _Detail:
    """What has come of one piece of reasoning: its texts go on, of the rest the last word holds."""

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {}

    def add(self, piece: dict[str, Any]) -> None:
        for name, value in piece.items():
            if name in _TEXTS and isinstance(value, str):
                self._texts.setdefault(name, []).append(value)
                self._fields[name] = ""
            elif value is not None or name not in self._fields:
                self._fields[name] = value

    def whole(self) -> dict[str, Any]:
        return {**self._fields, **{name: "".join(texts) for name, texts in self._texts.items()}}


class _Audio:
    """What has come of what the model speaks."""

    def __init__(self) -> None:
        self._id: str | None = None
        self._expires_at: int | None = None
        self._data: list[str] = []
        self._transcript: list[str] = []

    def add(self, piece: WireAudio) -> None:
        self._id = piece.id or self._id
        self._expires_at = piece.expires_at or self._expires_at
        if piece.data:
            self._data.append(piece.data)
        if piece.transcript:
            self._transcript.append(piece.transcript)

    def whole(self) -> WireAudio:
        return WireAudio(self._id, join_base64(self._data), "".join(self._transcript), self._expires_at)
