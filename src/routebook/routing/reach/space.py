"""Space: every request of a feature, as boxes of values by field.

Comes in: the conditions of a feature's rules. Goes out: one space, or several where percents look at the requests. A
rule's `when` is a box in each of them: a mask for each axis, of the values that satisfy it. Together the spaces have
every request, and two requests in one place of one space are alike for all the rules.

Percents look at where a sticky value falls. With `Context.key` all of them look at one value, so there is a space with
one axis of shares. Without a key, each looks at its own field, and where that is absent at the run's id, if there is
one; so there is a space for each choice of the fields that are absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import Any

from ..matcher import Condition
from ..sticky import as_text, fraction
from .axis import Axis, Test, axis_of, constants, names_axis, test_of

SHARE = "%"
"""The axis of shares that percents look at where they do not look at their own fields."""

_LARGEST = 10**300  # whole numbers beyond this have no other spelling

PROFILE = 0
"""The axis of the profiles, which every space has."""

MOST_STICKY = 6
"""A feature whose percents look at more fields than this has more spaces than are looked into: those where nearly all
of these fields are there, or nearly none."""

Asked = tuple[str, Test]
"""A field, and what is asked of it."""

Box = tuple[int, ...]
"""A mask for each axis of a space: the values that are in the box."""

Sides = tuple[tuple[int, int], ...]
"""A box by the axes that it does not have all values of: each axis with its mask."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A share of sticky values, from `low` up to `high` as fractions."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Sample:
    """A value that stands for those like it, and the share it falls into; without one it falls into none."""

    value: Any
    cell: Cell | None


@dataclass(frozen=True, slots=True)
class Space:
    """One space: what its axes are, all of it as a box, and the mask of each test of a field.

    `is_sticky` tells that percents look at its requests, `has_key` that these have a key.
    """

    fields: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]
    full: Box
    masks: Mapping[Asked, tuple[int, int]]
    has_key: bool = False
    is_sticky: bool = False

    def tests(self, field: str) -> list[Test]:
        """Return the tests of *field*, percents left out."""
        return [test for name, test in self.masks if name == field and test[0] != "percent"]

    def bounds(self, asked: Iterable[Asked]) -> Sides | None:
        """Return what is left of the whole space where all that is *asked* holds; None where nothing is."""
        left: dict[int, int] = {}
        for test in asked:
            axis, mask = self.masks[test]
            left[axis] = left.get(axis, self.full[axis]) & mask
        if not all(left.values()):
            return None
        return tuple((axis, mask) for axis, mask in left.items() if mask != self.full[axis])

    def box(self, bounds: Sides, profiles: int) -> Box | None:
        """Return the box that *bounds* describe, under the *profiles* of a mask; None where nothing is in it."""
        masks = list(self.full)
        for axis, mask in bounds:
            masks[axis] = mask
        masks[PROFILE] &= profiles
        return tuple(masks) if masks[PROFILE] else None


def spaces_of(feature: str, conditions: Sequence[Condition], profiles: tuple[str, ...]) -> Iterator[Space]:
    """Yield the spaces of the requests of *feature*, that with a key first.

    Without percents there is one.
    """
    axes = _axes(conditions, profiles)
    percents = [test for test in conditions if test.operator == "percent"]
    if not percents:
        yield _plain(axes)
        return
    cells = _cells(percents)
    shares = tuple(Sample(None, cell) for cell in cells)
    yield _plain({**axes, SHARE: _shares(percents, shares)}, percents, has_key=True)
    fields = sticky_fields(conditions)
    most = len(fields)
    for size in range(most + 1) if most <= MOST_STICKY else (0, 1, most - 1, most):
        for absent in combinations(fields, size):
            yield _without_key(feature, axes, percents, cells, frozenset(absent))


def asked_by(when: Iterable[Condition]) -> tuple[Asked, ...]:
    """Return what the conditions of *when* ask."""
    return tuple((condition.field, test_of(condition)) for condition in when)


def sticky_fields(conditions: Iterable[Condition]) -> list[str]:
    """Return the fields that percents look at and that may be absent."""
    return sorted({test.field for test in conditions if test.operator == "percent"} - {"profile"})


def _axes(conditions: Iterable[Condition], profiles: tuple[str, ...]) -> dict[str, Axis]:
    tests: dict[str, list[Test]] = {}
    for condition in conditions:
        of_field = tests.setdefault(condition.field, [])
        if condition.operator != "percent":
            of_field.append(test_of(condition))
    axes = {"profile": names_axis(profiles, tuple(tests.pop("profile", ())))}
    for field, of_field in tests.items():
        axes[field] = axis_of(field, tuple(of_field))
    return axes


