"""News: whether a socket has something to read that the event loop did not come to see yet."""

from __future__ import annotations

import select


def has_news(descriptor: int) -> bool:
    """Tell whether a socket has something to read, if only its end; one that is closed (-1) has."""
    if descriptor < 0:
        return True
    if not hasattr(select, "poll"):  # as on Windows
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
