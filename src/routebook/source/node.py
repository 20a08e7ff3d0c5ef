"""Nodes: what a route file says, before anyone asks what it means, each with its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.span import Span


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """Text, a number, a boolean or null."""

    value: str | int | float | bool | None
    span: Span


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping with text keys, in the order written; no key stands twice."""

    entries: tuple[tuple[ScalarNode, Node], ...]
    span: Span

    def __iter__(self) -> Iterator[tuple[str, ScalarNode, Node]]:
        for key, value in self.entries:
            yield str(key.value), key, value

    def get(self, name: str) -> Node | None:
        """Return the value under *name*, or None."""
        return next((value for key, value in self.entries if key.value == name), None)


Node = ScalarNode | SequenceNode | MappingNode


def to_plain(node: Node) -> Any:
    """Return what *node* says as plain dicts, lists and scalars."""
    if isinstance(node, MappingNode):
        return {str(key.value): to_plain(value) for key, value in node.entries}
    if isinstance(node, SequenceNode):
        return [to_plain(item) for item in node.items]
    return node.value


def existing(node: Node, path: Sequence[str | int]) -> list[str | int]:
    """Return the part of *path* that was written: a model may have wrapped a bare value in a mapping."""
    written: list[str | int] = []
    for step in path:
        child = _child(node, step)
        if child is None:
            break
        node = child
        written.append(step)
    return written


def value_at(node: Node, path: Sequence[str | int]) -> Node:
    """Return the value at *path* below *node*, or its nearest ancestor that exists."""
    for step in path:
        child = _child(node, step)
        if child is None:
            break
        node = child
    return node


def locate(node: Node, path: Sequence[str | int]) -> Span:
    """Return the span of the value at *path* below *node*, or of its nearest ancestor that exists."""
    return value_at(node, path).span


def locate_key(node: Node, path: Sequence[str | int]) -> Span:
    """Return the span of the key (or list item) at *path* below *node*, or of its nearest ancestor."""
    if not path:
        return node.span
    parent: Node = node
    for step in path[:-1]:
        child = _child(parent, step)
        if child is None:
            return parent.span
        parent = child
    last = path[-1]
    if isinstance(parent, MappingNode):
        for key, _ in parent.entries:
            if key.value == last:
                return key.span
    child = _child(parent, last)
    return parent.span if child is None else child.span


def _child(node: Node, step: str | int) -> Node | None:
    if isinstance(node, MappingNode) and isinstance(step, str):
        return node.get(step)
    if isinstance(node, SequenceNode) and isinstance(step, int) and 0 <= step < len(node.items):
        return node.items[step]
    return None


@dataclass(frozen=True, slots=True)
class Parsed:
    """What reading a text gave: its value, or None where it has errors, and everything to be said about it.

    With duplicate keys as the only problems the value is there, and the first of the keys stands.
    """

    node: Node | None
    diagnostics: tuple[Diagnostic, ...] = ()
