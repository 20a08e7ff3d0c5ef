"""Limits: what calls of all runs may do to a target together, and what each of them leaves behind for the next.

A call waits at its model's gate, then at its provider's, takes its place, and gives it back with what came of it:
see `place`. The state itself is in the room `state`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import FaultKind, ProviderError
from ..routing.decision import CredentialKind, PlannedAttempt
from ..routing.table import RoutingTable
from ..routing.wire_limits import wire_limits
from ..state.gate import Gate, GateState, QueueTimeout
from ..state.gates import Book, Gates
from ..state.health import Health, LeftAlone
from .facts import AnyRequest, tokens_of
from .place import Place, Target

PayerOf = Callable[[PlannedAttempt], str]
"""Tells callers' keys apart; asked where a caller pays."""


@dataclass(frozen=True, slots=True)
class LimitState:
    """The gate of a provider, or of one of its models (`model`, the wire's id), as it stands. Callers' keys have gates
    of their own, which `credential` tells from the platform's and nothing tells from one another.
    """

    provider: str
    model: str | None
    credential: CredentialKind
    gate: GateState


@dataclass(frozen=True, slots=True)
class BreakerState:
    """A target that is left alone: `model` is the wire's id. It failed `failures` times, the last time as `kind` says,
    and is tried again in `open_s` seconds (0: with the next call, or now).
    """

    provider: str
    model: str
    credential: CredentialKind
    kind: str
    failures: int
    open_s: float


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Why a target is passed over: the kind of failure that it stands for, and a sentence."""

    kind: FaultKind
    reason: str


class Limiter:
    """The gates and breakers of one engine; *clock* gives seconds, and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.gates = Gates(clock)
        self.health: Health[Target] = Health(clock)
        self._current: tuple[RoutingTable, Book] | None = None

    def use(self, table: RoutingTable) -> None:
        """Hold all calls to the limits of *table* from now on, those of earlier tables' runs, too. A provider that is
        not what it was is tried anew.
        """
        before, book = self._current, _limits_of(table)
        self._current = (table, book)
        self.gates.use(book)
        if before is not None:
            old, new = before[0].digests, table.digests
            same = {name for name in table.providers if old.get(("providers", name)) == new["providers", name]}
            self.health.forget(lambda target: target[0] not in same)

    def of_run(self, table: RoutingTable, payer_of: PayerOf) -> RunLimits:
        """Return the limits of one run by *table*."""
        current = self._current
        book = current[1] if current is not None and current[0] is table else _limits_of(table)
        return RunLimits(self, table, book, payer_of)

    def limit_states(self) -> tuple[LimitState, ...]:
        """Return the gates that hold calls to something, and those that cool down."""
        return tuple(
            LimitState(provider, model, _credential(payer), gate.state())
            for (provider, model, payer), gate in self.gates
            if gate.is_limited or gate.cooldown_s()
        )

    def breaker_states(self) -> tuple[BreakerState, ...]:
        """Return the targets that are left alone, of the providers in the current table."""
        known = {} if self._current is None else self._current[1].providers
        return tuple(
            BreakerState(provider, model, _credential(payer), alone.kind, alone.failures, alone.open_s)
            for (provider, model, payer), alone in self.health.open().items()
            if provider in known
        )


