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
class ServerSpec:
    """A tool server reached by stdio; `env` adds to the few variables every server gets."""

    name: str
    command: str
    args: tuple[str, ...] = ()
    cwd: str | None = None
    env: Mapping[str, str | SecretRef] = EMPTY
    start_timeout_s: float = 15.0
    required: bool = True
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class ToolsSpec:
    """Which tools a feature offers, and the bounds of its tool loop."""

    servers: tuple[str, ...]
    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    max_turns: int = 8
    max_calls: int = 32
    parallel: int = 8
    timeout_s: float = 30.0
    result_limit_bytes: int = 64 * 1024
    on_limit: Literal["finish", "fail"] = "finish"
    span: Span | None = None
