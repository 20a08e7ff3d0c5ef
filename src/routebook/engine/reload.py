"""Reload: notices an edit below a book's root, once it has settled.

Events come from the operating system (a poll where there are none). Editors save by renaming a new file over the
old one, so the directory is watched, not its files, and the whole book is read again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from watchfiles import Change, awatch

_SETTLED_MS = 50
_LONGEST_BURST_MS = 500
_LOOK_MS = 200


async def edits(root: Path) -> AsyncGenerator[None, None]:
    """Yield once for each settled burst of changes below *root*, and once when the watch stands.

    The first yield covers an edit made while the watch was set up. Where *root* disappears, or another directory
    takes its place (also behind a link), that is a change, and the new one is watched.
    """
    while True:
        identity = _identity(root)
        if identity is None:
            await asyncio.sleep(_LOOK_MS / 1000)
            continue
        async with aclosing(_changes(root, identity)) as changes:
            async for _ in changes:
                yield


async def _changes(root: Path, identity: tuple[int, int]) -> AsyncGenerator[None, None]:
    """Yield for each change as long as *root* is the directory of that *identity*, and once when it no longer is."""
    watch = awatch(
        root,
        watch_filter=None,
        debounce=_LONGEST_BURST_MS,
        step=_SETTLED_MS,
        rust_timeout=_LOOK_MS,
        yield_on_timeout=True,
    )
    names = _names(root)
    armed = False
    try:
        async with aclosing(watch):
            async for changed in watch:
                # A directory that is made anew can get the old one's identity; then only its deletion tells.
                deleted = any(change is Change.deleted and path in names for change, path in changed)
                gone = deleted or _identity(root) != identity
                if changed or gone or not armed:
                    yield
                armed = True
                if gone:
                    return
    except FileNotFoundError:
        return  # it disappeared before the watch stood


def _names(root: Path) -> frozenset[str]:
    return frozenset({os.path.abspath(root), os.path.realpath(root)})


def _identity(root: Path) -> tuple[int, int] | None:
    """Return which directory *root* is now, or None where there is none; the system is asked, links are followed."""
    try:
        status = os.stat(root / ".")
    except OSError:
        return None
    return status.st_dev, status.st_ino
