"""Resolve: a table, a feature, a context and facts give a decision.

Pure: the same four give the same decision in every process. `explain`, `diff`, `replay` and snapshots rest on
that. First that applies: pin, the profile's entry or its ancestors', use.

What happens when an attempt fails is not decided here: see `engine.fallback`.
"""

from __future__ import annotations

from dataclasses import replace

from ..canonical.options import merge_options, option_paths
from ..diagnostics.suggest import near_names
from ..errors import RequestError, ResolveError
from .context import Context, Facts
from .decision import Decision, PlannedAttempt, Reason, Skip
from .linked import LinkedBook
from .spec import AttemptSpec, FeatureSpec, ProfileSpec, RouteSpec

_NOBODY = "nobody pays, no target takes a key"
_MUST_BE_NAMED = ("extra_body", "extra_headers")


def resolve(table: LinkedBook, name: str, context: Context, facts: Facts) -> Decision:
    """Decide what serves the feature *name*; `RoutingTable.resolve` documents it."""
    feature = table.features.get(name)
    if feature is None:
        raise _unknown("feature", name, table.features, name)
    if facts.model is not None:
        raise RequestError(f"feature {name!r} does not let a caller choose the model ({facts.model!r})", "override")
    profile, profile_reason = _profile(table, feature, context)
    route, route_reason = _route(feature, profile)
    planned, skipped, payer_reason = _payable(feature, profile, route, context)
    if facts.options:
        planned, option_skips = _with_options(feature, planned, facts)
        skipped += option_skips
    return Decision(
        feature=name,
        table=table.digest,
        profile=profile.name,
        route=route.name,
        attempts=tuple(attempt for attempt, _ in planned),
        skipped=route.dropped + skipped,
        tools=() if feature.tools is None else feature.tools.servers,
        output=feature.output,
        reasons=(profile_reason, route_reason, payer_reason),
    )


def _unknown(kind: str, name: str, known: object, feature: str) -> ResolveError:
    near = near_names(name, known)  # type: ignore[arg-type]
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    what = "unknown_feature" if kind == "feature" else "unknown_profile"
    return ResolveError(f"the book has no {kind} {name!r}{hint}", what, feature, near)  # type: ignore[arg-type]


def _profile(table: LinkedBook, feature: FeatureSpec, context: Context) -> tuple[ProfileSpec, Reason]:
    name = context.profile
    if name is not None:
        profile = table.profiles.get(name)
        if profile is None:
            raise _unknown("profile", name, table.profiles, feature.name)
        return profile, Reason("profile", f"the context asks for profile {name!r}", profile.span or feature.span)
    if table.byok_profile is not None and context.credentials and feature.credentials != "platform":
        profile = table.profiles[table.byok_profile]
        place = table.settings_spans.get("byok_profile")
        return profile, Reason("profile", f"the context holds a key: byok_profile {profile.name!r}", place)
    profile = table.profiles[table.default_profile]
    if profile.span is None:
        return profile, Reason("profile", f"the book has no profiles: {profile.name!r}", feature.span)
    return profile, Reason("profile", f"default_profile {profile.name!r}", table.settings_spans.get("default_profile"))


def _route(feature: FeatureSpec, profile: ProfileSpec) -> tuple[RouteSpec, Reason]:
    if feature.pin is not None:
        return feature.pin, Reason("route", "the feature is pinned", feature.pin.span)
    for ancestor in profile.lineage:
        route = feature.profiles.get(ancestor)
        if route is not None:
            heir = "" if ancestor == profile.name else f", which {profile.name!r} extends"
            return route, Reason("route", f"the entry of profile {ancestor!r}{heir}", route.span)
    if feature.use is None:
        raise ResolveError(
            f"profile {profile.name!r} leaves feature {feature.name!r} without a route", "no_target", feature.name
        )
    return feature.use, Reason("route", "no profile entry applies: `use`", feature.use.span)


_Planned = tuple[tuple[PlannedAttempt, AttemptSpec], ...]


def _payable(
    feature: FeatureSpec, profile: ProfileSpec, route: RouteSpec, context: Context
) -> tuple[_Planned, tuple[Skip, ...], Reason]:
    """Keep the attempts that someone pays for: the platform, or, once the context holds a key, the caller alone."""
    mode = feature.credentials or profile.credentials or "prefer_caller"
    place = feature.credentials_span or profile.credentials_span or feature.span
    if mode == "platform" or (mode == "prefer_caller" and not context.credentials):
        ignored = ", the caller's keys are ignored" if context.credentials else ""
        payer = _NOBODY if all(attempt.caller is None for attempt in route.attempts) else "the platform pays"
        as_platform = tuple((attempt.platform, attempt) for attempt in route.attempts)
        return as_platform, (), Reason("credentials", f"{mode}: {payer}{ignored}", place)
    if not context.credentials:
        raise _missing_credential(feature, route, f"feature {feature.name!r} is served with a caller's key only")
    planned, skipped = [], []
    for attempt in route.attempts:
        if attempt.caller is None:
            planned.append((attempt.platform, attempt))
        elif attempt.caller.provider in context.credentials:
            planned.append((attempt.caller, attempt))
        else:
            target = attempt.platform
            why = f"the caller has no key for provider {target.provider!r}, and the platform's is not lent"
            skipped.append(Skip(target.provider, target.model, why))
    if not planned:
        raise _missing_credential(
            feature, route, f"no target of feature {feature.name!r} takes the keys that the caller brought"
        )
    payer = _NOBODY if all(spec.caller is None for _, spec in planned) else "the caller pays"
    return _first_is_primary(planned), tuple(skipped), Reason("credentials", f"{mode}: {payer}", place)


def _first_is_primary(planned: list[tuple[PlannedAttempt, AttemptSpec]]) -> _Planned:
    (first, spec), *rest = planned
    return ((replace(first, on=()), spec) if first.on else (first, spec), *rest)


def _missing_credential(feature: FeatureSpec, route: RouteSpec, why: str) -> ResolveError:
    providers = tuple(dict.fromkeys(a.platform.provider for a in route.attempts if a.caller is not None))
    names = ", ".join(map(repr, providers))
    message = f"{why}; a key for one of these providers is needed: {names}" if names else why
    return ResolveError(message, "missing_credential", feature.name, providers)


def _with_options(feature: FeatureSpec, planned: _Planned, facts: Facts) -> tuple[_Planned, tuple[Skip, ...]]:
    """Merge the caller's options into each attempt; the first must carry them all, later ones are skipped if not."""
    for name in _MUST_BE_NAMED:
        if name in facts.options:
            raise RequestError(f"feature {feature.name!r} does not let a caller set {name!r}", "options")
    asked = frozenset(option_paths(merge_options(facts.options)))
    kept, skipped = [], []
    for attempt, spec in planned:
        lacking = sorted(asked - spec.carries)
        if not lacking:
            kept.append((replace(attempt, options=merge_options(attempt.options, facts.options)), spec))
        elif not kept:
            message = f"option {lacking[0]!r} is not carried by model {attempt.model!r} (api {attempt.api!r})"
            raise RequestError(message, "options")
        else:
            reason = f"it does not carry the caller's option {lacking[0]!r}"
            skipped.append(Skip(attempt.provider, attempt.model, reason))
    return tuple(kept), tuple(skipped)
