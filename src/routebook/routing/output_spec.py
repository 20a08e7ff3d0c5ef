"""Output contracts and their checks, linked, complete and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ..canonical.frozen import EMPTY
from ..diagnostics.span import Span

Strategy = Literal["auto", "native", "tool", "prompt"]


@dataclass(frozen=True, slots=True)
class ConfidenceSpec:
    """How sure a choice must be; exactly at `at_least` is accepted."""

    field: str
    at_least: float = 0.0
    missing: float = 0.5
    invalid: float = 0.3


@dataclass(frozen=True, slots=True)
class Alternative:
    """Something to choose instead: the id held by the input `input`, or the first candidate that `where` fits."""

    input: str | None = None
    where: Mapping[str, Any] = EMPTY

    @property
    def name(self) -> str:
        """How an outcome's `source` names it: `input:NAME`, or `where:KEY=VALUE`."""
        if self.input is not None:
            return f"input:{self.input}"
        return "where:" + ",".join(f"{key}={self.where[key]}" for key in sorted(self.where))


@dataclass(frozen=True, slots=True)
class ChoiceSpec:
    """The `choice` check: the value of `field` must be the id of one of the caller's candidates.

    With `many`, the value is a list of ids, and each of them must be one.
    """

    kind: ClassVar = "choice"

    field: str
    candidates: str
    id: str = "id"
    label: tuple[str, ...] = ()
    reason: str = "reason"
    confidence: ConfidenceSpec | None = None
    otherwise: tuple[Alternative, ...] = ()
    if_none: Literal["keep", "empty", "fail"] = "keep"
    on_failure: Literal["raise", "otherwise"] = "raise"
    many: bool = False


@dataclass(frozen=True, slots=True)
class RangeSpec:
    """The `range` check: the number in `field` lies between `min` and `max`, both included; None is no bound."""

    kind: ClassVar = "range"

    field: str
    min: float | None = None
    max: float | None = None


@dataclass(frozen=True, slots=True)
class PatternSpec:
    """The `pattern` check: `matches` is found in the text in `field`."""

    kind: ClassVar = "pattern"

    field: str
    matches: str


@dataclass(frozen=True, slots=True)
class UniqueSpec:
    """The `unique` check: no two items of the list in `field` are equal, or have equal values under the key `by`."""

    kind: ClassVar = "unique"

    field: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class SubsetSpec:
    """The `subset_of` check: every item of the list in `field` is in the caller's input `members`.

    With `id`, the caller's list holds objects, and an item is the value that one of them has under that key.
    """

    kind: ClassVar = "subset_of"

    field: str
    members: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class MaxLengthSpec:
    """The `max_length` check: the text in `field` has at most so many characters, the list so many items."""

    kind: ClassVar = "max_length"

    field: str
    at_most: int


@dataclass(frozen=True, slots=True)
class PythonSpec:
    """The `python` check: a function of the application, named `package.module:function`."""

    kind: ClassVar = "python"

    function: str


FieldTest = RangeSpec | PatternSpec | UniqueSpec | SubsetSpec | MaxLengthSpec
"""A check of one field that is built in."""
Test = FieldTest | PythonSpec
"""A check that finds an answer fine or not: what it finds is repaired like a schema's problems."""
CheckSpec = ChoiceSpec | Test


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """An output contract: a JSON Schema (2020-12), how it is asked for, further tries, and checks."""

    name: str
    schema: Mapping[str, Any]
    strategy: Strategy = "auto"
    repair_attempts: int = 0
    checks: tuple[CheckSpec, ...] = ()
    span: Span | None = None
