"""Nodes: what a route file says, before anyone asks what it means, each with its place.

A text's nodes are kept as columns, in the order of the text: what each says, where it starts and where it ends. A book
has a million of them, so a node is no object of its own until somebody holds it: ScalarNode, SequenceNode and
MappingNode are views of one row, and a Span is made when it is asked for.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.span import Span
from .file import SourceFile


@dataclass(frozen=True, slots=True)
class Alias:
    """Stands in a column for the node of the row *target*."""

    target: int


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """All nodes of one text.

    A row's value is the scalar itself; for a list, how far below it each item's row is; for a mapping, how far below
    it each key's row is, by the key. A key's value is the row after the key's.
    """

    file: SourceFile
    values: tuple[Any, ...]
    starts: array[int]
    ends: array[int]

    def span(self, row: int) -> Span:
        """Return where the node of *row* stands."""
        return self.file.span(self.starts[row], self.ends[row])

    def real(self, row: int) -> int:
        """Return the row that *row* stands for: another one where it is an alias."""
        value = self.values[row]
        return value.target if value.__class__ is Alias else row

    def node(self, row: int) -> Node:
        """Return the node of *row*."""
        row = self.real(row)
        value = self.values[row]
        if value.__class__ is dict:
            return _mapping(self, row, value)
        return SequenceNode(self, row) if value.__class__ is tuple else ScalarNode(self, row)


class _View:
    """One row of the columns; two views of the same row are equal."""

    __slots__ = ("_columns", "_row")

    def __init__(self, columns: Columns, row: int) -> None:
        self._columns = columns
        self._row = row

    @property
    def span(self) -> Span:
        return self._columns.span(self._row)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _View) and self._columns is other._columns and self._row == other._row

    def __hash__(self) -> int:
        return hash((id(self._columns), self._row))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.span})"


class ScalarNode(_View):
    """Text, a number, a boolean or null."""

    __slots__ = ()

    @property
    def value(self) -> str | int | float | bool | None:
        value: str | int | float | bool | None = self._columns.values[self._row]
        return value


class SequenceNode(_View):
    """A list."""

    __slots__ = ()

    @property
    def items(self) -> tuple[Node, ...]:
        columns, row = self._columns, self._row
        return tuple(columns.node(row + below) for below in columns.values[row])


class MappingNode:
    """A mapping with text keys, in the order written; no key stands twice.

    Made from *entries* it is a part of another mapping, which stands at *span*.
    """

    __slots__ = ("_columns", "_entries", "_keys", "_row", "_span")

    def __init__(self, entries: Sequence[tuple[ScalarNode, Node]], span: Span) -> None:
        self._columns: Columns | None = entries[0][0]._columns if entries else None
        self._row = 0
        self._keys: Mapping[str, int] = {str(key.value): key._row for key, _ in entries}
        self._entries: tuple[tuple[ScalarNode, Node], ...] | None = tuple(entries)
        self._span: Span | None = span

    @property
    def span(self) -> Span:
        if self._span is None:
            assert self._columns is not None
            self._span = self._columns.span(self._row)
        return self._span

    @property
    def entries(self) -> tuple[tuple[ScalarNode, Node], ...]:
        if self._entries is None:
            columns, row = self._columns, self._row
            assert columns is not None
            self._entries = tuple(
                (ScalarNode(columns, row + below), columns.node(row + below + 1)) for below in self._keys.values()
            )
        return self._entries

    def __iter__(self) -> Iterator[tuple[str, ScalarNode, Node]]:
        for key, value in self.entries:
            yield str(key.value), key, value

    def get(self, name: str) -> Node | None:
        """Return the value under *name*, or None."""
        below = self._keys.get(name)
        if below is None or self._columns is None:
            return None
        return self._columns.node(self._row + below + 1)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MappingNode):
            return False
        return self._columns is other._columns and self._row == other._row and self._keys == other._keys

    def __hash__(self) -> int:
        return hash((id(self._columns), self._row))

    def __repr__(self) -> str:
        return f"MappingNode({self.span})"


Node = ScalarNode | SequenceNode | MappingNode


def _mapping(columns: Columns, row: int, keys: Mapping[str, int]) -> MappingNode:
    node = MappingNode.__new__(MappingNode)
    node._columns, node._row, node._keys, node._entries, node._span = columns, row, keys, None, None
    return node


def to_plain(node: Node) -> Any:
    """Return what *node* says as plain dicts, lists and scalars, which are the caller's own."""
    if node._columns is None:
        return {}
    values, row = node._columns.values, node._row
    if isinstance(node, MappingNode):
        return {name: _plain(values, row + below + 1) for name, below in node._keys.items()}
    return _plain(values, row)


