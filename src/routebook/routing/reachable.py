"""Every decision a table can make: each feature, under each profile, for each outcome of its rules, each arm of a
split, each model that a caller may choose, and each set of providers that the caller has keys for (`key_sets`).

A combination that no target serves is an error, not a decision, and is left out. Caller options and features that the
book does not have are not enumerated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..errors import ResolveError
from .context import Context, Facts
from .decision import Decision, Witness
from .linked import LinkedBook
from .reach.live import find_live
from .reach.rules import Reach
from .reach.witness import Requests
from .resolve import resolve
from .spec import FeatureSpec, ProfileSpec, RouteSpec

Unsure = tuple[str, str]
"""The name of a route, and that of a profile under which there may be more requests for it than were found."""

_PLACEHOLDER_KEY = "caller-key"


def reachable_decisions(table: LinkedBook) -> Iterator[Decision]:
    """Yield each decision with its `witness`, a context and facts that lead to it; `resolve` of it is the decision."""
    for name in sorted(table.features):
        yield from decisions_of(table, table.features[name])


def decisions_of(
    table: LinkedBook, feature: FeatureSpec, profiles: Iterable[str] | None = None, unsure: set[Unsure] | None = None
) -> Iterator[Decision]:
    """Yield each decision that serves *feature*, in the same way; *profiles* are another order of them.

    Where there may be requests that were not found, the route and the profile are added to *unsure*.
    """
    live = find_live(feature, table.profiles)
    requests = _Requests(feature, live.reach, set() if unsure is None else unsure)
    for profile in sorted(table.profiles) if profiles is None else profiles:
        for context, facts in requests.under(table.profiles[profile]):
            for keys in live.keys.all:
                asking = replace(context, credentials=dict.fromkeys(keys, _PLACEHOLDER_KEY)) if keys else context
                try:
                    decision = resolve(table, feature.name, asking, facts)
                except ResolveError:
                    continue
                yield replace(decision, witness=Witness(asking, facts))


class _Requests:
    """Finds a context and facts for each route and arm of one feature."""

    def __init__(self, feature: FeatureSpec, reach: Reach, unsure: set[Unsure]) -> None:
        self._feature = feature
        self._unsure = unsure
        self._reach = reach
        self._requests = Requests(feature, reach)

    def under(self, profile: ProfileSpec) -> Iterator[tuple[Context, Facts]]:
        """Yield a context and facts for each route and arm under *profile*, then for each override."""
        for index, route in self._routes(profile):
            reached = {arm.name: request for arm, request in self._requests.reaching(index, route, profile.name)}
            if self._requests.gave_up:
                self._unsure.add((route.name, profile.name))
            for arm in route.arms:
                if arm.name in reached:
                    yield reached[arm.name].ask(profile.name)
        if self._feature.overrides:
            context = Context(profile=profile.name, key=self._requests.mirrored())
            for model in sorted(self._feature.overrides):
                yield context, Facts(model=model)

    def _routes(self, profile: ProfileSpec) -> Iterator[tuple[int, RouteSpec]]:
        """Yield the index and the route of each rule that is reached, and of what follows where none holds."""
        for index, reached in enumerate(self._reach.rules):
            if profile.name in reached.profiles:
                yield index, self._feature.rules[index].route
        rest = self._feature.rest(profile)
        if rest is not None and profile.name in self._reach.rest.profiles:
            yield len(self._reach.rules), rest
