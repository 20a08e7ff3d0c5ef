"""Limits: what the calls of all runs of an engine may do together; what holds for one run, see `run_limits`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ..routing.decision import CredentialKind
from ..routing.table import RoutingTable
from ..routing.wire_limits import wire_limits
from ..state.gate import GateState
from ..state.gates import BookLimits, Gates
from ..state.health import Health
from .place import Target
from .run_limits import PayerOf, RunLimits


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


class Limiter:
    """The gates and breakers of one engine; *clock* gives seconds, and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.gates = Gates(clock)
        self.health: Health[Target] = Health(clock)
        self._current: tuple[RoutingTable, BookLimits] | None = None

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
        return RunLimits(self.gates, self.health, table, book, payer_of)

    def limit_states(self) -> tuple[LimitState, ...]:
        """Return the gates that hold calls to something, and those that cool down."""
        return tuple(
            LimitState(provider, model, _credential(payer), gate.state())
            for (provider, model, payer), gate in self.gates
            if gate.limits.may_hold or gate.cooldown_s()
        )

    def breaker_states(self) -> tuple[BreakerState, ...]:
        """Return the targets that are left alone, of the providers in the current table."""
        known = {} if self._current is None else self._current[1].providers
        return tuple(
            BreakerState(provider, model, _credential(payer), alone.kind, alone.failures, alone.open_s)
            for (provider, model, payer), alone in self.health.open().items()
            if provider in known
        )


def _limits_of(table: RoutingTable) -> BookLimits:
    return BookLimits({name: spec.limits for name, spec in table.providers.items()}, wire_limits(table))


def _credential(payer: str) -> CredentialKind:
    return "caller" if payer else "platform"
