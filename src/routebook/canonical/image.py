"""ImageRequest and ImageResponse: a description to pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from .frozen import EMPTY, freeze_mapping
from .part import ImagePart
from .rate_limits import RateLimits
from .record import Record
from .usage import Usage


@dataclass(frozen=True, slots=True)
class ImageRequest(Record):
    """What one call for images asks.

    `model` is the id on the wire, `options` are the decision's. `by_chat` tells that the model answers chats, so that
    its images come in an answer to one; with None the provider's preset says. `feature` and `target` say where the
    call comes from.
    """

    model: str
    prompt: str
    options: Mapping[str, Any] = EMPTY
    by_chat: bool | None = None
    feature: str = ""
    target: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", freeze_mapping(self.options))


@dataclass(frozen=True, slots=True)
class ImageResponse(Record):
    """The images, at least one; `text` is what the model said beside them, or what it made of the prompt. `usage` is
    None where it is not known.
    """

    images: tuple[ImagePart, ...]
    text: str = ""
    usage: Usage | None = None
    request_id: str | None = None
    model: str | None = None
    rate_limits: RateLimits | None = None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a response from what `to_dict` returned."""
        usage, limits = data.get("usage"), data.get("rate_limits")
        return cls(
            **{
                **data,
                "images": tuple(ImagePart.from_dict(image) for image in data["images"]),
                "usage": None if usage is None else Usage.from_dict(usage),
                "rate_limits": None if limits is None else RateLimits.from_dict(limits),
            }
        )
