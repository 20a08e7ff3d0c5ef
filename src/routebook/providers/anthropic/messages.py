"""Messages: canonical messages → the `system` text and the `messages` of the wire.

Pure. The API is strict: two roles that take turns, no text of blanks alone, every result of a turn's calls in the one
message that follows, before anything else. So system messages are hoisted in order, wherever they stand; neighbours of
one role are merged; blank text and answers without content are left out. What a user says is never left out: a message
of blanks has no place, and NoPlace, which holds the fault, is raised.

Thoughts, citations and pieces that only one API knows go back to this API if they came from it, and are left out
otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from ...canonical.message import Message
from ...canonical.part import AudioPart, Citation, FilePart, ImagePart, NativePart, ReasoningPart, RefusalPart, TextPart
from ...canonical.tool import ToolCall, ToolResult
from ..fault import NoPlace
from .media import Body, file_block, image_block
from .traits import TRAITS

UNNAMED_TOOL = "unnamed_tool"
_FOREIGN_LETTER = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 128
_STAND_IN_DIGITS = 12
_FAILED = "The tool failed, and said nothing."
_THOUGHTS = ("thinking", "redacted_thinking")
_PARTS: dict[str, tuple[type, ...]] = {
    "system": (TextPart,),
    "user": (TextPart, ImagePart, FilePart),
    "assistant": (TextPart, ReasoningPart, RefusalPart, NativePart, ToolCall),
    "tool": (ToolResult,),
}
_KINDS = {
    ImagePart: "takes images from users only",
    FilePart: "takes files from users only",
    AudioPart: "takes no sound",
}
_CITED = {
    "char_location": ("cited_text", "document_index", "document_title", "start_char_index", "end_char_index"),
    "page_location": ("cited_text", "document_index", "document_title", "start_page_number", "end_page_number"),
    "content_block_location": (
        *("cited_text", "document_index", "document_title"),
        *("start_block_index", "end_block_index"),
    ),
    "search_result_location": (
        *("cited_text", "search_result_index", "source", "title"),
        *("start_block_index", "end_block_index"),
    ),
    "web_search_result_location": ("cited_text", "encrypted_index", "title", "url"),
}
"""What the API takes of the citations that it gives; all of it must be there, if only as null."""


def encode_system(messages: Sequence[Message]) -> list[Body]:
    """Return the text of the system messages, a block for each, in order."""
    texts = (message.text for message in messages if message.role == "system")
    return [_text(text) for text in texts if not _is_blank(text)]


def encode_messages(messages: Sequence[Message]) -> list[Body]:
    """Return the turns of users and assistants.

    Raises:
        NoPlace: A part has no place in a message of its role, or is not whole, or nobody asks anything.
    """
    turns: list[Body] = []
    for index, message in enumerate(messages):
        _check_parts(index, message)
        if message.role != "system":
            _add(turns, "assistant" if message.role == "assistant" else "user", _blocks(index, message))
    if not any(turn["role"] == "user" for turn in turns):
        raise NoPlace("bad_request", "the conversation holds no message of a user, and this API wants one")
    for turn in turns:
        if turn["role"] == "user" and len(turn["content"]) > 1:
            turn["content"].sort(key=lambda block: block["type"] != "tool_result")
        turn["content"] = _plain(turn["content"])
    if turns[-1]["role"] == "assistant":
        _end_in_a_word(turns[-1])
    return turns


def is_loop_without_thoughts(messages: Sequence[Body]) -> bool:
    """Tell whether *messages*, of the wire, end within a loop of tool calls none of whose answers has a thought.

    So it is where another model began the loop: the API then refuses to think on a budget, for the first thought of a
    loop must come with it.
    """
    answers = 0
    for message in reversed(messages):
        kinds = {"text"} if isinstance(message["content"], str) else {block["type"] for block in message["content"]}
        if message["role"] == "user" and "tool_result" not in kinds:
            break
        if message["role"] == "assistant":
            if not kinds.isdisjoint(_THOUGHTS):
                return False
            answers += 1
    return answers > 0 and messages[-1]["role"] == "user"


def wire_name(name: str | None) -> str:
    """Return *name* as the API takes it: letters, digits, `_` and `-`, at most 128 of them."""
    return _FOREIGN_LETTER.sub("_", name or "")[:_LONGEST_NAME] or UNNAMED_TOOL


def _check_parts(index: int, message: Message) -> None:
    for part in message.content:
        if not isinstance(part, _PARTS[message.role]):
            if type(part) in _KINDS:
                raise NoPlace("unsupported_capability", f"messages[{index}]: this API {_KINDS[type(part)]}")
            kind = type(part).__name__
            raise NoPlace("bad_request", f"messages[{index}]: a message of role {message.role!r} cannot hold a {kind}")


def _blocks(index: int, message: Message) -> list[Body]:
    if message.role == "assistant":
        return _answer(message)
    blocks = list(_shown(index, message.content)) if message.role == "user" else _results(index, message)
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
    return {"type": "text", "text": text}


def _shown(index: int, content: Sequence[object]) -> Iterator[Body]:
    for part in content:
        if isinstance(part, TextPart):
            if not _is_blank(part.text):
                yield _text(part.text)
        elif isinstance(part, ImagePart):
            yield image_block(index, part)
        elif isinstance(part, FilePart):
            yield file_block(index, part)


def _results(index: int, message: Message) -> list[Body]:
    """Return the results; the pictures of a failed one come after all, because the API wants words alone in it."""
    blocks: list[Body] = []
    beside: list[Body] = []
    for result in message.tool_results:
        shown = list(_shown(index, result.content))
        if result.is_error:
            beside += [block for block in shown if block["type"] != "text"]
            shown = [block for block in shown if block["type"] == "text"] or [_text(_FAILED)]
        blocks.append(_result(result, shown))
    return blocks + beside


def _result(result: ToolResult, shown: list[Body]) -> Body:
    block: Body = {"type": "tool_result", "tool_use_id": _wire_id(result.call_id)}
    if shown:
        block["content"] = _plain(shown)
    if result.is_error:
        block["is_error"] = True
    return block


def _answer(message: Message) -> list[Body]:
    blocks = [block for part in message.content if (block := _answered(part)) is not None]
    # The API refuses an answer that ends in a thought, as one has that was cut short there.
    while blocks and blocks[-1].get("type") in _THOUGHTS:
        blocks.pop()
    return blocks


def _answered(part: object) -> Body | None:
    if isinstance(part, TextPart):
        return None if _is_blank(part.text) else {**_text(part.text), **_citations(part.citations)}
    if isinstance(part, ToolCall):
        name, given = wire_name(part.name), {} if part.arguments is None else part.arguments
        return {"type": "tool_use", "id": _wire_id(part.id), "name": name, "input": given}
    if isinstance(part, ReasoningPart):
        return _thought(part)
    if isinstance(part, RefusalPart):
        return None if _is_blank(part.text) else _text(part.text)
    return dict(part.data) if isinstance(part, NativePart) and part.api == TRAITS.name else None


def _thought(part: ReasoningPart) -> Body | None:
    """Return a thought with its signature, without which the API takes none."""
    if part.api != TRAITS.name or not part.signature:
        return None
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.signature}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _citations(citations: Sequence[Citation]) -> Body:
    own = [_cited(citation.data) for citation in citations if citation.api == TRAITS.name]
    return {"citations": own} if own else {}


def _cited(data: Mapping[str, Any]) -> Body:
    kind = data.get("type")
    keys = _CITED.get(kind) if isinstance(kind, str) else None
    return dict(data) if keys is None else {"type": kind, **{key: data.get(key) for key in keys}}


def _wire_id(text: str) -> str:
    """Return a call's id as the API takes it: its own as they are, others always the same, and never as another's."""
    plain = _FOREIGN_LETTER.sub("_", text)
    if text and plain == text:
        return text
    digits = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_STAND_IN_DIGITS]
    return f"{plain}_{digits}"


def _plain(blocks: list[Body]) -> str | list[Body]:
    """Return one text without more to it as that text."""
    if len(blocks) == 1 and blocks[0].get("type") == "text" and "citations" not in blocks[0]:
        text: str = blocks[0]["text"]
        return text
    return blocks


def _end_in_a_word(turn: Body) -> None:
    """Take the blanks off the end of an answer that the model is to go on with: the API refuses them there."""
    if isinstance(turn["content"], str):
        turn["content"] = turn["content"].rstrip()
    elif turn["content"][-1].get("type") == "text":
        turn["content"][-1] = {**turn["content"][-1], "text": turn["content"][-1]["text"].rstrip()}
