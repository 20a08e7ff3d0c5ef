"""Arithmetic: the worst case of one decision with every factor of it, for people.

Comes in: the worst cases of a table, a feature, and a decision's attempts and shadow. Goes out: the bounds, and what
they are made of, as data. The figures are those of `routing.bounds`; here they are told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from ..decision import PlannedAttempt
from ..spec import FeatureSpec
from .call_cost import CallCost, Gap
from .load import Load
from .loop import Loop
from .worst_case import Bounds, Round, WorstCase, counted_usd

_GAPS: tuple[Gap, ...] = ("unpriced", "unbounded")


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Where the bounds of a decision come from.

    `each` is what all attempts take together each time the models are asked, `shadow` what the call of the shadow may
    cost. `seconds` is the whole without the deadline, `usd` without the budget and the shadow; None is no bound.
    """

    bounds: Bounds
    loop: Loop
    loads: tuple[Load, ...]
    each: Round
    shadow: Load | None
    seconds: float | None
    usd: float | None

    @property
    def gap(self) -> Gap | None:
        """Why there is no bound in dollars: a price is missing, which says more, or a limit on tokens."""
        gaps = {load.cost.gap for load in self._paid()}
        return next((gap for gap in _GAPS if gap in gaps), None)

    @property
    def counted_usd(self) -> float | None:
        """Where the budget ends a run; None where it does not, or makes no difference."""
        usd = counted_usd(self.loop, self.each.token_usd)
        bounded = usd + self.failed_usd + self.each.usd
        return usd if self.usd is not None and bounded < self.usd else None

    @property
    def failed_usd(self) -> float:
        """What failed tries may cost in all rounds but the last: a budget does not count them."""
        return (self.loop.rounds - 1) * (self.each.usd - self.each.call_usd)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the figures rest on, and why one is missing."""
        return tuple(dict.fromkeys(self._notes()))

    def _notes(self) -> Iterator[str]:
        for load in self._paid():
            if load.cost.why is not None:
                yield f"{load.model} at {load.provider}: {load.cost.why}"
        if self.loop.deadline_s is None:
            if self.loop.tools.queued_at is not None:
                server = self.loop.tools.queued_at
                yield f"calls of tool server {server!r} wait for those of other runs; only a deadline bounds that"
            if any(load.tries > 1 for load in self.loads):
                yield "a provider's Retry-After may ask for longer pauses, each up to its timeout.total"
        if self.counted_usd is not None:
            yield "the budget counts answers; failed tries tell no usage, and may be billed all the same"

    def _paid(self) -> tuple[Load, ...]:
        return self.loads if self.shadow is None else (*self.loads, self.shadow)

    def to_dict(self) -> dict[str, Any]:
        """Return the arithmetic as plain data; None is no bound."""
        loop, shadow = self.loop, self.shadow
        return {
            "calls": self.bounds.calls,
            "seconds": self.bounds.seconds,
            "usd": self.bounds.usd,
            "providers": self.bounds.providers,
            "loop": {"turns": loop.turns, "finish": loop.finish, "repairs": loop.repairs, "rounds": loop.rounds},
            "attempts": [_plain(load, loop.rounds) for load in self.loads],
            "tools": {
                "start_s": loop.tools.start_s,
                "waves": loop.tools.waves,
                "wave_s": loop.tools.wave_s,
                "seconds": loop.tools.seconds,
            },
            "seconds_without_deadline": self.seconds,
            "deadline_s": loop.deadline_s,
            "usd_without_budget": self.usd,
            "budget_usd": self.counted_usd,
            "shadow": None if shadow is None else _target(shadow) | {"usd": shadow.cost.usd},
            "notes": list(self.notes),
        }


def arithmetic(
    worst: WorstCase, feature: FeatureSpec, attempts: Sequence[PlannedAttempt], shadow: PlannedAttempt | None = None
) -> Arithmetic:
    """Return the bounds of a decision of *feature*, and what they are made of."""
    loop, each = worst.loop(feature), worst.round_of(feature, attempts)
    tools_s = loop.tools.seconds
    return Arithmetic(
        bounds=worst.bounds(feature, attempts, shadow),
        loop=loop,
        loads=tuple(worst.load(feature, attempt) for attempt in attempts),
        each=each,
        shadow=None if shadow is None else worst.load(feature, shadow),
        seconds=None if tools_s is None else loop.rounds * each.seconds + tools_s,
        usd=None if each.usd == inf else loop.rounds * each.usd,
    )


def _plain(load: Load, rounds: int) -> dict[str, Any]:
    cost = load.cost
    return _target(load) | {
        "calls": rounds * load.tries,
        "tries": load.tries,
        "call_s": load.call_s,
        "queue_s": load.queue_s,
        "pauses_s": load.pauses_s,
        "seconds": rounds * load.seconds,
        **_plain_cost(cost),
        "usd": None if load.usd is None else rounds * load.usd,
    }


def _plain_cost(cost: CallCost) -> dict[str, Any]:
    return {
        "input_tokens": cost.input_tokens,
        "output_tokens": cost.output_tokens,
        "answers": cost.answers,
        "input_price": cost.input_price,
        "output_price": cost.output_price,
        "call_usd": cost.usd,
        "gap": cost.gap,
    }


def _target(load: Load) -> dict[str, Any]:
    return {"provider": load.provider, "model": load.model}
