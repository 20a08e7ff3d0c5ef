"""Breaker: leaves a target alone that failed several times in a row, and lets one call through to see if it is back."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import FaultKind
from ..routing.provider_spec import Breaker as BreakerSpec


@dataclass(slots=True)
class Breaker:
    """What went wrong at one target since it last answered.

    `failures` counts them, `kind` is the last one's. It is open until `open_until`, and after that until the one call
    that it lets through has come to something. Moments are seconds on a clock that never goes back.
    """

    failures: int = 0
    kind: FaultKind = "server_error"
    is_open: bool = False
    open_until: float = 0.0
    is_probed: bool = False

    def refuses(self, now: float) -> bool:
        """Tell whether a call had better go elsewhere."""
        return self.is_open and (self.is_probed or now < self.open_until)

    def begin(self, now: float) -> bool:
        """Let a call through; return whether it is the one that all others wait for."""
        if not self.is_open or self.refuses(now):
            return False
        self.is_probed = True
        return True

    def fail(self, kind: FaultKind, spec: BreakerSpec, now: float, *, is_probe: bool) -> None:
        """Note that a call failed. One that fails while it is open keeps it open no longer, unless it was the probe."""
        self.failures += 1
        self.kind = kind
        if is_probe if self.is_open else self.failures >= spec.failures:
            self.is_open, self.is_probed, self.open_until = True, False, now + spec.open_s

    def end_probe(self) -> None:
        """Note that the call that was let through came to nothing: the next one takes its place."""
        self.is_probed = False
