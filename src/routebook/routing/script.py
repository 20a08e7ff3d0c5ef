"""Scripts: what a run without a network answers. A list of entries, the first that matches answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..canonical.frozen import EMPTY
from ..canonical.usage import Usage


@dataclass(frozen=True, slots=True)
class ScriptWhen:
    """What an entry waits for; everything that is set must hold.

    `feature`; `model` (the book's name or the wire's id); `turn` from 1; `contains` and `matches` (a regular
    expression) look at the last user message; `tool_result` names a tool (`clock.now`) whose result is in the
    last message.
    """

    feature: str | None = None
    model: str | None = None
    turn: int | None = None
    contains: str | None = None
    matches: str | None = None
    tool_result: str | None = None


@dataclass(frozen=True, slots=True)
class ScriptedCall:
    """A tool call to play: `name` as people say it (`clock.now`) or as the model would send it; None sends none.

    `arguments` is an object, or any other JSON value to play a model that does not send one.
    """

    name: str | None
    arguments: Any = EMPTY
    id: str | None = None


@dataclass(frozen=True, slots=True)
class ScriptedFault:
    """A refusal to play."""

    status: int | None = None
    kind: str | None = None
    retry_after: float | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class ScriptReply:
    """What an entry answers: text (a template), a JSON value, tool calls, or an error; `delay` in seconds first.

    `has_json` tells a JSON null from no JSON. A streamed text comes in `chunks` pieces; None is one. With `cut` the
    connection breaks in the middle: of a stream the first half of the pieces comes (of two where `chunks` is None).
    """

    text: str | None = None
    json: Any = None
    has_json: bool = False
    tool_calls: tuple[ScriptedCall, ...] = ()
    reasoning: str | None = None
    usage: Usage | None = None
    delay: float = 0.0
    chunks: int | None = None
    cut: bool = False
    error: ScriptedFault | None = None


@dataclass(frozen=True, slots=True)
class ScriptEntry:
    """One entry: `when` (everything None matches anything) and its `reply`."""

    reply: ScriptReply
    when: ScriptWhen = ScriptWhen()


Script = tuple[ScriptEntry, ...]
