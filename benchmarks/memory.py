"""Whether memory stays flat: a process that only runs a feature, 64 at once, and how much it has resident meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from measure import Row
from race import AT_ONCE
from server import loopback
from worker import Task
from workers import OURS, RUN, RUN_HTTPX2, started

RUNS = 20_000
_STEPS = 10
_MOST_MB = 5.0


def memory_rows(runs: int = RUNS) -> Iterator[Row]:
    """Measure *runs* runs over each transport, in ten steps; the first of them only warms up."""
    entrants = [entrant for entrant in OURS if entrant.label in (RUN, RUN_HTTPX2)]
    with loopback() as url, started(entrants, url) as (workers, _):
        for worker in workers:
            step = Task("call", runs // _STEPS, AT_ONCE)
            found = [worker.measure(step).memory_mb for _ in range(_STEPS)]
            more = found[-1] - found[0]
            yield Row(
                f"memory over {runs:,} runs, {AT_ONCE} at once: {worker.entrant.label}",
                f"{found[-1]:.1f} MB",
                f"after the first tenth, {found[0]:.1f} MB; at most {max(found):.1f} MB",
                None,
                f"{more:+.1f} of {_MOST_MB:g} MB",
                more <= _MOST_MB,
            )
