"""ChatRequest and ChatResponse: one model call, whatever the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from .frozen import EMPTY, freeze_mapping
from .message import Message
from .rate_limits import RateLimits
from .record import Record
from .tool import ToolDefinition
from .usage import Usage

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refusal"]


@dataclass(frozen=True, slots=True)
class OutputFormat(Record):
    """An output contract that a model is asked to keep by its API's own means.

    Without a `schema` it is JSON mode: the API sees to it that the answer is a JSON object, and no more.
    """

    name: str
    schema: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.schema is not None:
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
class TokenLogprob(Record):
    """A token of an answer, the natural logarithm of its probability, and the likeliest tokens in its place.

    `bytes` are those of the token, where the provider gives them: one letter may be spread over several tokens.
    """

    token: str
    logprob: float
    top: tuple[TokenLogprob, ...] = ()
    bytes: tuple[int, ...] | None = None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build it from what `to_dict` returned."""
        top = tuple(cls.from_dict(item) for item in data.get("top", ()))
        given = data.get("bytes")
        return cls(data["token"], data["logprob"], top, None if given is None else tuple(given))


@dataclass(frozen=True, slots=True)
class Choice(Record):
    """One of several answers to a request with the option `n`."""

    message: Message
    finish_reason: FinishReason
    raw_finish_reason: str | None = None
    logprobs: tuple[TokenLogprob, ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a choice from what `to_dict` returned."""
        logprobs = tuple(TokenLogprob.from_dict(item) for item in data.get("logprobs", ()))
        return cls(**{**data, "message": Message.from_dict(data["message"]), "logprobs": logprobs})


@dataclass(frozen=True, slots=True)
class ChatResponse(Record):
    """What one model call answered.

    `finish_reason` is portable, `raw_finish_reason` the provider's own word. `usage` is None where the provider did
    not say. With the option `n`, `alternatives` are the choices after the first. `logprobs` is empty unless they were
    asked for. `id` and `model` are the provider's names for the answer and for the model that gave it, `service_tier`
    the tier that it was served in; `request_id` is for the provider's support. `extra` is what else the answer said
    that has no place here, under the provider's own names.
    """

    message: Message
    finish_reason: FinishReason
    raw_finish_reason: str | None = None
    usage: Usage | None = None
    request_id: str | None = None
    logprobs: tuple[TokenLogprob, ...] = ()
    alternatives: tuple[Choice, ...] = ()
    id: str | None = None
    model: str | None = None
    service_tier: str | None = None
    rate_limits: RateLimits | None = None
    extra: Mapping[str, Any] = EMPTY

    def __post_init__(self) -> None:
        if self.extra:
            object.__setattr__(self, "extra", freeze_mapping(self.extra))

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Every answer, the first one first."""
        first = Choice(self.message, self.finish_reason, self.raw_finish_reason, self.logprobs)
        return (first, *self.alternatives)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a response from what `to_dict` returned."""
        usage, limits = data.get("usage"), data.get("rate_limits")
        return cls(
            **{
                **data,
                "message": Message.from_dict(data["message"]),
                "usage": None if usage is None else Usage.from_dict(usage),
                "logprobs": tuple(TokenLogprob.from_dict(item) for item in data.get("logprobs", ())),
                "alternatives": tuple(Choice.from_dict(item) for item in data.get("alternatives", ())),
                "rate_limits": None if limits is None else RateLimits.from_dict(limits),
            }
        )
