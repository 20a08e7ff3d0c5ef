"""RunLimits: whether, and when, the calls of one run may be made.

A call waits at its model's gate, then at its provider's, takes its place, and gives it back with what came of it:
see `place`. The state itself is in the room `state`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import FaultKind, ProviderError
from ..routing.decision import PlannedAttempt
from ..routing.table import RoutingTable
from ..state.gate import Gate, QueueTimeout
from ..state.gates import BookLimits, Gates
from ..state.health import Health, LeftAlone
from .facts import AnyRequest, tokens_of
from .place import Place, Target

PayerOf = Callable[[PlannedAttempt], str]
"""Tells callers' keys apart; asked where a caller pays."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Why a target is passed over: the kind of failure that it stands for, and a sentence."""

    kind: FaultKind
    reason: str


class RunLimits:
    """What holds for the calls of one run by *table*; *book* has its limits."""

    __slots__ = ("_book", "_gates", "_health", "_payer_of", "_table")

    def __init__(
        self, gates: Gates, health: Health[Target], table: RoutingTable, book: BookLimits, payer_of: PayerOf
    ) -> None:
        self._gates = gates
        self._health = health
        self._table = table
        self._book = book
        self._payer_of = payer_of

    def passed_over(self, planned: PlannedAttempt, *, cools: bool) -> PassedOver | None:
        """Return why a call had better go elsewhere than to *planned*, or None; whether that it *cools* down counts, or
        is waited for.
        """
        payer = self._payer(planned)
        alone = self._health.left_alone((planned.provider, planned.id, payer))
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
        of_model, of_provider = self._gates.gates(planned.provider, planned.id, payer, self._book)
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
        of_model, of_provider = self._gates.gates(planned.provider, planned.id, payer, self._book)
        tokens = _tokens(request, of_model, of_provider)
        # A model without limits cools down for its provider's sake, and is waited for no longer than the provider is.
        most_s = (of_model if of_model.limits.may_hold else of_provider).limits.queue_timeout_s
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
        target, provider = (planned.provider, planned.id, payer), self._table.providers[planned.provider]
        return Place(self._health, target, provider, gates, tokens)

    def _payer(self, planned: PlannedAttempt) -> str:
        return self._payer_of(planned) if planned.credential == "caller" else ""

    def _gate(self, provider: str, model: str | None, payer: str) -> Gate:
        return self._gates.gate((provider, model, payer), self._book)


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


def _of_breaker(alone: LeftAlone) -> str:
    for_s = f"left alone for {alone.open_s:.3g} s more" if alone.open_s else "left alone while one call tries it"
    times = "once" if alone.failures == 1 else f"{alone.failures} times in a row"
    return f"passed over: it is {for_s}, since it failed {times} ({alone.kind})"
