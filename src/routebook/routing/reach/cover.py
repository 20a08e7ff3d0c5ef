"""Cover: what boxes leave of another one.

Comes in: a box of a space, and the boxes of the rules before it. Goes out: boxes that are in the first and in none of
the others, apart from each other and together all there is, one after the other. Taking a box from another leaves a
piece for each axis that can step out of it, so the pieces may grow with each box taken; how many are looked at is
bounded (`Work`), and beyond it nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .space import Box, Sides

MOST_CELLS = 100_000
MOST_COMPARISONS = 1_000_000


@dataclass(slots=True)
class Work:
    """How many pieces of boxes may still be looked at, and how often one may be compared with a box."""

    cells: int = MOST_CELLS
    comparisons: int = MOST_COMPARISONS


class NotProved(Exception):
    """There are more pieces than may be looked at."""


def pieces_left(box: Box, taken: Sequence[Sides | None], candidates: Sequence[int], work: Work) -> Iterator[Box]:
    """Yield the pieces of *box* that none of the boxes *taken* has, of which only the *candidates* count, by index.

    Raises:
        NotProved: There is no work left.
    """
    stack = [(box, candidates)]
    while stack:
        piece, candidates = stack.pop()
        work.cells -= 1
        meeting: Sequence[int] = candidates
        nearest: int | None = None
        ways: Sides = ()
        clipped: Box | None = piece
        while clipped is not None:
            work.comparisons -= len(meeting)
            if work.cells < 0 or work.comparisons < 0:
                raise NotProved
            piece = clipped
            clipped, meeting, nearest, ways = _meeting(piece, meeting, taken)
        if nearest is None:
            yield piece
            continue
        rest = [index for index in meeting if index != nearest]
        outside = []
        left = list(piece)
        for axis, mask in ways:
            escaped = left.copy()
            escaped[axis] &= ~mask
            outside.append((tuple(escaped), rest))
            left[axis] &= mask
        stack += reversed(outside)


def step_out(box: Box, taken: Sequence[Sides | None], candidates: Sequence[int]) -> Box | None:
    """Return a piece of *box* outside of all boxes *taken*, if it is found at once: by values that none of them has.

    None says nothing: there may be pieces all the same.
    """
    inside = dict.fromkeys(range(len(box)), 0)
    for index in candidates:
        for axis, mask in taken[index] or ():
            inside[axis] |= mask
    free = [mask & ~inside[axis] for axis, mask in enumerate(box)]
    for index in candidates:
        for axis, mask in taken[index] or ():
            if free[axis] or not box[axis] & mask:
                break
        else:
            return None
    return tuple(left or mask for left, mask in zip(free, box, strict=True))


def _meeting(
    piece: Box, candidates: Sequence[int], taken: Sequence[Sides | None]
) -> tuple[Box | None, list[int], int | None, Sides]:
    """Return which of the boxes *taken* have something of *piece*, and which of them leaves the fewest ways out of it.

    The last are the axes by which *piece* steps out of that box; none at all where it has all of *piece*. Where a box
    leaves one way only, what it has is cut off at once, and what is left is the first that is returned: the others are
    to be asked again.
    """
    meeting: list[int] = []
    nearest: int | None = None
    fewest: Sides = ()
    left = list(piece)
    is_clipped = False
    for index in candidates:
        ways = []
        for axis, mask in taken[index] or ():
            inside = left[axis] & mask
            if not inside:
                break
            if inside != left[axis]:
                ways.append((axis, mask))
        else:
            if not ways:
                return None, [], index, ()
            if len(ways) == 1:
                axis, mask = ways[0]
                left[axis] &= ~mask
                is_clipped = True
                continue
            meeting.append(index)
            if nearest is None or len(ways) < len(fewest):
                nearest, fewest = index, tuple(ways)
    return tuple(left) if is_clipped else None, meeting, nearest, fewest
