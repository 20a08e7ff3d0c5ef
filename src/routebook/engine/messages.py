"""Messages as callers give them → canonical messages.

A string is one user message. A list may mix canonical `Message`s and OpenAI-style dicts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..canonical.message import Message, Part, Role
from ..canonical.part import ImagePart, RefusalPart, TextPart
from ..canonical.tool import ToolCall, ToolResult
from ..errors import RequestError

MessagesLike = str | Sequence[Message | Mapping[str, Any]]

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


def read_messages(messages: MessagesLike) -> tuple[Message, ...]:
    """Return *messages* as canonical ones, at least one.

    Raises:
        RequestError: There is none, or one is not of a known form; the message names its position.
    """
    if isinstance(messages, str):
        messages = [Message("user", messages)]
    if not isinstance(messages, Sequence) or not messages:
        raise RequestError("messages must be a string or a list with at least one message", "messages")
    return tuple(_message(message, index) for index, message in enumerate(messages))


def _message(message: Any, index: int) -> Message:
    if isinstance(message, Message):
        return message
    if not isinstance(message, Mapping):
        raise _refused(index, "is neither a Message nor a mapping")
    role = _ROLES.get(str(message.get("role")))
    if role is None:
        raise _refused(index, f"has the role {message.get('role')!r}; roles are {', '.join(_ROLES)}")
    if role == "tool":
        return Message("tool", (_tool_result(message, index),))
    calls = message.get("tool_calls") or ()
    if calls and role != "assistant":
        raise _refused(index, "has tool_calls, which only an assistant's message may")
    parts = [*_parts(message.get("content"), index), *(_tool_call(call, index) for call in calls)]
    if message.get("refusal"):
        parts.append(RefusalPart(str(message["refusal"])))
    if not parts:
        raise _refused(index, "has no content")
    return Message(role, parts)


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
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            return _image(url)
    kind = part.get("type") if isinstance(part, Mapping) else type(part).__name__
    raise _refused(index, f"has a part of type {kind!r}; parts are text, image_url and refusal")


def _image(url: str) -> ImagePart:
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        return ImagePart(data=data, media_type=head[len("data:") : -len(";base64")])
    return ImagePart(url=url)


def _tool_call(call: Any, index: int) -> ToolCall:
    match call:
        case {"id": str(call_id), "function": {"name": str(name), "arguments": str(text)}}:
            try:
                arguments = json.loads(text or "{}")
            except ValueError:
                arguments = None
            if isinstance(arguments, dict):
                return ToolCall(call_id, name, arguments)
            return ToolCall(call_id, name, None, text)
    raise _refused(index, "has a tool call without id, function.name or function.arguments")


def _tool_result(message: Mapping[str, Any], index: int) -> ToolResult:
    call_id = message.get("tool_call_id")
    if not isinstance(call_id, str):
        raise _refused(index, "is a tool's, but has no tool_call_id")
    parts = _parts(message.get("content"), index)
    content = tuple(part for part in parts if isinstance(part, (TextPart, ImagePart)))
    return ToolResult(call_id, str(message.get("name") or ""), content)


def _refused(index: int, why: str) -> RequestError:
    return RequestError(f"message {index} {why}", "messages")
