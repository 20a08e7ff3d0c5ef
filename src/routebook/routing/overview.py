"""Overview: every route that features can take, a row for each arm of it, with whom it serves and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .decision import PlannedAttempt
from .linked import LinkedBook
from .spec import ArmSpec, FeatureSpec, Price, RouteSpec


@dataclass(frozen=True, slots=True)
class Row:
    """One arm of one route of a feature, for the profiles that lead to it; `share` is the arm's, of 1."""

    feature: FeatureSpec
    route: RouteSpec
    profiles: tuple[str, ...]
    arm: ArmSpec
    share: float
    price: Price | None

    @property
    def primary(self) -> PlannedAttempt:
        """The first attempt."""
        return self.arm.planned[0]


def rows(table: LinkedBook, features: Iterable[str], profiles: tuple[str, ...]) -> Iterator[Row]:
    """Yield a row for each arm of each route that the *features* can take under the *profiles*."""
    for name in sorted(features):
        feature = table.features[name]
        for route, served in _routes(table, feature, profiles):
            whole = sum(arm.weight for arm in route.arms)
            for arm in route.arms:
                model = table.models.get(arm.planned[0].model)
                price = None if model is None else model.price
                yield Row(feature, route, served, arm, arm.weight / whole, price)


def override_rows(table: LinkedBook, features: Iterable[str], profiles: tuple[str, ...]) -> Iterator[Row]:
    """Yield a row for each model that a caller of the *features* may choose, its arm named after the model."""
    for name in sorted(features):
        feature = table.features[name]
        for chosen, attempt in feature.overrides.items():
            arm = ArmSpec((attempt,), name=chosen)
            model = table.models.get(attempt.platform.model)
            yield Row(
                feature, RouteSpec("override", (arm,)), profiles, arm, 1.0, None if model is None else model.price
            )


def _routes(
    table: LinkedBook, feature: FeatureSpec, profiles: tuple[str, ...]
) -> Iterator[tuple[RouteSpec, tuple[str, ...]]]:
    if feature.pin is not None:
        yield feature.pin, profiles
        return
    for rule in feature.rules:
        yield rule.route, profiles
    served: dict[str, list[str]] = {}
    by_name: dict[str, RouteSpec] = {}
    for profile in profiles:
        lineage = table.profiles[profile].lineage
        route = next((feature.profiles[name] for name in lineage if name in feature.profiles), feature.use)
        if route is not None:
            by_name[route.name] = route
            served.setdefault(route.name, []).append(profile)
    for name, names in served.items():
        yield by_name[name], tuple(names)
