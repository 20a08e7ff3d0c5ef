"""Fallbacks that do not get their turn: no failure leads to them (RB510), or the deadline comes first (RB511).

After a failure of kind K the next later attempt whose `on` has K runs. Nearly every kind may be met at every target; a
few only where something makes them possible. A fallback that stands on several arms is reported if none of them comes
to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..document.entry import Definition
from ..document.features import Feature
from ..routing.live import Live
from ..routing.load import waiting_seconds
from ..routing.provider_spec import Limits
from ..routing.spec import AttemptSpec, Place
from .build import Build

_REFUSALS = frozenset({"authentication", "permission_denied"})
_QUEUE = "queue_timeout"
_RARE = _REFUSALS | {_QUEUE}
_WHY = {
    "refusal": "callers pay for every call here, and a caller's refused key never falls back",
    _QUEUE: "a call waits in a queue only where its provider or model has `limits`, and none before it has",
}


def report_idle_fallbacks(build: Build, definition: Definition[Feature], live: Live) -> None:
    """Warn of each fallback of a feature that no arm comes to, and of those that the deadline leaves no time."""
    _report_unasked(build, definition, live)
    if live.feature.deadline_s is not None:
        _report_late(build, definition, live.feature.deadline_s, live)


def _report_unasked(build: Build, definition: Definition[Feature], live: Live) -> None:
    faults = _Faults(build, live.is_paid_by_callers)
    asked: dict[Place, bool] = {}
    kinds: dict[Place, tuple[str, ...]] = {}
    for arm in live.arms:
        for place, attempt, is_asked in zip(arm.places[1:], arm.attempts[1:], faults.asked(arm.attempts), strict=True):
            asked[place] = asked.get(place, False) or is_asked
            kinds[place] = attempt.platform.on
    for place, is_asked in asked.items():
        if not is_asked:
            message = f"this fallback of feature {live.feature.name!r} never runs: nothing before it fails with "
            notes = [_WHY[kind] for kind in dict.fromkeys("refusal" if k in _REFUSALS else k for k in kinds[place])]
            mend = "name other failures under `on`, or remove it"
            place_of_model = definition.span(*place, "model")
            build.report("RB510", place_of_model, message + " or ".join(kinds[place]), notes=notes, help=mend)


@dataclass(frozen=True, slots=True)
class _Faults:
    """How the targets of one feature can fail; callers may pay for all of its calls."""

    build: Build
    by_callers: bool

    def asked(self, attempts: Sequence[AttemptSpec]) -> list[bool]:
        """Tell of each attempt but the first whether a failure before it leads to it."""
        reached = [True]
        for index, attempt in enumerate(attempts[1:], start=1):
            on = attempt.platform.on
            usual = reached[-1] and not _RARE.issuperset(on)
            reached.append(usual or any(self._leads(attempts, reached, index, kind) for kind in on))
        return reached[1:]

    def _leads(self, attempts: Sequence[AttemptSpec], reached: Sequence[bool], index: int, kind: str) -> bool:
        """Tell whether a failure of *kind* leads to attempt *index*: from the nearest before it that answers it, on."""
        for earlier in range(index - 1, -1, -1):
            if reached[earlier] and self._can_fail(attempts[earlier], kind):
                return True
            if kind in attempts[earlier].platform.on:
                return False
        return False

    def _can_fail(self, attempt: AttemptSpec, kind: str) -> bool:
        if kind in _REFUSALS:
            return not (self.by_callers and attempt.caller is not None)
        return kind != _QUEUE or self._has_queue(attempt)

    def _has_queue(self, attempt: AttemptSpec) -> bool:
        target = attempt.platform
        names = self.build.models_by_id.get((target.provider, target.id), ())  # they share what limits one of them has
        return any(map(_is_limited, [self.build.providers[target.provider].limits, *(name.limits for name in names)]))


def _is_limited(limits: Limits) -> bool:
    return (limits.concurrency, limits.requests_per_minute, limits.tokens_per_minute) != (None, None, None)


def _report_late(build: Build, definition: Definition[Feature], deadline_s: float, live: Live) -> None:
    waits: dict[Place, float] = {}
    firsts: dict[Place, Place] = {}
    for arm in live.arms:
        waiting = 0.0
        is_first = True
        for earlier, place, attempt in zip(arm.places, arm.places[1:], arm.attempts, strict=False):
            waiting += waiting_seconds(build.providers[attempt.platform.provider], attempt.platform.options)
            waits[place] = min(waiting, waits.get(place, waiting))
            if is_first and waiting >= deadline_s:
                firsts.setdefault(place, earlier)
                is_first = False
    for place, earlier in firsts.items():
        if waits[place] >= deadline_s:
            message = (
                f"the deadline of {deadline_s:g} s may leave this fallback of feature {live.feature.name!r} no time: "
                f"what comes before it may wait {waits[place]:g} s for an answer"
            )
            notes = (
                f"the deadline stands at {definition.key_span('deadline')}",
                f"the attempt before it stands at {definition.span(*earlier, 'model')}",
            )
            mend = "give the attempts before it a shorter `timeout` or fewer tries (`retry`), or a longer `deadline`"
            build.report("RB511", definition.span(*place, "model"), message, notes=notes, help=mend)
