"""Reach: which rules of a feature a request can come to, and what takes the place of those that none comes to.

Comes in: a feature's rules and the names of the profiles. Goes out: for each rule, and for what follows them where none
holds, the profiles under which a request comes to it. Exact, unless there is more to look at than `cover` allows: then
the rule counts as one that may be reached, and is said to be not proved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from .cover import NotProved, Work, pieces_left
from .matcher import Condition, When
from .space import MOST_STICKY, Bounds, Box, Space, spaces_of, sticky_fields

Verdict = Literal["reached", "contradiction", "covered", "not proved"]

_GLANCE = (200, 4_000)


@dataclass(frozen=True, slots=True)
class Reached:
    """What is known of one rule, or of what follows the rules: under which profiles a request comes to it, or may.

    `contradiction` is a rule that no request fits at all, `covered` one that earlier rules leave nothing.
    """

    verdict: Verdict
    profiles: frozenset[str] = frozenset()


class Reach:
    """What requests for the feature *name*, whose rules are *whens*, come to.

    `rules` says it of each rule, `rest` of what follows where none holds; `work` counts down what may be looked at
    beyond a first glance.
    """

    __slots__ = ("_bounds", "_has_all_spaces", "_name", "_whens", "profiles", "rest", "rules", "spaces", "work")

    def __init__(self, name: str, whens: Sequence[When], profiles: tuple[str, ...]) -> None:
        conditions = [condition for when in whens for condition in when]
        self.profiles = profiles
        self._name = name
        self._whens = whens
        self.work = Work()
        self.spaces = tuple(spaces_of(name, conditions, profiles))
        self._has_all_spaces = len(sticky_fields(conditions)) <= MOST_STICKY
        self._bounds = [[space.bounds(when) for when in whens] for space in self.spaces]
        classes = _classes(self.spaces)
        self.rules = tuple(self._reached(index, classes) for index in range(len(whens)))
        self.rest = self._reached(len(whens), classes)

    def pieces(self, index: int, profiles: int) -> Iterator[tuple[Space, Box]]:
        """Yield what comes to rule *index*, or past all rules, under the *profiles* of a mask, space by space.

        Raises:
            NotProved: There may be more.
        """
        for space, bounds in zip(self.spaces, self._bounds, strict=True):
            box = _box(space, bounds, index, profiles)
            if box is not None:
                for piece in pieces_left(box, bounds, _before(bounds, index), Work()):
                    yield space, piece

    def asking(self, index: int) -> Iterator[tuple[Space, Box]]:
        """Yield the requests that rule *index* fits, whatever rule they come to."""
        for space, bounds in zip(self.spaces, self._bounds, strict=True):
            box = _box(space, bounds, index, -1)
            if box is not None:
                yield space, box

    def conflict(self, index: int) -> When:
        """Return conditions of rule *index*, which no request fits, that cannot hold together."""
        space = self.spaces[0]
        by_axis: dict[int, list[Condition]] = {}
        for condition in self._whens[index]:
            by_axis.setdefault(space.axis_of(condition), []).append(condition)
        return next(tuple(together) for together in by_axis.values() if space.bounds(together) is None)

    def takers(self, index: int, profiles: int = -1) -> tuple[int, ...]:
        """Return rules that together take all that would come to *index*, none of which can be left out."""
        for rule in range(index):
            if self._is_within(index, profiles, rule):
                return (rule,)
        takers = list(range(index))
        for rule in range(index):
            if self._is_taken(index, profiles, [other for other in takers if other != rule]):
                takers.remove(rule)
        return tuple(takers)

    def _reached(self, index: int, classes: Sequence[tuple[int, frozenset[str]]]) -> Reached:
        if index < len(self._bounds[0]) and all(bounds[index] is None for bounds in self._bounds):
            return Reached("contradiction")
        profiles: frozenset[str] = frozenset()
        verdict: Verdict = "covered"
        for mask, names in classes:
            found = self._find(index, mask)
            if found != "covered":
                profiles = profiles | names if profiles else names
                verdict = "reached" if "reached" in (found, verdict) else "not proved"
        if verdict == "not proved" and not self._has_all_spaces and self._is_taken_apart(index):
            return Reached("covered")
        return Reached(verdict, profiles)

    def _is_taken_apart(self, index: int) -> bool:
        """Tell whether one rule before *index* takes all of it, in the spaces that only the two of them make."""
        own = self._whens[index] if index < len(self._whens) else ()
        pairs = (Reach(self._name, (when, own), self.profiles) for when in self._whens[:index])
        return any(pair.rules[1].verdict == "covered" for pair in pairs)

    def _find(self, index: int, profiles: int) -> Verdict:
        verdict: Verdict = "covered" if self._has_all_spaces else "not proved"
        for space, bounds in zip(self.spaces, self._bounds, strict=True):
            box = _box(space, bounds, index, profiles)
            try:
                if box is not None and self._has_piece(box, bounds, _before(bounds, index)):
                    return "reached"
            except NotProved:
                verdict = "not proved"
        return verdict

    def _has_piece(self, box: Box, taken: Sequence[Bounds | None], candidates: Sequence[int]) -> bool:
        try:
            return next(pieces_left(box, taken, candidates, Work(*_GLANCE)), None) is not None
        except NotProved:
            return next(pieces_left(box, taken, candidates, self.work), None) is not None

    def _is_within(self, index: int, profiles: int, taker: int) -> bool:
        """Tell whether the rule *taker* alone has all that would come to *index*."""
        for space, bounds in zip(self.spaces, self._bounds, strict=True):
            box = _box(space, bounds, index, profiles)
            if box is not None:
                taken = bounds[taker]
                if taken is None or any(box[axis] & ~mask for axis, mask in taken):
                    return False
        return True

    def _is_taken(self, index: int, profiles: int, candidates: Sequence[int]) -> bool:
        try:
            for space, bounds in zip(self.spaces, self._bounds, strict=True):
                box = _box(space, bounds, index, profiles)
                known = [rule for rule in candidates if bounds[rule] is not None]
                if box is not None and self._has_piece(box, bounds, known):
                    return False
        except NotProved:
            return False
        return True


def _before(bounds: Sequence[Bounds | None], index: int) -> list[int]:
    return [rule for rule in range(index) if bounds[rule] is not None]


def _box(space: Space, bounds: Sequence[Bounds | None], index: int, profiles: int) -> Box | None:
    """Return what rule *index* fits under the *profiles* of a mask, or all of it past the last rule."""
    own = bounds[index] if index < len(bounds) else ()
    return None if own is None else space.within(space.box(own), "profile", profiles)


def _classes(spaces: Sequence[Space]) -> list[tuple[int, frozenset[str]]]:
    """Return the profiles in groups that no rule tells apart, each with its mask."""
    profiles = spaces[0].values[0]
    tests = [(test, mask) for space in spaces for (field, test), (_, mask) in space.masks.items() if field == "profile"]
    if any(operator == "percent" for (operator, _, _), _ in tests):
        return [(1 << bit, frozenset({profile})) for bit, profile in enumerate(profiles)]
    masks = {mask for _, mask in tests}
    if not masks:
        return [((1 << len(profiles)) - 1, frozenset(profiles))]
    told = [tuple(mask >> bit & 1 for mask in masks) for bit in range(len(profiles))]
    bits = sorted(range(len(profiles)), key=lambda bit: told[bit])
    groups = [list(group) for _, group in groupby(bits, key=lambda bit: told[bit])]
    return [(sum(1 << bit for bit in group), frozenset(profiles[bit] for bit in group)) for group in groups]
