"""Gates: those of an engine, one for each provider and one for each model on its wire, per credential.

One caller's refusals stall nobody else: callers' keys have gates of their own. Gates stay as they are when the book is
edited, only what they hold calls to changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ..routing.provider_spec import NO_LIMITS, Limits
from ..routing.wire_limits import WireModel
from .gate import Gate

_FIRST_SWEEP = 1024

GateKey = tuple[str, str | None, str]
"""A provider's name, the id of a model on its wire (None: all of them), and who pays (empty: the platform)."""


@dataclass(frozen=True, slots=True)
class BookLimits:
    """The limits of a book's providers and of its models on the wire; none at all where they are not named."""

    providers: Mapping[str, Limits]
    models: Mapping[WireModel, Limits]

    def limits_of(self, key: GateKey) -> Limits | None:
        """Return the limits of a gate; None where the book does not have its provider."""
        provider, model, _ = key
        if model is None or provider not in self.providers:
            return self.providers.get(provider)
        return self.models.get((provider, model), NO_LIMITS)


class Gates:
    """Makes a gate when it is first asked for, and forgets those that nobody needs; *clock* gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._book = BookLimits({}, {})
        self._gates: dict[GateKey, Gate] = {}
        self._sweep_at = _FIRST_SWEEP

    def use(self, book: BookLimits) -> None:
        """Hold all calls to the limits of *book* from now on; gates of providers that left stay as they are."""
        self._book = book
        for key, gate in self._gates.items():
            limits = book.limits_of(key)
            if limits is not None and limits != gate.limits:
                gate.configure(limits)

    def gate(self, key: GateKey, own: BookLimits) -> Gate:
        """Return the gate of *key*; where the current book does not know it, *own*, the caller's, has its limits."""
        gate = self._gates.get(key)
        if gate is None:
            limits = self._book.limits_of(key) or own.limits_of(key) or NO_LIMITS
            gate = self._gates[key] = Gate(limits, self._clock)
        return gate

    def gates(self, provider: str, model: str, payer: str, own: BookLimits) -> tuple[Gate, Gate]:
        """Return the gate of a model, and its provider's; idle ones are forgotten before, and not between the two."""
        if len(self._gates) >= self._sweep_at:
            self._sweep()
        return self.gate((provider, model, payer), own), self.gate((provider, None, payer), own)

    def __iter__(self) -> Iterator[tuple[GateKey, Gate]]:
        """Yield the gates of the current book, and those of providers that left where somebody is in them still."""
        for key, gate in list(self._gates.items()):
            if gate.is_used or self._book.limits_of(key) is not None:
                yield key, gate

    def _sweep(self) -> None:
        """Forget the gates that a new one would replace; that is done as seldom as their number doubles."""
        self._gates = {key: gate for key, gate in self._gates.items() if not gate.is_idle()}
        self._sweep_at = max(_FIRST_SWEEP, 2 * len(self._gates))
