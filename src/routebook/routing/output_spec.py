"""Output contracts and their checks, linked, complete and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..canonical.frozen import EMPTY
from ..diagnostics.span import Span

Strategy = Literal["auto", "native", "prompt"]


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
    """The `choice` check: the value of `field` must be the id of one of the caller's candidates."""

    field: str
    candidates: str
    id: str = "id"
    label: tuple[str, ...] = ()
    reason: str = "reason"
    confidence: ConfidenceSpec | None = None
    otherwise: tuple[Alternative, ...] = ()
    if_none: Literal["keep", "empty", "fail"] = "keep"
    on_failure: Literal["raise", "otherwise"] = "raise"


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """An output contract: a JSON Schema (2020-12), how it is asked for, further tries, and checks."""

    name: str
    schema: Mapping[str, Any]
    strategy: Strategy = "auto"
    repair_attempts: int = 0
    checks: tuple[ChoiceSpec, ...] = ()
    span: Span | None = None
