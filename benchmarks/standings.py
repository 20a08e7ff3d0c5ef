"""What the race says: two tables with a line an entrant, and the limits that hold for us."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from statistics import median

from canned import CHUNKS
from measure import Rounds, Row, ratio
from race import AT_ONCE, Race
from worker import UPSTREAM_MS
from workers import ROUTER, RUN, TENSORZERO

# What a run over the fast transport may cost, many at once; what the median may gain; and how it stands to others:
# ratios below a fifth mean nothing on a shared machine.
_MOST_RUN_US = 250.0
_MOST_GAINED_MS = 2.0
_MOST_TO_TENSORZERO = 1.25
_LEAST_ROUTERS = 16.0

COSTS = (
    "CPU",
    "one at a time, µs",
    "to ours",
    f"{AT_ONCE} at once, µs",
    "to ours",
    f"a stream of {CHUNKS} chunks, ms",
    "to ours",
)
WAITS = (
    "time",
    f"{AT_ONCE} at once, calls/s",
    f"upstream of {UPSTREAM_MS} ms, {AT_ONCE} at once: median added, ms",
    "slowest hundredth added, ms",
)


def costs(race: Race) -> Iterator[tuple[str, ...]]:
    """Yield what a call costs each entrant, as COSTS has it, the cheapest first; `to ours` are ratios to RUN."""
    tasks = [race.cpu_s(task) for task in ("one", "many", "stream")]
    units = (1e6, 1e6, 1e3)
    for label in _in_order(race):
        cells = [_cost_and_ratio(rounds, label, unit) for rounds, unit in zip(tasks, units, strict=True)]
        yield (label, *chain.from_iterable(cells))


def waits(race: Race) -> Iterator[tuple[str, ...]]:
    """Yield how long callers of each entrant wait, as WAITS has it, in the order of `costs`."""
    added, slowest = race.added_s(), race.added_s("p99_s")
    for label in _in_order(race):
        rate = median(1 / each.wall_s for each in race.measured["many"][label])
        yield (
            label,
            f"{rate:,.0f}",
            _spread([late * 1e3 for late in added[label]]),
            f"{median(slowest[label]) * 1e3:.0f}",
        )


def _in_order(race: Race) -> list[str]:
    many = race.cpu_s("many")
    return sorted(many, key=lambda label: median(many[label]))


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def _cost_and_ratio(rounds: Rounds, label: str, unit: float) -> tuple[str, str]:
    found, cost = ratio(rounds, label, RUN), median(rounds[label]) * unit
    places = 2 if found[0] < 10 else 1
    said = "{:.{places}f} ({:.{places}f} to {:.{places}f})".format(*found, places=places)
    return f"{cost:.0f}" if cost >= 10 else f"{cost:.1f}", said


def limit_rows(race: Race) -> Iterator[Row]:
    """Yield the limits: what a run costs over the fast transport, what it gains, and how it stands to two others."""
    many, added = race.cpu_s("many"), race.added_s()
    cost_us, late_ms = median(many[RUN]) * 1e6, median(added[RUN]) * 1e3
    yield Row(
        f"engine.run over fast, {AT_ONCE} at once, CPU",
        f"{cost_us:.0f} µs",
        f"bare httpx2, {median(many['bare httpx2']) * 1e6:.0f} µs",
        ratio(many, RUN, "bare httpx2"),
        f"≤ {_MOST_RUN_US:g} µs",
        cost_us <= _MOST_RUN_US,
    )
    yield Row(
        f"… added on an upstream of {UPSTREAM_MS} ms, median",
        f"{_spread([late * 1e3 for late in added[RUN]])} ms",
        f"{ROUTER}, {median(added[ROUTER]) * 1e3:.0f} ms",
        None,
        f"≤ {_MOST_GAINED_MS:g} ms",
        late_ms <= _MOST_GAINED_MS,
    )
    level, times = ratio(many, RUN, TENSORZERO), ratio(many, ROUTER, RUN)
    against = f"{TENSORZERO}, {median(many[TENSORZERO]) * 1e6:.0f} µs"
    limit = f"≤ {_MOST_TO_TENSORZERO:g} times"
    yield Row("… to TensorZero's", f"{cost_us:.0f} µs", against, level, limit, level[0] <= _MOST_TO_TENSORZERO)
    measured, against = f"{median(many[ROUTER]) * 1e6:.0f} µs", f"engine.run over fast, {cost_us:.0f} µs"
    limit = f"≥ {_LEAST_ROUTERS:g} times"
    yield Row("LiteLLM's Router to it", measured, against, times, limit, times[0] >= _LEAST_ROUTERS)
