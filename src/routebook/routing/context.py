"""Context, who asks, and Facts, what of a request a decision may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..canonical.frozen import EMPTY, freeze_mapping


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks. Every field may be absent.

    `profile` names a quality-of-service tier; `credentials` maps a provider's name to the caller's own key and
    is never shown; `key` is what sticky choices stick to.
    """

    profile: str | None = None
    user: str | None = None
    tenant: str | None = None
    region: str | None = None
    metadata: Mapping[str, Any] = EMPTY
    credentials: Mapping[str, str] = field(default=EMPTY, repr=False)
    key: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "metadata", freeze_mapping(self.metadata))
        object.__setattr__(self, "credentials", freeze_mapping(self.credentials))


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision may look at in a request: its size in tokens, what it contains, and what the caller asks.

    `model` is the caller's wish for another model, `options` the caller's options. Unset facts are false and 0.
    """

    input_tokens: int = 0
    has_images: bool = False
    has_tools: bool = False
    stream: bool = False
    model: str | None = None
    options: Mapping[str, Any] = EMPTY

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", freeze_mapping(self.options))
