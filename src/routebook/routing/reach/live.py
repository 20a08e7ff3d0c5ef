"""Live: what of a feature a request can come to: its routes and their arms, its shadow, and the keys that matter.

Comes in: a feature, linked, and the profiles. Goes out: its live part. What is held against a target, what is proved,
and what is called unused, is asked of live parts only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..decision import PlannedAttempt
from ..spec import ArmSpec, CredentialMode, FeatureSpec, Place, ProfileSpec, RouteSpec, ShadowSpec
from .key_sets import KeySets, key_sets_of
from .rules import Reach, Shared

SHADOW: Place = ("shadow",)
"""Where the shadow stands in a feature's definition."""

LiveRoute = tuple[RouteSpec, frozenset[str]]
"""A route that a request comes to, or may come to, and the profiles under which it does."""


@dataclass(frozen=True, slots=True)
class Live:
    """The live part of a feature: its routes, the arms that a request can be on, the shadow if any call is mirrored,
    the sets of callers' keys, and what the requests come to, rule by rule. `modes` say under each profile who pays.
    """

    feature: FeatureSpec
    routes: tuple[LiveRoute, ...]
    arms: tuple[ArmSpec, ...]
    shadow: ShadowSpec | None
    keys: KeySets
    modes: Mapping[str, CredentialMode]
    reach: Reach

    def targets(self) -> Iterator[PlannedAttempt]:
        """Yield the targets that a decision can lead to, each once or more, as the platform pays for them."""
        yield from {id(attempt): attempt for arm in self.arms for attempt in arm.planned}.values()
        yield from (spec.platform for spec in self.feature.overrides.values())
        if self.shadow is not None:
            yield self.shadow.attempt.platform

    def places(self) -> set[Place]:
        """Return where the targets stand in the feature's definition, those that a caller may choose left aside."""
        places = {place for arm in self.arms for place in arm.places}
        return places if self.shadow is None else places | {SHADOW}

    def decisions(self) -> int:
        """Return how many decisions there are."""
        modes = Counter(self.modes.values())
        arms = [(ArmSpec((spec,)), modes) for spec in self.feature.overrides.values()]
        for route, profiles in self.routes:
            here = modes if len(profiles) == len(self.modes) else Counter(self.modes[name] for name in profiles)
            arms += [(arm, here) for arm in route.arms if arm.weight > 0]
        return sum(self.keys.decisions(arm, here) for arm, here in arms)


def find_live(feature: FeatureSpec, profiles: Mapping[str, ProfileSpec], shared: Shared | None = None) -> Live:
    """Return the live part of *feature*, with what features of one book have *shared*.

    A pin leaves nothing for the rules.
    """
    rules = () if feature.pin is not None else feature.rules
    reach = Reach(feature.name, [rule.when for rule in rules], tuple(profiles), shared)
    routes = tuple(_routes(feature, reach, profiles))
    arms = tuple(arm for route, _ in routes for arm in route.arms if arm.weight > 0)
    modes = {name: feature.mode(profile) for name, profile in profiles.items()}
    specs = {id(spec): spec for arm in arms for spec in arm.attempts}
    # Where nobody needs a key, one decides whether a call is served at all, or is mirrored.
    keys_matter = "caller" in modes.values() or (feature.shadow is not None and "prefer_caller" in modes.values())
    keys = key_sets_of((*specs.values(), *feature.overrides.values()), keys_matter=keys_matter)
    shadow = feature.shadow
    if shadow is not None and (shadow.percent <= 0 or all(mode == "caller" for mode in modes.values())):
        shadow = None  # no call that its caller pays for is mirrored
    return Live(feature, routes, arms, shadow, keys, modes, reach)


def _routes(feature: FeatureSpec, reach: Reach, profiles: Mapping[str, ProfileSpec]) -> Iterator[LiveRoute]:
    for index, reached in enumerate(reach.rules):
        if reached.profiles:
            yield feature.rules[index].route, reached.profiles
    rests: dict[int, tuple[RouteSpec, set[str]]] = {}
    for name in sorted(reach.rest.profiles):
        route = feature.rest(profiles[name])
        if route is not None:
            rests.setdefault(id(route), (route, set()))[1].add(name)
    yield from ((route, frozenset(names)) for route, names in rests.values())
