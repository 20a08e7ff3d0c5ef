"""Every decision a table can make: each feature, under each profile, for each outcome of its rules, each arm of a
split, each model that a caller may choose, and each set of providers that the caller has keys for.

Keys: none, and every non-empty subset of up to four providers that the feature can reach; beyond four, each alone
and all. A combination that no target serves is an error, not a decision, and is left out. Caller options and features
that the book does not have are not enumerated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from ..errors import ResolveError
from .context import Context, Facts
from .decision import Decision, Witness
from .linked import LinkedBook
from .resolve import resolve
from .spec import ArmSpec, AttemptSpec, FeatureSpec, ProfileSpec, RouteSpec
from .witness import find_requests

_PLACEHOLDER_KEY = "caller-key"
_MOST_PROVIDERS = 4


def reachable_decisions(table: LinkedBook) -> Iterator[Decision]:
    """Yield each decision with its `witness`, a context and facts that lead to it; `resolve` of it is the decision."""
    for name in sorted(table.features):
        yield from decisions_of(table, table.features[name])


def decisions_of(table: LinkedBook, feature: FeatureSpec) -> Iterator[Decision]:
    """Yield each decision that serves *feature*, in the same way."""
    key_sets = _key_sets(feature)
    for profile in sorted(table.profiles):
        for context, facts in _requests(feature, table.profiles[profile]):
            for keys in key_sets:
                asking = replace(context, credentials=dict.fromkeys(keys, _PLACEHOLDER_KEY)) if keys else context
                try:
                    decision = resolve(table, feature.name, asking, facts)
                except ResolveError:
                    continue
                yield replace(decision, witness=Witness(asking, facts))


def _requests(feature: FeatureSpec, profile: ProfileSpec) -> Iterator[tuple[Context, Facts]]:
    """Yield a context and facts for each route and arm of *feature* under *profile*, then for each override."""
    for index, route in _routes(feature, profile):
        reached = {arm.name: request for arm, request in find_requests(feature, index, route, profile.name)}
        for arm in route.arms:
            if arm.name in reached:
                yield reached[arm.name].ask(profile.name)
    for model in sorted(feature.overrides):
        yield Context(profile=profile.name), Facts(model=model)


def _routes(feature: FeatureSpec, profile: ProfileSpec) -> Iterator[tuple[int | None, RouteSpec]]:
    if feature.pin is not None:
        yield None, feature.pin
        return
    for index, rule in enumerate(feature.rules):
        yield index, rule.route
    entries = (feature.profiles[name] for name in profile.lineage if name in feature.profiles)
    route = next(entries, feature.use)
    if route is not None:
        yield None, route


def _attempts(feature: FeatureSpec) -> Iterator[AttemptSpec]:
    arms: Iterator[ArmSpec] = (arm for route in feature.routes() for arm in route.arms)
    for arm in arms:
        yield from arm.attempts
    yield from feature.overrides.values()


def _key_sets(feature: FeatureSpec) -> list[tuple[str, ...]]:
    providers = sorted({attempt.caller.provider for attempt in _attempts(feature) if attempt.caller is not None})
    if len(providers) > _MOST_PROVIDERS:
        return [(), *((provider,) for provider in providers), tuple(providers)]
    return [subset for size in range(len(providers) + 1) for subset in combinations(providers, size)]
