"""Messages as callers give them → canonical messages.

A string is one user message. A list may mix canonical `Message`s and OpenAI-style dicts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from ..canonical.message import Message, Part, Role
from ..canonical.part import ImagePart, RefusalPart, TextPart
from ..canonical.tool import ToolCall, ToolResult
from ..errors import RequestError
from ..providers.arguments import read_arguments

MessagesLike = str | Sequence[Message | Mapping[str, Any]]

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
_PARTS = "parts are {type: text, text: ...}, {type: image_url, image_url: {url: ...}} and {type: refusal, refusal: ...}"


def read_messages(messages: MessagesLike) -> tuple[Message, ...]:
    """Return *messages* as canonical ones, at least one.

    Raises:
        RequestError: There is none, or one is not of a known form; the message names its position.
    """
    if isinstance(messages, str):
        messages = [Message("user", messages)]
    if not isinstance(messages, Sequence) or not messages:
        raise RequestError("messages must be a string or a list with at least one message", "messages")
    read: list[Message] = []
    for index, message in enumerate(messages):
        read.append(_message(message, index, read))
    return tuple(read)


def leading_system(messages: Sequence[Message]) -> int:
    """Return how many system messages *messages* begins with."""
    return next((index for index, message in enumerate(messages) if message.role != "system"), len(messages))


def _message(message: Any, index: int, earlier: Sequence[Message]) -> Message:
    if isinstance(message, Message):
        if message.role not in _ROLES.values():
            raise _refused(index, f"has the role {message.role!r}; roles are {', '.join(get_args(Role))}")
        return message
    if not isinstance(message, Mapping):
        raise _refused(index, "is neither a Message nor a mapping")
    role = _ROLES.get(str(message.get("role")))
    if role is None:
        raise _refused(index, f"has the role {message.get('role')!r}; roles are {', '.join(_ROLES)}")
    if role == "tool":
        return Message("tool", (_tool_result(message, index, earlier),))
    calls = message.get("tool_calls") or ()
    if not isinstance(calls, (list, tuple)):
        raise _refused(index, "has tool_calls that are no list")
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
    raise _refused(index, f"has a part of type {kind!r} that cannot be read; {_PARTS}")


def _image(url: str) -> ImagePart:
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        return ImagePart(data=data, media_type=head[len("data:") : -len(";base64")])
    return ImagePart(url=url)


def _tool_call(call: Any, index: int) -> ToolCall:
    match call:
        case {"id": str(call_id), "function": {"name": str(name), "arguments": str(text)}}:
            return ToolCall(call_id, name, *read_arguments(text))
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
