"""Tools as models see and use them: ToolDefinition, ToolCall, ToolResult."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from .frozen import freeze, freeze_mapping
from .part import ImagePart, TextPart
from .record import Record

ResultPart = TextPart | ImagePart


@dataclass(frozen=True, slots=True)
class ToolDefinition(Record):
    """A tool offered to a model.

    `name` is what the model sees (`clock__now`), `tool` what people say (`clock.now`), `parameters` the JSON
    Schema of the arguments.
    """

    name: str
    tool: str
    description: str
    parameters: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", freeze_mapping(self.parameters))


@dataclass(frozen=True, slots=True)
class ToolCall(Record):
    """A tool call as the model made it.

    `name` is None where the model sent none. `arguments` is None where they were no JSON object; the raw text
    is then in `arguments_json`.
    """

    id: str
    name: str | None
    arguments: Mapping[str, Any] | None
    arguments_json: str | None = None
    type: ClassVar[str] = "tool_call"

    def __post_init__(self) -> None:
        if self.arguments is not None:
            object.__setattr__(self, "arguments", freeze_mapping(self.arguments))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a call from what `to_dict` returned."""
        return cls(data["id"], data.get("name"), data.get("arguments"), data.get("arguments_json"))


@dataclass(frozen=True, slots=True)
class ToolResult(Record):
    """How a tool call was answered.

    `name` is the tool as people say it (`clock.now`), or what the model called if that is no tool. `content`
    is what the model is shown; `structured` the server's `structuredContent`; `truncated` tells that `content`
    was cut to the feature's `result_limit`.
    """

    call_id: str
    name: str
    content: tuple[ResultPart, ...]
    is_error: bool = False
    structured: Any = None
    truncated: bool = False
    type: ClassVar[str] = "tool_result"

    def __post_init__(self) -> None:
        object.__setattr__(self, "structured", freeze(self.structured))

    @property
    def text(self) -> str:
        """The text parts, joined by line breaks."""
        return "\n".join(part.text for part in self.content if isinstance(part, TextPart))

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data, each part of the content with its `type`."""
        return {**super(ToolResult, self).to_dict(), "content": [{"type": p.type, **p.to_dict()} for p in self.content]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a result from what `to_dict` returned."""
        kinds: dict[str, type[ResultPart]] = {"text": TextPart, "image": ImagePart}
        content = tuple(
            kinds[part["type"]](**{key: value for key, value in part.items() if key != "type"})
            for part in data["content"]
        )
        return cls(**{**data, "content": content})
