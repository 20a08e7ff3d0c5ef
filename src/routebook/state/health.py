"""Health: which targets are left alone for now, by what became of the calls to them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..errors import FaultKind
from ..routing.provider_spec import Breaker as BreakerSpec
from .breaker import Breaker

K = TypeVar("K", bound=Hashable)

COUNTED: frozenset[FaultKind] = frozenset({"server_error", "connection", "timeout"})
"""The kinds of failure that a breaker counts: they say that a target is down, not what is wrong with a request."""

_MOST = 4096


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """Why a target is left alone: the kind of its last failure, and the seconds until it is tried again (0: it is being
    tried now).
    """

    kind: FaultKind
    failures: int
    open_s: float


class Health(Generic[K]):
    """The breakers of an engine's targets; only those that failed last have one. *clock* gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._breakers: dict[K, Breaker] = {}

    def left_alone(self, target: K) -> LeftAlone | None:
        """Return why a call had better go elsewhere than to *target*, or None."""
        breaker = self._breakers.get(target)
        if breaker is None or not breaker.refuses(self._clock()):
            return None
        return _told(breaker, self._clock())

    def begin(self, target: K) -> bool:
        """Note that *target* is called; return whether this call decides if it is tried again."""
        breaker = self._breakers.get(target)
        return breaker is not None and breaker.begin(self._clock())

    def succeed(self, target: K) -> None:
        """Note that *target* answered, if only to refuse."""
        self._breakers.pop(target, None)

    def fail(self, target: K, kind: FaultKind, spec: BreakerSpec, *, is_probe: bool) -> None:
        """Note that *target* failed as *kind* says, one of `COUNTED`."""
        breaker = self._breakers.pop(target, None)
        if breaker is None:
            self._forget_some()
            breaker = Breaker()
        self._breakers[target] = breaker
        breaker.fail(kind, spec, self._clock(), is_probe=is_probe)

    def end_probe(self, target: K) -> None:
        """Note that the call that decides came to nothing."""
        breaker = self._breakers.get(target)
        if breaker is not None:
            breaker.end_probe()

    def forget(self, wanted: Callable[[K], bool]) -> None:
        """Try the targets that are *wanted* anew, whatever became of them."""
        self._breakers = {target: breaker for target, breaker in self._breakers.items() if not wanted(target)}

    def open(self) -> dict[K, LeftAlone]:
        """Return the targets that are left alone."""
        now = self._clock()
        return {target: _told(breaker, now) for target, breaker in list(self._breakers.items()) if breaker.is_open}

    def _forget_some(self) -> None:
        """Keep the number of breakers bounded: callers bring keys without end, and the oldest failure counts least."""
        while len(self._breakers) >= _MOST:
            del self._breakers[next(iter(self._breakers))]


def _told(breaker: Breaker, now: float) -> LeftAlone:
    return LeftAlone(breaker.kind, breaker.failures, max(0.0, breaker.open_until - now))
