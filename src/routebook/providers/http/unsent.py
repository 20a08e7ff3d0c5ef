"""Unsent: a call that was cancelled before a byte of it can have reached its server says so.

It stands as a note on the `CancelledError`, since nothing else comes out of a call that is cancelled. An error of
another class would not do: `asyncio.timeout` takes none but this one for its own.
"""

from __future__ import annotations

import asyncio

_NOTE = "nothing was sent"


def note_unsent(error: BaseException) -> None:
    """Note that nothing of the call was sent which *error*, if it is a cancellation, cut short."""
    if isinstance(error, asyncio.CancelledError):
        error.add_note(_NOTE)


def may_be_sent(error: asyncio.CancelledError) -> bool:
    """Tell whether something of the call that *error* cut short may have reached its server."""
    return _NOTE not in getattr(error, "__notes__", ())
