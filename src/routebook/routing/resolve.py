"""Resolve: a table, a feature, a context and facts give a decision.

Pure: the same give the same decision in every process. `explain`, `diff`, `replay` and snapshots rest on that. First
that applies: pin, the caller's model, rules, the profile's entry or its ancestors', use.

Who pays for the attempts of a route is decided in `payable`, what a caller's options do to them in `asked_options`.
What happens when an attempt fails is not decided here: see `engine.fallback`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..canonical.plain import type_of
from ..diagnostics.suggest import near_names
from ..errors import RequestError, ResolveError
from .asked_options import merge_asked
from .context import Context, Facts
from .decision import Because, Decision, PlannedAttempt
from .linked import LinkedBook
from .matcher import first_failing, reader
from .payable import Payable, payable
from .spec import ArmSpec, FeatureSpec, ProfileSpec, RouteSpec, ShadowSpec
from .sticky import Sticky, choose_arm


def resolve(table: LinkedBook, name: str, context: Context, facts: Facts, run_id: str | None = None) -> Decision:
    """Decide what serves the feature *name*; `RoutingTable.resolve` documents it."""
    feature, reasons = find_feature(table, name)
    profile, reason = find_profile(table, feature, context)
    reasons.append(reason)
    sticky = Sticky(feature.name, context.key, run_id)
    route, reason = find_route(table, feature, profile, context, facts, sticky)
    reasons.append(reason)
    arm = route.arms[0]
    if route.key is not None:
        arm, reason = find_arm(route, route.key, profile, context, facts, sticky)
        reasons.append(reason)
    stuck = sticky.used
    paid = payable(feature, profile, arm, context)
    reasons.append(paid.reason)
    planned, skipped = paid.planned, arm.dropped + paid.skipped
    if facts.options:
        planned, option_skips = merge_asked(feature, planned, paid.specs, facts.options)
        skipped += option_skips
    shadow = None
    if feature.shadow is not None:
        shadow, reason = find_shadow(feature.shadow, paid, context, sticky)
        reasons.append(reason)
    return Decision(
        feature=feature.name,
        table=table.digest,
        profile=profile.name,
        route=route.name,
        attempts=planned,
        skipped=skipped,
        tools=() if feature.tools is None else feature.tools.servers,
        output=feature.output,
        because=tuple(reasons),
        arm=arm.name,
        key=sticky.used if stuck is None else stuck,
        shadow=shadow,
        budget=None if feature.budget is None else feature.budget.bounds,
    )


def find_feature(table: LinkedBook, name: str) -> tuple[FeatureSpec, list[Because]]:
    """Return the feature that serves *name*, and why where it is another one.

    Raises:
        ResolveError: There is none.
        RequestError: The name is no text.
    """
    if not isinstance(name, str):
        raise RequestError(f"feature must be the name of a feature, not {type_of(name)}", "feature")
    feature = table.features.get(name)
    if feature is not None:
        return feature, []
    if table.default_feature is None:
        raise _unknown("feature", name, table.features, name)
    text = f"the book has no feature {name!r}: default_feature {table.default_feature!r}"
    return table.features[table.default_feature], [("feature", text, table.settings_spans.get("default_feature"))]


def find_profile(table: LinkedBook, feature: FeatureSpec, context: Context) -> tuple[ProfileSpec, Because]:
    """Return the active profile: the context's, else byok_profile, else default_profile."""
    name = context.profile
    if name is not None:
        profile = table.profiles.get(name)
        if profile is None:
            raise _unknown("profile", name, table.profiles, feature.name)
        return profile, ("profile", f"the context asks for profile {name!r}", profile.span or feature.span)
    if table.byok_profile is not None and context.credentials and feature.credentials != "platform":
        profile = table.profiles[table.byok_profile]
        place = table.settings_spans.get("byok_profile")
        return profile, ("profile", f"the context holds a key: byok_profile {profile.name!r}", place)
    profile = table.profiles[table.default_profile]
    if profile.span is None:
        return profile, ("profile", f"the book has no profiles: {profile.name!r}", feature.span)
    return profile, ("profile", f"default_profile {profile.name!r}", table.settings_spans.get("default_profile"))


