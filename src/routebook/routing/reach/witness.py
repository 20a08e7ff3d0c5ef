"""Witness: a context and facts that lie in a given place of a feature's requests, and stick to a given arm.

Comes in: pieces of the spaces of `space`, as `reach` finds them. Goes out: requests that `resolve` can be asked. Where
a sticky value has to fall into a share, or on an arm, values are tried until one does; whether a mirrored call is among
them is a wish, and the rest a must.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice
from typing import Any

from ..context import Context, Facts
from ..matcher import METADATA, holds
from ..spec import ArmSpec, FeatureSpec, RouteSpec, ShadowSpec
from ..sticky import Purpose, as_text, choose_arm, fraction
from .axis import FACTS
from .cover import MOST_COMPARISONS, NotProved, Work
from .guess import guess
from .rules import Reach, allowed_by
from .space import PROFILE, SHARE, Box, Cell, Sample, Space, alike

_MOST_PIECES = 64
_MOST_TRIES = 200_000
_MOST_TRIES_IN_ALL = 300_000
_MOST_COMPARISONS_IN_ALL = 8_000_000
_MOST_WISHES = 2_000


@dataclass(frozen=True, slots=True)
class Request:
    """Values of a context and facts by field, and the sticky key, if there is one."""

    values: Mapping[str, Any]
    key: str | None = None

    def ask(self, profile: str) -> tuple[Context, Facts]:
        """Return the context and facts that have these values."""
        context: dict[str, Any] = {}
        facts: dict[str, Any] = {}
        metadata: dict[str, Any] = {}
        for name, value in self.values.items():
            if name.startswith(METADATA):
                if value is not None:
                    metadata[name.removeprefix(METADATA)] = value
            elif name in FACTS:
                facts[name] = value
            elif name != "profile":
                context[name] = value
        return Context(profile=profile, metadata=metadata, key=self.key, **context), Facts(**facts)


class Requests:
    """Finds requests for one feature, with so many *tries* in all. What is tried for one is remembered for the next."""

    def __init__(self, feature: FeatureSpec, reach: Reach, tries: int = _MOST_TRIES_IN_ALL) -> None:
        self._feature = feature
        self._reach = reach
        self._fractions: dict[Purpose, list[float]] = {}
        self._comparisons = _MOST_COMPARISONS_IN_ALL
        self._tries = tries
        self.gave_up = False

    def reaching(self, index: int, route: RouteSpec, profile: str) -> Iterator[tuple[ArmSpec, Request]]:
        """Yield, for each arm of *route* that can be reached, a request under *profile* that reaches it.

        *route* is that of rule *index*, or, past the last, where the feature goes if no rule holds. Afterwards,
        `gave_up` tells whether there may be requests for the other arms all the same.
        """
        self.gave_up = False
        arms = [arm for arm in route.arms if arm.weight > 0]
        work = Work(comparisons=min(MOST_COMPARISONS, self._comparisons))
        granted = work.comparisons
        pieces = self._reach.pieces(index, 1 << self._reach.profiles.index(profile), work)
        try:
            for space, box in islice(pieces, _MOST_PIECES):
                for arm in tuple(arms):
                    request = self._request(space, box, route, arm)
                    if request is not None:
                        arms.remove(arm)
                        yield arm, request
                if not arms:
                    return
            self.gave_up |= not self._reach.is_complete or next(pieces, None) is not None
        except NotProved:
            self.gave_up = True
        finally:
            self._comparisons -= granted - work.comparisons

    def fitting(self, index: int) -> tuple[str, Request] | None:
        """Return a profile and a request that all conditions of rule *index* fit, if one can be told."""
        when, route = self._feature.rules[index].when, self._feature.rules[index].route
        made_up, allowed = guess(when), allowed_by(when, self._reach.profiles)
        if made_up is not None and made_up.share is None and allowed:
            return allowed[0], Request(made_up.values)
        first = next(arm for arm in route.arms if arm.weight > 0)
        for space, box in self._reach.asking(index):
            request = self._request(space, box, route, first, mirrored=False)
            if request is not None:
                return self._reach.profiles[_lowest(box[PROFILE])], request
        return None

    def mirrored(self) -> str | None:
        """Return a key whose calls are mirrored, where only a share of them is."""
        shadow = self._feature.shadow
        if shadow is None or not 0 < shadow.percent < 100:
            return None
        number = self._key(None, None, shadow)
        return None if number is None else f"key-{number}"

    def _request(
        self, space: Space, box: Box, route: RouteSpec, arm: ArmSpec, *, mirrored: bool = True
    ) -> Request | None:
        """Return a request that lies in *box* and sticks to *arm*, mirrored if it can be; None if none is found."""
        on_arm = None if sum(other.weight > 0 for other in route.arms) == 1 else _falls_on(route, arm)
        if space.has_key or not space.is_sticky:
            return self._with_key(space, box, on_arm, self._feature.shadow if mirrored else None)
        if SHARE in space.fields and not box[space.fields.index(SHARE)] & 1:
            self.gave_up = True  # only the id of a run falls in there
            return None
        values: dict[str, Any] = {}
        fields = [field for field in space.fields if field not in (SHARE, "profile")]
        if on_arm is not None and route.key is not None and route.key not in fields:
            fields.append(route.key)
        for field in fields:
            wanted = on_arm if field == route.key else None
            is_first = arm is next(other for other in route.arms if other.weight > 0)
            found = next(self._values(space, box, field, wanted, absent=wanted is None or is_first), None)
            if found is None:
                return None
            values[field] = found[0]
        return Request(values)

    def _with_key(
        self, space: Space, box: Box, on_arm: Callable[[float], bool] | None, shadow: ShadowSpec | None
    ) -> Request | None:
        chosen = dict(zip(space.fields, map(_chosen, space.values, box), strict=True))
        share = chosen.pop(SHARE, None)
        if share is None and on_arm is None and (shadow is None or shadow.percent >= 100):
            return Request(chosen)
        number = self._key(None if share is None else share.cell, on_arm, shadow)
        return None if number is None else Request(chosen, f"key-{number}")

    def _key(self, cell: Cell | None, on_arm: Callable[[float], bool] | None, shadow: ShadowSpec | None) -> int | None:
        """Return the number of a key that falls into *cell* and on the arm, and that is mirrored if one can be."""
        first = None
        number: int
        for number in self._trying(range(_MOST_TRIES)):
            if cell is not None and not cell.low <= self._fraction("percent", number) < cell.high:
                continue
            if on_arm is not None and not on_arm(self._fraction("split", number)):
                continue
            if shadow is None or shadow.percent <= 0 or self._fraction("shadow", number) < shadow.percent / 100:
                return number
            first = number if first is None else first
            if number - first > _MOST_WISHES:
                break
        return first

    def _fraction(self, purpose: Purpose, number: int) -> float:
        known = self._fractions.setdefault(purpose, [])
        while number >= len(known):
            known.append(fraction(self._feature.name, purpose, f"key-{len(known)}"))
        return known[number]

    def _values(
        self, space: Space, box: Box, field: str, on_arm: Callable[[float], bool] | None, *, absent: bool
    ) -> Iterator[tuple[Any]]:
        """Yield values of *field* that lie in *box* and fall on the arm; absence only where it may be *absent*."""
        samples: Sequence[Any] = (None, "other")
        mask = 3
        if field in space.fields:
            axis = space.fields.index(field)
            samples, mask = space.values[axis], box[axis]
        tests = space.tests(field)
        for bit, sample in enumerate(samples):
            if not mask >> bit & 1:
                continue
            value, cell = (sample.value, sample.cell) if isinstance(sample, Sample) else (sample, None)
            if value is None:
                if absent:
                    yield (None,)
                continue
            pattern = [holds(operator, operand, value) for operator, operand, _ in tests]
            like = alike(field, tests, value)
            for other in self._trying(islice(_like(value), _MOST_TRIES)) if like is None else like:
                if like is None and [holds(operator, operand, other) for operator, operand, _ in tests] != pattern:
                    continue
                if cell is not None and not cell.low <= self._at("percent", other) < cell.high:
                    continue
                if on_arm is None or on_arm(self._at("split", other)):
                    yield (other,)

    def _trying(self, values: Iterable[Any]) -> Iterator[Any]:
        """Yield *values*, as far as there are tries left; whoever comes to the end has given up."""
        for value in values:
            self._tries -= 1
            if self._tries < 0:
                break
            yield value
        self.gave_up = True

    def _at(self, purpose: Purpose, value: Any) -> float:
        return fraction(self._feature.name, purpose, as_text(value))


def _falls_on(route: RouteSpec, arm: ArmSpec) -> Callable[[float], bool]:
    """Return what tells whether a fraction falls on *arm*."""
    return lambda at: route.arms[choose_arm(route.weights, at)] is arm


def _chosen(values: Sequence[Any], mask: int) -> Any:
    return values[_lowest(mask)]


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _like(value: Any) -> Iterator[Any]:
    """Yield values near *value*, itself first."""
    if isinstance(value, (int, float)):
        whole, parts = (value + number for number in range(100)), (value + 1 / number for number in count(2))
        return chain(whole, parts)
    if isinstance(value, str):
        return chain((value,), (f"{value}-{number}" for number in count()))
    return ((f"item-{number}",) for number in count())
