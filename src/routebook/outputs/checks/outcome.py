"""CheckOutcome: what a check of an answer found, and what it put in the answer's place."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from ...canonical.frozen import freeze
from ...canonical.record import Record

Status = Literal["accepted", "invalid_choice", "low_confidence", "no_candidates", "failed"]


@dataclass(frozen=True, slots=True)
class CheckOutcome(Record):
    """What a check decided.

    `name` is the check's kind (`choice`), `value` the final value (None: there is none). `source` says whose value
    it is: `model`, or the name of the alternative that won (`input:NAME`, `where:KEY=VALUE`); None where nobody's
    is. `original` is the model's own value, `confidence` a number from 0 to 1 (None: the contract asks for none),
    `reason` the model's own reason, or else what went wrong.
    """

    name: str
    status: Status
    value: Any
    source: str | None = None
    original: Any = None
    confidence: float | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", freeze(self.value))
        object.__setattr__(self, "original", freeze(self.original))

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as plain data with all of its fields: here None is an answer, not an absence."""
        return {**dict.fromkeys(field.name for field in fields(self)), **Record.to_dict(self)}