def find_route(
    table: LinkedBook, feature: FeatureSpec, profile: ProfileSpec, context: Context, facts: Facts, sticky: Sticky
) -> tuple[RouteSpec, Because]:
    """Return the first route that applies, and why."""
    if facts.model is not None:
        return override(table, feature, facts.model)
    if feature.pin is not None:
        return feature.pin, ("route", "the feature is pinned", feature.pin.span)
    for rule in feature.rules:
        if first_failing(rule.when, profile.name, context, facts, sticky) is None:
            return rule.route, ("route", f"rule {rule.name!r} holds", rule.span)
    for ancestor in profile.lineage:
        route = feature.profiles.get(ancestor)
        if route is not None:
            heir = "" if ancestor == profile.name else f", which {profile.name!r} extends"
            return route, ("route", f"the entry of profile {ancestor!r}{heir}", route.span)
    if feature.use is None:
        raise ResolveError(
            f"profile {profile.name!r} leaves feature {feature.name!r} without a route", "no_target", feature.name
        )
    return feature.use, ("route", "no profile entry applies: `use`", feature.use.span)


def override(table: LinkedBook, feature: FeatureSpec, model: str) -> tuple[RouteSpec, Because]:
    """Return the route of a model that the caller chose.

    Raises:
        RequestError: The feature does not let a caller choose this one.
    """
    attempt = feature.overrides.get(model)
    if attempt is None:
        raise RequestError(_refused_override(table, feature, model), "override")
    arm = ArmSpec((attempt,))
    return RouteSpec("override", (arm,)), ("route", f"the caller asks for model {model!r}", feature.span)


def _refused_override(table: LinkedBook, feature: FeatureSpec, model: str) -> str:
    if not feature.overrides and not feature.refused_overrides:
        pinned = ", which is pinned," if feature.pin is not None else ""
        return f"feature {feature.name!r}{pinned} does not let a caller choose the model ({model!r})"
    if model in feature.refused_overrides:
        return f"feature {feature.name!r} cannot be served by model {model!r}: {feature.refused_overrides[model]}"
    near = near_names(model, feature.overrides)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    what = "is not one that a caller may choose" if model in table.models else "is no model of the book"
    return f"model {model!r} {what} for feature {feature.name!r}{hint}"


def find_arm(
    route: RouteSpec, key: str, profile: ProfileSpec, context: Context, facts: Facts, sticky: Sticky
) -> tuple[ArmSpec, Because]:
    """Return the arm of a split that this request sticks to, and why."""
    at = sticky.fraction("split", reader(key)(profile.name, context, facts))
    if at is None:
        arm = next(arm for arm in route.arms if arm.weight > 0)
        return arm, ("arm", f"arm {arm.name!r}, the first: the context has no {key!r} to stick to", arm.span)
    arm = route.arms[choose_arm(route.weights, at)]
    return arm, ("arm", f"arm {arm.name!r} by key {sticky.used!r}", arm.span)


def find_shadow(
    shadow: ShadowSpec, paid: Payable, context: Context, sticky: Sticky
) -> tuple[PlannedAttempt | None, Because]:
    """Return the shadow's attempt where this request is mirrored, and why or why not."""
    place = shadow.span
    if paid.by_caller:
        return None, ("shadow", "no shadow: the caller pays", place)
    if shadow.percent >= 100 or sticky.is_within("shadow", shadow.percent, context.user):
        return shadow.attempt.platform, ("shadow", f"mirrored to {shadow.attempt.platform.model!r}", place)
    return None, ("shadow", f"not among the {shadow.percent:g} percent that are mirrored", place)


def _unknown(kind: str, name: str, known: Mapping[str, Any], feature: str) -> ResolveError:
    near = near_names(name, known)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    what = "unknown_feature" if kind == "feature" else "unknown_profile"
    return ResolveError(f"the book has no {kind} {name!r}{hint}", what, feature, near)  # type: ignore[arg-type]
