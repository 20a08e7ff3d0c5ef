"""Fallbacks that do not get their turn: no failure leads to them (RB510), or the deadline comes first (RB511).

After a failure of kind K the next later attempt whose `on` has K runs. Nearly every kind may be met at every target; a
few only where something makes them possible. A fallback that stands on several arms is said to be never run if none of
them comes to it, and to be late if it is so on one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...document.entry import Definition
from ...document.features import Feature
from ...routing.bounds.load import waiting_seconds
from ...routing.reach.live import Live
from ...routing.spec import ArmSpec, AttemptSpec, Place
from ...routing.unfit import may_be_unfit
from ..build import Build

_REFUSALS = frozenset({"authentication", "permission_denied"})
_QUEUE = "queue_timeout"
_RARE = _REFUSALS | {_QUEUE}
_WHY = {
    "refusal": "callers pay for every call here, and a caller's refused key never falls back",
    _QUEUE: "a call waits in a queue only where its provider or model has `limits`, and none that fails over to it has",
}


def report_idle_fallbacks(build: Build, definition: Definition[Feature], live: Live) -> None:
    """Warn of each fallback of a feature that no arm comes to, and of those that the deadline leaves no time."""
    _report_unasked(build, definition, live)
    if live.feature.deadline_s is not None:
        _report_late(build, definition, live.feature.deadline_s, live)


def _report_unasked(build: Build, definition: Definition[Feature], live: Live) -> None:
    if not any(_RARE.issuperset(attempt.platform.on) for arm in live.arms for attempt in arm.attempts[1:]):
        return  # each answers what the one before it may always meet
    faults = _Faults(build, live)
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
    """How the targets of one feature can fail, whoever pays."""

    build: Build
    live: Live

    def asked(self, attempts: Sequence[AttemptSpec]) -> list[bool]:
        """Tell of each attempt but the first whether a call comes to it."""
        asked = [False] * len(attempts)
        for left, by_caller in self._lefts(attempts):
            for attempt, is_asked in zip(left, self._asked(left, by_caller), strict=True):
                place = next(place for place, other in enumerate(attempts) if other is attempt)
                asked[place] |= is_asked
            if all(asked):
                break
        return asked[1:]

    def _lefts(self, attempts: Sequence[AttemptSpec]) -> Iterator[tuple[Sequence[AttemptSpec], bool]]:
        """Yield what is left of *attempts* for each that may pay: the platform, and callers with each set of keys."""
        modes = set(self.live.modes.values())
        if modes != {"caller"}:
            yield attempts, False
        for keys in self.live.keys.all[1:] if modes != {"platform"} else ():
            yield [spec for spec in attempts if spec.caller is None or spec.caller.provider in keys], True

    def _asked(self, attempts: Sequence[AttemptSpec], by_caller: bool) -> list[bool]:
        asked = [True for _ in attempts[:1]]
        for index, attempt in enumerate(attempts[1:], start=1):
            on = attempt.platform.on
            usual = asked[-1] and not _RARE.issuperset(on)
            asked.append(usual or any(self._leads(attempts, asked, index, kind, by_caller) for kind in on))
        return asked

    def _leads(
        self, attempts: Sequence[AttemptSpec], asked: Sequence[bool], index: int, kind: str, by_caller: bool
    ) -> bool:
        """Tell whether a failure of *kind* leads to attempt *index*: from the nearest before it that answers it, on."""
        for earlier in range(index - 1, -1, -1):
            if asked[earlier] and self._can_fail(attempts[earlier], kind, by_caller):
                return True
            if kind in attempts[earlier].platform.on and not self._may_be_skipped(attempts[0], attempts[earlier]):
                return False
        return False

    def _may_be_skipped(self, first: AttemptSpec, later: AttemptSpec) -> bool:
        """Tell whether an option of the caller's, which the *first* attempt carries, may keep a *later* one out."""
        uncarried = {path.partition(".")[0] for path in first.carries - later.carries}
        if later.wire.closed - first.wire.closed:
            uncarried.add("extra_body")
        if later.wire.own_headers - first.wire.own_headers:
            uncarried.add("extra_headers")
        if (later.wire, later.platform.options) != (first.wire, first.platform.options):
            uncarried |= may_be_unfit(later.wire.rules)
        return not uncarried.isdisjoint(self.live.feature.caller_options)

    def _can_fail(self, attempt: AttemptSpec, kind: str, by_caller: bool) -> bool:
        if kind in _REFUSALS:
            return not by_caller or attempt.caller is None
        return kind != _QUEUE or self._has_queue(attempt)

    def _has_queue(self, attempt: AttemptSpec) -> bool:
        target = attempt.platform
        names = self.build.models_by_id.get((target.provider, target.id), ())  # they share what limits one of them has
        return self.build.providers[target.provider].limits.are_set or any(name.limits.are_set for name in names)


def _report_late(build: Build, definition: Definition[Feature], deadline_s: float, live: Live) -> None:
    """Note, of each arm, the first fallback that the deadline may leave no time; those after it follow from it."""
    late: dict[Place, tuple[float, ArmSpec]] = {}
    for arm in live.arms:
        waiting = 0.0
        for place, attempt in zip(arm.places[1:], arm.attempts, strict=False):
            waiting += _waiting(build, attempt)
            if waiting >= deadline_s:
                late[place] = max((waiting, arm), late.get(place, (0.0, arm)), key=lambda each: each[0])
                break
    for place, (waiting, arm) in late.items():
        message = (
            f"the deadline of {deadline_s:g} s may leave this fallback of feature {live.feature.name!r} no time: "
            f"what comes before it may wait {waiting:g} s for an answer"
        )
        before = [str(definition.span(*earlier, "model")) for earlier in arm.places[: arm.places.index(place)]]
        notes = (
            f"the deadline stands at {definition.key_span('deadline')}",
            f"before it, where {arm.planned[0].model!r} is tried first: {', '.join(before)}",
        )
        mend = "give the attempts before it a shorter `timeout` or fewer tries (`retry`), or a longer `deadline`"
        build.report("RB511", definition.span(*place, "model"), message, notes=notes, help=mend)


def _waiting(build: Build, attempt: AttemptSpec) -> float:
    """Return how long *attempt* may wait for an answer, worked out once for each of those that features share."""
    key = ("waiting", id(attempt.platform.options), attempt.platform.provider)
    known: tuple[float, AttemptSpec] | None = build.known.get(key)
    if known is None:
        seconds = waiting_seconds(build.providers[attempt.platform.provider], attempt.platform.options)
        known = build.known[key] = (seconds, attempt)  # as long as it is here, no other has the id of its options
    return known[0]
