"""Entry: the base of everything a person writes under a name, and Definition, an entry with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from ..diagnostics.span import Span
from ..source.node import MappingNode, Node, locate, locate_key

E = TypeVar("E", bound="Entry")


class Entry(BaseModel):
    """A mapping with known keys; an unknown key or a value of another type is refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, use_attribute_docstrings=True)


def at_least_one(*names: str) -> dict[str, Any]:
    """Say in a JSON Schema that at least one of the keys *names* is given; null is not given."""
    return {"anyOf": [{"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in names]}


@dataclass(frozen=True, slots=True)
class Definition(Generic[E]):
    """What one name of one section was given, and where: `key` is the span of the name itself."""

    section: str
    name: str
    value: E
    key: Span
    node: Node

    def span(self, *path: str | int) -> Span:
        """Return where the value at *path* stands, or its nearest ancestor."""
        return locate(self.node, path) if path else self.key

    def key_span(self, *path: str | int) -> Span:
        """Return where the key at *path* stands, or its nearest ancestor."""
        return locate_key(self.node, path) if path else self.key

    def subnode(self, key: str) -> Node | None:
        """Return the node under *key*, or None."""
        return self.node.get(key) if isinstance(self.node, MappingNode) else None
