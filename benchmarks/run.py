"""What Routebook costs, measured here and now: `make bench`.

One table, in about three minutes, over loopback alone. Absolute times are this machine's; the ratios, medians
over rounds in which case and reference take turns, are what travels. A limit that does not hold makes the exit code 1.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from adapters import adapter_rows
from big import big_rows
from calls import call_rows
from measure import Row
from startup import startup_rows
from tables import compile_rows, resolve_rows

BOOK = Path(__file__).parents[1] / "routes"


def main() -> int:
    """Measure everything, print the table; return the exit code."""
    started = time.perf_counter()
    rows = [*startup_rows(BOOK), *compile_rows(BOOK), *resolve_rows(BOOK), *asyncio.run(call_rows())]
    rows += [*asyncio.run(adapter_rows()), *big_rows()]
    print(_table(rows))
    print(f"\nratios: median (lowest to highest) over rounds; {time.perf_counter() - started:.0f} s in all")
    return 0 if all(row.within for row in rows) else 1


def _table(rows: list[Row]) -> str:
    cells = [("what", "measured", "against", "ratio", "limit"), *map(_cells, rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    ratio = "" if row.ratio is None else "{:.2f} ({:.2f} to {:.2f})".format(*row.ratio)
    limit = row.limit and f"{row.limit} {'ok' if row.within else 'MISSED'}"
    return row.what, row.measured, row.against, ratio, limit


if __name__ == "__main__":
    sys.exit(main())