class RunLimits:
    """What holds for the calls of one run."""

    __slots__ = ("_book", "_limiter", "_payer_of", "_table")

    def __init__(self, limiter: Limiter, table: RoutingTable, book: Book, payer_of: PayerOf) -> None:
        self._limiter = limiter
        self._table = table
        self._book = book
        self._payer_of = payer_of

    def passed_over(self, planned: PlannedAttempt, *, cools: bool) -> PassedOver | None:
        """Return why a call had better go elsewhere than to *planned*, or None; whether that it *cools* down counts, or
        is waited for.
        """
        payer = self._payer(planned)
        alone = self._limiter.health.left_alone((planned.provider, planned.id, payer))
        if alone is not None:
            return PassedOver(alone.kind, _of_breaker(alone))
        if cools and (cooldown_s := self.cooldown_s(planned)):
            reason = f"passed over: it cools down for {cooldown_s:.3g} s more, since too much was asked of it"
            return PassedOver("rate_limit", reason)
        return None

    def cooldown_s(self, planned: PlannedAttempt) -> float:
        """Return for how many seconds the target of *planned* still lets nobody through."""
        return self._gate(planned.provider, planned.id, self._payer(planned)).cooldown_s()

    def enter_now(self, planned: PlannedAttempt, request: AnyRequest) -> Place | None:
        """Return a place for a call of *planned*, which has to be left, or None where there is none right now."""
        payer = self._payer(planned)
        of_model, of_provider = self._limiter.gates.gates(planned.provider, planned.id, payer, self._book)
        tokens = _tokens(request, of_model, of_provider)
        if not (of_model.has_room(tokens) and of_provider.has_room(tokens)):
            return None
        gates = ((of_model, of_model.take(tokens)), (of_provider, of_provider.take(tokens)))
        return self._place(planned, payer, gates, tokens)

    async def enter(self, planned: PlannedAttempt, request: AnyRequest) -> Place:
        """Return a place for a call of *planned*, which has to be left; wait for it.

        Raises:
            ProviderError: Its turn did not come in time (`queue_timeout`).
        """
        payer = self._payer(planned)
        of_model, of_provider = self._limiter.gates.gates(planned.provider, planned.id, payer, self._book)
        tokens = _tokens(request, of_model, of_provider)
        # A model without limits cools down for its provider's sake, and is waited for no longer than the provider is.
        most_s = (of_model if of_model.is_limited else of_provider).limits.queue_timeout_s
        what = f"model {planned.id!r} of provider {planned.provider!r}"
        at_model = await _entered(of_model, tokens, most_s, planned, what)
        of_provider = self._gate(planned.provider, None, payer)  # the one of before may have been forgotten
        try:
            most_s = of_provider.limits.queue_timeout_s
            at_provider = await _entered(of_provider, tokens, most_s, planned, f"provider {planned.provider!r}")
        except BaseException:
            of_model.give_back(tokens)
            of_model.leave()
            raise
        return self._place(planned, payer, ((of_model, at_model), (of_provider, at_provider)), tokens)

    def _place(self, planned: PlannedAttempt, payer: str, gates: tuple[tuple[Gate, int], ...], tokens: int) -> Place:
        target, spec = (planned.provider, planned.id, payer), self._table.providers[planned.provider]
        health = self._limiter.health
        return Place(health, target, spec.breaker, gates, tokens, spec.timeout.total, health.begin(target))

    def _payer(self, planned: PlannedAttempt) -> str:
        return self._payer_of(planned) if planned.credential == "caller" else ""

    def _gate(self, provider: str, model: str | None, payer: str) -> Gate:
        return self._limiter.gates.gate((provider, model, payer), self._book)


async def _entered(gate: Gate, tokens: int, most_s: float, planned: PlannedAttempt, what: str) -> int:
    try:
        return await gate.enter(tokens, most_s)
    except QueueTimeout as error:
        raise no_turn(planned, f"no turn at {what}: {error}") from error


def no_turn(planned: PlannedAttempt, why: str) -> ProviderError:
    """Return the error of a call of *planned* that was not made since its turn did not come."""
    return ProviderError(why, "queue_timeout", provider=planned.provider, model=planned.model, sent=False)


def _tokens(request: AnyRequest, of_model: Gate, of_provider: Gate) -> int:
    """Estimate the tokens of *request*, where that matters to one of the gates."""
    return tokens_of(request) if of_model.counts_tokens or of_provider.counts_tokens else 0


def _limits_of(table: RoutingTable) -> Book:
    return Book({name: spec.limits for name, spec in table.providers.items()}, wire_limits(table))


def _credential(payer: str) -> CredentialKind:
    return "caller" if payer else "platform"


def _of_breaker(alone: LeftAlone) -> str:
    for_s = f"left alone for {alone.open_s:.3g} s more" if alone.open_s else "left alone while one call tries it"
    times = "once" if alone.failures == 1 else f"{alone.failures} times in a row"
    return f"passed over: it is {for_s}, since it failed {times} ({alone.kind})"
