"""DecisionSnapshot: decisions as text for syrupy, without digests, files and lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from syrupy.extensions.amber import AmberSnapshotExtension

from .canonical.frozen import thaw
from .routing.decision import Decision, PlannedAttempt


class DecisionSnapshot(AmberSnapshotExtension):
    """Serialises a Decision, or a list, tuple or iterator of them; other values as syrupy does."""

    @classmethod
    def get_snapshot_name(cls, **place: Any) -> str:
        """Return a name of its own in the test's snapshot file, so that plain snapshots may stand beside it."""
        return f"{super().get_snapshot_name(**place)}[decisions]"

    def serialize(self, data: Any, **kwargs: Any) -> str:
        """Return *data* as text."""
        if isinstance(data, Iterator):
            data = list(data)
        decisions = [data] if isinstance(data, Decision) else data
        if isinstance(decisions, (list, tuple)) and decisions and all(isinstance(item, Decision) for item in decisions):
            return decisions_text(decisions)
        return super().serialize(data, **kwargs)


def decisions_text(decisions: Iterable[Decision]) -> str:
    """Return *decisions* as text; those that differ only in the callers' keys stand together.

    Each line names its feature and profile, so that a line of a diff says what it is about.
    """
    return "\n".join(_lines(decisions)) + "\n"


def _lines(decisions: Iterable[Decision]) -> Iterator[str]:
    for (feature, profile), group in groupby(decisions, key=lambda decision: (decision.feature, decision.profile)):
        alike: dict[tuple[str, ...], list[str]] = {}
        for decision in group:
            alike.setdefault(tuple(_body(decision)), []).append(_keys(decision))
        for body, keys in alike.items():
            named = "" if keys == [""] else f" keys {' | '.join(key or 'none' for key in keys)}:"
            route, *targets = body
            yield f"{feature} @ {profile}:{named} {route}"
            yield from (f"{feature} @ {profile} {target}" for target in targets)


def _keys(decision: Decision) -> str:
    return "" if decision.witness is None else "+".join(sorted(decision.witness.context.credentials))


def _body(decision: Decision) -> Iterator[str]:
    extras = [f"arm {decision.arm}"] if decision.arm else []
    extras += [f"tools {','.join(decision.tools)}"] if decision.tools else []
    extras += [f"output {decision.output}"] if decision.output else []
    yield "; ".join([decision.route, *extras])
    for attempt in decision.attempts:
        yield f"→ {_target(attempt)}"
    for skip in decision.skipped:
        yield f"✗ {skip.provider}/{skip.model}: {skip.reason}"
    if decision.shadow is not None:
        yield f"~ {_target(decision.shadow)}"


def _target(attempt: PlannedAttempt) -> str:
    name = f"{attempt.provider} {attempt.id} ({attempt.api}, {attempt.credential})"
    options = f" {json.dumps(thaw(attempt.options), sort_keys=True, ensure_ascii=False)}" if attempt.options else ""
    return name + options + (f" on {','.join(attempt.on)}" if attempt.on else "")
