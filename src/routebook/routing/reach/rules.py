"""Reach: which rules of a feature a request can come to, and what takes the place of those that none comes to.

Comes in: a feature's rules and the names of the profiles. Goes out: for each rule, and for what follows them where none
holds, the profiles under which a request comes to it. Exact, unless there is more to look at than `cover` allows: then
the rule counts as one that may be reached, and is said to be not proved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Literal

from ..matcher import Condition, When, satisfies
from .cover import NotProved, Work, pieces_left, step_out
from .guess import Guess, guess
from .space import MOST_STICKY, Box, Sides, Space, asked_by, spaces_of, sticky_fields

Verdict = Literal["reached", "contradiction", "covered", "not proved"]

_GLANCE = (200, 4_000)
_MOST_NAMING = (20_000, 200_000)
_ALL = -1

_Ruled = tuple[Space, list[Sides | None]]
"""A space, and the bounds of each rule in it; None where a rule fits nothing there."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What is known of one rule, or of what follows the rules: under which profiles a request comes to it, or may.

    `contradiction` is a rule that no request fits at all, `covered` one that earlier rules leave nothing.
    """

    verdict: Verdict
    profiles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Shared:
    """What features of one book share, as long as its profiles are the same: what rules that ask the same come to, all
    together, and a request that fits what one rule asks.
    """

    verdicts: dict[tuple[object, ...], tuple[tuple[Reached, ...], Reached]] = field(default_factory=dict)
    guesses: dict[tuple[object, ...], Guess | None] = field(default_factory=dict)


class Reach:
    """What requests for the feature *name*, whose rules are *whens*, come to.

    `rules` says it of each rule, `rest` of what follows where none holds, `is_complete` whether all requests are looked
    at.
    """

    __slots__ = (
        "_asked",
        "_is_plain",
        "_known",
        "_more",
        "_name",
        "_naming",
        "_shared",
        "_whens",
        "_work",
        "is_complete",
        "profiles",
        "rest",
        "rules",
    )

    def __init__(
        self, name: str, whens: Sequence[When], profiles: tuple[str, ...], shared: Shared | None = None
    ) -> None:
        conditions = [condition for when in whens for condition in when]
        self.profiles = profiles
        self._work = Work()
        self._naming = Work(*_MOST_NAMING)
        self._name = name
        self._whens = whens
        self._asked = tuple(map(asked_by, whens))
        self._more = spaces_of(name, conditions, profiles)
        self._known: list[_Ruled] = []
        self.is_complete = len(sticky_fields(conditions)) <= MOST_STICKY
        self._is_plain = tuple(not any(condition.operator == "percent" for condition in when) for when in whens)
        self._shared = shared
        if shared is None or not all(self._is_plain):
            self.rules, self.rest = self._verdicts()  # shares of sticky values differ from feature to feature
            return
        known = shared.verdicts.get(self._asked)
        if known is None:
            known = shared.verdicts[self._asked] = self._verdicts()
        self.rules, self.rest = known

    def pieces(self, index: int, profiles: int, work: Work) -> Iterator[tuple[Space, Box]]:
        """Yield what comes to rule *index*, or past all rules, under the *profiles* of a mask, space by space.

        Raises:
            NotProved: There may be more.
        """
        for space, bounds in self._spaces():
            box = _box(space, bounds, index, profiles)
            if box is not None:
                for piece in pieces_left(box, bounds, _before(bounds, index), work):
                    yield space, piece

    def asking(self, index: int) -> Iterator[tuple[Space, Box]]:
        """Yield the requests that rule *index* fits, whatever rule they come to."""
        for space, bounds in self._spaces():
            box = _box(space, bounds, index, _ALL)
            if box is not None:
                yield space, box

    def conflict(self, index: int) -> When:
        """Return conditions of rule *index*, which no request fits, that cannot hold together."""
        space, _ = next(self._spaces())
        by_field: dict[str, list[Condition]] = {}
        for condition in self._whens[index]:
            by_field.setdefault(condition.field, []).append(condition)
        return next(tuple(together) for together in by_field.values() if space.bounds(asked_by(together)) is None)

    def takers(self, index: int, profiles: int = -1) -> tuple[int, ...]:
        """Return rules that together take all that would come to *index*, none of which can be left out.

        Where it takes too long to find out, some that could be left out are among them.
        """
        less = frozenset(self._asks_less(index))
        for rule in range(index):
            if rule in less or self._is_within(index, profiles, rule):
                return (rule,)
        takers = list(range(index))
        for rule in range(index):
            if self._is_taken(index, profiles, [other for other in takers if other != rule]):
                takers.remove(rule)
        return tuple(takers)

    def _spaces(self) -> Iterator[_Ruled]:
        """Yield each space with the bounds of each rule in it; later ones are made where they are asked for."""
        for index in count():
            if index == len(self._known):
                space = next(self._more, None)
                if space is None:
                    return
                self._known.append((space, [space.bounds(asked) for asked in self._asked]))
            yield self._known[index]

    def _verdicts(self) -> tuple[tuple[Reached, ...], Reached]:
        everywhere, count = frozenset(self.profiles), len(self._whens)
        rest = Reached("reached", everywhere) if count == 0 else self._reached(count, everywhere)
        return tuple(self._reached(index, everywhere) for index in range(count)), rest

    def _reached(self, index: int, everywhere: frozenset[str]) -> Reached:
        own = self._whens[index] if index < len(self._whens) else ()
        allowed = allowed_by(own, self.profiles)
        request = self._guess(index) if allowed else None
        if request is not None and request.passes(self._whens[:index]):
            return Reached("reached", everywhere if len(allowed) == len(everywhere) else frozenset(allowed))
        if (request is not None and self._asks_less(index)) or self._has_container(index):
            return Reached("covered")
        left, doubtful, fits = (1 << len(self.profiles)) - 1, 0, False
        for space, bounds in self._spaces():
            while left:
                box = _box(space, bounds, index, left)
                if box is None:
                    break
                fits = True
                try:
                    piece = self._piece(box, bounds, _before(bounds, index))
                except NotProved:
                    doubtful |= box[0]
                    break
                if piece is None:
                    break
                left &= ~piece[0]
            if not left:
                return Reached("reached", everywhere)
        if not fits and left.bit_count() == len(self.profiles):
            return Reached("contradiction")
        if not self.is_complete and not self._is_taken_apart(index):
            doubtful = left & sum(1 << self.profiles.index(name) for name in allowed)
        verdict: Verdict = "reached" if left.bit_count() < len(self.profiles) else "covered"
        if doubtful & left and verdict == "covered":
            verdict = "not proved"
        there = ~left | doubtful
        return Reached(verdict, frozenset(name for bit, name in enumerate(self.profiles) if there >> bit & 1))

    def _guess(self, index: int) -> Guess | None:
        """Return a request that rule *index* fits, if one is found at once; past the last, any."""
        own = self._whens[index] if index < len(self._whens) else ()
        if self._shared is None:
            return guess(own)
        asked = self._asked[index] if index < len(self._asked) else ()
        if asked not in self._shared.guesses:
            self._shared.guesses[asked] = guess(own)
        return self._shared.guesses[asked]

    def _asks_less(self, index: int) -> list[int]:
        """Return the rules before *index* that ask for nothing that it does not ask for itself."""
        own = frozenset(self._asked[index] if index < len(self._asked) else ())
        return [rule for rule, asked in enumerate(self._asked[:index]) if own.issuperset(asked)]

    def _has_container(self, index: int) -> bool:
        """Tell whether one rule without percents takes all of *index*: in the first space, and so in every other."""
        space, bounds = next(self._spaces())
        box = _box(space, bounds, index, _ALL)
        if box is None:
            return False
        for rule in range(index):
            taken = bounds[rule]
            if taken is not None and self._is_plain[rule]:
                for axis, mask in taken:
                    if box[axis] & ~mask:
                        break
                else:
                    return True
        return False

    def _is_taken_apart(self, index: int) -> bool:
        """Tell whether one rule before *index* takes all of it, in the spaces that only the two of them make."""
        own = self._whens[index] if index < len(self._whens) else ()
        whens = (when for when in self._whens[:index] if len(sticky_fields((*when, *own))) <= MOST_STICKY)
        pairs = (Reach(self._name, (when, own), self.profiles) for when in whens)
        return any(pair.rules[1].verdict == "covered" for pair in pairs)

    def _piece(self, box: Box, taken: Sequence[Sides | None], candidates: Sequence[int]) -> Box | None:
        """Return a piece of *box* that is left; None if there is none."""
        outside = step_out(box, taken, candidates)
        if outside is not None:
            return outside
        try:
            return next(pieces_left(box, taken, candidates, Work(*_GLANCE)), None)
        except NotProved:
            return next(pieces_left(box, taken, candidates, self._work), None)

    def _is_within(self, index: int, profiles: int, taker: int) -> bool:
        """Tell whether the rule *taker* alone has all that would come to *index*.

        One without percents has in every space what it has in the first.
        """
        for space, bounds in islice(self._spaces(), 1 if self._is_plain[taker] else None):
            box = _box(space, bounds, index, profiles)
            if box is not None:
                taken = bounds[taker]
                if taken is None or any(box[axis] & ~mask for axis, mask in taken):
                    return False
        return True

    def _is_taken(self, index: int, profiles: int, candidates: Sequence[int]) -> bool:
        """Tell whether the rules *candidates* together have all that would come to *index*."""
        try:
            for space, bounds in self._spaces():
                box = _box(space, bounds, index, profiles)
                known = [rule for rule in candidates if bounds[rule] is not None]
                if box is not None and next(pieces_left(box, bounds, known, self._naming), None) is not None:
                    return False
        except NotProved:
            return False
        return True


def allowed_by(own: When, profiles: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of *profiles* that *own* allows, its percents left aside."""
    asking = [condition for condition in own if condition.field == "profile" and condition.operator != "percent"]
    if not asking:
        return profiles
    return tuple(profile for profile in profiles if all(satisfies(condition, profile) for condition in asking))


def _before(bounds: Sequence[Sides | None], index: int) -> list[int]:
    return [rule for rule in range(index) if bounds[rule] is not None]


def _box(space: Space, bounds: Sequence[Sides | None], index: int, profiles: int) -> Box | None:
    """Return what rule *index* fits under the *profiles* of a mask, or all of it past the last rule."""
    own = bounds[index] if index < len(bounds) else ()
    return None if own is None else space.box(own, profiles)
