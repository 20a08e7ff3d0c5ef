"""Parts: the pieces of a message's content that are not tool calls or results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .record import Record


@dataclass(frozen=True, slots=True)
class TextPart(Record):
    """Plain text."""

    text: str
    type: ClassVar[str] = "text"


@dataclass(frozen=True, slots=True)
class ImagePart(Record):
    """An image, as base64 *data* with its *media_type*, or as a *url* that only the provider fetches."""

    data: str | None = None
    url: str | None = None
    media_type: str | None = None
    type: ClassVar[str] = "image"


@dataclass(frozen=True, slots=True)
class ReasoningPart(Record):
    """What a model thought before it answered.

    `signature` is the provider's opaque proof; it is sent back unchanged, and only to the `api` that made it.
    """

    text: str = ""
    signature: str | None = None
    api: str | None = None
    type: ClassVar[str] = "reasoning"


@dataclass(frozen=True, slots=True)
class RefusalPart(Record):
    """The words with which a model declined to answer."""

    text: str
    type: ClassVar[str] = "refusal"
