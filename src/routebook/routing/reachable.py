"""Every decision a table can make: each feature, under each profile, for each outcome of its rules, each arm of a
split, each model that a caller may choose, and each set of providers that the caller has keys for.

Keys: none, every non-empty subset of up to four providers that the feature can reach (beyond four, each alone and
all), and, where some targets need no key, one that none of the others takes. A combination that no target serves is an
error, not a decision, and is left out. Caller options and features that the book does not have are not enumerated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations

from ..errors import ResolveError
from .context import Context, Facts
from .decision import Decision, Witness
from .linked import LinkedBook
from .reach import Reach
from .resolve import resolve
from .spec import ArmSpec, AttemptSpec, FeatureSpec, ProfileSpec, RouteSpec
from .witness import Requests

_PLACEHOLDER_KEY = "caller-key"
_MOST_PROVIDERS = 4


def reachable_decisions(table: LinkedBook) -> Iterator[Decision]:
    """Yield each decision with its `witness`, a context and facts that lead to it; `resolve` of it is the decision."""
    for name in sorted(table.features):
        yield from decisions_of(table, table.features[name])


def decisions_of(table: LinkedBook, feature: FeatureSpec) -> Iterator[Decision]:
    """Yield each decision that serves *feature*, in the same way."""
    modes = {feature.credentials or profile.credentials for profile in table.profiles.values()}
    key_sets = _key_sets(feature, must_bring="caller" in modes)
    requests = _Requests(table, feature)
    for profile in sorted(table.profiles):
        for context, facts in requests.under(table.profiles[profile]):
            for keys in key_sets:
                asking = replace(context, credentials=dict.fromkeys(keys, _PLACEHOLDER_KEY)) if keys else context
                try:
                    decision = resolve(table, feature.name, asking, facts)
                except ResolveError:
                    continue
                yield replace(decision, witness=Witness(asking, facts))


def reach_of(feature: FeatureSpec, profiles: Mapping[str, ProfileSpec]) -> Reach:
    """Return what the requests for *feature* come to; a pin leaves none for its rules."""
    rules = () if feature.pin is not None else feature.rules
    return Reach(feature.name, [rule.when for rule in rules], tuple(profiles))


def reached_routes(
    feature: FeatureSpec, reach: Reach, profiles: Mapping[str, ProfileSpec]
) -> Iterator[tuple[RouteSpec, frozenset[str]]]:
    """Yield each route of *feature* that a request comes to, or may come to, with the profiles under which it does."""
    for index, reached in enumerate(reach.rules):
        if reached.profiles:
            yield feature.rules[index].route, reached.profiles
    rests: dict[int, tuple[RouteSpec, set[str]]] = {}
    for name in reach.rest.profiles:
        route = feature.rest(profiles[name])
        if route is not None:
            rests.setdefault(id(route), (route, set()))[1].add(name)
    yield from ((route, frozenset(names)) for route, names in rests.values())


class _Requests:
    """Finds a context and facts for each route and arm of one feature."""

    def __init__(self, table: LinkedBook, feature: FeatureSpec) -> None:
        self._feature = feature
        self._reach = reach_of(feature, table.profiles)
        self._requests = Requests(feature, self._reach)

    def under(self, profile: ProfileSpec) -> Iterator[tuple[Context, Facts]]:
        """Yield a context and facts for each route and arm under *profile*, then for each override."""
        for index, route in self._routes(profile):
            reached = {arm.name: request for arm, request in self._requests.reaching(index, route, profile.name)}
            for arm in route.arms:
                if arm.name in reached:
                    yield reached[arm.name].ask(profile.name)
        for model in sorted(self._feature.overrides):
            yield Context(profile=profile.name), Facts(model=model)

    def _routes(self, profile: ProfileSpec) -> Iterator[tuple[int, RouteSpec]]:
        """Yield the index and the route of each rule that is reached, and of what follows where none holds."""
        for index, reached in enumerate(self._reach.rules):
            if profile.name in reached.profiles:
                yield index, self._feature.rules[index].route
        rest = self._feature.rest(profile)
        if rest is not None and profile.name in self._reach.rest.profiles:
            yield len(self._reach.rules), rest


def _attempts(feature: FeatureSpec) -> Iterator[AttemptSpec]:
    arms: Iterator[ArmSpec] = (arm for route in feature.routes() for arm in route.arms)
    for arm in arms:
        yield from arm.attempts
    yield from feature.overrides.values()


def _key_sets(feature: FeatureSpec, *, must_bring: bool) -> list[tuple[str, ...]]:
    attempts = tuple(_attempts(feature))
    providers = sorted({attempt.caller.provider for attempt in attempts if attempt.caller is not None})
    keyless = sorted({attempt.platform.provider for attempt in attempts if attempt.caller is None})
    # With a key for something else, a caller gets the targets that need none, and those alone.
    foreign = [(keyless[0],)] if keyless and (providers or must_bring) else []
    if len(providers) > _MOST_PROVIDERS:
        return [(), *((provider,) for provider in providers), tuple(providers), *foreign]
    subsets = [subset for size in range(len(providers) + 1) for subset in combinations(providers, size)]
    return [*subsets, *foreign]
