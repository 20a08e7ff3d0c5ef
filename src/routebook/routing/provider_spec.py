"""Providers as they run: address, credential, and the bounds on calling them, complete and frozen.

Durations are seconds. Secrets are references, never values. Every default is filled in, so that it is part of the
digest. What the bounds do to a call is decided where calls are made, not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..canonical.frozen import EMPTY
from ..diagnostics.span import Span
from .script import ScriptEntry
from .secret import SecretRef


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Bounds on one HTTP call, in seconds; `first_token` runs to a stream's first content, else to the first byte."""

    connect: float = 5.0
    first_token: float = 60.0
    idle: float = 60.0
    total: float = 600.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be asked of a provider or a model with one credential; None is no bound.

    `adaptive` lets the bound on concurrency follow the provider's refusals. A call waits `queue_timeout_s` for its
    turn, at most.
    """

    concurrency: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    adaptive: bool = False
    queue_timeout_s: float = 30.0

    @property
    def are_set(self) -> bool:
        """Whether there is any bound, so that a call may have to wait."""
        return (self.concurrency, self.requests_per_minute, self.tokens_per_minute) != (None, None, None)

    @property
    def may_hold(self) -> bool:
        """Whether a call may have to wait: for a bound, or while what refused too much cools down."""
        return self.are_set or self.adaptive


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Retry:
    """Tries on one target: `attempts` counts the first; between two lies a pause from `backoff_s` on."""

    attempts: int = 3
    backoff_s: float = 0.5
    max_backoff_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """After `failures` failures in a row a target is left alone for `open_s` seconds."""

    failures: int = 5
    open_s: float = 30.0


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """Where models are served. `credential` is None with `auth: none`, with a credential chain and for scripts.

    `headers` holds those that carry a secret; plain ones are options of every attempt. `quirks` are the preset's
    departures from its API. With `credential_chain` the adapter finds the platform's credential by itself, as the
    vendor's own tools do.
    """

    name: str
    api: str
    base_url: str | None = None
    credential: SecretRef | None = None
    credential_chain: bool = False
    headers: Mapping[str, SecretRef] = EMPTY
    quirks: Mapping[str, Any] = EMPTY
    region: str | None = None
    project: str | None = None
    location: str | None = None
    api_version: str | None = None
    deployment: str | None = None
    timeout: Timeouts = Timeouts()
    limits: Limits = Limits()
    retry: Retry = Retry()
    breaker: Breaker = Breaker()
    script: tuple[ScriptEntry, ...] | None = None
    span: Span | None = None

    @property
    def has_platform_credential(self) -> bool:
        """Whether the platform pays for calls: there is a credential of its own to send."""
        return self.credential is not None or self.credential_chain or bool(self.headers)
