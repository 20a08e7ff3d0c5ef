"""Message parts: may a message of its role hold its parts, and has each of them what every API needs of it.

What one API takes and another does not is no matter of this: see the adapters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, get_args

from ..canonical.message import Message, Part, Role
from ..canonical.part import AudioPart, FilePart, ImagePart, NativePart, TextPart
from ..canonical.plain import NotPlain, freeze_plain, type_of
from ..canonical.tool import ToolCall, ToolResult

_TEXTS = {
    kind: tuple((one.name, one.type == "str") for one in fields(kind) if one.type in {"str", "str | None"})
    for kind in get_args(Part)
}
"""By kind of part, its fields that are text, and whether they must be there."""
_SAID, _RESULT = frozenset({TextPart, ImagePart, AudioPart, FilePart}), frozenset({ToolResult})
_PLACES: dict[str, frozenset[type]] = {
    "system": _SAID,
    "user": _SAID,
    "assistant": frozenset(get_args(Part)) - _RESULT,
    "tool": _RESULT,
}
"""By role, the parts that some API may have a place for."""


def what_is_wrong(message: Message, earlier: Sequence[Message]) -> str | None:
    """Say what is wrong with *message*, which follows *earlier* ones, by what it `has`; None where nothing is."""
    if not message.content and message.role != "assistant":  # a model may have answered nothing
        return "has no content"
    places = _PLACES[message.role]
    for part in message.content:
        if isinstance(part, TextPart) and isinstance(part.text, str) and type(part) in places:
            continue  # nearly all are such
        wrong = _of_fields(part) or _of_role(part, message.role) or _of_order(part, earlier) or _of_content(part)
        if wrong is not None:
            return wrong
    return None


def _of_fields(part: Any) -> str | None:
    texts = _TEXTS.get(type(part))
    if texts is None:
        return f"has a part {type_of(part)}, which is no part; parts are TextPart, ImagePart, ..."
    for name, needed in texts:
        value = getattr(part, name)
        if not isinstance(value, str) and (needed or value is not None):
            if name == "data":
                return f"has data {type_of(value)} in its {part.type}; give base64 text"
            article = "an" if name[0] in "aeiou" else "a"
            return f"has {article} {name} {type_of(value)} in its {part.type}; give text"
    return None


def _of_role(part: Part, role: Role) -> str | None:
    kind = type(part)
    return None if kind in _PLACES[role] else f"is of role {role!r}, which cannot hold a {kind.__name__}"


def _of_order(result: Part, earlier: Sequence[Message]) -> str | None:
    if not isinstance(result, ToolResult):
        return None
    for message in reversed(earlier):
        if any(isinstance(part, ToolCall) and part.id == result.call_id for part in message.content):
            return None
    return f"answers the tool call {result.call_id[:64]!r}, which no message before it makes; keep the two together"


def _of_content(part: Part) -> str | None:
    look = _LOOKS.get(type(part))
    return None if look is None else look(part)


def _image(part: ImagePart) -> str | None:
    return None if part.url or (part.data and part.media_type) else "has an image without a url, or data and media_type"


def _file(part: FilePart) -> str | None:
    return None if part.url or part.data else "has a file without a url or data"


def _sound(part: AudioPart) -> str | None:
    return None if part.data or part.id else "has audio without data"


def _call(part: ToolCall) -> str | None:
    if not part.arguments:
        return None
    try:
        freeze_plain(part.arguments)
    except NotPlain as error:
        return f"has a tool call whose arguments cannot be sent: arguments{error.place} {error.why}"
    return None


def _result(part: ToolResult) -> str | None:
    if not isinstance(part.content, (tuple, list)):
        return f"has a tool result whose content is {type_of(part.content)}; give a tuple of TextPart and ImagePart"
    for shown in part.content:
        if isinstance(shown, TextPart) and isinstance(shown.text, str):
            continue
        if not isinstance(shown, (TextPart, ImagePart)):
            return f"has a part {type_of(shown)} in its tool result; results hold TextPart and ImagePart"
        wrong = _of_fields(shown) or (_image(shown) if isinstance(shown, ImagePart) else None)
        if wrong is not None:
            return wrong
    return None


def _native(part: NativePart) -> str | None:
    try:
        freeze_plain(part.data)
    except NotPlain as error:
        return f"has a native part that cannot be sent: data{error.place} {error.why}"
    return None


_LOOKS: dict[type, Callable[[Any], str | None]] = {
    ImagePart: _image,
    FilePart: _file,
    AudioPart: _sound,
    ToolCall: _call,
    ToolResult: _result,
    NativePart: _native,
}
