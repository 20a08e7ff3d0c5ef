"""Messages: canonical messages → the `system` text and the `messages` of the wire.

Pure. The API is strict: two roles that take turns, a user first, no text of blanks alone, every result of a turn's
calls in the one message that follows. So system messages are hoisted in order, wherever they stand; neighbours of one
role are merged; blank text and answers without content are left out. What a user says is never left out: a message
of blanks has no place, and NoPlace, which holds the fault, is raised.

Thoughts, citations and pieces that only one API knows go back to this API if they came from it, and are left out
otherwise. Where no tools are offered the API takes no calls either: those of the past are then told in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256

from ...canonical.message import Message
from ...canonical.part import AudioPart, FilePart, ImagePart, NativePart, ReasoningPart, RefusalPart, TextPart
from ...canonical.tool import ToolCall, ToolResult
from ..body import to_json
from ..fault import NoPlace
from .media import Body, audio_block, file_block, free_name, image_block
from .traits import TRAITS

UNNAMED_TOOL = "unnamed_tool"
_FOREIGN_LETTER = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 64
_STAND_IN_DIGITS = 12
_FAILED = "The tool failed, and said nothing."
_PARTS: dict[str, tuple[type, ...]] = {
    "system": (TextPart,),
    "user": (TextPart, ImagePart, FilePart, AudioPart),
    "assistant": (TextPart, ReasoningPart, RefusalPart, NativePart, ToolCall),
    "tool": (ToolResult,),
}
_KINDS = {
    ImagePart: "takes images from users only",
    FilePart: "takes files from users only",
    AudioPart: "takes sound from users only",
}


def encode_system(messages: Sequence[Message]) -> list[Body]:
    """Return the text of the system messages, a block for each, in order."""
    texts = (message.text for message in messages if message.role == "system")
    return [_text(text) for text in texts if not _is_blank(text)]


def encode_messages(messages: Sequence[Message], *, with_tools: bool) -> list[Body]:
    """Return the turns of users and assistants; *with_tools* tells that tools are offered.

    Raises:
        NoPlace: A part has no place in a message of its role, or is not whole, or no user begins.
    """
    turns: list[Body] = []
    for index, message in enumerate(messages):
        _check_parts(index, message)
        if message.role != "system":
            role = "assistant" if message.role == "assistant" else "user"
            _add(turns, role, _blocks(index, message, with_tools=with_tools))
    if not turns or turns[0]["role"] != "user":
        raise NoPlace("bad_request", "no message of a user begins the conversation, and this API wants one")
    for turn in turns:
        if turn["role"] == "user":
            turn["content"].sort(key=lambda block: "toolResult" not in block)
            _check_documents(turn["content"])
    _tell_documents_apart(turns)
    if turns[-1]["role"] == "assistant":
        _end_in_a_word(turns[-1])
    return turns


def wire_name(name: str | None) -> str:
    """Return *name* as the API takes it: letters, digits, `_` and `-`, at most 64 of them."""
    return _FOREIGN_LETTER.sub("_", name or "")[:_LONGEST_NAME] or UNNAMED_TOOL


def _check_parts(index: int, message: Message) -> None:
    for part in message.content:
        if not isinstance(part, _PARTS[message.role]):
            if type(part) in _KINDS:
                raise NoPlace("unsupported_capability", f"messages[{index}]: this API {_KINDS[type(part)]}")
            kind = type(part).__name__
            raise NoPlace("bad_request", f"messages[{index}]: a message of role {message.role!r} cannot hold a {kind}")


def _blocks(index: int, message: Message, *, with_tools: bool) -> list[Body]:
    if message.role == "assistant":
        return _answer(message, with_tools=with_tools)
    if message.role == "user":
        blocks = list(_shown(index, message.content))
    else:
        blocks = _results(index, message) if with_tools else list(_told_results(index, message))
    if not blocks:
        raise NoPlace("bad_request", f"messages[{index}]: this API takes no message without content")
    return blocks


def _add(turns: list[Body], role: str, blocks: list[Body]) -> None:
    if not blocks:
        return
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"] += blocks
    else:
        turns.append({"role": role, "content": blocks})


def _is_blank(text: str) -> bool:
    return not text or text.isspace()


def _text(text: str) -> Body:
    return {"text": text}


def _shown(index: int, content: Sequence[object]) -> Iterator[Body]:
    for part in content:
        if isinstance(part, TextPart):
            if not _is_blank(part.text):
                yield _text(part.text)
        elif isinstance(part, ImagePart):
            yield image_block(index, part)
        elif isinstance(part, FilePart):
            yield file_block(index, part)
        elif isinstance(part, AudioPart):
            yield audio_block(index, part)


def _results(index: int, message: Message) -> list[Body]:
    """Return the results, and after them all what has no place in one: sounds, and the pictures of a failed one, in
    which models want words alone.
    """
    blocks: list[Body] = []
    beside: list[Body] = []
    for result in message.tool_results:
        shown = list(_shown(index, result.content))
        beside += [block for block in shown if _is_apart(block, result)]
        shown = [block for block in shown if not _is_apart(block, result)]
        blocks.append(_result(result, shown or [_text(_FAILED)] if result.is_error else shown))
    return blocks + beside


def _is_apart(block: Body, result: ToolResult) -> bool:
    return "text" not in block if result.is_error else "audio" in block


def _result(result: ToolResult, shown: list[Body]) -> Body:
    status = {"status": "error"} if result.is_error else {}
    return {"toolResult": {"toolUseId": _wire_id(result.call_id), "content": shown, **status}}


def _told_results(index: int, message: Message) -> Iterator[Body]:
    for result in message.tool_results:
        yield _text(f"[{'error' if result.is_error else 'result'} of tool {result.name or UNNAMED_TOOL}]")
        yield from _shown(index, result.content)


def _answer(message: Message, *, with_tools: bool) -> list[Body]:
    parts = message.content
    blocks = [block for part in parts if (block := _answered(part, with_tools=with_tools)) is not None]
    # An answer that ends in a thought, as one has that was cut short there, is refused.
    while blocks and "reasoningContent" in blocks[-1]:
        blocks.pop()
    return blocks


def _answered(part: object, *, with_tools: bool) -> Body | None:
    if isinstance(part, TextPart):
        return None if _is_blank(part.text) else _said(part)
    if isinstance(part, ToolCall):
        return _call(part) if with_tools else _told_call(part)
    if isinstance(part, ReasoningPart):
        return _thought(part)
    if isinstance(part, RefusalPart):
        return None if _is_blank(part.text) else _text(part.text)
    return dict(part.data) if isinstance(part, NativePart) and part.api == TRAITS.name else None


def _said(part: TextPart) -> Body:
    own = [citation.data for citation in part.citations if citation.api == TRAITS.name]
    return {"citationsContent": {"content": [_text(part.text)], "citations": own}} if own else _text(part.text)


def _call(call: ToolCall) -> Body:
    given = {} if call.arguments is None else call.arguments
    return {"toolUse": {"toolUseId": _wire_id(call.id), "name": wire_name(call.name), "input": given}}


def _told_call(call: ToolCall) -> Body:
    given = call.arguments_json if call.arguments is None else to_json(call.arguments).decode()
    return _text(f"[call of tool {call.name or UNNAMED_TOOL}: {given or '{}'}]")


def _thought(part: ReasoningPart) -> Body | None:
    """Return a thought with its signature, without which models that sign theirs take none."""
    if part.api != TRAITS.name or not part.signature:
        return None
    if part.redacted:
        return {"reasoningContent": {"redactedContent": part.signature}}
    return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}


def _wire_id(text: str) -> str:
    """Return a call's id as the API takes it: fitting ones as they are, others always the same, never as another's."""
    plain = _FOREIGN_LETTER.sub("_", text)
    if text and plain == text and len(text) <= _LONGEST_NAME:
        return text
    digits = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_STAND_IN_DIGITS]
    return f"{plain[: _LONGEST_NAME - _STAND_IN_DIGITS - 1]}_{digits}"


def _check_documents(blocks: Sequence[Body]) -> None:
    if any("document" in block for block in blocks) and not any("text" in block for block in blocks):
        raise NoPlace("bad_request", "a document stands without words beside it, and this API wants some")


def _tell_documents_apart(turns: Sequence[Body]) -> None:
    """Give each document a name of its own: the API refuses two of one name."""
    taken: set[str] = set()
    for turn in turns:
        for block in turn["content"]:
            if "document" in block:
                block["document"]["name"] = free_name(block["document"]["name"], taken)


def _end_in_a_word(turn: Body) -> None:
    """Take the blanks off the end of an answer that the model is to go on with: they are refused there."""
    if "text" in turn["content"][-1]:
        turn["content"][-1] = _text(turn["content"][-1]["text"].rstrip())
