"""Messages: canonical messages → the `systemInstruction` and the `contents` of the wire.

Pure. System messages are hoisted in order, wherever they stand; neighbours of one role are merged; empty text and
answers without content are left out; what the API cannot begin with is put behind a word of the user. Results stand in
a content of their own, right after their calls. What a user says is never left out: a message without content has no
place, and NoPlace, which holds the fault, is raised.

A signature belongs to one part of an answer. Where that is a thought, it is the thought's own. Where it is any other
part, a ReasoningPart without text stands right before it: `redacted` if that part has nothing else in it, and so is
the ReasoningPart itself. Each goes back where it was. Newer models refuse a call of the present turn without one: a
call of another model, whose thoughts are not shown, has the word in its place that Google defines for it.

Thoughts and pieces that only one API knows go back to this API if they came from it, and are left out otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ...canonical.message import Message
from ...canonical.part import AudioPart, FilePart, ImagePart, NativePart, ReasoningPart, RefusalPart, TextPart
from ...canonical.tool import ToolCall, ToolResult
from ..fault import NoPlace
from .media import Body, audio_part, file_part, image_part, resolution
from .traits import TRAITS

UNNAMED_TOOL = "unnamed_tool"
UNSIGNED = "skip_thought_signature_validator"
"""What stands for the signature of a call that has none, because its model knows none."""

_FOREIGN_LETTER = re.compile(r"[^a-zA-Z0-9_.:-]")
_FIRST_LETTER = re.compile(r"[a-zA-Z_]")
_LONGEST_NAME = 128
_OLD_GEMINI = re.compile(r"(?:\A|/)gemini-[12](?:[.-]|\Z)")
_BEGINS = "Begin."
_PARTS: dict[str, tuple[type, ...]] = {
    "system": (TextPart,),
    "user": (TextPart, ImagePart, AudioPart, FilePart),
    "assistant": (TextPart, ReasoningPart, RefusalPart, NativePart, ToolCall, ImagePart, AudioPart),
    "tool": (ToolResult,),
}
_KINDS = {
    ImagePart: "takes images from users and models only",
    AudioPart: "takes sound from users and models only",
    FilePart: "takes files from users only",
}


def is_new_gemini(model: str) -> bool:
    """Tell whether *model* is a Gemini of the third generation or later.

    There, pictures of results stand in the results, each picture may say how closely to look at it, and calls are
    signed. Models that are no Gemini, and names of one's own, are asked nothing of the kind.
    """
    return "gemini" in model and not is_old_gemini(model)


def is_old_gemini(model: str) -> bool:
    """Tell whether *model* is a Gemini before the third generation: it knows budgets for thinking, and no levels."""
    return _OLD_GEMINI.search(model) is not None


def encode_system(messages: Sequence[Message]) -> Body | None:
    """Return the text of the system messages, a part for each, in order; None where there is none."""
    texts = (message.text for message in messages if message.role == "system")
    parts = [_text(text) for text in texts if text]
    return {"parts": parts} if parts else None


def encode_messages(messages: Sequence[Message], model: str, *, has_ids: bool) -> list[Body]:
    """Return the turns of users and models; *has_ids* tells whether calls have ids where they are sent to.

    Raises:
        NoPlace: A part has no place in a message of its role, or is not whole, or nobody asks anything.
    """
    is_new = is_new_gemini(model)
    turns: list[Body] = []
    names: dict[str, str] = {}
    shown: list[Body] = []
    for index, message in enumerate(messages):
        _check_parts(index, message)
        if message.role == "system":
            continue
        # The API wants all results of a turn in a row; what they show comes after the last one.
        if message.role != "tool" and shown:
            turns.append({"role": "user", "parts": shown})
            shown = []
        if message.role == "assistant":
            names.update((call.id, wire_name(call.name)) for call in message.tool_calls)
            _add(turns, "model", _answer(index, message, has_ids))
        elif message.role == "tool":
            _add(turns, "user", _results(index, message, names, is_new, has_ids, shown))
        else:
            _add(turns, "user", _asked(index, message, is_new))
    if shown:
        turns.append({"role": "user", "parts": shown})
    return _mended(turns, is_new)


def wire_name(name: str | None) -> str:
    """Return *name* as the API takes it: letters, digits, `_`, `.`, `:` and `-`, at most 128, a letter or `_` first."""
    plain = _FOREIGN_LETTER.sub("_", name or "") or UNNAMED_TOOL
    return (plain if _FIRST_LETTER.match(plain) else f"_{plain}")[:_LONGEST_NAME]


def _mended(turns: list[Body], is_new: bool) -> list[Body]:
    if not any(turn["role"] == "user" for turn in turns):
        raise NoPlace("bad_request", "the conversation holds no message of a user, and this API wants one")
    if turns[0]["role"] == "model":
        turns.insert(0, {"role": "user", "parts": [_text(_BEGINS)]})
    if is_new:
        _sign_calls(turns)
    return turns


def _sign_calls(turns: list[Body]) -> None:
    """See to it that the first call of each answer since the user last spoke has a signature."""
    for turn in reversed(turns):
        parts: list[Body] = turn["parts"]
        if turn["role"] == "user" and "functionResponse" not in parts[0]:
            break
        first = next((index for index, part in enumerate(parts) if "functionCall" in part), None)
        if first is not None and "thoughtSignature" not in parts[first]:
            parts[first] = {**parts[first], "thoughtSignature": UNSIGNED}


def _check_parts(index: int, message: Message) -> None:
    for part in message.content:
        if not isinstance(part, _PARTS[message.role]):
            if type(part) in _KINDS:
                raise NoPlace("unsupported_capability", f"messages[{index}]: this API {_KINDS[type(part)]}")
            kind = type(part).__name__
            raise NoPlace("bad_request", f"messages[{index}]: a message of role {message.role!r} cannot hold a {kind}")


def _add(turns: list[Body], role: str, parts: list[Body]) -> None:
    if not parts:
        return
    last = turns[-1] if turns else None
    if last is not None and last["role"] == role and _are_results(last["parts"]) == _are_results(parts):
        last["parts"] += parts
    else:
        turns.append({"role": role, "parts": parts})


def _are_results(parts: Sequence[Body]) -> bool:
    return "functionResponse" in parts[0]


def _text(text: str) -> Body:
    return {"text": text}


def _asked(index: int, message: Message, is_new: bool) -> list[Body]:
    parts = list(_shown(index, message.content, is_new))
    if not parts:
        raise NoPlace("bad_request", f"messages[{index}]: this API takes no message without content")
    return parts


def _shown(index: int, content: Sequence[object], is_new: bool) -> Iterator[Body]:
    for part in content:
        if isinstance(part, TextPart):
            if part.text:
                yield _text(part.text)
        elif isinstance(part, ImagePart):
            yield {**image_part(index, part), **(resolution(part) if is_new else {})}
        elif isinstance(part, AudioPart):
            yield audio_part(index, part)
        elif isinstance(part, FilePart):
            yield file_part(index, part)


def _results(
    index: int,
    message: Message,
    names: Mapping[str, str],
    is_new: bool,
    has_ids: bool,
    shown: list[Body],
) -> list[Body]:
    """Return the results; pictures that cannot stand in them are added to *shown*, to come after all of them."""
    results: list[Body] = []
    for result in message.tool_results:
        pictures = [image_part(index, part) for part in result.content if isinstance(part, ImagePart)]
        encoded: Body = {"id": result.call_id} if has_ids and result.call_id else {}
        encoded["name"] = names.get(result.call_id) or wire_name(result.name)
        encoded["response"] = {"error" if result.is_error else "output": result.text}
        if pictures and is_new:
            encoded["parts"] = pictures
        elif pictures:
            shown += [_text(f"From the result of {result.name}:"), *pictures]
        results.append({"functionResponse": encoded})
    return results


def _answer(index: int, message: Message, has_ids: bool) -> list[Body]:
    parts: list[Body] = []
    signature: str | None = None
    for part in message.content:
        if isinstance(part, ReasoningPart) and _is_signature(part):
            parts += _alone(signature)
            signature = part.signature
            continue
        body = _answered(index, part, has_ids)
        if body is None:
            continue
        if signature is not None and isinstance(part, (ReasoningPart, NativePart)):  # these have their own, if any
            parts += _alone(signature)
        elif signature is not None:
            body = {**body, "thoughtSignature": signature}
        signature = None
        parts.append(body)
    parts += _alone(signature)
    # What is only thought is no answer that goes on; the API wants words or calls.
    return [] if all(part.get("thought") for part in parts) else parts


def _is_signature(part: ReasoningPart) -> bool:
    """Tell whether *part* is nothing but the signature of the part behind it."""
    return part.api == TRAITS.name and not part.text and not part.redacted


def _alone(signature: str | None) -> list[Body]:
    return [{"text": "", "thoughtSignature": signature}] if signature else []


def _answered(index: int, part: object, has_ids: bool) -> Body | None:
    if isinstance(part, (TextPart, RefusalPart)):
        return _text(part.text) if part.text else None
    if isinstance(part, ToolCall):
        named: Body = {"id": part.id} if has_ids and part.id else {}
        given = {} if part.arguments is None else part.arguments
        return {"functionCall": {**named, "name": wire_name(part.name), "args": given}}
    if isinstance(part, ReasoningPart):
        return _thought(part) if part.api == TRAITS.name else None
    if isinstance(part, ImagePart):
        return image_part(index, part)
    if isinstance(part, AudioPart):
        return audio_part(index, part)
    return dict(part.data) if isinstance(part, NativePart) and part.api == TRAITS.name else None


def _thought(part: ReasoningPart) -> Body | None:
    if part.redacted:
        return {"text": part.text, "thoughtSignature": part.signature} if part.signature else None
    signed = {"thoughtSignature": part.signature} if part.signature else {}
    return {"text": part.text, "thought": True, **signed}
