"""Answer: what came back from a provider, whole or in events, and how an API's reading of it looks.

The `decode`, `faults` and `events` of every API take and give these. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from ..canonical.chat import ChatResponse
from ..canonical.event import ModelEvent
from .fault import Fault

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of HTTP: header names in lower case, and the whole body, empty where it comes in events.

    `now` is the time of the answer in seconds since the epoch; `secrets` must not stand in any message.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    now: float = 0.0
    secrets: tuple[str, ...] = field(default=(), repr=False)


Read = Callable[[Answer], T | Fault]
"""What an API makes of a whole answer."""


class StreamReader(Protocol):
    """What an API makes of the events of one answer."""

    is_finished: bool
    """Whether the terminal marker has come: nothing of the answer follows."""

    def read(self, data: bytes) -> Sequence[ModelEvent] | Fault:
        """Take the data of the next event; return what is new to the caller, or why there is no answer."""
        ...

    def response(self) -> ChatResponse | Fault:
        """Return the whole answer after its last event, or why it is none: it was cut off, say."""
        ...


class Framing(Protocol):
    """How the events of one answer stand in its bytes."""

    def feed(self, piece: bytes) -> Iterable[bytes | Fault]:
        """Take the next piece, cut anywhere; return the data of each event that it completes. A Fault is the last."""
        ...

    def is_within_event(self) -> bool:
        """Tell whether an event has begun, and has not ended yet."""
        ...


CUT_OFF = Fault("connection", "the answer was cut off: its stream ended before its end")
