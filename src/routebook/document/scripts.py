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

    feature: str | None = Field(None, examples=["chat_agent"])
    """The feature's name."""
    model: str | None = Field(None, examples=["luna"])
    """The book's name of the model, or its id on the wire."""
    turn: Annotated[Integer, Field(ge=1)] | None = Field(None, examples=[1])
    """The model call of the run, from 1."""
    contains: str | None = Field(None, examples=["Dentist"])
    """Text in the last user message."""
    matches: Annotated[str, AfterValidator(_regex)] | None = Field(None, examples=["(?i)dentist|doctor"])
    """A regular expression found in the last user message."""
    tool_result: str | None = Field(None, examples=["clock.now"])
    """A tool (`server.tool`) whose result is in the last message."""


class Call(Entry):
    """A tool call to play."""

    name: str | None = Field(None, examples=["clock.now"])
    """The tool as people say it, `server.tool`, or any other name; without one, the call has none."""
    arguments: Any = Field({}, examples=[{"zone": "UTC"}])
    """The arguments; anything but a mapping plays a model that sends no object."""
    id: str | None = Field(None, examples=["call-1"])
    """The call's id. Default: one that is unique in the run."""


class Tokens(Entry):
    """The usage to report, in tokens."""

    input: Annotated[Integer, Field(ge=0)] = Field(0, examples=[210])
    """Input tokens, those read from and written to the cache included."""
    output: Annotated[Integer, Field(ge=0)] = Field(0, examples=[18])
    """Output tokens, reasoning included."""
    cached_input: Annotated[Integer, Field(ge=0)] = Field(0, examples=[128])
    """Input tokens read from the cache."""
    cache_write: Annotated[Integer, Field(ge=0)] = Field(0, examples=[64])
    """Input tokens written to the cache."""
    reasoning: Annotated[Integer, Field(ge=0)] = Field(0, examples=[12])
    """Output tokens that were spent on thinking."""


class Refusal(Entry):
    """A provider's refusal to play."""

    status: Annotated[Integer, Field(ge=100, le=599)] | None = Field(None, examples=[429])
    """The HTTP status."""
    kind: FaultKind | None = Field(None, examples=["rate_limit"])
    """The fault's kind. Default: as the status says."""
    retry_after: Annotated[Number, Field(ge=0)] | None = Field(None, examples=[2])
    """After how many seconds the provider says that it may be asked again."""
    message: str | None = Field(None, examples=["Too many requests."])
    """The provider's sentence."""


_ANSWERS = ("text", "json", "tool_calls", "error")


class Reply(Entry):
    """What an entry answers."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": [name]} for name in _ANSWERS]})

    text: str | None = Field(None, examples=["It is {{ tool_result.text }}."])
    """A template; it knows tool_result, text, turn and feature."""
    json_: Any = Field(None, alias="json", examples=[{"folder_id": "f-health", "confidence": 0.93}])
    """A JSON value, answered as text."""
    tool_calls: list[Call] = Field([], examples=[[{"name": "clock.now", "arguments": {"zone": "UTC"}}]])
    """Tool calls that the model makes."""
    reasoning: str | None = Field(None, examples=["The user asks for the time."])
    """What the model thought."""
    usage: Tokens | None = Field(None, examples=[{"input": 210, "output": 18}])
    """Tokens. Default: an estimate."""
    delay: Duration | None = Field(None, examples=["50ms"])
    """How long the answer takes."""
    chunks: Annotated[Integer, Field(ge=1)] | None = Field(None, examples=[5])
    """In how many pieces the text comes where it is streamed. Default: one."""
    cut: bool = Field(False, examples=[True])
    """The connection breaks in the middle: of a stream, the first half of its pieces comes."""
    error: Refusal | None = Field(None, examples=[{"status": 429, "retry_after": 2}])
    """A refusal, instead of an answer."""

    @model_validator(mode="after")
    def _something(self) -> Reply:
        if not self.model_fields_set & {"json_", *_ANSWERS}:
            raise PydanticCustomError("one_of", "a reply has text, json, tool_calls or error")
        return self


class ScriptItem(Entry):
    """One entry of a script; the first whose `when` holds answers."""

    when: When | None = Field(None, examples=[{"feature": "chat_agent", "turn": 1}])
    """Without it, the entry answers anything."""
    reply: Reply = Field(examples=[{"text": "Good morning."}])
    """The answer."""
