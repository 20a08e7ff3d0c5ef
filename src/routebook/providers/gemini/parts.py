"""Parts: the parts of a generateContent answer → canonical parts.

Pure. Parts that only this API knows are kept whole. The signature of a part that is no thought is a ReasoningPart of
its own right before it; see `messages`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from ...canonical.message import Part
from ...canonical.part import AudioPart, ImagePart, NativePart, ReasoningPart, TextPart
from ...canonical.tool import ToolCall
from ..arguments import read_arguments
from ..body import Malformed
from ..call_id import free_id
from .traits import TRAITS
from .wire import WireBlob, WireCall, WirePart

_TYPED = {
    "text": frozenset({"text", "thought", "thoughtSignature"}),
    "functionCall": frozenset({"functionCall", "thoughtSignature"}),
    "inlineData": frozenset({"inlineData", "thoughtSignature"}),
    "fileData": frozenset({"fileData", "thoughtSignature"}),
}


def read_parts(plain: Sequence[Mapping[str, Any]], about: dict[str, Any]) -> Iterator[Part]:
    """Yield the parts of an answer, texts that belong together as one; *about* gets what has no place in them.

    Raises:
        Malformed: One is none.
    """
    typed_parts = [_part(part) for part in plain]
    taken = {part.function_call.id for part in typed_parts if part.function_call is not None}
    words: list[str] = []
    is_thought = False
    for index, (part, whole) in enumerate(zip(typed_parts, plain, strict=True)):
        if _is_plain_text(whole):
            if words and is_thought is not bool(part.thought):
                yield _words(words, is_thought)
                words = []
            is_thought = bool(part.thought)
            words += [part.text] if part.text else []
            continue
        if words:
            yield _words(words, is_thought)
            words = []
        yield from _signed(index, part, whole, taken, about)
    if words:
        yield _words(words, is_thought)


def _part(plain: Mapping[str, Any]) -> WirePart:
    try:
        return msgspec.convert(plain, WirePart)
    except msgspec.ValidationError as error:
        raise Malformed(f"the answer does not fit this API: {error}, in a part") from error


def _is_plain_text(part: Mapping[str, Any]) -> bool:
    """Tell whether *part* is text, or a thought, without a signature: its neighbours of that kind go on with it."""
    return not part.get("thoughtSignature") and part.get("text") is not None and part.keys() <= _TYPED["text"]


def _words(words: Sequence[str], is_thought: bool) -> Part:
    text = "".join(words)
    return ReasoningPart(text, api=TRAITS.name) if is_thought else TextPart(text)


def _signed(
    index: int, part: WirePart, plain: Mapping[str, Any], taken: set[str | None], about: dict[str, Any]
) -> Iterator[Part]:
    signature = part.thought_signature or None
    if part.text is not None and part.thought:
        if not part.text:
            yield NativePart(TRAITS.name, plain)
            return
        yield ReasoningPart(part.text, signature, api=TRAITS.name)
        _keep_rest(index, plain, "text", about)
        return
    if part.text == "" and signature:
        yield ReasoningPart("", signature, redacted=True, api=TRAITS.name)
        _keep_rest(index, plain, "text", about)
        return
    found = _known(index, part, plain, taken, about)
    if found is None:
        yield NativePart(TRAITS.name, plain)
        return
    if signature:
        yield ReasoningPart("", signature, api=TRAITS.name)
    yield found


def _known(
    index: int, part: WirePart, plain: Mapping[str, Any], taken: set[str | None], about: dict[str, Any]
) -> Part | None:
    """Return the one thing in *part* that every API knows, if that is what it is."""
    if part.text is not None:
        _keep_rest(index, plain, "text", about)
        return TextPart(part.text)
    if part.function_call is not None:
        _keep_rest(index, plain, "functionCall", about)
        return _call(index, part.function_call, taken)
    if part.thought or not plain.keys() <= _TYPED["inlineData"] | _TYPED["fileData"]:
        return None  # a picture that was only thought of, or one of which more is said
    if part.inline_data is not None and plain["inlineData"].keys() <= {"mimeType", "data"}:
        return _medium(part.inline_data)
    if part.file_data is not None and part.file_data.file_uri and (part.file_data.mime_type or "").startswith("image/"):
        return ImagePart(url=part.file_data.file_uri, media_type=part.file_data.mime_type)
    return None


def _keep_rest(index: int, plain: Mapping[str, Any], kind: str, about: dict[str, Any]) -> None:
    rest = {key: value for key, value in plain.items() if key not in _TYPED[kind] and value is not None}
    if rest:
        about[str(index)] = rest


def _call(index: int, call: WireCall, taken: set[str | None]) -> ToolCall:
    arguments, raw = read_arguments(call.args)
    return ToolCall(call.id or free_id(index, taken), call.name or None, arguments, raw)


def _medium(blob: WireBlob) -> Part | None:
    media_type = blob.mime_type or ""
    if blob.data and media_type.startswith("image/"):
        return ImagePart(data=blob.data, media_type=media_type)
    return AudioPart(blob.data, media_type) if blob.data and media_type.startswith("audio/") else None
