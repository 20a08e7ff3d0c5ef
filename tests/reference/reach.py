"""Reach: which requests take which rule of a feature, found by trying a finite set that stands for all requests.

The fields of a request are independent, but for one thing: with `Context.key` all percents look at one fraction, and in
a run all absent fields look at the fraction of the run's id. So for every key that makes a difference, every run's id
that does, and neither, each field is tried with a value of every class. What a value of a field does to the rules is a
set of rules that it lets through, kept as the bits of a number; the rules that hold are those that all fields let
through. Tried is every combination of such sets, with one request to show for each.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from routebook import Context, Facts

from . import matching
from .alike import FLAGS, MANY, TEXTS, classes
from .matching import holds, sticky_value

Plain = dict[str, Any]
METADATA = "metadata."
RUN = "run"


@dataclass(frozen=True)
class Point:
    """A request that stands for those like it: the rules that hold for it, and where its splits fall."""

    profile: str
    held: int
    values: Mapping[str, Any] = field(default_factory=dict)
    arms: Mapping[str, int | None] = field(default_factory=dict)
    key: str | None = None
    run_id: str | None = None

    @property
    def first(self) -> int | None:
        """The first rule that holds, None where none does."""
        return (self.held & -self.held).bit_length() - 1 if self.held else None

    @property
    def context(self) -> Context:
        metadata = {name.removeprefix(METADATA): v for name, v in self.values.items() if name.startswith(METADATA)}
        texts = {name: value for name, value in self.values.items() if name in TEXTS}
        return Context(profile=self.profile, metadata=metadata, key=self.key, **texts)

    @property
    def facts(self) -> Facts:
        return Facts(**{name: v for name, v in self.values.items() if name in (*FLAGS, "input_tokens")})


@cache
def fraction(feature: str, purpose: str, stuck: str) -> float:
    return matching.fraction(feature, purpose, stuck)


class Grid:
    """The requests that stand for all requests of one feature."""

    def __init__(self, name: str, feature: Plain, profiles: Iterable[str]) -> None:
        self.name = name
        self.profiles = sorted(profiles)
        self.whens: list[Plain] = [rule["when"] for rule in feature.get("rules", [])]
        self.all = (1 << len(self.whens)) - 1
        self._known: dict[tuple[str, str | None], int] = {}
        splits = list(_splits(feature))
        self.stuck_to = {split.get("key", "user") for split in splits}
        self.shares = sorted({m["percent"] / 100 for when in self.whens for m in when.values() if _has_percent(m)})
        self.arms = sorted({edge for split in splits for edge in _edges(split)})
        self.fields = sorted(({name for when in self.whens for name in when} | self.stuck_to) - {"profile"})
        self.values = {name: [*self._values(name)] for name in self.fields}

    def points(self, *, runs: bool) -> Iterator[Point]:
        """Yield a request for every outcome under every profile; those of runs, too, if *runs* says so."""
        keys = [*self._told_apart([f"key-{k}" for k in range(MANY)])] if self.shares or self.arms else []
        run_ids = [*self._told_apart([f"{RUN}-{k}" for k in range(MANY)])] if runs and self.shares else []
        for profile in self.profiles:
            yield from self._points(Point(profile, self.all))
            for key in keys:
                yield from self._points(Point(profile, self.all, key=key))
            for run_id in run_ids:
                yield from self._points(Point(profile, self.all, run_id=run_id))

    def first_rules(self) -> dict[str, set[int | None]]:
        """Return, for each profile, the rules that some request takes (None: no rule)."""
        found: dict[str, set[int | None]] = {profile: set() for profile in self.profiles}
        for point in self.points(runs=True):
            found[point.profile].add(point.first)
        return found

    def contradictions(self) -> dict[int, list[str]]:
        """Return the rules for which no request fits, with the fields of `when` that no value fits."""
        fitting = 0
        for point in self.points(runs=True):
            fitting |= point.held
        return {
            index: [name for name in when if not self._can_hold(index, name)]
            for index, when in enumerate(self.whens)
            if not fitting >> index & 1
        }

    def _can_hold(self, index: int, name: str) -> bool:
        """Tell whether one field alone can be as rule *index* wants it."""
        alone = Grid(self.name, {"rules": [{"when": {name: self.whens[index][name]}}]}, self.profiles)
        return any(point.held for point in alone.points(runs=True))

    def _values(self, name: str) -> Iterator[tuple[Any, int]]:
        """Yield values of a field, each with the rules that let it through if all are within every share."""
        matchers = [when[name] for when in self.whens if name in when]
        is_sticky = name in self.stuck_to or any(map(_has_percent, matchers))
        for alike in classes(name, matchers, is_sticky=is_sticky):
            for value in self._told_apart(alike):
                yield value, self._fitting(name, value)

    def _fitting(self, name: str, value: Any) -> int:
        fits = (name not in when or holds(when[name], value) for when in self.whens)
        return sum(1 << index for index, fit in enumerate(fits) if fit)

    def _within(self, name: str, stuck: str | None) -> int:
        """Return the rules whose share of a field *stuck* is in, and those that ask for none."""
        if (name, stuck) not in self._known:
            wanted = (when[name]["percent"] if _has_percent(when.get(name)) else None for when in self.whens)
            at = None if stuck is None else fraction(self.name, "percent", stuck)
            within = (share is None or (at is not None and at < share / 100) for share in wanted)
            self._known[name, stuck] = sum(1 << index for index, is_in in enumerate(within) if is_in)
        return self._known[name, stuck]

    def _told_apart(self, alike: list[Any]) -> Iterator[Any]:
        """Yield one of the values that fall into each combination of a share and an arm."""
        if len(alike) == 1:
            yield alike[0]
            return
        seen: set[Any] = set()
        places = (len(self.shares) + 1) * (len(self.arms) + 1)
        for value in alike:
            if len(seen) == places:
                return
            stuck = sticky_value(Context(), value, None)
            place = (self._cell("percent", self.shares, stuck), self._cell("split", self.arms, stuck))
            if place not in seen:
                seen.add(place)
                yield value

    def _cell(self, purpose: str, edges: list[float], stuck: str | None) -> int | None:
        return None if stuck is None or not edges else bisect_right(edges, fraction(self.name, purpose, stuck))

    def _points(self, start: Point) -> Iterator[Point]:
        """Yield a request for every outcome, with the profile, key and run of *start*."""
        who = Context(key=start.key)
        held = self._fitting("profile", start.profile) & self._within("profile", who.key or start.profile)
        states = {(held, ()): replace(start, held=held)}
        for name in self.fields:
            ways = self._ways(name, who, start.run_id)
            states = {
                (held & let_through, (*arms, arm)): replace(
                    point,
                    held=held & let_through,
                    values={**point.values, name: value} if value is not None else point.values,
                    arms={**point.arms, name: arm} if name in self.stuck_to else point.arms,
                )
                for (held, arms), point in states.items()
                for (let_through, arm), value in ways.items()
            }
        yield from states.values()

    def _ways(self, name: str, who: Context, run_id: str | None) -> dict[tuple[int, int | None], Any]:
        """Return what a field can do: let rules through, and make a split fall on an arm; each way with a value."""
        ways: dict[tuple[int, int | None], Any] = {}
        for value, fitting in self.values[name]:
            stuck = sticky_value(who, value, run_id)
            arm = self._cell("split", self.arms, stuck) if name in self.stuck_to else None
            ways.setdefault((fitting & self._within(name, stuck), arm), value)
        return ways


def _has_percent(matcher: Any) -> bool:
    return isinstance(matcher, Mapping) and "percent" in matcher


def _splits(feature: Plain) -> Iterator[Plain]:
    entries = [rule.get("use", {}) for rule in feature.get("rules", [])]
    entries += [*feature.get("profiles", {}).values(), feature.get("use", {})]
    yield from (entry for entry in entries if "split" in entry)


def _edges(split: Plain) -> Iterator[float]:
    """Yield where one arm ends and the next begins."""
    total, passed = sum(arm["weight"] for arm in split["split"]), 0.0
    for arm in split["split"][:-1]:
        passed += arm["weight"]
        yield passed / total
