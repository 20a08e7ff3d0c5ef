"""Decision: what serves a feature for one context, in what order, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..canonical.frozen import thaw
from ..diagnostics.span import Span
from .context import Context, Facts

CredentialKind = Literal["platform", "caller", "none"]


@dataclass(frozen=True, slots=True)
class PlannedAttempt:
    """A target that will be tried: `model` is the book's name, `id` the wire's, `on` the failures it answers.

    `credential` says whose key pays, `credential_ref` where the platform's is found (never its value).
    The first attempt has an empty `on`.
    """

    provider: str
    api: str
    model: str
    id: str
    options: Mapping[str, Any]
    credential: CredentialKind
    credential_ref: str | None
    on: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the attempt as plain data."""
        return {
            "provider": self.provider,
            "api": self.api,
            "model": self.model,
            "id": self.id,
            "options": thaw(self.options),
            "credential": self.credential,
            "credential_ref": self.credential_ref,
            "on": list(self.on),
        }


@dataclass(frozen=True, slots=True)
class Skip:
    """A candidate that will not be tried, and why."""

    provider: str
    model: str
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return the skip as plain data."""
        return {"provider": self.provider, "model": self.model, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Reason:
    """One step of a decision: what was decided, and the line of the route file that says so."""

    step: str
    text: str
    at: Span | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the reason as plain data; `at` is `file:line`."""
        return {"step": self.step, "text": self.text, "at": None if self.at is None else str(self.at)}


Because = tuple[str, str, Span | None]
"""A reason as `resolve` notes it down: it decides far more often than somebody asks why."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A context and facts that lead to a decision."""

    context: Context
    facts: Facts


@dataclass(frozen=True, slots=True)
class Decision:
    """What `resolve` returns. Immutable; `table` is the digest of the table that decided.

    `route` is `pin`, `override`, `rule:NAME`, `profile:NAME` (the profile whose entry was taken) or `use`. `attempts`
    has at least one. `tools` names the tool servers, `output` the output contract. `arm` is the arm of a split, `key`
    the value that an arm, a share of users or a shadow stuck to, `shadow` the target that this request is mirrored to,
    `budget` the feature's bounds; each is None where there is none. `witness` is set by `RoutingTable.decisions` only,
    and is no part of a decision's identity.
    """

    feature: str
    table: str
    profile: str
    route: str
    attempts: tuple[PlannedAttempt, ...]
    skipped: tuple[Skip, ...] = ()
    tools: tuple[str, ...] = ()
    output: str | None = None
    because: tuple[Because, ...] = ()
    arm: str | None = None
    key: str | None = None
    shadow: PlannedAttempt | None = None
    budget: Mapping[str, Any] | None = None
    witness: Witness | None = field(default=None, compare=False, repr=False)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What was decided at each step, and the line that says so."""
        return tuple(Reason(*because) for because in self.because)

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as plain data, ready for JSON."""
        return {
            "feature": self.feature,
            "table": self.table,
            "profile": self.profile,
            "route": self.route,
            "arm": self.arm,
            "key": self.key,
            "attempts": [attempt.to_dict() for attempt in self.attempts],
            "skipped": [skip.to_dict() for skip in self.skipped],
            "shadow": None if self.shadow is None else self.shadow.to_dict(),
            "tools": list(self.tools),
            "output": self.output,
            "budget": None if self.budget is None else thaw(self.budget),
            "reasons": [reason.to_dict() for reason in self.reasons],
        }
