"""Scripts as written: a list of entries, each with what it waits for and what it answers."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ..errors import FaultKind
from .entry import Entry
from .scalars import Duration, Integer, Number


def _regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise PydanticCustomError("regex", "not a regular expression: {error}", {"error": str(error)}) from None
    return value


class When(Entry):
    """What an entry waits for; everything given must hold."""

    feature: str | None = None
    """The feature's name."""
    model: str | None = None
    """The book's name of the model, or its id on the wire."""
    turn: Annotated[Integer, Field(ge=1)] | None = None
    """The model call of the run, from 1."""
    contains: str | None = None
    """Text in the last user message."""
    matches: Annotated[str, AfterValidator(_regex)] | None = None
    """A regular expression found in the last user message."""
    tool_result: str | None = None
    """A tool (`server.tool`) whose result is in the last message."""


class Call(Entry):
    """A tool call to play."""

    name: str | None = None
    """The tool as people say it, `server.tool`, or any other name; without one, the call has none."""
    arguments: Any = {}
    """The arguments; anything but a mapping plays a model that sends no object."""
    id: str | None = None
    """The call's id. Default: one that is unique in the run."""


class Tokens(Entry):
    """The usage to report, in tokens."""

    input: Annotated[Integer, Field(ge=0)] = 0
    output: Annotated[Integer, Field(ge=0)] = 0
    cached_input: Annotated[Integer, Field(ge=0)] = 0
    cache_write: Annotated[Integer, Field(ge=0)] = 0
    reasoning: Annotated[Integer, Field(ge=0)] = 0


class Refusal(Entry):
    """A provider's refusal to play."""

    status: Annotated[Integer, Field(ge=100, le=599)] | None = None
    """The HTTP status."""
    kind: FaultKind | None = None
    """The fault's kind. Default: as the status says."""
    retry_after: Annotated[Number, Field(ge=0)] | None = None
    """Seconds."""
    message: str | None = None
    """The provider's sentence."""


_ANSWERS = ("text", "json", "tool_calls", "error")


class Reply(Entry):
    """What an entry answers."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": [name]} for name in _ANSWERS]})

    text: str | None = None
    """A template; it knows tool_result, text, turn and feature."""
    json_: Annotated[Any, Field(alias="json")] = None
    """A JSON value, answered as text."""
    tool_calls: list[Call] = []
    """Tool calls."""
    reasoning: str | None = None
    """What the model thought."""
    usage: Tokens | None = None
    """Tokens. Default: an estimate."""
    delay: Duration | None = None
    """How long the answer takes."""
    error: Refusal | None = None
    """A refusal, instead of an answer."""

    @model_validator(mode="after")
    def _something(self) -> Reply:
        if not self.model_fields_set & {"json_", *_ANSWERS}:
            raise PydanticCustomError("one_of", "a reply has text, json, tool_calls or error")
        return self


class ScriptItem(Entry):
    """One entry of a script; the first whose `when` holds answers."""

    when: When | None = None
    """Without it, the entry answers anything."""
    reply: Reply
    """The answer."""
