"""Pieces: what has come of one item of a streamed responses call → its events, and the whole item.

Pure, and linear in what comes: texts are joined once, at the end. The API says a thing several times: in pieces, whole
when the part ends, whole when the item ends, and once more in the last event. What came in pieces is told at once; what
never did, as copies of the API leave it out, is told when it comes whole.
"""

from __future__ import annotations

from typing import Any

from ...canonical.event import ModelEvent, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from ..body import ENCODER
from .thoughts import BETWEEN

Item = dict[str, Any]
_TEXTS = ("output_text", "text", "refusal", "summary_text", "reasoning_text")
_TELLING = ("text", "refusal", "annotations", "logprobs")


class Pieces:
    """What has come of one item; `call` is its number among the calls, -1 if it is none. `is_given` tells that a server
    has said which item it is, not only that there is one, `is_over` that the last word on it has come.
    """

    def __init__(self, item: Item, call: int) -> None:
        self.item = item
        self.is_given = False
        self.is_over = False
        self._call = call
        self._is_begun = False
        self._is_named = False
        self._parts: dict[int, _Part] = {}
        self._thoughts: dict[tuple[str, int], list[str]] = {}
        self._thinking: tuple[str, int] | None = None
        self._arguments: list[str] = []

    @property
    def kind(self) -> str:
        """The type of the item."""
        return kind_of(self.item)

    def begin(self, item: Item, events: list[ModelEvent]) -> None:
        """Take the *item* that begins, and tell that a call has; anything else is told with its first words."""
        if not self.is_given:
            self.item, self.is_given = item, True
            self._tell_call(events)

    def _tell_call(self, events: list[ModelEvent]) -> None:
        if self._call < 0 or (self._is_begun and self._is_named):
            return
        name = _text(self.item.get("name")) or None
        if not self._is_begun:
            call_id = self.item.get("call_id") or self.item.get("id")
            events.append(ToolCallDelta(self._call, _text(call_id) or None, name))
            if self._arguments:
                events.append(ToolCallDelta(self._call, arguments="".join(self._arguments)))
        elif name is not None:
            events.append(ToolCallDelta(self._call, name=name))
        self._is_begun, self._is_named = True, name is not None

    def say(self, index: int, words: str, kind: str, events: list[ModelEvent]) -> _Part:
        """Take more of the part at *index* of a message: words of the model, or of its refusal."""
        part = self._parts.get(index)
        if part is None:
            part = self._parts[index] = _Part(kind)
        if words:
            part.words.append(words)
            events.append(RefusalDelta(words) if part.kind == "refusal" else TextDelta(words))
        return part

    def has_said(self, index: int) -> bool:
        """Tell whether anything has come of the part at *index* of a message."""
        part = self._parts.get(index)
        return part is not None and bool(part.words)

    def think(self, field: str, index: int, words: str, events: list[ModelEvent]) -> None:
        """Take more of a thought: of its `content`, or of its `summary`."""
        if not words:
            return
        key = (field, index)
        if self._thinking not in (None, key):
            events.append(ReasoningDelta(BETWEEN))
        self._thinking = key
        self._thoughts.setdefault(key, []).append(words)
        events.append(ReasoningDelta(words))

    def has_thought(self, field: str, index: int) -> bool:
        """Tell whether anything has come of that part of a thought."""
        return (field, index) in self._thoughts

    def argue(self, words: str, events: list[ModelEvent]) -> None:
        """Take more of the arguments of a call; they are told once it is known which call they belong to."""
        if words and self._call >= 0:
            self._arguments.append(words)
            if self._is_begun:
                events.append(ToolCallDelta(self._call, arguments=words))

    def argue_whole(self, arguments: Any, events: list[ModelEvent]) -> None:
        """Take all the arguments, which count if none came in pieces."""
        if not self._arguments:
            self.argue(arguments_text(arguments), events)

    def end(self, item: Item, events: list[ModelEvent]) -> None:
        """Take the whole *item*, and tell what of it was not told."""
        if self._call >= 0:  # its name may stand only where it begins
            item = {**self.item, **{name: value for name, value in item.items() if value is not None}}
        self.item, self.is_given = item, True
        if self._call >= 0:
            self._tell_call(events)
            self.argue_whole(item.get("arguments"), events)
        elif self.kind == "message":
            self._say_rest(events)
        elif self.kind == "reasoning" and not self._thoughts:
            for field in ("summary", "content"):
                for index, part in enumerate(_mappings(self.item.get(field))):
                    self.think(field, index, _text(part.get("text")), events)

    def ended(self, item: Item, events: list[ModelEvent]) -> Item:
        """Take *item* as the last word on it; return it whole."""
        self.is_over = True
        self.end(item, events)
        return self._whole(self.item)

    def _whole(self, item: Item) -> Item:
        """Return *item*, with what came in pieces where it does not say so itself."""
        if self.kind == "function_call" and not item.get("arguments") and self._arguments:
            return {**item, "arguments": "".join(self._arguments)}
        if self.kind == "message" and self._parts and not _says(item.get("content")):
            return {**item, "content": [self._parts[index].whole() for index in sorted(self._parts)]}
        if self.kind == "reasoning" and self._thoughts:
            return {**item, **self._missing_thoughts(item)}
        return item

    def _say_rest(self, events: list[ModelEvent]) -> None:
        for index, part in enumerate(_mappings(self.item.get("content"))):
            if not self.has_said(index):
                kind = "refusal" if part.get("refusal") else "output_text"
                self.say(index, _text(part.get("refusal") or part.get("text")), kind, events)

    def _missing_thoughts(self, item: Item) -> Item:
        if _says(item.get("summary")) or _says(item.get("content")):
            return {}
        found: Item = {}
        for field, index in sorted(self._thoughts):
            kind = "summary_text" if field == "summary" else "reasoning_text"
            text = "".join(self._thoughts[field, index])
            found.setdefault(field, []).append({"type": kind, "text": text})
        return found


class _Part:
    """What has come of one part of a message."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.words: list[str] = []
        self.annotations: list[dict[str, Any]] = []
        self.logprobs: list[dict[str, Any]] = []

    def whole(self) -> Item:
        words = "".join(self.words)
        if self.kind == "refusal":
            return {"type": "refusal", "refusal": words}
        said = {"type": "output_text", "text": words, "annotations": self.annotations}
        return {**said, "logprobs": self.logprobs} if self.logprobs else said


def kind_of(item: Item) -> str:
    """Return the type of an item."""
    return _text(item.get("type"))


def arguments_text(arguments: Any) -> str:
    """Return the arguments of a call as text; an object that a server did not make text of is text."""
    if arguments is None or isinstance(arguments, str):
        return arguments or ""
    return ENCODER.encode(arguments).decode()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mappings(value: Any) -> list[Item]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _says(content: Any) -> bool:
    """Tell whether a list of parts says anything: words, or what stands beside them; one that is no text does."""
    return any(part.get("type") not in _TEXTS or any(map(part.get, _TELLING)) for part in _mappings(content))
