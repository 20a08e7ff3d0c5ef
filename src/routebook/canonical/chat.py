"""ChatRequest and ChatResponse: one model call, whatever the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from .frozen import EMPTY, freeze_mapping
from .message import Message
from .record import Record
from .tool import ToolDefinition
from .usage import Usage

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refusal"]


@dataclass(frozen=True, slots=True)
class OutputFormat(Record):
    """An output contract that a model is asked to keep by its API's own means."""

    name: str
    schema: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "schema", freeze_mapping(self.schema))


@dataclass(frozen=True, slots=True)
class ChatRequest(Record):
    """What one model call asks.

    `model` is the id on the wire. `options` are the decision's, already merged. `output` is set where the API
    itself shall hold the model to a schema. `feature`, `target` (the book's name of the model) and `turn`
    (from 1) say where the call comes from; scripts match on them, adapters never send them.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolDefinition, ...] = ()
    options: Mapping[str, Any] = EMPTY
    output: OutputFormat | None = None
    feature: str = ""
    target: str = ""
    turn: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", freeze_mapping(self.options))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a request from what `to_dict` returned."""
        output = data.get("output")
        return cls(
            **{
                **data,
                "messages": tuple(Message.from_dict(message) for message in data["messages"]),
                "tools": tuple(ToolDefinition.from_dict(tool) for tool in data.get("tools", ())),
                "output": None if output is None else OutputFormat.from_dict(output),
            }
        )


@dataclass(frozen=True, slots=True)
class ChatResponse(Record):
    """What one model call answered.

    `finish_reason` is portable, `raw_finish_reason` the provider's own word. `usage` is None where the provider
    did not say.
    """

    message: Message
    finish_reason: FinishReason
    raw_finish_reason: str | None = None
    usage: Usage | None = None
    request_id: str | None = None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a response from what `to_dict` returned."""
        usage = data.get("usage")
        return cls(
            **{
                **data,
                "message": Message.from_dict(data["message"]),
                "usage": None if usage is None else Usage.from_dict(usage),
            }
        )
