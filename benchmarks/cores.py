"""Cores: the server has the first one, whoever is measured the second, so that neither takes time from the other.

Where the system does not let, or there is only one core, all share what there is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

SERVER_CORE = 0
CLIENT_CORE = 1


def cores() -> list[int]:
    """Return the cores that this process may use; none where the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def pin(which: int, process: int = 0) -> None:
    """Keep *process* (0: this one) on the core that comes as number *which* among those it may use."""
    found = cores()
    if len(found) > 1:
        os.sched_setaffinity(process, {found[which]})


@contextmanager
def pinned(which: int) -> Iterator[None]:
    """Keep this process on one core while the block runs."""
    before = cores()
    pin(which)
    try:
        yield
    finally:
        if before:
            os.sched_setaffinity(0, before)
