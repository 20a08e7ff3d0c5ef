"""Ranking: the worst case of each feature over all that may serve it, the most dangerous feature first.

Comes in: a table, and rows of its overview. Goes out: for each feature of the rows its most dollars, calls and seconds,
each with where it comes from; rows that no request comes to are left out. No bound in dollars is worse than any, then
dollars count, calls, and seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from ..decision import PlannedAttempt
from ..linked import LinkedBook
from ..overview import Row
from ..reach.live import find_live
from ..spec import FeatureSpec
from .arithmetic import arithmetic
from .call_cost import Gap
from .worst_case import Bounds, WorstCase

_Danger = tuple[float, int, float]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to serve a feature, with its bounds."""

    row: Row
    attempts: tuple[PlannedAttempt, ...]
    shadow: PlannedAttempt | None
    bounds: Bounds

    @property
    def place(self) -> str:
        """Where it stands in the feature."""
        arm, route = self.row.arm.name, self.row.route.name
        if arm is None:
            return route
        return f"{route} {arm}" if route == "override" else f"{route}, arm {arm}"

    @property
    def danger(self) -> _Danger:
        """What ways are compared by."""
        usd, seconds = self.bounds.usd, self.bounds.seconds
        return inf if usd is None else usd, self.bounds.calls, inf if seconds is None else seconds


@dataclass(frozen=True, slots=True)
class Peak:
    """The worst case of a feature: the way with the most dollars, that with the most calls, and with the most seconds.

    They are one and the same where that is so. `gap` says why there is no bound in dollars.
    """

    feature: FeatureSpec
    usd: Way
    calls: Way
    seconds: Way
    gap: Gap | None

    @property
    def danger(self) -> _Danger:
        """What features are compared by."""
        return self.usd.danger[0], self.calls.danger[1], self.seconds.danger[2]

    def to_dict(self) -> dict[str, Any]:
        """Return the peak as plain data; None is no bound."""
        return {
            "feature": self.feature.name,
            "calls": self.calls.bounds.calls,
            "seconds": self.seconds.bounds.seconds,
            "usd": self.usd.bounds.usd,
            "gap": self.gap,
            "routes": {"calls": self.calls.place, "seconds": self.seconds.place, "usd": self.usd.place},
        }


def ranked(table: LinkedBook, rows: Iterable[Row]) -> list[Peak]:
    """Return the peak of each feature of *rows*, the most dangerous first, then by name."""
    worst = WorstCase(table)
    ways: dict[str, list[Way]] = {}
    under: dict[str, dict[int, set[str]]] = {}
    for row in rows:
        name = row.feature.name
        if name not in under:
            under[name] = _profiles_of_arms(table, row.feature)
        if row.route.name != "override":
            reached = under[name].get(id(row.arm), set())
            row = replace(row, profiles=tuple(profile for profile in row.profiles if profile in reached))
        if row.profiles:
            ways.setdefault(name, []).append(_way(table, worst, row))
    peaks = [_peak(worst, of_feature) for _, of_feature in sorted(ways.items())]
    return sorted(peaks, key=lambda peak: peak.danger, reverse=True)


def _profiles_of_arms(table: LinkedBook, feature: FeatureSpec) -> dict[int, set[str]]:
    """Return, by the id of each arm of *feature* that a request can be on, the profiles under which it can."""
    found: dict[int, set[str]] = {}
    for route, profiles in find_live(feature, table.profiles).routes:
        for arm in route.arms:
            if arm.weight > 0:
                found.setdefault(id(arm), set()).update(profiles)
    return found


def _way(table: LinkedBook, worst: WorstCase, row: Row) -> Way:
    shadow = None if row.feature.shadow is None or row.feature.shadow.percent <= 0 else row.feature.shadow.attempt
    attempts, mirrored = row.arm.planned, None if shadow is None else shadow.platform
    if _callers_only(table, row):
        attempts, mirrored = tuple(attempt.caller or attempt.platform for attempt in row.arm.attempts), None
    return Way(row, attempts, mirrored, worst.bounds(row.feature, attempts, mirrored))


def _callers_only(table: LinkedBook, row: Row) -> bool:
    """Tell whether a caller's key pays under every profile that leads there."""
    modes = {row.feature.credentials or table.profiles[name].credentials for name in row.profiles}
    return modes == {"caller"}


def _peak(worst: WorstCase, ways: list[Way]) -> Peak:
    ways.sort(key=lambda way: way.danger, reverse=True)
    usd, feature = ways[0], ways[0].row.feature
    return Peak(
        feature=feature,
        usd=usd,
        calls=max(ways, key=lambda way: way.danger[1]),
        seconds=max(ways, key=lambda way: way.danger[2]),
        gap=None if usd.bounds.usd is not None else arithmetic(worst, feature, usd.attempts, usd.shadow).gap,
    )
