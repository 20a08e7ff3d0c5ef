"""What runs: providers, models, tool servers, outputs and features, linked, complete and frozen.

Durations are seconds, sizes bytes, prices US dollars per million tokens. Secrets are references, never values.
`span` says where a thing was defined, `credentials_span` where its credential mode stands (for a profile, perhaps an
ancestor's line); like `description`, they are no part of the digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..canonical.frozen import EMPTY
from ..diagnostics.span import Span
from .decision import PlannedAttempt, Skip
from .script import ScriptEntry
from .secret import SecretRef
from .tool_spec import ToolsSpec

CredentialMode = Literal["platform", "prefer_caller", "caller"]

DEFAULT_FALLBACK_ON = (
    "rate_limit",
    "quota_exceeded",
    "overloaded",
    "timeout",
    "connection",
    "server_error",
    "malformed_response",
)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Bounds on one HTTP call, in seconds; `first_token` runs to the first byte of the answer."""

    connect: float = 5.0
    first_token: float = 60.0
    idle: float = 60.0
    total: float = 600.0


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """Where models are served. `credential` is None with `auth: none` and for scripts.

    `headers` holds those that carry a secret; plain ones are options of every attempt. `quirks` are the preset's
    departures from its API.
    """

    name: str
    api: str
    base_url: str | None = None
    credential: SecretRef | None = None
    headers: Mapping[str, SecretRef] = EMPTY
    quirks: Mapping[str, Any] = EMPTY
    timeout: Timeouts = Timeouts()
    script: tuple[ScriptEntry, ...] | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens; None where the file does not say."""

    input: float | None = None
    output: float | None = None
    cached_input: float | None = None
    cache_write: float | None = None


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model at a provider; `capabilities` is None where the book declares none."""

    name: str
    provider: str
    id: str
    capabilities: frozenset[str] | None = None
    rejects: frozenset[str] = frozenset()
    context_window: int | None = None
    max_output_tokens: int | None = None
    price: Price | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class ProfileSpec:
    """A quality-of-service tier; `lineage` is its own name, then its `extends` ancestors'."""

    name: str
    lineage: tuple[str, ...]
    credentials: CredentialMode | None = None
    description: str | None = None
    credentials_span: Span | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class AttemptSpec:
    """One target of a route, linked and complete.

    `platform` is the attempt as the platform pays for it (or nobody, where no key is needed), `caller` as a caller
    with a key of their own does (None where no key is needed). `carries` names the options that its API and model
    take.
    """

    platform: PlannedAttempt
    caller: PlannedAttempt | None
    carries: frozenset[str]
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class RouteSpec:
    """Where a feature goes under one condition: `name` is `pin`, `profile:NAME` or `use`, the first attempt is the
    primary; `dropped` are fallbacks that equal an attempt before them.
    """

    name: str
    attempts: tuple[AttemptSpec, ...]
    dropped: tuple[Skip, ...] = ()
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """What the application asks for by name, with a route for every profile."""

    name: str
    pin: RouteSpec | None = None
    profiles: Mapping[str, RouteSpec] = EMPTY
    use: RouteSpec | None = None
    credentials: CredentialMode | None = None
    needs: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()
    tools: ToolsSpec | None = None
    output: str | None = None
    description: str | None = None
    credentials_span: Span | None = None
    span: Span | None = None

    def routes(self) -> tuple[RouteSpec, ...]:
        """Return every route of the feature, the strongest first."""
        return tuple(route for route in (self.pin, *self.profiles.values(), self.use) if route is not None)