def _plain(axes: Mapping[str, Axis], percents: Iterable[Condition] = (), *, has_key: bool = False) -> Space:
    fields = tuple(axes)
    masks = {
        (field, test): (index, mask) for index, field in enumerate(fields) for test, mask in axes[field].masks.items()
    }
    for percent in percents:
        masks[percent.field, test_of(percent)] = masks[SHARE, test_of(percent)]
    values = tuple(axis.values for axis in axes.values())
    return Space(fields, values, tuple(axis.full for axis in axes.values()), masks, has_key, is_sticky=has_key)


def _without_key(
    feature: str, axes: Mapping[str, Axis], percents: Sequence[Condition], cells: Sequence[Cell], absent: frozenset[str]
) -> Space:
    """Return the space of requests without a key where, of the fields that percents look at, those *absent* are so."""
    own = dict(axes)
    for field in {test.field for test in percents} - absent:
        of_field = [test for test in percents if test.field == field]
        own[field] = _paired(feature, field, axes[field], of_field, cells)
    if absent:
        shares = (Sample(None, None), *(Sample(None, cell) for cell in cells))
        own[SHARE] = _shares(percents, shares)
    space = _plain(own)
    masks = dict(space.masks)
    for percent in percents:
        if percent.field in absent:
            masks[percent.field, test_of(percent)] = masks[SHARE, test_of(percent)]
    full = tuple(1 if field in absent else mask for field, mask in zip(space.fields, space.full, strict=True))
    return replace(space, full=full, masks=masks, is_sticky=True)


def _shares(percents: Iterable[Condition], shares: tuple[Sample, ...]) -> Axis:
    return Axis(shares, {test_of(percent): _within(percent, shares) for percent in percents})


def _paired(feature: str, field: str, axis: Axis, percents: Iterable[Condition], cells: Sequence[Cell]) -> Axis:
    """Return an axis of the values that are there, each with a share that a value like it falls into."""
    pairs = [
        (bit, Sample(value, cell))
        for bit, value in enumerate(axis.values)
        if value is not None
        for cell in _cells_of(feature, alike(field, axis.masks, value), cells)
    ]
    samples = tuple(sample for _, sample in pairs)
    masks = {
        test: sum(1 << index for index, (bit, _) in enumerate(pairs) if mask >> bit & 1)
        for test, mask in axis.masks.items()
    }
    return Axis(samples, {**masks, **{test_of(percent): _within(percent, samples) for percent in percents}})


def _within(percent: Condition, samples: Iterable[Sample]) -> int:
    return sum(
        1 << index
        for index, sample in enumerate(samples)
        if sample.cell is not None and sample.cell.low < percent.operand / 100
    )


def _cells(percents: Iterable[Condition]) -> tuple[Cell, ...]:
    """Return the shares that *percents* tell apart, the one that is in the fewest of them first."""
    edges = sorted({0.0, 1.0, *(test.operand / 100 for test in percents)})
    return tuple(Cell(low, high) for low, high in reversed(list(pairwise(edges))))


def _cells_of(feature: str, spellings: Iterable[Any] | None, cells: Sequence[Cell]) -> Iterable[Cell]:
    """Return the shares that values fall into that have one of *spellings*: all, where there is no end of them."""
    if spellings is None:
        return cells
    found = [fraction(feature, "percent", as_text(spelling)) for spelling in spellings]
    return [cell for cell in cells if any(cell.low <= at < cell.high for at in found)]


def alike(field: str, tests: Iterable[Test], value: Any) -> tuple[Any, ...] | None:
    """Return all values that are like *value* for the *tests* of *field*; None where there is no end of them.

    One that a test compares with is like no other, save that a whole number can be written in several ways.
    """
    if isinstance(value, bool) or field == "profile":
        return (value,)
    if not any(_is_same(value, constant) for test in tests for constant in constants(test)):
        return None
    if isinstance(value, str):
        return (value,)
    if value == 0:
        return (0, 0.0, -0.0)
    return tuple(spelling for spelling in (value, *_other_spelling(value)) if spelling == value)


def _other_spelling(number: float) -> tuple[float, ...]:
    if isinstance(number, int):
        return (float(number),) if abs(number) < _LARGEST else ()
    return (int(number),) if number.is_integer() else ()


def _is_same(value: Any, constant: Any) -> bool:
    return isinstance(constant, bool) is isinstance(value, bool) and bool(constant == value)
