"""Prover: which invariants the routes of a feature keep in any case, and which may be broken, and where.

Sound, and quick: no decision is made. A route is taken as one that can be reached under every profile that leads to it,
and a caller as one who may have the key of any provider. What is not suspected here is proved; what is, may still hold:
`examine` looks at the decisions themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from ...routing.bounds.worst_case import WorstCase
from ...routing.decision import PlannedAttempt
from ...routing.linked import LinkedBook
from ...routing.reach.key_sets import MOST_PROVIDERS
from ...routing.reach.live import SHADOW
from ...routing.spec import ArmSpec, AttemptSpec, FeatureSpec, Place, RouteSpec
from .keeping import Keeping
from .selecting import Bits, Payers, Selecting

OVERRIDE = "override"
ARM = "arm"

Suspect = tuple[Place, Bits]
"""Where a feature may break invariants, and which: where an attempt stands in its definition, `("shadow",)`,
`("override", MODEL)`, or `("arm", ROUTE, ARM)` for the bounds of an arm as a whole.
"""


_Route = tuple[str, Iterable[ArmSpec], Payers]


@dataclass(frozen=True, slots=True)
class FeatureProof:
    """What is known of a feature: the places that may break invariants (none: all hold), and the invariants that select
    a decision of it for certain (`sure`) or perhaps (`may`).
    """

    suspects: tuple[Suspect, ...]
    sure: Bits
    may: Bits


_UNTOUCHED = FeatureProof((), 0, 0)


class Prover:
    """Proves the invariants of *table*, one feature after the other; what features share is worked out once."""

    def __init__(self, table: LinkedBook) -> None:
        self.table = table
        self.invariants = tuple(table.invariants.values())
        self.worst = WorstCase(table)
        self.selecting = Selecting(table)
        self.keeping = Keeping(table)

    def prove_feature(self, feature: FeatureSpec) -> FeatureProof:
        """Return what is known of *feature* without making a decision."""
        selected = self.selecting.of_feature(feature)
        if not selected:
            return _UNTOUCHED
        suspects, may = self._suspects(feature, self._routes(feature))
        lent, own = self.selecting.under(feature).everywhere
        return FeatureProof(suspects, selected & self.selecting.of_any_route & (lent | own), may)

    def suspects_on(
        self, feature: FeatureSpec, paths: Iterable[tuple[RouteSpec, ArmSpec, str]]
    ) -> tuple[tuple[Suspect, ...], Bits]:
        """Return the suspects on some arms of routes, under a profile each, and what may select a decision there."""
        profiles = self.selecting.under(feature).profiles
        return self._suspects(feature, ((route.name, (arm,), profiles[profile]) for route, arm, profile in paths))

    def _suspects(self, feature: FeatureSpec, routes: Iterable[_Route]) -> tuple[tuple[Suspect, ...], Bits]:
        """Return what *routes* may break, and what may select a decision that takes one of them."""
        selected = self.selecting.of_feature(feature)
        suspects: list[Suspect] = []
        may = 0
        for name, arms, payers in routes:
            routed = selected & self.selecting.of_route(name)
            lent, own = payers[0] & routed, payers[1] & routed
            if lent or own:
                for arm in arms:
                    may |= self._look_at(feature, name, arm, lent, own, suspects)
        return tuple(suspects), may

    def _routes(self, feature: FeatureSpec) -> Iterator[_Route]:
        """Yield the routes that may be taken, by name, and what the profiles that lead to them allow."""
        under = self.selecting.under(feature)
        if feature.pin is not None:
            yield feature.pin.name, feature.pin.arms, under.everywhere
            return
        for rule in feature.rules:
            yield rule.route.name, _taken(rule.route), under.of_rule(rule.when)
        for entry, payers in under.entries.items():
            route = feature.use if entry is None else feature.profiles[entry]
            if route is not None:
                yield route.name, _taken(route), payers
        if feature.overrides:
            yield OVERRIDE, map(_chosen, feature.overrides.items()), under.everywhere

    def _look_at(
        self, feature: FeatureSpec, route: str, arm: ArmSpec, lent: Bits, own: Bits, suspects: list[Suspect]
    ) -> Bits:
        """Add what *arm* may break to *suspects*; return what may select a decision that takes it."""
        breaks_lent = breaks_own = own_payers = 0
        paid_by, known = self.selecting.paid_by, self.keeping.specs
        for spec in arm.attempts:
            broken = known.get(id(spec)) or self.keeping.of_spec(spec)
            breaks_lent |= broken.lent
            breaks_own |= broken.own
            own_payers |= paid_by[broken.payer]
        lent &= paid_by[arm.planned[0].credential]
        own &= own_payers
        if lent & breaks_lent or own & breaks_own:
            suspects.extend(self._attempts(arm, lent, own))
        shadow = _shadow_of(feature)
        if lent and shadow is not None and (bits := lent & self.keeping.of_spec(shadow).lent):
            suspects.append((SHADOW, bits))
        if (lent | own) & self.keeping.bounded and (bits := self._exceeded(feature, arm, lent, own)):
            suspects.append(((ARM, route, arm.name or ""), bits))
        return lent | own

    def _attempts(self, arm: ArmSpec, lent: Bits, own: Bits) -> Iterator[Suspect]:
        for place, spec in zip(arm.places, arm.attempts, strict=True):
            broken = self.keeping.of_spec(spec)
            bits = lent & broken.lent | own & broken.own
            if bits:
                yield place, bits

    def _exceeded(self, feature: FeatureSpec, arm: ArmSpec, lent: Bits, own: Bits) -> Bits:
        """Return what the bounds of *arm* may break."""
        keeping, shadow = self.keeping, _shadow_of(feature)
        lent, own = lent & keeping.bounded, own & keeping.bounded
        broken = 0
        if lent:
            broken = lent & self._bounds(feature, arm.planned, shadow)
            if shadow is not None and lent & ~broken & keeping.rising:
                broken |= lent & self._bounds(feature, arm.planned, None)
        kept = lent & ~broken & ~keeping.rising  # fewer attempts, of which the platform pays none, keep it too
        rest = own & ~kept
        if not rest:
            return broken
        own_attempts = [spec.platform if spec.caller is None else spec.caller for spec in arm.attempts]
        broken |= rest & ~keeping.rising & self._bounds(feature, own_attempts, None)
        rest &= keeping.rising
        for attempts in _lefts(own_attempts) if rest else ():
            broken |= rest & self._bounds(feature, attempts, None)
        return broken

    def _bounds(self, feature: FeatureSpec, attempts: Sequence[PlannedAttempt], shadow: AttemptSpec | None) -> Bits:
        mirrored = None if shadow is None else shadow.platform
        return self.keeping.of_bounds(self.worst.bounds(feature, attempts, mirrored))


def _taken(route: RouteSpec) -> Iterable[ArmSpec]:
    return route.arms if route.key is None else (arm for arm in route.arms if arm.weight > 0)


def _chosen(override: tuple[str, AttemptSpec]) -> ArmSpec:
    model, spec = override
    return ArmSpec((spec,), name=model, places=((OVERRIDE, model),))


def _shadow_of(feature: FeatureSpec) -> AttemptSpec | None:
    shadow = feature.shadow
    return None if shadow is None or shadow.percent <= 0 else shadow.attempt


def _lefts(attempts: Sequence[PlannedAttempt]) -> Iterator[Sequence[PlannedAttempt]]:
    """Yield what is left of *attempts* for each set of keys: of more than a few providers, each alone and all."""
    providers = sorted({attempt.provider for attempt in attempts if attempt.credential == "caller"})
    sizes = range(len(providers) + 1) if len(providers) <= MOST_PROVIDERS else (0, 1, len(providers))
    for size in sizes:
        for keys in combinations(providers, size):
            left = [attempt for attempt in attempts if attempt.credential == "none" or attempt.provider in keys]
            if left:
                yield left
