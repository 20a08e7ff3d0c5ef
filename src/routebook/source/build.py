"""Build: what a reader meets, in the order of the text → nodes.

Shared by the YAML and the JSON reader, so that both treat duplicate keys, keys that are not text and depth alike.
Keeps its own stack: no text, however nested, makes Python recurse.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..diagnostics.diagnostic import Diagnostic, diagnose
from ..diagnostics.span import Span
from .node import MappingNode, Node, Parsed, ScalarNode, SequenceNode
from .tree import SourceFile

LIMIT_DEPTH = 100
LIMIT_PROBLEMS = 100

_LONGEST_SHOWN = 60
_MORE = f"only the first {LIMIT_PROBLEMS} problems of this file are shown"


def brief(text: str) -> str:
    """Return *text* as a message can hold it: whole, or its beginning."""
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


class Stop(Exception):
    """Nothing after this place of a file can be understood; the diagnostic is with the builder."""


class _Sequence:
    """A list that is still open."""

    __slots__ = ("height", "items", "start")
    expects_key = False

    def __init__(self, start: int) -> None:
        self.start = start
        self.items: list[Node] = []
        self.height = 1

    def take(self, node: Node) -> None:
        self.items.append(node)

    def close(self, span: Span) -> Node:
        return SequenceNode(tuple(self.items), span)


class _Mapping:
    """A mapping that is still open: `key` is the one whose value comes next, None where that value is dropped."""

    __slots__ = ("entries", "expects_key", "first", "height", "key", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.entries: list[tuple[ScalarNode, Node]] = []
        self.first: dict[str, Span] = {}
        self.expects_key = True
        self.key: ScalarNode | None = None
        self.height = 1

    def take(self, node: Node) -> None:
        self.expects_key = True
        if self.key is not None:
            self.entries.append((self.key, node))

    def close(self, span: Span) -> Node:
        return MappingNode(tuple(self.entries), span)


class Builder:
    """Builds the value of one file; offsets are in characters of its text."""

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.root: Node | None = None
        self.diagnostics: list[Diagnostic] = []
        self._stack: list[_Sequence | _Mapping] = []

    @property
    def expects_key(self) -> bool:
        """Whether what comes next is a mapping's key."""
        return bool(self._stack) and self._stack[-1].expects_key

    def say(self, code: str, span: Span, message: str, help_text: str | None = None, notes: Iterable[str] = ()) -> None:
        """Note a problem, and stop after the hundredth."""
        full = len(self.diagnostics) + 1 == LIMIT_PROBLEMS
        self.diagnostics.append(diagnose(code, span, message, help=help_text, notes=(*notes, _MORE) if full else notes))
        if full:
            raise Stop

    def stop(self, code: str, span: Span, message: str, help_text: str | None = None) -> Stop:
        """Note a problem, and give what to raise."""
        self.diagnostics.append(diagnose(code, span, message, help=help_text))
        return Stop()

    def scalar(self, value: str | int | float | bool | None, start: int, end: int) -> ScalarNode:
        """Add a scalar, as a key where one is expected."""
        node = ScalarNode(value, self.file.span(start, end))
        self.add(node, 0)
        return node

    def open_sequence(self, start: int) -> None:
        """Begin a list."""
        self._open(_Sequence(start))

    def open_mapping(self, start: int) -> None:
        """Begin a mapping."""
        self._open(_Mapping(start))

    def close(self, end: int) -> tuple[Node, int]:
        """End what was begun last; return it and how deep it is, 1 without lists or mappings inside."""
        frame = self._stack.pop()
        node = frame.close(self.file.span(frame.start, end))
        self.add(node, frame.height)
        return node, frame.height

    def add(self, node: Node, height: int) -> None:
        """Add a node, which is *height* deep: as the file's value, an item, a key or a value."""
        if not self._stack:
            self.root = node
            return
        frame = self._stack[-1]
        if height >= frame.height:
            frame.height = height + 1
        if isinstance(frame, _Mapping) and frame.expects_key:
            self._take_key(frame, node)
        else:
            frame.take(node)

    def check_depth(self, height: int, span: Span) -> None:
        """Stop where something *height* deep would lie too deep here."""
        if len(self._stack) + height > LIMIT_DEPTH:
            help_text = "route files need no such depth; is a bracket never closed?"
            raise self.stop("RB105", span, f"nested more than {LIMIT_DEPTH} levels deep", help_text)

    def result(self) -> Parsed:
        """Return the value, unless there are other problems than duplicate keys."""
        readable = all(diagnostic.code == "RB103" for diagnostic in self.diagnostics)
        return Parsed(self.root if readable else None, tuple(self.diagnostics))

    def _open(self, frame: _Sequence | _Mapping) -> None:
        if len(self._stack) >= LIMIT_DEPTH:
            self.check_depth(1, self.file.span(frame.start, frame.start + 1))
        self._stack.append(frame)

    def _take_key(self, frame: _Mapping, node: Node) -> None:
        frame.expects_key = False
        frame.key = None
        if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
            self._refuse_key(node)
        elif node.value in frame.first:
            message = f"duplicate key {brief(node.value)!r}"
            note = f"first defined at line {frame.first[node.value].line}"
            self.say("RB103", node.span, message, "remove or rename one of them", (note,))
        else:
            frame.first[node.value] = node.span
            frame.key = node

    def _refuse_key(self, node: Node) -> None:
        if isinstance(node, ScalarNode):
            column = node.span.column - 1
            written = (self.file.line(node.span.line) or "")[column : column + node.span.width]
            is_blank = node.value is None and written in ("", ":", "?")
            help_text = "write the key before its colon" if is_blank else f"quote it: '{brief(written)}'"
            self.say("RB106", node.span, "a key must be text", help_text)
        else:
            what = "a mapping" if isinstance(node, MappingNode) else "a list"
            self.say("RB106", node.span, f"a key must be text, not {what}", "quote it if it is meant as text")


def as_route_file(parsed: Parsed) -> Parsed:
    """Require that the value at the top is a mapping (RB202)."""
    if parsed.node is None or isinstance(parsed.node, MappingNode):
        return parsed
    what = "a list" if isinstance(parsed.node, SequenceNode) else "a single value"
    message = f"a route file is a mapping of sections, not {what}"
    help_text = "begin with a section's name and a colon, such as `features:`"
    problem = diagnose("RB202", parsed.node.span, message, help=help_text)
    return Parsed(None, (*parsed.diagnostics, problem))
