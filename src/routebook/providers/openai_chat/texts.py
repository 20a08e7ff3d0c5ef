"""Texts: what a model thought and said in a chat completions answer, and what it cites → canonical parts.

Pure. Reasoning that its provider gives in pieces of its own making (`reasoning_details`) is one part: its text, for
people, and the pieces as JSON in its signature, to go back unchanged. Sources stand beside the message or beside the
whole answer; they belong to the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...canonical.message import Part
from ...canonical.part import Citation, NativePart, ReasoningPart, TextPart
from ..body import ENCODER, Malformed
from .media import read_image
from .traits import TRAITS
from .wire import WireBody, WireMessage, WirePiece

Content = str | list[dict[str, Any]] | None


def read_content(content: Content) -> tuple[str, list[Part], str]:
    """Return the reasoning, the texts with what else stands between them, and the refusal in *content*.

    Raises:
        Malformed: A part is none that this API or a dialect of it defines.
    """
    if content is None or isinstance(content, str):
        return "", [TextPart(content)] if content else [], ""
    thoughts: list[str] = []
    refusals: list[str] = []
    texts: list[str] = []
    parts: list[Part] = []
    for item in content:
        match item.get("type"):
            case "thinking":
                thoughts.append(words(item.get("thinking")))
            case "refusal":
                refusals.append(words(item.get("refusal")))
            case "text":
                texts.append(words(item.get("text")))
            case "image_url":
                _end_text(parts, texts)
                parts.append(read_image(item))
            case "reference" | "tool_reference":
                _end_text(parts, texts)
                parts.append(NativePart(TRAITS.name, item))
            case kind:
                raise Malformed(f"the answer's content has a part of type {kind!r}, which this API does not define")
    _end_text(parts, texts)
    return "".join(thoughts), parts, "".join(refusals)


def words(value: Any) -> str:
    """Return the text in *value*: text, a list of mappings that hold some, or nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(words(item.get("text")) for item in value if isinstance(item, Mapping))
    if value is None:
        return ""
    raise Malformed(f"the answer has a text that is none, but {value!r}")


def read_reasoning(message: WireMessage, within: str) -> Iterator[ReasoningPart]:
    """Yield what the model thought, beside the content of *message* or *within* it, as one part."""
    text = said_reasoning(message) or within
    details = message.reasoning_details
    if details:
        yield ReasoningPart(text, ENCODER.encode(details).decode(), redacted=not text, api=TRAITS.name)
    elif text:
        yield ReasoningPart(text, api=TRAITS.name)


def said_reasoning(message: WireMessage | WirePiece) -> str:
    """Return the words of the reasoning beside the content; where they stand twice, once."""
    plain = message.reasoning_content or message.reasoning
    if plain or not message.reasoning_details:
        return plain or ""
    return "".join(words(detail.get("text") or detail.get("summary")) for detail in message.reasoning_details)


def read_citations(
    parts: Sequence[Part], annotations: Sequence[Mapping[str, Any]] | None, wire: WireBody
) -> list[Part]:
    """Return *parts* with the sources on the last of its texts; sources without a text are pieces by themselves."""
    sources = [*(annotations or ()), *(wire.search_results or wire.citations or ())]
    if not sources:
        return list(parts)
    found = list(parts)
    last = max((index for index, part in enumerate(found) if isinstance(part, TextPart)), default=None)
    cited = tuple(_citation(source) for source in sources)
    if last is None:
        return [*found, TextPart("", cited)]
    text = found[last]
    assert isinstance(text, TextPart)
    found[last] = TextPart(text.text, cited)
    return found


def _citation(source: str | Mapping[str, Any]) -> Citation:
    if isinstance(source, str):
        return Citation(TRAITS.name, {"url": source}, url=source)
    place = source.get("url_citation", source)
    place = place if isinstance(place, Mapping) else {}
    url, title, text = (_text(place.get(name)) for name in ("url", "title", "content"))
    return Citation(TRAITS.name, source, url, title, text or _text(place.get("snippet")))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _end_text(parts: list[Part], texts: list[str]) -> None:
    text = "".join(texts)
    texts.clear()
    if text:
        parts.append(TextPart(text))
