"""LinkedBook: everything that a compiled book defines, by section and name, with its digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..canonical.frozen import EMPTY
from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.span import Span
from .digest import table_digest
from .output_spec import OutputSpec
from .provider_spec import ProviderSpec
from .spec import FeatureSpec, InvariantSpec, ModelSpec, ProfileSpec
from .tool_spec import ServerSpec

TransportChoice = Literal["auto", "httpx2", "fast"]
"""What carries requests over HTTP; `auto` is the fastest that is installed."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the analyses of a book went over: how many decisions it can make, and how many features have more sets of
    callers' keys than are counted among them (beyond four providers, each key alone and all). Of its invariants, how
    many hold, how many do not or are not proved, and how many select nothing.
    """

    decisions: int = 0
    cut_features: int = 0
    proved: int = 0
    broken: int = 0
    idle: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class LinkedBook:
    """What a book defines, linked and frozen.

    The mappings are read-only views from a name to what it defines. `digest` is SHA-256 over each linked
    definition, `digests` has them one by one under (section, name); `lock` is the book's tools.lock.json,
    `transport` is what carries requests, `settings_spans` says where each setting stands, `diagnostics` holds the
    warnings and notes of a good book, `coverage` what they and the proof of its invariants rest on. Equal digests are
    equal books.
    """

    providers: Mapping[str, ProviderSpec]
    models: Mapping[str, ModelSpec]
    servers: Mapping[str, ServerSpec]
    outputs: Mapping[str, OutputSpec]
    profiles: Mapping[str, ProfileSpec]
    features: Mapping[str, FeatureSpec]
    default_profile: str
    digests: Mapping[tuple[str, str], str]
    byok_profile: str | None = None
    default_feature: str | None = None
    drain_s: float = 10.0
    transport: TransportChoice = "auto"
    invariants: Mapping[str, InvariantSpec] = EMPTY
    lock: Mapping[str, Any] | None = None
    settings_spans: Mapping[str, Span] = EMPTY
    diagnostics: tuple[Diagnostic, ...] = ()
    coverage: Coverage = Coverage()
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", table_digest(self.digests))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LinkedBook) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.features)} features, digest {self.digest[:12]})"
