"""Severing: closing a connection of a library that does not let go of it by itself.

Once asked for an answer, the Rust client waits for its head though whoever asked was cancelled; meanwhile the
connection stays open, and the provider goes on. The sockets are the process's own, though. So each connection is
marked, by how long it may lie still before the system probes it (hours: it never comes to that), and found again.
Windows shows a process no sockets: there such a connection is closed when the answer begins, or its time is over.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

_DESCRIPTORS = "/dev/fd"
_IDLE_OPTION: int = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", 0))
_LEAST_S, _RANGE = 10_000, 20_000  # the system takes 32,767 s at most
_NUMBERS = count()


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells a connection's sockets from all others of this process."""

    idle: timedelta
    interval: timedelta


def new_mark() -> Mark:
    """Return a mark that no other connection has."""
    more, least = divmod(next(_NUMBERS), _RANGE)
    return Mark(timedelta(seconds=_LEAST_S + least), timedelta(seconds=_LEAST_S + more % _RANGE))


def can_sever() -> bool:
    """Tell whether the system shows a process its own sockets, and such a mark on them."""
    return bool(_IDLE_OPTION) and hasattr(socket, "TCP_KEEPINTVL") and os.path.isdir(_DESCRIPTORS)


def sever(mark: Mark) -> None:
    """Shut down every socket that has *mark*, as far as the system shows them."""
    names: list[str] = []
    with suppress(OSError):
        names = os.listdir(_DESCRIPTORS)
    for name in names:
        # A duplicate stays what it is, whatever another thread closes and opens meanwhile.
        with suppress(OSError), _duplicate(int(name)) as found:
            if _has(found, mark):
                found.shutdown(socket.SHUT_RDWR)


def _duplicate(descriptor: int) -> socket.socket:
    duplicate = os.dup(descriptor)
    try:
        return socket.socket(fileno=duplicate)
    except OSError:  # no socket
        os.close(duplicate)
        raise


def _has(found: socket.socket, mark: Mark) -> bool:
    if found.type != socket.SOCK_STREAM or found.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    idle = found.getsockopt(socket.IPPROTO_TCP, _IDLE_OPTION)
    interval = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL)
    return (idle, interval) == (mark.idle.seconds, mark.interval.seconds)
