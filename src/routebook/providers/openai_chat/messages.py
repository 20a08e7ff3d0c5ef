"""Messages: canonical messages → the wire's.

Pure. What this API has no place for raises NoPlace, which holds the fault. Reasoning goes back only where the preset
asks for it (`reasoning_field`, `reasoning_details`), and only what this API gave; what another made is left out, for it
would prove nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from ...canonical.message import Message
from ...canonical.part import (
    AudioPart,
    FilePart,
    ImagePart,
    NativePart,
    ReasoningPart,
    RefusalPart,
    TextPart,
)
from ...canonical.tool import ToolCall, ToolResult
from ..body import to_json
from ..fault import NoPlace
from ..openai.fields import Body, wire_name
from ..openai.media import file_fields, image_address
from .traits import TRAITS

_DETAILS = msgspec.json.Decoder(list[Any])
_CALL_IDS = ".{1,40}"
"""What an id of a call must match, unless the quirk `call_ids` says otherwise: Mistral wants nine letters or digits."""
_STAND_IN_DIGITS = 9
_AUDIO_FORMATS = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/vnd.wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}
_PARTS: dict[str, tuple[type, ...]] = {
    "system": (TextPart,),
    "user": (TextPart, ImagePart, AudioPart, FilePart),
    "assistant": (TextPart, ReasoningPart, RefusalPart, ToolCall, AudioPart, ImagePart, NativePart),
    "tool": (ToolResult,),
}
_KINDS = {ImagePart: "images", AudioPart: "sound", FilePart: "files"}


def encode_messages(messages: Sequence[Message], quirks: Mapping[str, Any]) -> Iterator[Body]:
    """Yield the wire's messages.

    Raises:
        NoPlace: A part has no place in a message of its role, or is not whole.
    """
    shown: list[Body] = []
    for index, message in enumerate(messages):
        _check_parts(index, message)
        # The API wants all results of a turn in a row; their images come after the last one, unless the preset says by
        # `result_images` that they may stand in the results.
        if message.role != "tool" and shown:
            yield {"role": "user", "content": shown}
            shown = []
        if message.role == "assistant":
            yield _assistant(index, message, quirks)
        elif message.role == "tool":
            for result in message.tool_results:
                call_id, images = _wire_id(result.call_id, quirks), _result_images(index, result)
                content: str | list[Body] = _result_text(result)
                if images and quirks.get("result_images"):
                    content = [{"type": "text", "text": content}, *images]
                elif images:
                    shown += [{"type": "text", "text": f"From the result of {result.name}:"}, *images]
                yield {"role": "tool", "tool_call_id": call_id, "content": content}
        elif message.role == "system":
            yield {"role": "system", "content": message.text}
        else:
            yield {"role": "user", "content": _user_content(index, message)}
    if shown:
        yield {"role": "user", "content": shown}


def _check_parts(index: int, message: Message) -> None:
    for part in message.content:
        if not isinstance(part, _PARTS[message.role]):
            if type(part) in _KINDS:
                what = f"messages[{index}]: this API takes {_KINDS[type(part)]} from users only"
                raise NoPlace("unsupported_capability", what)
            kind = type(part).__name__
            raise NoPlace("bad_request", f"messages[{index}]: a message of role {message.role!r} cannot hold a {kind}")


def _user_content(index: int, message: Message) -> str | list[Body]:
    parts = message.content
    if not parts or (len(parts) == 1 and isinstance(parts[0], TextPart)):
        return message.text
    return [_user_part(index, part) for part in parts]


def _user_part(index: int, part: object) -> Body:
    if isinstance(part, ImagePart):
        return _image(index, part)
    if isinstance(part, AudioPart):
        return _audio(index, part)
    if isinstance(part, FilePart):
        return _file(index, part)
    assert isinstance(part, TextPart)
    return {"type": "text", "text": part.text}


def _image(index: int, part: ImagePart) -> Body:
    detail = {} if part.detail is None else {"detail": part.detail}
    return {"type": "image_url", "image_url": {"url": image_address(index, part), **detail}}


def _audio(index: int, part: AudioPart) -> Body:
    audio_format = _AUDIO_FORMATS.get(part.media_type)
    if audio_format is None:
        what = f"messages[{index}]: this API takes sound as audio/wav or audio/mpeg, not as {part.media_type!r}"
        raise NoPlace("unsupported_capability", what)
    return {"type": "input_audio", "input_audio": {"data": part.data, "format": audio_format}}


def _file(index: int, part: FilePart) -> Body:
    if part.url is not None:
        raise NoPlace("unsupported_capability", f"messages[{index}]: this API takes files as data, not by url")
    return {"type": "file", "file": file_fields(index, part)}


def _assistant(index: int, message: Message, quirks: Mapping[str, Any]) -> Body:
    calls = [_call(call, quirks) for call in message.tool_calls]
    spoken = [_spoken(index, part) for part in message.content if isinstance(part, AudioPart)]
    encoded: Body = {"role": "assistant", "content": _assistant_content(message) or (None if calls or spoken else "")}
    refusal = "".join(part.text for part in message.content if isinstance(part, RefusalPart))
    if refusal:
        encoded["refusal"] = refusal
    if calls:
        encoded["tool_calls"] = calls
    if spoken:
        encoded["audio"] = spoken[-1]
    images = [_image(index, part) for part in message.content if isinstance(part, ImagePart)]
    if images:
        if quirks.get("images") != "chat":
            raise NoPlace("unsupported_capability", f"messages[{index}]: this API takes images from users only")
        encoded["images"] = images
    encoded.update(_reasoning(index, message, quirks))
    return encoded


def _assistant_content(message: Message) -> str | list[Body]:
    """Return the text, as a list only where there are pieces in it that this API made and nobody else knows."""
    if not any(isinstance(part, NativePart) and part.api == TRAITS.name for part in message.content):
        return message.text
    return [_native(part) for part in message.content if isinstance(part, (TextPart, NativePart)) and _is_own(part)]


def _is_own(part: TextPart | NativePart) -> bool:
    return isinstance(part, TextPart) or part.api == TRAITS.name


def _native(part: TextPart | NativePart) -> Body:
    return {"type": "text", "text": part.text} if isinstance(part, TextPart) else dict(part.data)


def _spoken(index: int, part: AudioPart) -> Body:
    if part.id is None:
        what = f"messages[{index}]: what a model spoke goes back by its id, and this has none"
        raise NoPlace("unsupported_capability", what)
    return {"id": part.id}


def _reasoning(index: int, message: Message, quirks: Mapping[str, Any]) -> Body:
    if "reasoning_field" not in quirks and not quirks.get("reasoning_details"):
        return {}
    own = [part for part in message.content if isinstance(part, ReasoningPart) and part.api == TRAITS.name]
    if quirks.get("reasoning_details") and any(part.signature for part in own):
        return {"reasoning_details": [detail for part in own for detail in _details(index, part)]}
    text = "".join(part.text for part in own)
    return {quirks["reasoning_field"]: text} if text and "reasoning_field" in quirks else {}


def _details(index: int, part: ReasoningPart) -> list[Any]:
    try:
        return _DETAILS.decode(part.signature or "[]")
    except (msgspec.DecodeError, UnicodeError) as error:
        what = f"messages[{index}]: the signature of the reasoning is none that api {TRAITS.name!r} gave"
        raise NoPlace("bad_request", what) from error


def _call(call: ToolCall, quirks: Mapping[str, Any]) -> Body:
    arguments = to_json(call.arguments).decode() if call.arguments is not None else "{}"
    function = {"name": wire_name(call.name or ""), "arguments": arguments}
    return {"id": _wire_id(call.id, quirks), "type": "function", "function": function}


def _wire_id(call_id: str, quirks: Mapping[str, Any]) -> str:
    """Return *call_id*, or one that the provider takes in its place: always the same one for the same id."""
    if re.fullmatch(quirks.get("call_ids", _CALL_IDS), call_id, re.DOTALL):
        return call_id
    return sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:_STAND_IN_DIGITS]


def _result_text(result: ToolResult) -> str:
    text = result.text
    if not text and any(isinstance(part, ImagePart) for part in result.content):
        text = "The result is shown as an image below."
    return f"Error: {text}" if result.is_error and not text.startswith("Error: ") else text


def _result_images(index: int, result: ToolResult) -> list[Body]:
    return [_image(index, part) for part in result.content if isinstance(part, ImagePart)]
