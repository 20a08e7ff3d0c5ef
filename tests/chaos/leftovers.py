"""What this process holds that it might leave behind: sockets, child processes, tasks, memory. As Linux tells it."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path

_FILES = Path("/proc/self/fd")
_STAT = Path("/proc/self/statm")


def sockets() -> set[str]:
    """Return the sockets that are open."""
    return {told for told in map(_told, _FILES.iterdir()) if told.startswith("socket:")} if _FILES.exists() else set()


def children() -> set[int]:
    """Return the processes that this one started and that still run."""
    return {int(path.name) for path in Path("/proc").glob("[0-9]*") if _parent(path) == os.getpid()}


def tasks() -> set[asyncio.Task[object]]:
    """Return the tasks beside the one that asks."""
    return asyncio.all_tasks() - {asyncio.current_task()}


def resident_mib() -> float:
    """Return how much memory this process takes; 0 where that cannot be told."""
    gc.collect()
    if not _STAT.exists():
        return 0.0
    return int(_STAT.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def objects_of(package: str) -> int:
    """Return how many objects there are of the classes of *package*."""
    gc.collect()
    return sum(str(type(each).__module__).startswith(package) for each in gc.get_objects())


def _told(path: Path) -> str:
    try:
        return str(path.readlink())
    except FileNotFoundError:  # the directory's own descriptor
        return ""


def _parent(process: Path) -> int | None:
    try:
        state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else int(parent)
