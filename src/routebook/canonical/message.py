"""Message: one entry of a conversation, and its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from .part import AudioPart, FilePart, ImagePart, NativePart, ReasoningPart, RefusalPart, TextPart
from .record import Record
from .tool import ToolCall, ToolResult

Role = Literal["system", "user", "assistant", "tool"]
Part = TextPart | ImagePart | AudioPart | FilePart | ReasoningPart | RefusalPart | NativePart | ToolCall | ToolResult

PART_TYPES: dict[str, type[Part]] = {part.type: part for part in get_args(Part)}


@dataclass(frozen=True, slots=True)
class Message(Record):
    """A message: who speaks (`system`, `user`, `assistant`, `tool`), and the parts of what is said.

    A string given as content becomes one TextPart.
    """

    role: Role
    content: tuple[Part, ...]

    def __init__(self, role: Role, content: str | Sequence[Part]) -> None:
        object.__setattr__(self, "role", role)
        parts = (TextPart(content),) if isinstance(content, str) else tuple(content)
        object.__setattr__(self, "content", parts)

    @property
    def text(self) -> str:
        """The text parts, joined without a separator; reasoning and refusals are not text."""
        return "".join(part.text for part in self.content if isinstance(part, TextPart))

    @property
    def answer_text(self) -> str:
        """The text without its asides; all of it where there is nothing else."""
        answer = "".join(part.text for part in self.content if isinstance(part, TextPart) and not part.aside)
        return answer or self.text

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in the order the model made them."""
        return tuple(part for part in self.content if isinstance(part, ToolCall))

    @property
    def tool_results(self) -> tuple[ToolResult, ...]:
        """The tool results, in the order of their calls."""
        return tuple(part for part in self.content if isinstance(part, ToolResult))

    def to_dict(self) -> dict[str, Any]:
        """Return the message as plain data, each part with its `type`."""
        return {"role": self.role, "content": [{"type": part.type, **part.to_dict()} for part in self.content]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a message from what `to_dict` returned."""
        content = data["content"]
        if isinstance(content, str):
            return cls(data["role"], content)
        return cls(
            data["role"],
            [
                PART_TYPES[part["type"]].from_dict({key: value for key, value in part.items() if key != "type"})
                for part in content
            ],
        )
