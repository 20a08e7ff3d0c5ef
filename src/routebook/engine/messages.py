"""Messages as callers give them → canonical messages.

A string is one user message. A list may mix canonical `Message`s and OpenAI-style dicts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from ..canonical.message import Message, Part, Role
from ..canonical.part import AudioPart, FilePart, ImagePart, ReasoningPart, RefusalPart, TextPart
from ..canonical.plain import type_of
from ..canonical.tool import ToolCall, ToolResult
from ..errors import RequestError
from ..outputs.checks.found import shown
from ..providers.arguments import read_arguments
from .message_parts import what_is_wrong

MessagesLike = str | Sequence[Message | Mapping[str, Any]]

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
_PARTS = (
    "parts are {type: text, text: ...}, {type: image_url, image_url: {url: ...}}, "
    "{type: input_audio, input_audio: {data: ..., format: ...}}, {type: file, file: {file_data: ..., filename: ...}} "
    "and {type: refusal, refusal: ...}"
)
_DIALECT = "openai-chat"
"""The API whose clients write such messages: what a model thought goes back to it alone."""
_BYTES = (bytes, bytearray, memoryview)
_AUDIO_TYPES = {"mp3": "audio/mpeg"}
_UNKNOWN_SOUND = "audio/pcm"
_FILE_TYPE = "application/pdf"


def read_messages(messages: MessagesLike) -> tuple[Message, ...]:
    """Return *messages* as canonical ones, at least one.

    Raises:
        RequestError: There is none, or one is not of a known form; the message names its position.
    """
    if isinstance(messages, str):
        return (Message("user", messages),)
    if not isinstance(messages, Sequence) or isinstance(messages, _BYTES) or not messages:
        instead = "an empty one" if isinstance(messages, (list, tuple)) else type_of(messages)
        raise RequestError(f"messages must be a string or a list with at least one message, not {instead}", "messages")
    read: list[Message] = []
    for index, given in enumerate(messages):
        message = _message(given, index, read)
        wrong = what_is_wrong(message, read)
        if wrong is not None:
            raise _refused(index, wrong)
        read.append(message)
    return tuple(read)


def leading_system(messages: Sequence[Message]) -> int:
    """Return how many system messages *messages* begins with."""
    return next((index for index, message in enumerate(messages) if message.role != "system"), len(messages))


def _message(message: Any, index: int, earlier: Sequence[Message]) -> Message:
    if isinstance(message, Message):
        if message.role not in _ROLES.values():
            raise _refused(index, f"has the role {shown(message.role)}; roles are {', '.join(get_args(Role))}")
        return message
    if not isinstance(message, Mapping):
        raise _refused(index, f"is neither a Message nor a mapping, but {type_of(message)}")
    role = _ROLES.get(str(message.get("role")))
    if role is None:
        raise _refused(index, f"has the role {shown(message.get('role'))}; roles are {', '.join(_ROLES)}")
    if role == "tool":
        return Message("tool", (_tool_result(message, index, earlier),))
    if message.get("function_call"):
        raise _refused(index, "has a function_call, whose place tool_calls has taken")
    calls = message.get("tool_calls") or ()
    if not isinstance(calls, (list, tuple)):
        raise _refused(index, "has tool_calls that are no list")
    if calls and role != "assistant":
        raise _refused(index, "has tool_calls, which only an assistant's message may")
    own = _own_parts(message, index) if role == "assistant" else []
    parts = [*own, *_parts(message.get("content"), index), *(_tool_call(call, index) for call in calls)]
    if message.get("refusal"):
        parts.append(RefusalPart(str(message["refusal"])))
    if not parts:
        raise _refused(index, "has no content")
    return Message(role, parts)


def _own_parts(message: Mapping[str, Any], index: int) -> list[Part]:
    """Return what a model thought and spoke, as it stands beside its text."""
    parts: list[Part] = []
    thought, details = message.get("reasoning_content") or message.get("reasoning"), message.get("reasoning_details")
    if thought or details:
        if not isinstance(thought or "", str) or not isinstance(details or [], list):
            raise _refused(index, "has reasoning that is no text, or reasoning_details that are no list")
        parts.append(ReasoningPart(thought or "", _signature(details, index), api=_DIALECT))
    spoken = message.get("audio")
    if spoken:
        if not isinstance(spoken, Mapping) or not isinstance(spoken.get("id"), str):
            raise _refused(index, "has audio without an id, by which it would go back to its provider")
        parts.append(AudioPart(spoken.get("data") or "", _UNKNOWN_SOUND, spoken.get("transcript"), spoken["id"]))
    return parts


def _signature(details: Any, index: int) -> str | None:
    try:
        return json.dumps(details, ensure_ascii=False) if details else None
    except (TypeError, ValueError, RecursionError) as error:
        raise _refused(index, "has reasoning_details that are not JSON") from error


def _parts(content: Any, index: int) -> list[Part]:
    if content is None:
        return []
    if isinstance(content, str):
        return [TextPart(content)]
    if isinstance(content, Sequence):
        return [_part(part, index) for part in content]
    raise _refused(index, "has content that is neither text nor a list of parts")


def _part(part: Any, index: int) -> Part:
    match part:
        case {"type": "text" | "input_text", "text": str(text)}:
            return TextPart(text)
        case {"type": "refusal", "refusal": str(text)}:
            return RefusalPart(text)
        case {"type": "image_url", "image_url": {"url": str(url), **rest}}:
            return replace(_image(url), detail=_detail(rest.get("detail"), index))
        case {"type": "input_audio", "input_audio": {"data": str(data), "format": str(kind)}}:
            return AudioPart(data, _AUDIO_TYPES.get(kind, f"audio/{kind}"))
        case {"type": "file", "file": {"file_data": str(content), **rest}}:
            return _file(content, rest.get("filename"))
        case {"type": "file", "file": {"file_id": _}}:
            raise _refused(index, "names a file by its file_id, which only one provider knows; send file_data")
    named = part.get("type") if isinstance(part, Mapping) else type(part).__name__
    raise _refused(index, f"has a part of type {shown(named)} that cannot be read; {_PARTS}")


def _image(url: str) -> ImagePart:
    inline = _inline(url)
    return ImagePart(url=url) if inline is None else ImagePart(data=inline[1], media_type=inline[0])


def _detail(detail: Any, index: int) -> str | None:
    if detail is not None and not isinstance(detail, str):
        raise _refused(index, "has an image whose detail is no text")
    return None if detail == "auto" else detail


def _file(data: str, name: Any) -> FilePart:
    named = name if isinstance(name, str) else None
    if data.startswith(("http://", "https://")):
        return FilePart(url=data, name=named)
    media_type, text = _inline(data) or (_FILE_TYPE, data)
    return FilePart(data=text, media_type=media_type, name=named)


def _inline(url: str) -> tuple[str, str] | None:
    """Return the media type and the base64 text of a data URL, None of any other."""
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        return head[len("data:") : -len(";base64")], data
    return None


def _tool_call(call: Any, index: int) -> ToolCall:
    match call:
        case {"id": str(call_id), "function": {"name": str(name), "arguments": str(text)}}:
            try:
                return ToolCall(call_id, name, *read_arguments(text))
            except RecursionError as error:
                raise _refused(index, "has a tool call whose arguments are nested too deeply") from error
    raise _refused(index, "has a tool call without id, function.name or function.arguments, each of them text")


def _tool_result(message: Mapping[str, Any], index: int, earlier: Sequence[Message]) -> ToolResult:
    call_id = message.get("tool_call_id")
    if not isinstance(call_id, str):
        raise _refused(index, "is a tool's, but has no tool_call_id")
    parts = _parts(message.get("content"), index)
    content = tuple(part for part in parts if isinstance(part, (TextPart, ImagePart)))
    if not content or len(content) < len(parts):
        raise _refused(index, "is a tool's, whose content must be text or images")
    called = (call.name for one in reversed(earlier) for call in one.tool_calls if call.id == call_id)
    return ToolResult(call_id, str(message.get("name") or next(called, None) or ""), content)


def _refused(index: int, why: str) -> RequestError:
    return RequestError(f"message {index} {why}", "messages")
