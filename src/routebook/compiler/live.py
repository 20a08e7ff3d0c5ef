"""Live: what of a feature a request can come to: its routes and their targets, and the definitions behind them.

Comes in: a feature, linked, and the profiles. Goes out: its live part. What is held against a target, and what is
called unused, is asked of live parts only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..routing.reach import Reach
from ..routing.reachable import reach_of, reached_routes
from ..routing.spec import ArmSpec, FeatureSpec, Place, ProfileSpec, RouteSpec

SHADOW: Place = ("shadow",)


@dataclass(frozen=True, slots=True)
class Live:
    """The routes that a request can come to, each with the profiles under which it does; the arms that it can be on;
    where their attempts, and the shadow if there are mirrored calls, stand in the feature's definition; and what the
    requests come to, rule by rule.
    """

    routes: tuple[tuple[RouteSpec, frozenset[str]], ...]
    arms: tuple[ArmSpec, ...]
    places: frozenset[Place]
    reach: Reach


def find_live(feature: FeatureSpec, profiles: Mapping[str, ProfileSpec]) -> Live:
    """Return the live part of *feature*."""
    reach = reach_of(feature, profiles)
    routes = tuple(reached_routes(feature, reach, profiles))
    arms = tuple(arm for route, _ in routes for arm in route.arms if arm.weight > 0)
    places = {place for arm in arms for place in arm.places}
    if is_mirrored(feature, profiles):
        places.add(SHADOW)
    return Live(routes, arms, frozenset(places), reach)


def is_mirrored(feature: FeatureSpec, profiles: Mapping[str, ProfileSpec]) -> bool:
    """Tell whether any call is mirrored to the feature's shadow: none that a caller pays for is."""
    shadow = feature.shadow
    return shadow is not None and shadow.percent > 0 and not is_paid_by_callers(feature, profiles)


def is_paid_by_callers(feature: FeatureSpec, profiles: Mapping[str, ProfileSpec]) -> bool:
    """Tell whether callers pay for every call of *feature*, whatever the profile."""
    modes = {feature.credentials or profile.credentials for profile in profiles.values()}
    return modes == {"caller"}


def touched_by(feature: FeatureSpec, live: Live) -> Iterator[tuple[str, str]]:
    """Yield the definitions, by (section, name), that some decision of *feature* leads to."""
    attempts = {id(attempt): attempt for arm in live.arms for attempt in arm.planned}
    targets = [*attempts.values(), *(spec.platform for spec in feature.overrides.values())]
    if feature.shadow is not None and SHADOW in live.places:
        targets.append(feature.shadow.attempt.platform)
    for target in targets:
        yield "models", target.model
        yield "providers", target.provider
    if feature.output is not None:
        yield "outputs", feature.output
    for server in () if feature.tools is None else feature.tools.servers:
        yield "mcp_servers", server
    for route, _ in live.routes:
        kind, _, name = route.name.partition(":")
        if kind == "profile":
            yield "profiles", name
    for rule, reached in zip(feature.rules, live.reach.rules, strict=False):
        for condition in rule.when if reached.profiles else ():
            if condition.field == "profile" and condition.operator in ("equals", "in", "not"):
                names = condition.operand if isinstance(condition.operand, tuple) else (condition.operand,)
                yield from (("profiles", name) for name in names)
