"""Examine: what the decisions of one feature break, each with a decision that does, and which invariants select one.

Exact: it goes through the decisions that the table can make, and stops as soon as everything in doubt is settled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ...routing.bounds.worst_case import Bounds
from ...routing.decision import Decision
from ...routing.invariant import Breach, Part, breaches, selects
from ...routing.reach.live import SHADOW, find_live
from ...routing.reachable import Unsure, decisions_of
from ...routing.spec import ArmSpec, FeatureSpec, Place
from .mirrored import mirrored, unmirrored
from .missed import LivePath, missed
from .prover import ARM, OVERRIDE, Prover, Suspect
from .selecting import Bits, indices, union

Doubt = tuple[int, Place]
"""An invariant, by its index, and where a feature may break it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An invariant, by its index, that *decision* breaks, and where in the feature that stands."""

    invariant: int
    place: Place
    breach: Breach
    decision: Decision


@dataclass(slots=True)
class Examined:
    """What came of it: each broken invariant once for a place, in the order in which decisions showed it; those that
    could not be settled, as no request was found that leads there; and the invariants that select a decision, or
    perhaps do.
    """

    found: dict[Doubt, Finding] = field(default_factory=dict)
    unproved: tuple[Doubt, ...] = ()
    selecting: Bits = 0
    perhaps: Bits = 0


def examine(prover: Prover, feature: FeatureSpec, suspects: Iterable[Suspect], asked: Bits = 0) -> Examined:
    """Settle whether each of *suspects* is right, and which of the invariants *asked* select a decision."""
    doubts = _doubts(suspects)
    wanted = indices(union(bits for _, bits in suspects) | asked)
    examined, seen = Examined(), _Seen()
    usual = prover.table.default_profile  # what most callers get makes the best example
    profiles = sorted(prover.table.profiles, key=lambda name: (name != usual, name))
    decisions = decisions_of(prover.table, feature, profiles, seen.unsure)
    for decision in _with_unmirrored(prover, feature, decisions, wanted):
        if doubts <= examined.found.keys() and not asked & ~examined.selecting:
            return examined
        seen.paths.add((decision.route, decision.arm, decision.profile))
        for index in wanted:
            if selects(prover.invariants[index].where, feature.tags, decision):
                examined.selecting |= 1 << index
                if (index, SHADOW) in doubts and decision.shadow is None and _is_lent(prover, feature, decision):
                    seen.unmirrored.setdefault((index, decision.route, decision.arm), decision)
                for place, breach in _broken(prover, feature, index, decision):
                    examined.found.setdefault((index, place), Finding(index, place, breach, decision))
    left = doubts - examined.found.keys()
    if left or asked & ~examined.selecting:
        _settle_rest(prover, feature, left, seen, examined)
    return examined


def _with_unmirrored(
    prover: Prover, feature: FeatureSpec, decisions: Iterable[Decision], wanted: Sequence[int]
) -> Iterator[Decision]:
    """Yield *decisions*, and each that is mirrored also as it is for others, where fewer dollars may break more."""
    is_asked = any(prover.keeping.rising >> index & 1 for index in wanted)
    is_part = feature.shadow is not None and feature.shadow.percent < 100
    for decision in decisions:
        yield decision
        again = unmirrored(prover.table, feature, decision) if is_asked and is_part and decision.shadow else None
        if again is not None:
            yield again


def bounds_of(prover: Prover, feature: FeatureSpec, decision: Decision) -> Bounds:
    """Return the worst case of *decision*."""
    return prover.worst.bounds(feature, decision.attempts, decision.shadow)


@dataclass(slots=True)
class _Seen:
    """What was looked at: routes, arms and profiles; where there may be more; and decisions that are not mirrored,
    though the shadow is in doubt, by invariant, route and arm.
    """

    paths: set[LivePath] = field(default_factory=set)
    unsure: set[Unsure] = field(default_factory=set)
    unmirrored: dict[tuple[int, str, str | None], Decision] = field(default_factory=dict)


def _settle_rest(prover: Prover, feature: FeatureSpec, doubts: set[Doubt], seen: _Seen, examined: Examined) -> None:
    """Note what the decisions that were *seen* do not refute: a request may lead there that was not found."""
    live = find_live(feature, prover.table.profiles)
    suspects, examined.perhaps = prover.suspects_on(feature, missed(live, seen.paths, seen.unsure))
    unseen = _doubts(suspects)
    for (index, _, _), decision in seen.unmirrored.items():
        if live.shadow is not None and (index, SHADOW) not in examined.found:
            unseen.add((index, SHADOW))
            again = mirrored(prover.table, feature, decision)
            if again is not None:
                broken = dict(_broken(prover, feature, index, again))
                examined.found[index, SHADOW] = Finding(index, SHADOW, broken[SHADOW], again)
    examined.unproved = tuple(sorted(doubts & unseen - examined.found.keys(), key=repr))


def _doubts(suspects: Iterable[Suspect]) -> set[Doubt]:
    return {(index, place) for place, bits in suspects for index in indices(bits)}


def _is_lent(prover: Prover, feature: FeatureSpec, decision: Decision) -> bool:
    """Tell whether the call is one that the platform pays for, or nobody has to."""
    mode = feature.mode(prover.table.profiles[decision.profile])
    has_keys = decision.witness is not None and bool(decision.witness.context.credentials)
    return mode == "platform" or (mode == "prefer_caller" and not has_keys)


def _broken(prover: Prover, feature: FeatureSpec, index: int, decision: Decision) -> Iterator[tuple[Place, Breach]]:
    bounds = bounds_of(prover, feature, decision) if prover.keeping.bounded >> index & 1 else None
    places: tuple[Place, ...] | None = None
    for breach in breaches(prover.invariants[index], decision, prover.table.models, bounds):
        if places is None and isinstance(breach.part, int):
            places = _places(feature, decision)
        yield _place(decision, places or (), breach.part), breach


def _place(decision: Decision, places: tuple[Place, ...], part: Part) -> Place:
    if part is None:
        model = decision.witness.facts.model if decision.witness is not None else None
        return (ARM, decision.route, model or decision.arm or "")
    return SHADOW if part == "shadow" else places[part]


def _places(feature: FeatureSpec, decision: Decision) -> tuple[Place, ...]:
    """Return where each attempt of *decision* stands in *feature*: they come in the order of their arm's."""
    if decision.route == OVERRIDE:
        model = decision.witness.facts.model if decision.witness is not None else decision.attempts[0].model
        return ((OVERRIDE, model or ""),)
    arm = _arm(feature, decision)
    specs = zip(arm.planned, arm.places, strict=True)
    return tuple(
        next(place for planned, place in specs if _call(planned) == _call(attempt)) for attempt in decision.attempts
    )


def _arm(feature: FeatureSpec, decision: Decision) -> ArmSpec:
    route = next(route for route in feature.routes() if route.name == decision.route)
    return next(arm for arm in route.arms if arm.name == decision.arm)


def _call(attempt: object) -> tuple[object, ...]:
    return tuple(getattr(attempt, name) for name in ("provider", "id", "options"))
