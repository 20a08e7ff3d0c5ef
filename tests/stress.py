"""Stress: how many rounds a random test makes. `ROUTEBOOK_STRESS=1` makes a hundred times as many, for ten minutes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

IS_STRESS = os.environ.get("ROUTEBOOK_STRESS", "") not in ("", "0")
_FACTOR = 100
_LONGEST_S = 600.0


def rounds(count: int) -> Iterator[int]:
    """Yield the seeds 0 to *count*, or a hundred times as many until ten minutes are over."""
    end = time.monotonic() + _LONGEST_S
    for seed in range(count * _FACTOR if IS_STRESS else count):
        if IS_STRESS and time.monotonic() > end:
            return
        yield seed
