"""Place: what one call under way holds, and what it says to the calls after it when it is over.

Tokens are settled by usage, refusals as too much lower what may be under way, failures open the target's breaker.
"""

from __future__ import annotations

from ..canonical.usage import Usage
from ..errors import ProviderError
from ..routing.provider_spec import ProviderSpec
from ..state.gate import Gate
from ..state.health import COUNTED, Health

_TOO_MUCH = frozenset({"rate_limit", "overloaded"})
_COOLDOWN_S = 2.0

Target = tuple[str, str, str]
"""A provider's name, the id of a model on its wire, and who pays (empty: the platform)."""


class Place:
    """What a call under way holds: a place at its model's gate, and one at its provider's, each with what the gate said
    on entering, and an estimate of its *tokens*. Exactly one of `answered`, `failed` and `given_up` gives it back. If
    it `is_probe`, it decides whether its target is left alone any longer.
    """

    __slots__ = ("_gates", "_health", "_provider", "_target", "_tokens", "is_probe")

    def __init__(
        self,
        health: Health[Target],
        target: Target,
        provider: ProviderSpec,
        gates: tuple[tuple[Gate, int], ...],
        tokens: int,
    ) -> None:
        self._health = health
        self._target = target
        self._provider = provider
        self._gates = gates
        self._tokens = tokens
        self.is_probe = health.begin(target)

    def answered(self, usage: Usage | None) -> None:
        """Leave: the provider answered, and says that it took *usage*."""
        self._health.succeed(self._target)
        for gate, _ in self._gates:
            gate.succeed()
        self._leave(_used(usage))

    def failed(self, error: ProviderError) -> None:
        """Leave: the call ended in *error*."""
        if error.kind == "malformed_response" and error.sent:
            self.answered(error.usage)
            return
        self._judge(error)
        if not error.sent:
            self._take_back()
            return
        if error.kind in _TOO_MUCH:
            self._slow_down(error.retry_after)
        is_refused = error.status is not None and error.status >= 400
        self._leave(0 if is_refused and error.usage is None else _used(error.usage))

    def given_up(self, *, sent: bool = True, is_down: bool = False) -> None:
        """Leave: the run ended first, or went elsewhere before anything was *sent*. Where the run waited so long that
        the target *is_down*, that counts as a `timeout`.
        """
        if is_down:
            self._health.fail(self._target, "timeout", self._provider.breaker, is_probe=self.is_probe)
        elif self.is_probe:
            self._health.end_probe(self._target)
        if sent:
            self._leave(None)
        else:
            self._take_back()

    def _judge(self, error: ProviderError) -> None:
        """Say to the breaker what the error says of the target: that it is down, that it answers, or nothing."""
        if error.kind in COUNTED:
            self._health.fail(self._target, error.kind, self._provider.breaker, is_probe=self.is_probe)
        elif error.sent:
            self._health.succeed(self._target)
        elif self.is_probe:
            self._health.end_probe(self._target)

    def _take_back(self) -> None:
        """Leave as if the call had never been."""
        for gate, _ in self._gates:
            gate.give_back(self._tokens)
            gate.leave()

    def _slow_down(self, retry_after: float | None) -> None:
        if any(gate.limits.adaptive for gate, _ in self._gates):
            of_model, _ = self._gates[0]
            of_model.cool_down(_COOLDOWN_S if retry_after is None else min(retry_after, self._provider.timeout.total))
        for gate, entered in self._gates:
            gate.fall(entered)

    def _leave(self, used: int | None) -> None:
        """Leave; *used* tokens were taken, or about as many as was thought where that is not known."""
        for gate, _ in self._gates:
            if used is not None and gate.counts_tokens:
                gate.settle(self._tokens, used)
            gate.leave()


def _used(usage: Usage | None) -> int | None:
    return None if usage is None else usage.input + usage.output
