"""Salvage: a definition with mistakes in its shape → what can be read of it all the same.

What is wrong is left out until the rest fits. It is never run: it only lets the compiler look for the other mistakes
of the definition, so that all of them are reported in one go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .entry import Entry
from .environment import Environment
from .problems import places_of

E = TypeVar("E", bound=Entry)

_ROUNDS = 4
_LACKS = frozenset({"missing", "no_target"})


def salvage(
    model: type[E], written: dict[str, Any], error: ValidationError, environment: Environment
) -> tuple[E | None, list[ValidationError]]:
    """Return what is left of *written* without what *error* is about, and the further errors that were met.

    None where nothing fits.
    """
    further: list[ValidationError] = []
    for _ in range(_ROUNDS):
        for problem in error.errors(include_url=False):
            for path in places_of(problem):
                _drop(written, path[:-1] if problem["type"] in _LACKS else path)
        if not written:
            break
        try:
            return model.model_validate(written, context=environment), further
        except ValidationError as left:
            error = left
            further.append(left)
    return None, further


def revealed(errors: Iterable[ValidationError]) -> list[ErrorDetails]:
    """Return the problems among further *errors* that were there before anything was left out: unknown fields."""
    return [problem for error in errors for problem in error.errors() if problem["type"] == "unknown_fields"]


def _drop(written: Any, path: Sequence[str | int]) -> None:
    """Take the value at *path* away; for an item of a list, the whole list, so that places in it do not move."""
    names = list(path)
    while names and isinstance(names[-1], int):
        names.pop()
    for step in names[:-1]:
        try:
            written = written[step]
        except (TypeError, LookupError):
            return  # it is gone already
    if isinstance(written, dict) and names:
        written.pop(names[-1], None)
