"""Circles: which parts of a JSON Schema hold themselves, told by the `$ref`s that lead to them.

Pure, and linear in the schema: each part is looked at once, however many lead to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

DEFINITIONS = ("$defs", "definitions")
_VALUES = ("enum", "const", "default", "examples")
_DONE = -1


class Circles:
    """Where pointers lead to, found by *target*: the part at a pointer, None where there is none.

    With *must*, they lead on only by what has to be there.
    """

    def __init__(self, target: Callable[[str], Any], *, must: bool) -> None:
        self._target = target
        self._must = must
        self._circles: dict[str, int | None] = {}
        # How far back each pointer that is being looked at leads; `_DONE` once that is known.
        self._lowest: dict[str, int] = {}
        self._open: list[str] = []

    def circle_of(self, pointer: str) -> int | None:
        """Return the number of the circle that *pointer* stands in; None where it does not lead to itself."""
        if pointer not in self._circles:
            self._look_from(pointer)
        return self._circles[pointer]

    def _look_from(self, start: str) -> None:
        """Find the circles of all that *start* leads to: Tarjan's way, without recursion."""
        ways = [self._enter(start)]
        while ways:
            pointer, place, leads = ways[-1]
            lead = next(leads, None)
            if lead is None:
                ways.pop()
                self._leave(pointer, place)
                if ways:
                    self._note(ways[-1][0], self._lowest[pointer])
            elif lead not in self._lowest:
                ways.append(self._enter(lead))
            else:
                if lead == pointer:
                    self._circles[pointer] = place
                self._note(pointer, self._lowest[lead])

    def _enter(self, pointer: str) -> tuple[str, int, Iterator[str]]:
        place = len(self._lowest)
        self._lowest[pointer] = place
        self._open.append(pointer)
        return pointer, place, _leads(self._target(pointer), self._must)

    def _note(self, pointer: str, lowest: int) -> None:
        if lowest != _DONE:
            self._lowest[pointer] = min(self._lowest[pointer], lowest)

    def _leave(self, pointer: str, place: int) -> None:
        """Close the circle that began with *pointer*, if one did: all that was entered since leads back to it."""
        if self._lowest[pointer] != place:
            return
        is_alone = self._open[-1] == pointer
        closed = ""
        while closed != pointer:
            closed = self._open.pop()
            self._circles[closed] = self._circles.get(closed) if is_alone else place
            self._lowest[closed] = _DONE


def _leads(part: Any, must: bool) -> Iterator[str]:
    """Yield the `$ref`s in *part*."""
    waiting = [part]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (list, tuple)):
            waiting += part
        elif isinstance(part, Mapping):
            if isinstance(part.get("$ref"), str):
                yield part["$ref"]
            waiting += _parts(part, must)


def _parts(schema: Mapping[str, Any], must: bool) -> Iterator[Any]:
    """Yield the parts of *schema*; with *must* only those that are there wherever it is."""
    for keyword, value in schema.items():
        if keyword in DEFINITIONS or keyword in _VALUES:
            continue
        if keyword == "properties" and isinstance(value, Mapping):
            required = schema.get("required", ())
            yield from (part for name, part in value.items() if not must or name in required)
        elif not (must and keyword == "additionalProperties"):
            yield value
