"""Messages: canonical messages → the items of the wire's `input`.

Pure. What this API has no place for raises NoPlace, which holds the fault. System messages stand where they stood, in
order; `instructions` is not used. What a model said before goes back without the ids that the API gave it: they tie it
to items that may be gone, and the API looks for what it has not kept. An item that must have one gets a stand-in.

Thoughts, sources and pieces that only one API knows go back to this API if they came from it, and are left out
otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

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
from .thoughts import thought_item
from .traits import TRAITS

_LONGEST_CALL_ID = 64
_STAND_IN_DIGITS = 24
_PARTS: dict[str, tuple[type, ...]] = {
    "system": (TextPart,),
    "user": (TextPart, ImagePart, FilePart),
    "assistant": (TextPart, ReasoningPart, RefusalPart, ToolCall, NativePart),
    "tool": (ToolResult,),
}
_KINDS = {
    ImagePart: "takes images from users only",
    FilePart: "takes files from users only",
    AudioPart: "takes no sound",
}


def encode_messages(messages: Sequence[Message], is_stored: bool) -> list[Body]:
    """Return the items of *messages*; *is_stored* tells that the API keeps answers, and knows them by their ids.

    Raises:
        NoPlace: A part has no place in a message of its role, or is not whole.
    """
    items: list[Body] = []
    for index, message in enumerate(messages):
        _check_parts(index, message)
        if message.role == "assistant":
            items += _answer(index, message, is_stored)
        elif message.role == "tool":
            items += [_result(index, result) for result in message.tool_results]
        elif message.role == "system":
            items.append({"role": "system", "content": message.text})
        else:
            items.append({"role": "user", "content": _user_content(index, message)})
    return items


def _check_parts(index: int, message: Message) -> None:
    for part in message.content:
        if not isinstance(part, _PARTS[message.role]):
            if type(part) in _KINDS:
                raise NoPlace("unsupported_capability", f"messages[{index}]: this API {_KINDS[type(part)]}")
            kind = type(part).__name__
            raise NoPlace("bad_request", f"messages[{index}]: a message of role {message.role!r} cannot hold a {kind}")


def _user_content(index: int, message: Message) -> str | list[Body]:
    parts = message.content
    if not parts or (len(parts) == 1 and isinstance(parts[0], TextPart)):
        return message.text
    return [_shown(index, part) for part in parts]


def _shown(index: int, part: object) -> Body:
    if isinstance(part, ImagePart):
        return {"type": "input_image", "image_url": image_address(index, part), "detail": part.detail or "auto"}
    if isinstance(part, FilePart):
        return {"type": "input_file", **_file(index, part)}
    assert isinstance(part, TextPart)
    return {"type": "input_text", "text": part.text}


def _file(index: int, part: FilePart) -> Body:
    """Return a file by its address, under the name that it has there; one that holds its data itself is data."""
    if part.url is None:
        return file_fields(index, part)
    if part.url.startswith("data:"):
        return {"filename": part.name or "file", "file_data": part.url}
    return {"file_url": part.url}


def _result(index: int, result: ToolResult) -> Body:
    output: str | list[Body] = _result_text(result, result.text)
    if any(isinstance(part, ImagePart) for part in result.content):
        output = [_shown(index, part) for part in result.content]
        if result.is_error and not result.text.startswith("Error: "):
            output.insert(0, {"type": "input_text", "text": _result_text(result, "the tool failed, and shows this")})
    return {"type": "function_call_output", "call_id": _wire_id(result.call_id), "output": output}


def _result_text(result: ToolResult, text: str) -> str:
    return f"Error: {text}" if result.is_error and not text.startswith("Error: ") else text


def _answer(index: int, message: Message, is_stored: bool) -> list[Body]:
    items: list[Body] = []
    said: list[Body] = []
    head: Body = {}
    for part in message.content:
        if isinstance(part, (TextPart, RefusalPart)):
            said += _said(part)
            continue
        items += _spoken(said, head, f"msg_{index}_{len(items)}")
        said, head = [], {}
        if isinstance(part, NativePart) and _is_head(part):
            head = {"phase": part.data["phase"]}
        else:
            items += _answered(index, part, is_stored)
    items += _spoken(said, head, f"msg_{index}_{len(items)}")
    # A thought must be followed by what was thought of, which an answer does not have that was cut short there.
    while items and items[-1].get("type") == "reasoning":
        items.pop()
    return items


def _said(part: TextPart | RefusalPart) -> Iterator[Body]:
    if isinstance(part, RefusalPart):
        yield {"type": "refusal", "refusal": part.text}
    elif part.text or part.citations:
        own = [dict(citation.data) for citation in part.citations if citation.api == TRAITS.name]
        yield {"type": "output_text", "text": part.text, "annotations": own}


def _spoken(said: list[Body], head: Body, stand_in: str) -> Iterator[Body]:
    """Yield a message of the model; plain words need no more than themselves, anything else needs an id."""
    if len(said) == 1 and said[0]["type"] == "output_text" and not said[0]["annotations"]:
        yield {"role": "assistant", "content": said[0]["text"], **head}
    elif said:
        content = {"role": "assistant", "status": "completed", "content": said}
        yield {"type": "message", "id": stand_in, **content, **head}


def _is_head(part: NativePart) -> bool:
    """Tell what `decode` keeps of a message beside its content: it is no item by itself."""
    return part.api == TRAITS.name and part.data.get("type") == "message" and "content" not in part.data


def _answered(index: int, part: object, is_stored: bool) -> Iterator[Body]:
    if isinstance(part, ToolCall):
        yield _call(part)
    elif isinstance(part, ReasoningPart):
        item = thought_item(index, part, is_stored)
        if item is not None:
            yield item
    elif isinstance(part, NativePart) and part.api == TRAITS.name:
        yield dict(part.data)


def _call(call: ToolCall) -> Body:
    arguments = to_json(call.arguments).decode() if call.arguments is not None else "{}"
    named: dict[str, Any] = {"name": wire_name(call.name or ""), "arguments": arguments}
    return {"type": "function_call", "call_id": _wire_id(call.id), **named}


def _wire_id(call_id: str) -> str:
    """Return *call_id*, or one that the API takes in its place: always the same one for the same id."""
    if 0 < len(call_id) <= _LONGEST_CALL_ID:
        return call_id
    return f"call_{sha256(call_id.encode('utf-8', 'surrogatepass')).hexdigest()[:_STAND_IN_DIGITS]}"
