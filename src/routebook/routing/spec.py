"""What runs: models, profiles and features, linked, complete and frozen.

Durations are seconds, sizes bytes, prices US dollars per million tokens. Secrets are references, never values.
`span` says where a thing was defined, `credentials_span` where its credential mode stands (for a profile, perhaps an
ancestor's line); like `description` and what follows from other fields, they are no part of the digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..canonical.frozen import EMPTY, freeze_mapping
from ..diagnostics.span import Span
from .decision import PlannedAttempt, Skip
from .matcher import When
from .provider_spec import NO_LIMITS, Limits
from .tool_spec import ToolsSpec
from .traits import OptionRules

Place = tuple[str | int, ...]
"""Where something stands in the definition that it belongs to: the keys and indices that lead to it."""

CredentialMode = Literal["platform", "prefer_caller", "caller"]
Kind = Literal["chat", "embeddings", "image"]

DEFAULT_FALLBACK_ON = (
    "rate_limit",
    "quota_exceeded",
    "overloaded",
    "timeout",
    "connection",
    "server_error",
    "malformed_response",
)

CHAT_CAPABILITIES = frozenset({"tools", "parallel_tools", "json_object", "json_schema", "streaming", "reasoning"})
"""What only a model can do that answers chats."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens; None where the file does not say."""

    input: float | None = None
    output: float | None = None
    cached_input: float | None = None
    cache_write: float | None = None


@dataclass(frozen=True, slots=True)
class OptionLayer:
    """Options set in one place, nulls included, and where each of them stands."""

    options: Mapping[str, Any]
    spans: Mapping[str, Span] = EMPTY


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model at a provider; `capabilities` is None where the book declares none."""

    name: str
    provider: str
    id: str
    capabilities: frozenset[str] | None = None
    rejects: frozenset[str] = frozenset()
    excludes: tuple[frozenset[str], ...] = ()
    context_window: int | None = None
    max_output_tokens: int | None = None
    price: Price | None = None
    limits: Limits = NO_LIMITS
    layer: OptionLayer | None = None
    span: Span | None = None

    @property
    def serves_chat(self) -> bool | None:
        """Whether the model answers chats, as far as its capabilities tell; None where it declares none."""
        if self.capabilities is None:
            return None
        return bool(self.capabilities & CHAT_CAPABILITIES) or not self.capabilities & {"embeddings", "image_output"}


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
class WireSpec:
    """What its API holds every call to one provider to.

    `closed` are the fields of the body, as `closed_fields` reads them, that no `extra_body` may name. `dropped` says
    how to have the options that this version of the API has a place for no more. `own_headers` are for no
    `extra_headers` to name.
    """

    rules: OptionRules
    closed: frozenset[str]
    dropped: Mapping[str, str] = EMPTY
    own_headers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AttemptSpec:
    """One target of a route, linked and complete.

    `platform` is the attempt as the platform pays for it (or nobody, where no key is needed), `caller` as a caller
    with a key of their own does (None where no key is needed). `carries` names the options that its API and model
    take, as `carried.takes` reads them; `wire` says what else holds for calls to its provider. `layer` has the options
    that the target itself sets. `told` is the most tokens of an answer that the API is told where neither the book nor
    the model has a limit; None where one has, or the API need not be told.
    """

    platform: PlannedAttempt
    caller: PlannedAttempt | None
    carries: frozenset[str]
    wire: WireSpec
    layer: OptionLayer | None = None
    told: int | None = None


@dataclass(frozen=True, slots=True)
class ArmSpec:
    """The attempts of a route, or of one arm of its split: the first is the primary.

    `dropped` are fallbacks that equal an attempt before them; `planned` are the attempts where the platform pays.
    `places` says where each attempt stands in the feature's definition; it is no part of the digest.
    """

    attempts: tuple[AttemptSpec, ...]
    dropped: tuple[Skip, ...] = ()
    name: str | None = None
    weight: float = 1.0
    places: tuple[Place, ...] = ()
    span: Span | None = None
    planned: tuple[PlannedAttempt, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "planned", tuple(attempt.platform for attempt in self.attempts))


@dataclass(frozen=True, slots=True)
class RouteSpec:
    """Where a feature goes under one condition: `name` is `pin`, `rule:NAME`, `profile:NAME` or `use`.

    It has one arm, or those of its split, whose choice sticks to the context's field `key`.
    """

    name: str
    arms: tuple[ArmSpec, ...]
    key: str | None = None
    span: Span | None = None
    weights: tuple[float, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", tuple(arm.weight for arm in self.arms))


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A route that is taken where all of `when` holds."""

    name: str
    when: When
    route: RouteSpec
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class ShadowSpec:
    """A target that a share of the calls, in percent, is mirrored to."""

    attempt: AttemptSpec
    percent: float
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class PromptSpec:
    """Templates of the system's and the user's message; `variables` are the names that each of them reads."""

    system: str | None = None
    user: str | None = None
    system_variables: frozenset[str] = frozenset()
    user_variables: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class BudgetSpec:
    """The most that runs may spend; None is no bound. `bounds` has those that are set, by name."""

    usd_per_run: float | None = None
    usd_per_day: float | None = None
    tokens_per_run: int | None = None

    bounds: Mapping[str, float] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        written = {name: getattr(self, name) for name in ("usd_per_run", "usd_per_day", "tokens_per_run")}
        bounds = {name: bound for name, bound in written.items() if bound is not None}
        object.__setattr__(self, "bounds", freeze_mapping(bounds))


@dataclass(frozen=True, slots=True)
class InvariantSpec:
    """What must hold (`require`) for every decision that all of `where` selects."""

    name: str
    where: When
    require: When
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """What the application asks for by name, with a route for every profile.

    `overrides` are the attempts by the name of a model that a caller may choose, `refused_overrides` why another model
    of the book may not be chosen; both are empty where a caller may choose none. `caller_options` names the options
    that a caller may set.
    """

    name: str
    kind: Kind = "chat"
    pin: RouteSpec | None = None
    rules: tuple[RuleSpec, ...] = ()
    profiles: Mapping[str, RouteSpec] = EMPTY
    use: RouteSpec | None = None
    shadow: ShadowSpec | None = None
    overrides: Mapping[str, AttemptSpec] = EMPTY
    refused_overrides: Mapping[str, str] = EMPTY
    caller_options: frozenset[str] = frozenset()
    credentials: CredentialMode | None = None
    deadline_s: float | None = None
    needs: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()
    tools: ToolsSpec | None = None
    output: str | None = None
    prompt: PromptSpec | None = None
    input: Mapping[str, Any] | None = None
    budget: BudgetSpec | None = None
    layer: OptionLayer | None = None
    description: str | None = None
    credentials_span: Span | None = None
    span: Span | None = None

    def rest(self, profile: ProfileSpec) -> RouteSpec | None:
        """Return where the feature goes under *profile* where no rule holds."""
        if self.pin is not None:
            return self.pin
        entries = (self.profiles[name] for name in profile.lineage if name in self.profiles)
        return next(entries, self.use)

    def mode(self, profile: ProfileSpec) -> CredentialMode:
        """Return who pays under *profile*."""
        return self.credentials or profile.credentials or "prefer_caller"

    def routes(self) -> tuple[RouteSpec, ...]:
        """Return every route of the feature but the overrides, the strongest first."""
        rules = (rule.route for rule in self.rules)
        return tuple(route for route in (self.pin, *rules, *self.profiles.values(), self.use) if route is not None)
