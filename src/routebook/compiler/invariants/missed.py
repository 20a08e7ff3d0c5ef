"""Missed: routes and arms of a feature that a request may lead to, though none was found that does.

Comes in: what of a feature is live, and what its decisions showed. Goes out: what those do not settle: rules that are
too entangled, and shares so small that no value was found that falls into them. An arm may also be out of reach for
good, where nothing is left to stick to but values that fall on another; then the search has looked at everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice, pairwise

from ...routing.reach.cover import NotProved, Work
from ...routing.reach.live import Live
from ...routing.spec import ArmSpec, FeatureSpec, RouteSpec

LivePath = tuple[str, str | None, str]
"""The names of a route, of its arm, and of a profile that leads there."""

_MOST_PIECES = 64
_LEAST_SHARE = 1e-4
"""What the search for a request looks at: so many pieces of what comes to a route, and shares down to this."""


def missed(live: Live, seen: Collection[LivePath]) -> Iterator[tuple[RouteSpec, ArmSpec, str]]:
    """Yield each route, arm and profile that is *live*, was not *seen*, and is not out of reach for certain."""
    found = {(route, profile) for route, _, profile in seen}
    least = _least_cell(live.feature)
    for route, profiles in live.routes:
        total = sum(arm.weight for arm in route.arms)
        for profile in sorted(profiles):
            for arm in route.arms:
                if arm.weight <= 0 or (route.name, arm.name, profile) in seen:
                    continue
                is_large = least * arm.weight / total >= _LEAST_SHARE
                if not (is_large and (route.name, profile) in found and _is_exhausted(live, route, profile)):
                    yield route, arm, profile


def _is_exhausted(live: Live, route: RouteSpec, profile: str) -> bool:
    """Tell whether all that comes to *route* under *profile* was looked at."""
    names = [rule.route.name for rule in live.feature.rules] if live.feature.pin is None else []
    index = names.index(route.name) if route.name in names else len(names)
    pieces = live.reach.pieces(index, 1 << live.reach.profiles.index(profile), Work())
    try:
        return sum(1 for _ in islice(pieces, _MOST_PIECES + 1)) <= _MOST_PIECES
    except NotProved:
        return False


def _least_cell(feature: FeatureSpec) -> float:
    """Return the smallest share that the percents of a feature's rules tell apart."""
    percents: set[float] = {
        test.operand / 100 for rule in feature.rules for test in rule.when if test.operator == "percent"
    }
    return min(high - low for low, high in pairwise(sorted({0.0, 1.0, *percents})))
