"""Near names: what someone probably meant.

Nearness is difflib's. It takes 50 ms for ten thousand names, and a book may have hundreds of misspelt ones: of many
names only those are compared that share the most pairs of neighbouring characters with what was written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from heapq import nsmallest

_FEW = 200
_COUNTED = 400
_COMPARED = 60


def near_names(name: str, known: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """Return up to *limit* of the *known* names closest to *name*, nearest first."""
    names = frozenset(known)
    compared = names if len(names) <= _FEW else _index(names).alike(name)
    return tuple(get_close_matches(name, sorted(compared), n=limit, cutoff=0.6))


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return `did you mean 'x'?` for the nearest of the *known* names, or None where none is near."""
    near = near_names(name, known, limit=1)
    return f"did you mean {near[0]!r}?" if near else None


@dataclass(frozen=True, slots=True)
class _Index:
    """Many names, and for each pair of neighbours the names that have it, as the bits of a number."""

    names: tuple[str, ...]
    owners: dict[str, int]

    def alike(self, name: str) -> list[str]:
        """Return the names that share the most pairs with *name*, measured by their length."""
        pairs = _pairs(name)
        planes = _sum([self.owners[pair] for pair in pairs if pair in self.owners])
        best = (self.names[place] for place in _highest(planes, _COUNTED))
        # shared pairs in proportion to both lengths, as difflib measures shared characters
        return nsmallest(_COMPARED, best, key=lambda other: -len(pairs & _pairs(other)) / (len(name) + len(other)))


@lru_cache(maxsize=4)
def _index(names: frozenset[str]) -> _Index:
    in_order = tuple(sorted(names))
    places = defaultdict(list)
    for place, name in enumerate(in_order):
        for pair in _pairs(name):
            places[pair].append(place)
    return _Index(in_order, {pair: _bits(of, len(in_order)) for pair, of in places.items()})


def _bits(places: Iterable[int], size: int) -> int:
    written = bytearray(size // 8 + 1)
    for place in places:
        written[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(written, "little")


def _sum(numbers: Iterable[int]) -> list[int]:
    """Count for each place in how many *numbers* its bit is set: the first bits of all counts, the second ones, ..."""
    planes: list[int] = []
    for carry in numbers:
        for index, plane in enumerate(planes):
            planes[index], carry = plane ^ carry, plane & carry
        if carry:
            planes.append(carry)
    return planes


def _highest(planes: list[int], wanted: int) -> list[int]:
    """Return up to *wanted* places with the highest counts."""
    chosen, tied = 0, -1
    for plane in reversed(planes):
        higher = tied & plane
        if (chosen | higher).bit_count() > wanted:
            tied = higher
        else:
            chosen, tied = chosen | higher, tied & ~plane
    rest = _places(tied)[: wanted - chosen.bit_count()] if tied > 0 else []
    return _places(chosen) + rest


def _places(bits: int) -> list[int]:
    return [place for place, bit in enumerate(reversed(f"{bits:b}")) if bit == "1"]


def _pairs(name: str) -> set[str]:
    """Return the pairs of neighbours in *name*, its ends marked, so that also a short name has some."""
    marked = f"^{name}$"
    return {marked[index : index + 2] for index in range(len(marked) - 1)}