def _plain(values: tuple[Any, ...], row: int) -> Any:
    value = values[row]
    kind = value.__class__
    if kind is dict:
        return {name: _plain(values, row + below + 1) for name, below in value.items()}
    if kind is tuple:
        return [_plain(values, row + below) for below in value]
    return _plain(values, value.target) if kind is Alias else value


def is_larger(node: Node, most: int) -> bool:
    """Tell whether *node* holds more than *most* values and keys; quick where its whole text does not."""
    if node._columns is None or len(node._columns.values) <= most:
        return False
    left, stack = most, [node]
    while stack:
        left -= 1
        if left < 0:
            return True
        inner = stack.pop()
        if isinstance(inner, MappingNode):
            left -= len(inner.entries)
            stack += (value for _, value in inner.entries)
        elif isinstance(inner, SequenceNode):
            if len(inner.items) > left:
                return True
            stack += inner.items
    return False


def existing(node: Node, path: Sequence[str | int]) -> list[str | int]:
    """Return the part of *path* that was written: a model may have wrapped a bare value in a mapping."""
    return list(path[: _follow(node, path)[0]])


def value_at(node: Node, path: Sequence[str | int]) -> Node:
    """Return the value at *path* below *node*, or its nearest ancestor that exists."""
    steps, row, _ = _follow(node, path)
    return node if not steps or node._columns is None else node._columns.node(row)


def locate(node: Node, path: Sequence[str | int]) -> Span:
    """Return the span of the value at *path* below *node*, or of its nearest ancestor that exists."""
    steps, row, _ = _follow(node, path)
    return node.span if not steps or node._columns is None else node._columns.span(row)


def locate_key(node: Node, path: Sequence[str | int]) -> Span:
    """Return the span of the key (or list item) at *path* below *node*, or of its nearest ancestor."""
    if not path:
        return node.span
    steps, row, content = _follow(node, path[:-1])
    columns, last = node._columns, path[-1]
    if columns is not None and steps == len(path) - 1:
        if content.__class__ is dict and last in content:
            return columns.span(row + content[last])
        if content.__class__ is tuple and isinstance(last, int) and 0 <= last < len(content):
            return columns.span(columns.real(row + content[last]))
    return node.span if not steps or columns is None else columns.span(row)


def _follow(node: Node, path: Sequence[str | int]) -> tuple[int, int, Any]:
    """Go along *path* as far as it exists; return the number of steps, the row they lead to and what it says."""
    columns, row = node._columns, node._row
    if columns is None:
        return 0, row, {}
    values = columns.values
    content: Any = node._keys if isinstance(node, MappingNode) else values[row]
    for steps, step in enumerate(path):
        if content.__class__ is dict and step in content:
            row += content[step] + 1
        elif content.__class__ is tuple and isinstance(step, int) and 0 <= step < len(content):
            row += content[step]
        else:
            return steps, row, content
        content = values[row]
        if content.__class__ is Alias:
            row = content.target
            content = values[row]
    return len(path), row, content


@dataclass(frozen=True, slots=True)
class Parsed:
    """What reading a text gave: its value, or None where it has errors, and everything to be said about it.

    With duplicate keys as the only problems the value is there, and the first of the keys stands.
    """

    node: Node | None
    diagnostics: tuple[Diagnostic, ...] = ()
