"""EmbeddingRequest and EmbeddingResponse: texts to vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from .frozen import EMPTY, freeze_mapping
from .rate_limits import RateLimits
from .record import Record
from .usage import Usage


@dataclass(frozen=True, slots=True)
class EmbeddingRequest(Record):
    """What one call for embeddings asks: a vector for each of *inputs*.

    `model` is the id on the wire, `options` are the decision's. `feature` and `target` say where the call comes from.
    """

    model: str
    inputs: tuple[str, ...]
    options: Mapping[str, Any] = EMPTY
    feature: str = ""
    target: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", freeze_mapping(self.options))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a request from what `to_dict` returned."""
        return cls(**{**data, "inputs": tuple(data["inputs"])})


@dataclass(frozen=True, slots=True)
class EmbeddingResponse(Record):
    """The vectors, in the order of the inputs; `usage` is None where the provider did not say."""

    vectors: tuple[tuple[float, ...], ...]
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
                "vectors": tuple(tuple(vector) for vector in data["vectors"]),
                "usage": None if usage is None else Usage.from_dict(usage),
                "rate_limits": None if limits is None else RateLimits.from_dict(limits),
            }
        )
