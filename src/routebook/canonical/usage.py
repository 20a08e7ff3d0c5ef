"""Usage: the tokens of one model call, or of several added up."""

from __future__ import annotations

from dataclasses import dataclass

from .record import Record

_MOST = 10**9


@dataclass(frozen=True, slots=True)
class Usage(Record):
    """Tokens. `input` includes both cache counts, `output` includes reasoning."""

    input: int = 0
    output: int = 0
    cached_input: int = 0
    cache_write: int = 0
    reasoning: int = 0

    @property
    def is_credible(self) -> bool:
        """Whether one call can have taken so many: none below zero, none beyond what any model takes or gives."""
        return (
            0 <= self.input <= _MOST
            and 0 <= self.output <= _MOST
            and 0 <= self.cached_input <= _MOST
            and 0 <= self.cache_write <= _MOST
            and 0 <= self.reasoning <= _MOST
        )

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cached_input + other.cached_input,
            self.cache_write + other.cache_write,
            self.reasoning + other.reasoning,
        )


NO_USAGE = Usage()
