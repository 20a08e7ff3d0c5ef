"""Parts: the pieces of a message's content that are not tool calls or results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from .frozen import freeze_mapping
from .record import Record


@dataclass(frozen=True, slots=True)
class Citation(Record):
    """What a piece of text rests on, as far as the provider says: where it is found, its title, the words cited.

    `data` is the citation as the provider gave it; it goes back, whole, only to the `api` that made it.
    """

    api: str
    data: Mapping[str, Any]
    url: str | None = None
    title: str | None = None
    text: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", freeze_mapping(self.data))


@dataclass(frozen=True, slots=True)
class TextPart(Record):
    """Plain text, and what it cites.

    `aside` tells that the provider marks it as said on the way to an answer, and as no part of it.
    """

    text: str
    citations: tuple[Citation, ...] = ()
    aside: bool = False
    type: ClassVar[str] = "text"

    def to_dict(self) -> dict[str, Any]:
        """Return the part as plain data; citations, and that it is an aside, only where it is so."""
        cited = {"citations": [citation.to_dict() for citation in self.citations]} if self.citations else {}
        return {"text": self.text, **cited, **({"aside": True} if self.aside else {})}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build the part from what `to_dict` returned."""
        citations = tuple(Citation.from_dict(citation) for citation in data.get("citations", ()))
        return cls(data["text"], citations, data.get("aside", False))


@dataclass(frozen=True, slots=True)
class ImagePart(Record):
    """An image, as base64 *data* with its *media_type*, or as a *url* that only the provider fetches.

    `detail` says how closely a model shall look, in the provider's words (`low`, `high`).
    """

    data: str | None = None
    url: str | None = None
    media_type: str | None = None
    detail: str | None = None
    type: ClassVar[str] = "image"


@dataclass(frozen=True, slots=True)
class AudioPart(Record):
    """Sound, as base64 *data* with its *media_type* (`audio/wav`, `audio/mpeg`).

    What a model speaks has the `transcript` of it, and the provider's `id`, by which it goes back to the provider.
    """

    data: str
    media_type: str
    transcript: str | None = None
    id: str | None = None
    type: ClassVar[str] = "audio"


@dataclass(frozen=True, slots=True)
class FilePart(Record):
    """A document, as base64 *data* with its *media_type* (`application/pdf`, `text/plain`), or as a *url* that only
    the provider fetches; `name` is a file's name.
    """

    data: str | None = None
    url: str | None = None
    media_type: str | None = None
    name: str | None = None
    type: ClassVar[str] = "file"


@dataclass(frozen=True, slots=True)
class ReasoningPart(Record):
    """What a model thought before it answered.

    `signature` is the provider's opaque proof; it is sent back unchanged, and only to the `api` that made it.
    `redacted` tells that the provider withholds the text, and the signature is all there is. `made_by` is the target
    that had the thought, `provider/model-id`, where that is known.
    """

    text: str = ""
    signature: str | None = None
    redacted: bool = False
    api: str | None = None
    made_by: str | None = field(default=None, compare=False)
    type: ClassVar[str] = "reasoning"


@dataclass(frozen=True, slots=True)
class RefusalPart(Record):
    """The words with which a model declined to answer."""

    text: str
    type: ClassVar[str] = "refusal"


@dataclass(frozen=True, slots=True)
class NativePart(Record):
    """A piece of an answer that only one API knows, as it came: kept, and sent back only to the `api` that made it.

    `made_by` is the target that gave it, `provider/model-id`, where that is known.
    """

    api: str
    data: Mapping[str, Any]
    made_by: str | None = field(default=None, compare=False)
    type: ClassVar[str] = "native"

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", freeze_mapping(self.data))
