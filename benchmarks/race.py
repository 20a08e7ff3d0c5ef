"""The race: every entrant has each task once a round, in an order that is drawn anew, all against one server.

All processes stay alive and warm. Goes out: what each measured in every round, so that ratios can be taken within
rounds.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from measure import Rounds
from server import loopback
from worker import UPSTREAM_MS, Measured, Task
from workers import OURS, PEERS, Entrant, started

_ROUNDS = 5
_SEED = 7
AT_ONCE = 64
TASKS: Mapping[str, Task] = {
    "one": Task("call", 100, 1),
    "many": Task("call", 640, AT_ONCE),
    "delayed": Task("delayed", 768, AT_ONCE),
    "stream": Task("stream", 4, 1),
}


@dataclass(frozen=True, slots=True)
class Race:
    """What came out: task → entrant's label → what it measured in every round; and versions of who was measured."""

    measured: Mapping[str, Mapping[str, list[Measured]]]
    versions: Mapping[str, str]

    def cpu_s(self, task: str) -> Rounds:
        """Return the seconds of CPU that a call took, by entrant and round."""
        return {label: [each.cpu_s for each in found] for label, found in self.measured[task].items()}

    def added_s(self, which: Literal["p50_s", "p99_s"] = "p50_s") -> Rounds:
        """Return by how much the median call, or the slowest hundredth, took longer than its upstream, in seconds."""
        late = self.measured["delayed"]
        upstream_s = UPSTREAM_MS / 1e3
        return {label: [getattr(each, which) - upstream_s for each in found] for label, found in late.items()}


def race(
    entrants: Sequence[Entrant] = (*OURS, *PEERS), tasks: Mapping[str, Task] = TASKS, rounds: int = _ROUNDS
) -> Race:
    """Measure *entrants* in *rounds*, after a short one that is not counted.

    Raises:
        NoServer, WorkerFailed: There is nothing to measure against, or nobody to measure.
    """
    measured: dict[str, dict[str, list[Measured]]] = {
        task: {entrant.label: [] for entrant in entrants} for task in tasks
    }
    warming = {name: replace(task, calls=max(task.calls // 4, task.at_once)) for name, task in tasks.items()}
    drawn = random.Random(_SEED)
    with loopback() as url, started(entrants, url) as (workers, versions):
        for number in range(rounds + 1):
            for name, task in (tasks if number else warming).items():
                for worker in drawn.sample(workers, len(workers)):
                    found = worker.measure(task)
                    if number:
                        measured[name][worker.entrant.label].append(found)
    return Race(measured, versions)
