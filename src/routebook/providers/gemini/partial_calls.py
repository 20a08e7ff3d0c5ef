"""Partial calls: a function call that Vertex streams in pieces → the whole of it.

Pure, and linear in what comes. Each piece names the argument that it goes on with by a JSONPath (`$.place.tags[0]`).
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from ..body import Malformed

_STEP = re.compile(r"\.([^.\[\]]+)|\[([0-9]{1,6})\]|\[(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")\]")
_FURTHEST = 1000
"""How far behind the end of a list an item may be."""


class PartialCall:
    """What has come of one call."""

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self._beside: dict[str, Any] = {}
        self._args: dict[str, Any] = {}
        # Where a text is that goes on, by its path: its container, its key, and its pieces.
        self._texts: dict[str, tuple[Any, Any, list[str]]] = {}

    def add(self, part: dict[str, Any]) -> bool:
        """Take the next piece, a part with a `functionCall`; tell whether there is more to come.

        Raises:
            Malformed: It names a place that is none.
        """
        call = part["functionCall"]
        self._beside.update({key: value for key, value in part.items() if key != "functionCall" and value is not None})
        for key in ("id", "name"):
            if call.get(key):
                self._fields[key] = call[key]
        args, pieces = call.get("args") or {}, call.get("partialArgs") or []
        if not isinstance(args, dict) or not isinstance(pieces, list):
            raise Malformed("the answer has a tool call whose arguments are no object")
        self._args.update(args)
        for piece in pieces:
            self._put(piece)
        return bool(call.get("willContinue"))

    @property
    def args(self) -> dict[str, Any]:
        """The arguments, as far as they have come."""
        for container, key, pieces in self._texts.values():
            container[key] = "".join(pieces)
        return self._args

    def whole(self) -> dict[str, Any]:
        """Return the part as it would have come at once."""
        return {"functionCall": {**self._fields, "args": self.args}, **self._beside}

    def _put(self, piece: Any) -> None:
        path = piece.get("jsonPath") if isinstance(piece, dict) else None
        if not isinstance(path, str):
            raise Malformed("the answer has a piece of an argument that does not say which")
        if path in self._texts and isinstance(piece.get("stringValue"), str):
            self._texts[path][2].append(piece["stringValue"])
            return
        container, key = self._place(path)
        value = _value(piece)
        container[key] = value
        if isinstance(value, str):
            self._texts[path] = (container, key, [value])

    def _place(self, path: str) -> tuple[Any, Any]:
        steps = _steps(path)
        container: Any = self._args
        for step, after in pairwise(steps):
            inner = _at(container, step, path)
            if not isinstance(inner, list if isinstance(after, int) else dict):
                inner = [] if isinstance(after, int) else {}
                container[step] = inner
            container = inner
        _at(container, steps[-1], path)
        return container, steps[-1]


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    position = 1
    while path.startswith("$") and position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            break
        name, index, single, double = step.groups()
        quoted = single if single is not None else double
        steps.append(int(index) if index is not None else name if name is not None else re.sub(r"\\(.)", r"\1", quoted))
        position = step.end()
    if not steps or position != len(path) or isinstance(steps[0], int):
        raise Malformed(f"the answer has a piece of an argument at {path[:100]!r}, which is no place")
    return steps


def _at(container: Any, step: str | int, path: str) -> Any:
    """Return what *container* has at *step*; a list gets as long as it takes."""
    if isinstance(container, dict) and isinstance(step, str):
        return container.get(step)
    if not isinstance(container, list) or not isinstance(step, int) or step > len(container) + _FURTHEST:
        raise Malformed(f"the answer has a piece of an argument at {path[:100]!r}, which is no place")
    container.extend([None] * (step + 1 - len(container)))
    return container[step]


def _value(piece: dict[str, Any]) -> Any:
    number = piece.get("numberValue")
    if isinstance(number, (int, float)):
        return int(number) if float(number).is_integer() else number
    return next((piece[key] for key in ("stringValue", "boolValue") if piece.get(key) is not None), None)
