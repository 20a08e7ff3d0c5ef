"""Tool servers, and what a feature does with their tools: linked, complete and frozen.

Durations are seconds, sizes bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..canonical.frozen import EMPTY
from ..diagnostics.span import Span
from .secret import SecretRef


@dataclass(frozen=True, slots=True)
class OAuthSpec:
    """The client credentials grant: who asks for a token, whom, and for what."""

    client_id: str
    client_secret: SecretRef
    issuer: str | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """A tool server: a process, where there is a `command`, else one that runs elsewhere, at `url`.

    `env` adds to the few variables every process gets; `headers`, `token` and `oauth` go to a `url`. `timeout_s` bounds
    a call beside the feature's own bound, `parallel` the calls of all runs together. `idempotent` has globs over the
    names of tools.
    """

    name: str
    command: str | None = None
    args: tuple[str, ...] = ()
    cwd: str | None = None
    env: Mapping[str, str | SecretRef] = EMPTY
    url: str | None = None
    transport: Literal["streamable-http", "sse"] = "streamable-http"
    headers: Mapping[str, str | SecretRef] = EMPTY
    token: SecretRef | None = None
    oauth: OAuthSpec | None = None
    start: Literal["lazy", "eager"] = "lazy"
    start_timeout_s: float = 15.0
    required: bool = True
    parallel: int | None = None
    idempotent: tuple[str, ...] = ()
    timeout_s: float | None = None
    roots: tuple[str, ...] = ()
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class ToolsSpec:
    """Which tools a feature offers, and the bounds of its tool loop."""

    servers: tuple[str, ...]
    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    approve: tuple[str, ...] = ()
    max_turns: int = 8
    max_calls: int = 32
    parallel: int = 8
    timeout_s: float = 30.0
    result_limit_bytes: int = 64 * 1024
    on_error: Literal["report", "fail"] = "report"
    on_limit: Literal["finish", "fail"] = "finish"
    repeat_limit: int = 3
    span: Span | None = None
