"""Reload: notices an edit below a book's root, once it has settled.

Events come from the operating system (a poll where there are none). Editors save by renaming a new file over the
old one, so the directory is watched, not its files, and the whole book is read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import awatch

_SETTLED_MS = 50
_LONGEST_BURST_MS = 500
_FIRST_LOOK_MS = 200
_POLL_S = 0.2


async def edits(root: Path) -> AsyncIterator[None]:
    """Yield once for each settled burst of changes below *root*, and once when the watch stands.

    The first yield covers an edit made while the watch was set up. A root that disappears is awaited; its return is
    a change.
    """
    while True:
        if _stands(root):
            async for _ in _changes(root):
                yield
                if not _stands(root):
                    break
        await asyncio.sleep(_POLL_S)


async def _changes(root: Path) -> AsyncIterator[None]:
    armed = False
    watch = awatch(
        root,
        watch_filter=None,
        debounce=_LONGEST_BURST_MS,
        step=_SETTLED_MS,
        rust_timeout=_FIRST_LOOK_MS,
        yield_on_timeout=True,
    )
    try:
        async for changed in watch:
            if changed or not armed:
                armed = True
                yield
            elif not _stands(root):
                return
    except FileNotFoundError:
        return


def _stands(root: Path) -> bool:
    return root.is_dir()
