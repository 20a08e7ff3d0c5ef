"""What a fake provider does with a request: by script, from a seed and the request's number alone."""

from __future__ import annotations

import random
from dataclasses import dataclass

_BURST_EVERY = 400
_BURST_LENGTH = 12
_FIRST_BURST = 25
_PIECES = 5
_ASKED_MS = (50, 100, 150, 200, 300)

_CHAOS = {
    "answer": 450,
    "slow": 30,  # an answer after a while
    "drip": 24,  # an answer in pieces, with a pause before each
    "wrong": 12,  # an answer that keeps no contract, where there is one
    "nonsense": 4,  # a body that is no JSON
    "stall": 6,  # nothing, until the client goes
    "stuck": 6,  # some pieces, then nothing
    "cut": 10,  # some pieces, then the end of the connection
    "reset": 10,  # the request is read whole, then the connection is reset
    "error": 12,  # a 500
    "overloaded": 2,  # a 529
    "refused": 2,  # a 400
}
_SCRIPTS = {
    "chaos": _CHAOS,
    "dawdling": {"answer": 4, "slow": 3, "drip": 8, "wrong": 4, "stall": 2, "error": 1},
    "failing": {"error": 1},
}
KINDS = (*_CHAOS, "too_much", "unauthorized")
"""All that may be done. `too_much` is a 429, and comes in bursts; `unauthorized` is for keys that nobody knows."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done: `after_s` seconds after the request, with `gap_s` before each further piece, and `pieces` of them
    where it ends in the middle. `retry_after_ms` is what a refusal as too much asks for (None: nothing).
    """

    kind: str
    after_s: float = 0.0
    gap_s: float = 0.0
    pieces: int = 0
    retry_after_ms: int | None = None


def deed_of(script: str, seed: int, number: int) -> Deed:
    """Return what is done by *script* with the request of *number*, from 0."""
    chance = random.Random(seed * 1_000_003 + number)
    after_s = chance.uniform(0.001, 0.02)
    asked_ms = chance.choice([*_ASKED_MS, None]) if chance.random() < 0.1 else chance.choice(_ASKED_MS)
    if script == "chaos" and (number - seed * _FIRST_BURST) % _BURST_EVERY < _BURST_LENGTH:
        return Deed("too_much", after_s, retry_after_ms=asked_ms)
    weights = _SCRIPTS[script]
    [kind] = chance.choices(list(weights), list(weights.values()))
    if kind == "slow":
        after_s = chance.uniform(0.05, 0.3)
    gap_s = chance.uniform(0.01, 0.08) if kind == "drip" else 0.002 if kind in {"stuck", "cut"} else 0.0
    return Deed(kind, after_s, gap_s, chance.randrange(_PIECES), asked_ms)
