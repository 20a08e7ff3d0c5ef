"""Broken: an invariant that does not hold (RB601), or may not (RB603), in words, at the line that lets it through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...canonical.frozen import thaw
from ...canonical.options import option_paths
from ...diagnostics.span import Span
from ...document.entry import Definition
from ...document.features import Feature
from ...routing.decision import Decision, PlannedAttempt
from ...routing.invariant import BOUNDS, OPTION, PRICE
from ...routing.matcher import Condition
from ...routing.reach.live import SHADOW
from ...routing.spec import FeatureSpec, InvariantSpec, ModelSpec, OptionLayer, Place
from ..build import Build
from ..example import command_of, outcome_of
from ..options import layers_of, place_of
from .examine import Finding, bounds_of
from .prover import ARM, OVERRIDE, Prover

_NOUNS = {"calls": "provider call", "seconds": "second", "usd": "US dollar", "providers": "provider"}


@dataclass(frozen=True, slots=True)
class Broken:
    """A finding in a feature, and the line to report it at."""

    feature: FeatureSpec
    finding: Finding
    span: Span


def span_of(definition: Definition[Feature], feature: FeatureSpec, place: Place) -> Span:
    """Return the line of *place* in a feature."""
    kind, *rest = place
    if place == SHADOW:
        return definition.span("shadow", "model")
    if kind == OVERRIDE or (kind == ARM and rest[0] == OVERRIDE):
        allowed = definition.value.allow_override
        if isinstance(allowed, list):
            return definition.span("allow_override", allowed.index(str(rest[-1])))
        return definition.key_span("allow_override")
    if kind != ARM:
        return definition.span(*place, "model")
    route = next(route for route in feature.routes() if route.name == rest[0])
    arm = next(arm for arm in route.arms if (arm.name or "") == rest[1])
    return arm.span or definition.key


def line_of(
    build: Build, prover: Prover, definition: Definition[Feature], feature: FeatureSpec, finding: Finding
) -> Span:
    """Return the line that lets *finding* through: the one that sets an option, else that of its place."""
    attempt, condition = _attempt(finding), _condition(prover, finding)
    if attempt is not None and condition.field.startswith(OPTION) and attempt.model in build.models:
        model, name = build.models[attempt.model], condition.field.removeprefix(OPTION)
        layers = layers_of(build, model, feature.layer, _layer_at(feature, finding.place))
        spans = (place_of(path, layers) for path in option_paths(attempt.options) if path.startswith(name))
        span = next((span for span in spans if span is not None), None)
        if span is not None:
            return span
    return span_of(definition, feature, finding.place)


def _layer_at(feature: FeatureSpec, place: Place) -> OptionLayer | None:
    """Return the options that the target at *place* sets itself."""
    if place == SHADOW:
        return None if feature.shadow is None else feature.shadow.attempt.layer
    arms = (arm for route in feature.routes() for arm in route.arms)
    targets = (spec for arm in arms for at, spec in zip(arm.places, arm.attempts, strict=True) if at == place)
    spec = next(targets, None)
    return None if spec is None else spec.layer


def _condition(prover: Prover, finding: Finding) -> Condition:
    return prover.invariants[finding.invariant].require[finding.breach.condition]


def report_broken(build: Build, prover: Prover, broken: Broken, left: int) -> None:
    """Report one finding; *left* features may break the same invariant and were not looked at."""
    finding = broken.finding
    invariant = prover.invariants[finding.invariant]
    condition = _condition(prover, finding)
    attempt = _attempt(finding)
    model = None if attempt is None else prover.table.models.get(attempt.model)
    what = _what_breaks(condition, finding, attempt)
    notes = list(_notes(prover, broken, invariant, condition, model))
    named = span_of(build.document.features[broken.feature.name], broken.feature, finding.place)
    if named.line != broken.span.line or named.path != broken.span.path:
        notes.insert(1, f"it gets there from {named}")
    if left:
        features = "1 more feature" if left == 1 else f"{left:,} more features"
        notes.append(f"{features} may break it, too, and will be looked at once these are mended")
    message = f"invariant {invariant.name!r} does not hold: feature {broken.feature.name!r} {what}"
    build.report("RB601", broken.span, message, notes=notes, help=_help(condition, finding, attempt))


def report_unproved(build: Build, feature: FeatureSpec, invariant: InvariantSpec, span: Span) -> None:
    """Report a line that breaks *invariant* if a request leads there, which could not be found out."""
    message = f"invariant {invariant.name!r} is not proved: feature {feature.name!r} breaks it here, if it comes here"
    notes = (f"required at {invariant.require[0].span or invariant.span}", "no request was found that leads here")
    mend = "simplify the rules of the feature, or change what stands here"
    build.report("RB603", span, message, notes=notes, help=mend)


def _notes(
    prover: Prover, broken: Broken, invariant: InvariantSpec, condition: Condition, model: ModelSpec | None
) -> Iterator[str]:
    decision = broken.finding.decision
    yield f"required at {condition.span or invariant.span}"
    if model is not None and condition.field.startswith((PRICE, "capabilities")):
        yield f"model {model.name!r} is defined at {model.span}"
    if condition.field.startswith(BOUNDS):
        yield _arithmetic(prover, broken.feature, condition.field.removeprefix(BOUNDS), decision)
    if decision.witness is not None:
        command = command_of(decision.feature, decision.witness, prover.table.profiles.values())
        yield f"for example: {command}"
    yield f"it leads to {outcome_of(decision)}"


def _attempt(finding: Finding) -> PlannedAttempt | None:
    part = finding.breach.part
    if part == "shadow":
        return finding.decision.shadow
    return None if part is None else finding.decision.attempts[part]


def _what_breaks(condition: Condition, finding: Finding, attempt: PlannedAttempt | None) -> str:
    field, found = condition.field, finding.breach.found
    if attempt is None:
        return _exceeds(condition, found)
    calls = "mirrors to" if finding.breach.part == "shadow" else "calls"
    if field in {"provider", "api"}:
        return f"{calls} {field} {found!r}, {_wanted(condition)}"
    target = f"{calls} model {attempt.model!r}"
    if field == "model":
        return f"{target}, {_wanted(condition)}"
    if field == "credential":
        return f"{target} with credential {found!r}, {_wanted(condition)}"
    if field == "capabilities":
        return f"{target}, which {_lacks(condition, found)}"
    if field.startswith(OPTION):
        name = field.removeprefix(OPTION)
        if found is None:
            return f"{target} without option {name!r}"
        return f"{target} with {name} {_shown(thaw(found))}, {_wanted(condition)}"
    if found is None:
        return f"{target}, whose {field} is not known"
    return f"{target}, whose {field} is {_shown(found)}, {_wanted(condition)}"


def _exceeds(condition: Condition, found: Any) -> str:
    name = condition.field.removeprefix(BOUNDS)
    if found is None:
        return "may take any time" if name == "seconds" else "may cost any sum: a price or a bound is not known"
    verb = {"calls": "may make", "seconds": "may take", "usd": "may cost", "providers": "reaches"}[name]
    count = f"{found:,.6g}" if isinstance(found, float) else f"{found:,}"
    return f"{verb} {count} {_NOUNS[name]}{'' if found == 1 else 's'}, {_wanted(condition)}"


def _lacks(condition: Condition, found: Any) -> str:
    if found is None:
        return "declares no capabilities"
    if condition.operator in {"not", "exists"}:
        return f"declares {', '.join(map(repr, sorted(found))) or 'none'}, {_wanted(condition)}"
    names = condition.operand if isinstance(condition.operand, tuple) else (condition.operand,)
    named = f"{names[0]!r}" if len(names) == 1 else f"one of {', '.join(map(repr, names))}"
    return f"does not declare {named}"


def _wanted(condition: Condition) -> str:
    """Say how a value does not satisfy *condition*."""
    operand = condition.operand
    operands = ", ".join(map(_shown, operand if isinstance(operand, tuple) else (operand,)))
    several = isinstance(operand, tuple) and len(operand) > 1
    return {
        "equals": f"not {operands}",
        "in": f"which is not one of {operands}" if several else f"not {operands}",
        "not": f"one of those ruled out: {operands}" if several else "which is ruled out",
        "gt": f"not more than {operands}",
        "gte": f"less than {operands}",
        "lt": f"not less than {operands}",
        "lte": f"more than {operands}",
        "prefix": f"which does not begin with {operands}",
        "exists": "which is ruled out",
    }[condition.operator]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,.6g}" if isinstance(value, float) else repr(value)


def _arithmetic(prover: Prover, feature: FeatureSpec, name: str, decision: Decision) -> str:
    """Show what each attempt alone comes to, and all together."""
    if name == "providers":
        return f"its providers: {', '.join(dict.fromkeys(attempt.provider for attempt in decision.attempts))}"
    each = [
        f"{attempt.model} {_amount(getattr(prover.worst.bounds(feature, [attempt]), name))}"
        for attempt in decision.attempts
    ]
    if name == "usd" and decision.shadow is not None:
        each.append("and the shadow")
    whole = _amount(getattr(bounds_of(prover, feature, decision), name))
    deadline = feature.deadline_s
    capped = f", of which the deadline allows {deadline:g}" if name == "seconds" and deadline is not None else ""
    return f"{_NOUNS[name]}s at worst: {whole}; by target: {', '.join(each)}{capped}"


def _amount(value: float | None) -> str:
    return "without bound" if value is None else f"{value:,.6g}"


def _help(condition: Condition, finding: Finding, attempt: PlannedAttempt | None) -> str | None:
    if finding.breach.found is not None or attempt is None:
        return None
    if condition.field.startswith(PRICE):
        return f"declare model {attempt.model!r} under `models` with its `price`, or name another"
    if condition.field == "capabilities":
        return f"declare model {attempt.model!r} under `models` with its `capabilities`, or name another"
    return None
