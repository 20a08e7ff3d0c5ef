"""Context, who asks, and Facts, what of a request a decision may look at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..canonical.frozen import EMPTY, freeze_mapping
from ..errors import RequestError

_KEY = re.compile(r"[\x21-\x7e]+")


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
        for provider, key in self.credentials.items():
            if not isinstance(key, str) or not _KEY.fullmatch(key):
                # Taking it for "no key" would let the platform pay; a line break would forge a header.
                message = f"the caller's key for provider {provider!r} is empty or has characters that no key has"
                raise RequestError(message, "context")
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
