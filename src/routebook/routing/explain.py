"""Explain: a decision with each step that was considered, whether it held and why, and where each option came from.

It walks the same steps as `resolve`, which it never disagrees with: the decision is the one that `resolve` gives.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ..canonical.frozen import thaw
from ..canonical.options import option_paths, option_value
from ..diagnostics.span import Span
from .context import Context, Facts
from .decision import Decision, PlannedAttempt
from .linked import LinkedBook
from .matcher import first_failing
from .provider_spec import ProviderSpec
from .resolve import find_feature, find_profile, find_route, resolve
from .spec import AttemptSpec, FeatureSpec, ModelSpec, OptionLayer, ProfileSpec, RouteSpec, RuleSpec
from .sticky import Sticky

_ANSWER = "max_output_tokens"

Outcome = Literal["taken", "no", "not reached"]


@dataclass(frozen=True, slots=True)
class Step:
    """One route that was considered: whether it was taken, why or why not, and the line that says it."""

    what: str
    outcome: Outcome
    why: str
    at: Span | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain data; `at` is `file:line`."""
        place = None if self.at is None else str(self.at)
        return {"what": self.what, "outcome": self.outcome, "why": self.why, "at": place}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an option of an attempt was set last: by the provider, the model, the feature, the target or the caller.

    Where nobody sets `max_output_tokens` and the API must be told, it is the model's limit or the API's default.
    """

    option: str
    value: Any
    by: str
    at: Span | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the origin as plain data; `at` is `file:line`."""
        place = None if self.at is None else str(self.at)
        return {"option": self.option, "value": thaw(self.value), "by": self.by, "at": place}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, the steps that led to it, and the origins of each attempt's options."""

    decision: Decision
    steps: tuple[Step, ...]
    origins: tuple[tuple[Origin, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as plain data: the decision's, with `considered` and the options' `origins`."""
        plain = self.decision.to_dict()
        for attempt, origins in zip(plain["attempts"], self.origins, strict=True):
            attempt["origins"] = [origin.to_dict() for origin in origins]
        return {**plain, "considered": [step.to_dict() for step in self.steps]}


def explain(table: LinkedBook, name: str, context: Context, facts: Facts, run_id: str | None = None) -> Explanation:
    """Explain what serves the feature *name*; errors are those of `resolve`."""
    decision = resolve(table, name, context, facts, run_id)
    feature, _ = find_feature(table, name)
    profile, _ = find_profile(table, feature, context)
    sticky = Sticky(feature.name, context.key, run_id)
    route, _ = find_route(table, feature, profile, context, facts, sticky)
    steps = tuple(_steps(feature, profile, route, context, facts, sticky))
    specs = _specs(route, decision)
    origins = tuple(
        tuple(_origins(table, feature, attempt, spec, facts))
        for attempt, spec in zip(decision.attempts, specs, strict=True)
    )
    return Explanation(decision, steps, origins)


def _steps(
    feature: FeatureSpec, profile: ProfileSpec, route: RouteSpec, context: Context, facts: Facts, sticky: Sticky
) -> Iterator[Step]:
    reached = True
    for what, candidate, at, why in _candidates(feature, profile, context, facts, sticky):
        if not reached:
            yield Step(what, "not reached", "an earlier one is taken", at)
        elif candidate is not None and candidate.name == route.name:
            reached = False
            yield Step(what, "taken", why, at)
        else:
            yield Step(what, "no", why, at)


def _candidates(
    feature: FeatureSpec, profile: ProfileSpec, context: Context, facts: Facts, sticky: Sticky
) -> Iterator[tuple[str, RouteSpec | None, Span | None, str]]:
    """Yield each route in the order in which they are considered: what it is, where it leads, its line, and why."""
    if feature.pin is not None:
        yield "pin", feature.pin, feature.pin.span, "the feature is pinned"
    if facts.model is not None:
        yield "override", RouteSpec("override", ()), feature.span, f"the caller asks for model {facts.model!r}"
    for rule in feature.rules:
        yield f"rule {rule.name!r}", *_rule(rule, profile, context, facts, sticky)
    for ancestor in profile.lineage:
        entry = feature.profiles.get(ancestor)
        heir = "" if ancestor == profile.name else f", which {profile.name!r} extends"
        why = f"the feature has {'an' if entry else 'no'} entry for {ancestor!r}{heir}"
        yield f"profile {ancestor!r}", entry, feature.span if entry is None else entry.span, why
    if feature.use is not None:
        yield "use", feature.use, feature.use.span, "nothing before it applies"


def _rule(
    rule: RuleSpec, profile: ProfileSpec, context: Context, facts: Facts, sticky: Sticky
) -> tuple[RouteSpec | None, Span | None, str]:
    failing = first_failing(rule.when, profile.name, context, facts, sticky)
    if failing is None:
        return rule.route, rule.span, "all of its conditions hold" if rule.when else "it has no conditions"
    value = failing.read(profile.name, context, facts)
    found = "it is absent" if value is None else f"it is {json.dumps(thaw(value), ensure_ascii=False)}"
    at = sticky.fraction("percent", value) if failing.operator == "percent" else None
    if at is not None:
        found = f"{sticky.used!r} falls at {at * 100:.1f}"
    return None, failing.span or rule.span, f"{failing} does not hold: {found}"


def _specs(route: RouteSpec, decision: Decision) -> list[AttemptSpec]:
    """Return the spec behind each attempt of *decision*."""
    arms = [arm for arm in route.arms if arm.name == decision.arm]
    specs = iter(arms[0].attempts)
    # The attempts of a decision stand in the order of their specs; some specs have none.
    return [
        next(spec for spec in specs if (spec.platform.provider, spec.platform.id) == (attempt.provider, attempt.id))
        for attempt in decision.attempts
    ]


def _origins(
    table: LinkedBook, feature: FeatureSpec, attempt: PlannedAttempt, spec: AttemptSpec, facts: Facts
) -> Iterator[Origin]:
    model = table.models.get(attempt.model)
    layers: list[tuple[str, OptionLayer | None]] = [
        ("the caller", OptionLayer(facts.options) if facts.options else None),
        ("the target", spec.layer),
        (f"feature {feature.name!r}", feature.layer),
        (f"model {attempt.model!r}", None if model is None else model.layer),
    ]
    for option in option_paths(attempt.options):
        set_by = ((who, layer.spans.get(option)) for who, layer in layers if layer is not None and _sets(layer, option))
        by, at = next(set_by, None) or _beneath(option, attempt, model, table.providers[attempt.provider])
        yield Origin(option, option_value(attempt.options, option), by, at)


def _sets(layer: OptionLayer, option: str) -> bool:
    return option in option_paths(layer.options) and option_value(layer.options, option) is not None


def _beneath(
    option: str, attempt: PlannedAttempt, model: ModelSpec | None, provider: ProviderSpec
) -> tuple[str, Span | None]:
    """Return who sets an option that no model, feature, target or caller sets, and where."""
    if option != _ANSWER:
        return f"provider {provider.name!r}", provider.span
    if model is None or model.max_output_tokens is None:
        return f"api {attempt.api!r}, which must be told", None
    return f"the limit of model {attempt.model!r}", model.span
