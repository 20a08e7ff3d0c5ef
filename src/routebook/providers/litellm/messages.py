"""Messages: canonical messages → the library's, which are those of chat completions.

Pure. What the library gave beside an answer, to be given back, is put where it was; see `kept`. What another API made
is left out, for it would prove nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ...canonical.message import Message, Part
from ...canonical.part import Citation, NativePart, ReasoningPart, TextPart
from ..fault import NoPlace
from ..openai.fields import Body
from ..openai_chat.traits import TRAITS as CHAT
from .kept import kept_in, put_back
from .traits import TRAITS

QUIRKS: Mapping[str, Any] = MappingProxyType(
    {
        # The library hides what Gemini wants back in ids, and takes it out for others.
        "call_ids": ".{1,40}|.*__thought__.*",
        "images": "chat",
    }
)
"""How the library's messages differ from those of chat completions."""

_NAMES = {TRAITS.name: CHAT.name, CHAT.name: TRAITS.name}


def renamed(message: Message) -> Message:
    """Return *message* with what this API made as if chat completions had, and the other way round: the names of the
    two are exchanged in its parts.
    """
    if all(isinstance(part, TextPart) and not part.citations for part in message.content):
        return message
    return Message(message.role, tuple(map(_renamed, message.content)))


def give_back(messages: Sequence[Message], encoded: Sequence[Body]) -> None:
    """Put into the *encoded* answers what the library gave with those of *messages* that it made.

    Raises:
        NoPlace: The proof of a thought is none that this API gave.
    """
    answers = [index for index, message in enumerate(messages) if message.role == "assistant"]
    bodies = [body for body in encoded if body["role"] == "assistant"]
    for index, body in zip(answers, bodies, strict=True):
        own = [part for part in messages[index].content if isinstance(part, ReasoningPart) and part.api == TRAITS.name]
        text = "".join(part.text for part in own)
        if text:
            body["reasoning_content"] = text
        for part in own:
            _put_back(index, part.signature, body)


def _put_back(index: int, signature: str | None, body: Body) -> None:
    if signature is None:
        return
    kept = kept_in(signature)
    if kept is None:
        what = f"messages[{index}]: the signature of the reasoning is none that api {TRAITS.name!r} gave"
        raise NoPlace("bad_request", what)
    put_back(kept, body)


def _renamed(part: Part) -> Part:
    if isinstance(part, TextPart):
        return replace(part, citations=tuple(map(_cited, part.citations)))
    if isinstance(part, (ReasoningPart, NativePart)) and part.api in _NAMES:
        return replace(part, api=_NAMES[part.api])
    return part


def _cited(citation: Citation) -> Citation:
    return replace(citation, api=_NAMES.get(citation.api, citation.api))
