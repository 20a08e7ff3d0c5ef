"""What Routebook costs, measured here and now: `make bench`.

In about six minutes, over loopback alone: what we cost, with the limits that hold for us, and how that stands to
others, which is written to docs/benchmarks.md and drawn beside it. Absolute times are this machine's; the
ratios, medians over rounds in which case and reference take turns, are what travels. A limit that does not hold makes
the exit code 1.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from adapters import adapter_rows
from big import big_rows
from calls import call_rows
from measure import Row
from memory import RUNS, memory_rows
from page import write_page
from race import race
from server import NoServer
from standings import COSTS, WAITS, costs, limit_rows, waits
from startup import startup_rows
from tables import compile_rows, resolve_rows
from workers import WorkerFailed

BOOK = Path(__file__).parents[1] / "routes"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure everything, or the parts that are named; print the tables; return the exit code."""
    started = time.perf_counter()
    parts = _parts()
    parser = argparse.ArgumentParser(description="measure what Routebook costs")
    parser.add_argument("part", nargs="*", help=f"what to measure: {', '.join(parts)}; without any, all")
    parser.add_argument("--memory-runs", type=int, default=RUNS, help="over how many runs memory is looked at")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.part) - set(parts):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; the parts are {', '.join(parts)}")
    parts["memory"] = partial(memory_rows, asked.memory_runs)
    try:
        rows = [row for name, part in parts.items() if not asked.part or name in asked.part for row in part()]
    except (NoServer, WorkerFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(_table([("what", "measured", "against", "ratio", "limit"), *map(_cells, rows)]))
    print(f"\nratios: median (lowest to highest) over rounds; {time.perf_counter() - started:.0f} s in all")
    return 0 if all(row.within for row in rows) else 1


def _parts() -> dict[str, Callable[[], Iterable[Row]]]:
    return {
        "startup": lambda: startup_rows(BOOK),
        "tables": lambda: [*compile_rows(BOOK), *resolve_rows(BOOK)],
        "calls": lambda: asyncio.run(call_rows()),
        "race": _race_rows,
        "memory": memory_rows,
        "adapters": lambda: asyncio.run(adapter_rows()),
        "big": big_rows,
    }


def _race_rows() -> Iterable[Row]:
    """Measure us and the others, print how they stand, and write it down; return the limits."""
    found = race()
    write_page(found)
    print(_table([COSTS, *costs(found)]), _table([WAITS, *waits(found)]), sep="\n\n", end="\n\n")
    return limit_rows(found)


def _table(cells: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    ratio = "" if row.ratio is None else "{:.2f} ({:.2f} to {:.2f})".format(*row.ratio)
    limit = row.limit and f"{row.limit} {'ok' if row.within else 'MISSED'}"
    return row.what, row.measured, row.against, ratio, limit


if __name__ == "__main__":
    sys.exit(main())
