"""Build: what a reader meets, in the order of the text → the columns of its nodes.

Shared by the YAML and the JSON reader, so that both treat duplicate keys, keys that are not text and depth alike.
Keeps its own stack: no text, however nested, makes Python recurse.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

from ..diagnostics.diagnostic import Diagnostic, diagnose
from ..diagnostics.span import Span
from .file import SourceFile
from .node import Alias, Columns, MappingNode, Parsed, SequenceNode

State = bool | None
ITEM: State = False
KEY: State = None
VALUE: State = True
"""What comes next in what is open."""
AFTER: dict[State, State] = {ITEM: ITEM, KEY: VALUE, VALUE: KEY}
"""What comes after each."""

LIMIT_DEPTH = 100
LIMIT_PROBLEMS = 100

_LONGEST_SHOWN = 60
_MORE = f"only the first {LIMIT_PROBLEMS} problems of this file are shown"


def brief(text: str) -> str:
    """Return *text* as a message can hold it: whole, or its beginning."""
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


class Stop(Exception):
    """Nothing after this place of a file can be understood; the diagnostic is with the builder."""


class Builder:
    """Builds the columns of one file; offsets are in characters of its text.

    `top` is what the innermost open list or mapping holds so far, `row` is its row, and `state` tells what comes next
    in it: an ITEM, a KEY or a VALUE. At the bottom a list of one holds the file's value. A key that is refused is not
    put into its mapping, so that nothing leads to its value. A reader may work on copies of these three, as long as it
    hands them back before it calls a method.
    """

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.diagnostics: list[Diagnostic] = []
        self.values: list[Any] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.top: Any = []
        self.row = 0
        self.state: State = ITEM
        self.stack: list[tuple[Any, int, State]] = []
        self.heights = [0]
        self.is_whole = False

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

    def scalar(self, value: str | int | float | bool | None, start: int, end: int) -> None:
        """Add a scalar, as a key where one is expected."""
        state, row = self.state, self._add(value, start, end)
        if state is KEY:
            self.take_key(value, row)

    def open(self, content: list[int] | dict[str, int], start: int) -> None:
        """Begin a list or a mapping."""
        if len(self.stack) >= LIMIT_DEPTH:
            self.check_depth(1, self.file.span(start, start + 1))
        row = self._add(content, start, start)
        self.stack.append((self.top, self.row, self.state))
        self.heights.append(1)
        self.top, self.row, self.state = content, row, ITEM if isinstance(content, list) else KEY

    def close(self, end: int) -> tuple[int, int]:
        """End what was begun last; return its row and how deep it is, 1 without lists or mappings inside."""
        row = self.row
        self.ends[row] = end
        if self.state is ITEM:
            self.values[row] = tuple(self.top)
        self.top, self.row, self.state = self.stack.pop()
        height = self.heights.pop()
        self._reach(height)
        if self.state is VALUE:
            self.refuse_key(row)
        return row, height

    def alias(self, target: int, height: int, start: int, end: int) -> None:
        """Add the node of the row *target* once more, which is *height* deep."""
        self.check_depth(height, self.file.span(start, end))
        self._add(Alias(target), start, end)
        self._reach(height)

    def check_depth(self, height: int, span: Span) -> None:
        """Stop where something *height* deep would lie too deep here."""
        if len(self.stack) + height > LIMIT_DEPTH:
            help_text = "route files need no such depth; is a bracket never closed?"
            raise self.stop("RB105", span, f"nested more than {LIMIT_DEPTH} levels deep", help_text)

    def take_key(self, value: Any, row: int) -> None:
        """Put the scalar of *row* into the open mapping as a key, or refuse it."""
        if not isinstance(value, str):
            self.refuse_key(row)
        elif value in self.top:
            first = self.file.span(self.starts[self.row + self.top[value]], 0).line
            message, note = f"duplicate key {brief(value)!r}", f"first defined at line {first}"
            self.say("RB103", self._span(row), message, "remove or rename one of them", (note,))
        else:
            self.top[value] = row - self.row

    def refuse_key(self, row: int) -> None:
        """Say that a key is no text."""
        value, span = self.values[row], self._span(row)
        if value.__class__ is dict or value.__class__ is tuple:
            what = "a mapping" if value.__class__ is dict else "a list"
            self.say("RB106", span, f"a key must be text, not {what}", "quote it if it is meant as text")
            return
        written = (self.file.line(span.line) or "")[span.column - 1 : span.column - 1 + span.width]
        is_blank = value is None and written in ("", ":", "?")
        help_text = "write the key before its colon" if is_blank else f"quote it: '{brief(written)}'"
        self.say("RB106", span, "a key must be text", help_text)

    def result(self) -> Parsed:
        """Return the value, unless there are other problems than duplicate keys."""
        readable = self.is_whole and all(diagnostic.code == "RB103" for diagnostic in self.diagnostics)
        if not readable:
            return Parsed(None, tuple(self.diagnostics))
        columns = Columns(self.file, tuple(self.values), array("I", self.starts), array("I", self.ends))
        return Parsed(columns.node(0), tuple(self.diagnostics))

    def _add(self, value: Any, start: int, end: int) -> int:
        """Add a row, and go on to what comes after it."""
        row = len(self.values)
        self.values.append(value)
        self.starts.append(start)
        self.ends.append(end)
        if self.state is ITEM:
            self.top.append(row - self.row)
        self.state = AFTER[self.state]
        return row

    def _reach(self, height: int) -> None:
        if self.heights[-1] <= height:
            self.heights[-1] = height + 1

    def _span(self, row: int) -> Span:
        return self.file.span(self.starts[row], self.ends[row])


def as_route_file(parsed: Parsed) -> Parsed:
    """Require that the value at the top is a mapping (RB202)."""
    if parsed.node is None or isinstance(parsed.node, MappingNode):
        return parsed
    what = "a list" if isinstance(parsed.node, SequenceNode) else "a single value"
    message = f"a route file is a mapping of sections, not {what}"
    help_text = "begin with a section's name and a colon, such as `features:`"
    problem = diagnose("RB202", parsed.node.span, message, help=help_text)
    return Parsed(None, (*parsed.diagnostics, problem))
