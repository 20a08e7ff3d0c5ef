"""The page of the benchmarks, docs/benchmarks.md, and its chart, docs/benchmarks.svg, written from a race."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from chart import Panel, chart
from measure import ratio
from race import AT_ONCE, TASKS, Race
from standings import COSTS, WAITS, costs, waits
from worker import UPSTREAM_MS
from workers import RUN

_DOCS = Path(__file__).parents[1] / "docs"
_PAGE = """\
# Benchmarks

What a call costs, in Routebook and in others. `make bench` measures it anew, and writes this page and its chart.

![CPU of a call, and what a slow upstream's callers wait longer]({chart})

Columns `to ours` are ratios to `{ours}` in the same round: the median of {rounds} rounds, then the lowest and highest.
Ratios below about 1.2 mean nothing where other programs share the machine; absolute times are this machine's.

{costs}

{waits}

## How it is measured

- One server on loopback (`benchmarks/server.c`: one thread, fixed answers, a chat reply of 1.4 kB) on one core, and
  who is measured on another, in a process of its own that stays alive. In each round all take turns in an order drawn
  anew; the first round is not counted.
- All ask the same: one short message, two options, with a key. `bare` is the transport alone: it posts bytes that are
  ready, and does not look at the answer. `our client alone` encodes and decodes, without an engine. `Routebook` is
  `engine.run` and `engine.stream` without further settings, the model having a price. LiteLLM and TensorZero have a
  price, too, and their own defaults; TensorZero stores nothing.
- CPU is the process's own, all threads. A round has {one} calls one at a time, {many} calls {at_once} at once,
  {streams} streams, and {delayed} calls {at_once} at once on an upstream that answers after {upstream} ms; `added`
  is by how much a call took longer than that.

Measured on {day}: {machine}; Python {python}, {versions}.
"""


def write_page(race: Race) -> None:
    """Write the page and the chart."""
    (_DOCS / "benchmarks.svg").write_text(drawn(race), encoding="utf-8")
    (_DOCS / "benchmarks.md").write_text(_page(race), encoding="utf-8")


def drawn(race: Race) -> str:
    """Return the chart: everybody but our client alone, the cheapest first."""
    many, added = race.cpu_s("many"), race.added_s()
    labels = sorted((label for label in many if "alone" not in label), key=lambda label: median(many[label]))
    kinds = {label: _kind(label) for label in labels}
    costs = {label: [cost * 1e6 for cost in many[label]] for label in labels}
    waits = {label: [late * 1e3 for late in added[label]] for label in labels}
    to_ours = {label: f"{ratio(many, label, RUN)[0]:.1f} times" for label in labels if label != RUN}
    panels = [
        Panel(f"CPU of one call, {AT_ONCE} at once", "µs", costs, notes=to_ours),
        Panel(f"added to an upstream's {UPSTREAM_MS} ms, {AT_ONCE} at once", "ms", waits, places=1),
    ]
    return chart("What an LLM call costs (less is better)", kinds, panels)


def _kind(label: str) -> str:
    if label.startswith("bare"):
        return "bare"
    return "ours" if label.startswith("Routebook") else "others"


def _page(race: Race) -> str:
    return _PAGE.format(
        chart="benchmarks.svg",
        ours=RUN,
        rounds=len(race.measured["many"][RUN]),
        costs=_table(COSTS, costs(race)),
        waits=_table(WAITS, waits(race)),
        one=TASKS["one"].calls,
        many=TASKS["many"].calls,
        delayed=TASKS["delayed"].calls,
        streams=TASKS["stream"].calls,
        at_once=AT_ONCE,
        upstream=UPSTREAM_MS,
        day=datetime.now(UTC).date(),
        machine=_machine(),
        python=platform.python_version(),
        versions=_versions(race.versions),
    )


def _table(head: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> str:
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *lines))


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))


def _machine() -> str:
    """Return the processor and how many cores there are, as far as the system tells."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text(encoding="utf-8").splitlines() if described.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.machine()
    return f"{processor}, {os.cpu_count()} cores, {platform.system()}"
