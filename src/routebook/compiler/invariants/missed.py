"""Missed: routes and arms of a feature that a request may lead to, though none was found that does.

Comes in: what of a feature is live, what its decisions showed, and where the search for requests gave up: rules that
are too entangled, shares so small that no value was found that falls into them. Elsewhere the search has looked at
everything, and an arm that was not seen is one that nothing falls on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ...routing.reach.live import Live
from ...routing.reachable import Unsure
from ...routing.spec import ArmSpec, RouteSpec

LivePath = tuple[str, str | None, str]
"""The names of a route, of its arm, and of a profile that leads there."""


def missed(
    live: Live, seen: Collection[LivePath], unsure: Collection[Unsure]
) -> Iterator[tuple[RouteSpec, ArmSpec, str]]:
    """Yield each route, arm and profile that is *live*, was not *seen*, and is not out of reach for certain."""
    for route, profiles in live.routes:
        for profile in sorted(profiles):
            for arm in route.arms:
                is_new = arm.weight > 0 and (route.name, arm.name, profile) not in seen
                if is_new and (route.name, profile) in unsure:
                    yield route, arm, profile
