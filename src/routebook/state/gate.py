"""Gate: lets calls through under one set of limits, first in, first out; nobody overtakes.

With `adaptive`, the bound on concurrency follows the provider: a burst of refusals lowers it once, and calls that
succeed raise it again. A burst is what was let through before it fell. While a gate cools down it lets nobody through.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from ..routing.provider_spec import NO_LIMITS, Limits
from .bucket import Bucket

_FALLS_TO = 0.75
_CLIMBS_AFTER = 25
_FALL_COUNTS_S = 300.0


class QueueTimeout(Exception):
    """A call's turn did not come in time; the message says why."""


@dataclass(frozen=True, slots=True)
class GateState:
    """A gate as it stands: calls under way and waiting, how many may be under way now (None: any number) of how many
    at best, the seconds that it still cools down, and how many requests and tokens may be asked at once (None: any
    number).
    """

    running: int
    waiting: int
    concurrency: int | None
    most: int | None
    cooldown_s: float
    requests_left: float | None
    tokens_left: float | None


@dataclass(slots=True, eq=False)
class _Waiter:
    """Someone who waits; `turn` becomes what `enter` returns. One that gave up stays in the queue until it is next."""

    turn: asyncio.Future[int]
    tokens: int


class Gate:
    """One gate; *clock* gives seconds, and never goes back. Used from one event loop.

    `counts_tokens` tells whether it matters how many tokens a call takes.
    """

    __slots__ = (
        *("_allowed", "_clock", "_cooled_at", "_falls", "_fell_at", "_limits", "_requests", "_running", "_successes"),
        *("_timer", "_tokens", "_waiters", "_waiting", "counts_tokens"),
    )

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._limits = NO_LIMITS
        self._running = 0
        self._allowed: int | None = None
        self._requests: Bucket | None = None
        self._tokens: Bucket | None = None
        self.counts_tokens = False
        self._waiters: deque[_Waiter] = deque()
        self._waiting = 0
        self._cooled_at = 0.0
        self._falls = 0
        self._fell_at = 0.0
        self._successes = 0
        self._timer: asyncio.TimerHandle | None = None
        if limits is not NO_LIMITS:
            self.configure(limits)

    @property
    def limits(self) -> Limits:
        """What it holds calls to."""
        return self._limits

    @property
    def is_used(self) -> bool:
        """Whether a call is under way, or waits."""
        return bool(self._running or self._waiting)

    def configure(self, limits: Limits) -> None:
        """Hold calls to other *limits* from now on; what is under way, was taken and has fallen stays so."""
        before, self._limits, now = self._limits, limits, self._clock()
        self._requests = _resized(self._requests, limits.requests_per_minute, now)
        self._tokens = _resized(self._tokens, limits.tokens_per_minute, now)
        self.counts_tokens = self._tokens is not None
        allowed, most = self._allowed, limits.concurrency
        if limits.adaptive and allowed is not None and most is not None and allowed != before.concurrency:
            most = min(allowed, most)
        self._allowed = most
        self._let_through()

    def cooldown_s(self) -> float:
        """Return for how many seconds it still lets nobody through."""
        return max(0.0, self._cooled_at - self._clock()) if self._cooled_at else 0.0

    async def enter(self, tokens: int, most_s: float) -> int:
        """Wait until a call of about *tokens* may begin; whoever entered has to `leave`. Returns what `fall` asks for.

        Raises:
            QueueTimeout: Its turn did not come within *most_s* seconds, or is known not to.
        """
        if self.has_room(tokens):
            return self.take(tokens)
        cooldown_s = self.cooldown_s()
        if cooldown_s > most_s:
            raise QueueTimeout(f"it cools down for {cooldown_s:.3g} s more, which is longer than {_waits(most_s)}")
        return await self._wait(tokens, most_s)

    def has_room(self, tokens: int) -> bool:
        """Tell whether a call of about *tokens* could begin now."""
        if self._waiting:
            return False
        if self._cooled_at or self._allowed is not None or self._requests is not None or self._tokens is not None:
            return self._wait_s(tokens, self._clock()) <= 0
        return True

    def take(self, tokens: int) -> int:
        """Let a call of about *tokens* through, which there is room for; returns what `enter` does."""
        self._running += 1
        if self._requests is not None:
            self._requests.take(1, self._clock())
        if self._tokens is not None:
            self._tokens.take(self._estimate(tokens), self._clock())
        return self._falls

    def leave(self) -> None:
        """Note that a call is over."""
        self._running -= 1
        if self._waiting:
            self._let_through()

    def correct(self, tokens: int) -> None:
        """Note that a call took so many *tokens* more than was thought; or less, where negative."""
        if self._tokens is not None and tokens:
            self._tokens.take(tokens, self._clock())
            self._let_through()

    def give_back(self, tokens: int) -> None:
        """Note that a call that was let through was never made."""
        if self._requests is not None:
            self._requests.take(-1, self._clock())
        self.correct(-self._estimate(tokens))

    def settle(self, estimated: int, used: int) -> None:
        """Note that a call that was thought to take *estimated* tokens took *used*."""
        self.correct(used - self._estimate(estimated))

    def succeed(self) -> None:
        """Note that a call succeeded: after enough of them, one more may be under way."""
        allowed, most = self._allowed, self._limits.concurrency
        if allowed is None or most is None or allowed >= most:
            return
        self._successes += 1
        if self._successes >= _CLIMBS_AFTER:
            self._successes, self._allowed = 0, allowed + 1
            self._let_through()

    def fall(self, entered: int) -> None:
        """Note that the provider refused a call as too much; *entered* is what `enter` returned."""
        if self._limits.adaptive and self._allowed is not None and entered == self._falls:
            self._allowed = max(1, int(self._allowed * _FALLS_TO))
            self._falls += 1
            self._fell_at = self._clock()
            self._successes = 0

    def cool_down(self, seconds: float) -> None:
        """Let nobody through for *seconds*; a longer wait stays as it is."""
        self._cooled_at = max(self._cooled_at, self._clock() + seconds)

    def is_idle(self) -> bool:
        """Tell whether a new gate would do just as well; a fall of long ago is no reason to keep a gate at rest."""
        now = self._clock()
        is_full = all(
            bucket is None or bucket.level(now) >= (most or 0)
            for bucket, most in (
                (self._requests, self._limits.requests_per_minute),
                (self._tokens, self._limits.tokens_per_minute),
            )
        )
        at_rest = not self._running and not self._waiting and self._cooled_at <= now
        is_whole = self._allowed == self._limits.concurrency or self._fell_at + _FALL_COUNTS_S <= now
        return at_rest and is_full and is_whole

    def state(self) -> GateState:
        """Return how it stands."""
        now = self._clock()
        return GateState(
            running=self._running,
            waiting=self._waiting,
            concurrency=self._allowed,
            most=self._limits.concurrency,
            cooldown_s=self.cooldown_s(),
            requests_left=None if self._requests is None else max(0.0, self._requests.level(now)),
            tokens_left=None if self._tokens is None else max(0.0, self._tokens.level(now)),
        )

    def _estimate(self, tokens: int) -> int:
        """Return what is taken for a call of *tokens*: no more than the bucket holds."""
        most = self._limits.tokens_per_minute
        return tokens if most is None else min(tokens, most)

    def _wait_s(self, tokens: int, now: float) -> float:
        """Return in how many seconds the next call may begin; `inf` where another has to end first."""
        if self._allowed is not None and self._running >= self._allowed:
            return inf
        wait = self._cooled_at - now
        if self._requests is not None:
            wait = max(wait, self._requests.wait_s(1, now))
        if self._tokens is not None:
            wait = max(wait, self._tokens.wait_s(tokens, now))
        return wait

    async def _wait(self, tokens: int, most_s: float) -> int:
        waiter = _Waiter(asyncio.get_running_loop().create_future(), tokens)
        self._waiters.append(waiter)
        self._waiting += 1
        self._let_through()
        try:
            async with asyncio.timeout(most_s):
                return await waiter.turn
        except TimeoutError as error:
            why = self._full()
            self._give_up(waiter)
            raise QueueTimeout(f"{_waits(most_s)} is over, and {why}") from error
        except BaseException:
            self._give_up(waiter)
            raise

    def _give_up(self, waiter: _Waiter) -> None:
        if not waiter.turn.cancel() and not waiter.turn.cancelled():  # its turn came at the same moment
            self.give_back(waiter.tokens)
            self.leave()
            return
        self._waiting -= 1
        self._let_through()

    def _let_through(self) -> None:
        """Let through whoever is next, and come again when time alone makes room."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiters:
            waiter = self._waiters[0]
            if not waiter.turn.done():
                wait = self._wait_s(waiter.tokens, self._clock())
                if wait > 0:
                    if wait < inf:
                        self._timer = asyncio.get_running_loop().call_later(wait, self._let_through)
                    return
                self._waiting -= 1
                waiter.turn.set_result(self.take(waiter.tokens))
            self._waiters.popleft()

    def _full(self) -> str:
        """Say what it waits for."""
        if self._allowed is not None and self._running >= self._allowed:
            fallen = "" if self._allowed == self._limits.concurrency else f" (of {self._limits.concurrency})"
            return f"{self._allowed}{fallen} calls may be under way at a time"
        if self.cooldown_s():
            return "it cools down"
        return "what may be asked in a minute is used up"


def _resized(bucket: Bucket | None, per_minute: int | None, now: float) -> Bucket | None:
    if per_minute is None:
        return None
    if bucket is None:
        return Bucket(per_minute, now)
    bucket.resize(per_minute, now)
    return bucket


def _waits(most_s: float) -> str:
    return f"its queue_timeout of {most_s:g} s"
