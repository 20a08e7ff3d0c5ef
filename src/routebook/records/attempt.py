"""Attempt: the record of one try of one target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..canonical.rate_limits import RateLimits
from ..canonical.record import Record
from ..canonical.usage import Usage
from ..routing.decision import CredentialKind
from ..routing.price import dollars

Outcome = Literal["answered", "unusable", "failed", "cancelled", "passed_over"]


@dataclass(frozen=True, slots=True)
class Attempt(Record):
    """A target that was tried, or passed over.

    `credential` is the kind of credential used, `payer` who pays for it. `kind` is None on success, else the fault's
    kind, or `cancelled`, with a sentence in `reason`; `sent` is false where nothing reached the provider. `retry` tells
    that the same provider and model were tried before in the same turn.

    `queued_s` is the wait for its turn, `started_at` seconds since the epoch, `first_token_s` the wait from then for
    the first content of a stream (None: there was none, or the answer came whole), `duration_s` the whole call, the
    queue not counted. `cost_microusd` is what it cost by the prices in the files, in millionths of a US dollar, to the
    nearest one (None: unpriced, or no usage).

    `outcome` is `answered`; `unusable`, where the provider answered with what cannot be used; `failed`; `cancelled`,
    where the run ended first; or `passed_over`, where the target was left alone (open breaker, cooldown, queue).
    `request_id` is what the provider calls the call, for its support, `rate_limits` what it says beside an answer of
    how much more it will take (None: nothing).
    """

    provider: str
    model: str
    credential: CredentialKind
    payer: CredentialKind
    kind: str | None
    sent: bool
    reason: str | None
    retry: bool
    queued_s: float
    started_at: float
    first_token_s: float | None
    duration_s: float
    usage: Usage | None
    cost_microusd: int | None
    outcome: Outcome
    request_id: str | None = None
    rate_limits: RateLimits | None = None

    @property
    def cost_usd(self) -> float | None:
        """What it cost in US dollars."""
        return None if self.cost_microusd is None else dollars(self.cost_microusd)

    def to_dict(self) -> dict[str, Any]:
        """Return the attempt as plain data, every field of it, and `cost_usd`."""
        return {**dict.fromkeys(self.__slots__), **super(Attempt, self).to_dict(), "cost_usd": self.cost_usd}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Attempt:
        """Build an attempt from what `to_dict` returned."""
        usage, limits = data["usage"], data.get("rate_limits")
        return cls(
            **{
                **{name: value for name, value in data.items() if name != "cost_usd"},
                "usage": None if usage is None else Usage.from_dict(usage),
                "rate_limits": None if limits is None else RateLimits.from_dict(limits),
            }
        )
