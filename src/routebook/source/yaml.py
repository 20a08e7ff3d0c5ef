"""YAML: the text of a file → its value, each node with its place.

YAML 1.2 with the core schema, from libyaml's events. What route files do not have is refused (RB106): tags, keys
that are not text, a second document. Aliases expand to shared nodes, up to a bound (RB104). Nothing raises, nothing
recurses, and every text ends in time that grows with its length.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.tokens import ScalarToken

from ..diagnostics.suggest import did_you_mean
from .build import AFTER, KEY, LIMIT_DEPTH, Builder, State, Stop, as_route_file, brief
from .core import plain_value
from .file import SourceFile
from .node import Parsed
from .syntax import explain, find_template, name_tag, template_problem

LIMIT_EXPANDED = 100_000

_LONGEST_INTERNED = 64
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_OLD_BREAKS = re.compile("[\x85\u2028\u2029]")
_PRIVATE_USE = range(0xE000, 0xF900)


def read_yaml(file: SourceFile) -> Parsed:
    """Read a route file: its mapping, or None with at least one diagnostic (RB102 … RB106, RB109, RB202)."""
    return as_route_file(read_yaml_value(file))


def read_yaml_value(file: SourceFile) -> Parsed:
    """Read a YAML text whose top may be anything, as a script's is a list."""
    composer = _Composer(file)
    with suppress(Stop):
        composer.run()
    return composer.builder.result()


def text_places(file: SourceFile) -> list[tuple[int, int]] | None:
    """Return where the texts of the scalars of a YAML text stand, in its order; None where it is no YAML.

    Anchors, tags and the first line of a block of text (`|`, with what follows it) are outside.
    """
    text, _ = _replace_old_breaks(file.text)
    places: list[tuple[int, int]] = []
    if _FORBIDDEN.search(text):
        return None
    get_token = _LOADER(text).get_token
    try:
        while (token := get_token()) is not None:
            if token.__class__ is ScalarToken:
                start, end = token.start_mark.index, token.end_mark.index
                places.append((_after_line(text, start) if token.style in ("|", ">") else start, end))
    except yaml.MarkedYAMLError:
        return None
    return places


def _after_line(text: str, offset: int) -> int:
    found = _LINE_BREAK.search(text, offset)
    return found.end() if found else len(text)


class _Composer:
    """Turns the events of one text into nodes.

    `anchors` has, for each name, the row of the node, how many nodes it expands to and how deep it is; None while it
    is open. `known` has what each plain scalar of this text means, so that equal ones are one object.
    """

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.builder = Builder(file)
        self.anchors: dict[str, tuple[int, int, int] | None] = {}
        self.known: dict[str, str | int | float | bool | None] = {}
        self.expanded = 0
        self.documents = 0
        self._open: dict[int, tuple[str, int]] = {}
        self._text, self._originals = _replace_old_breaks(file.text)

    def run(self) -> None:
        """Compose the whole text; raise Stop where nothing more can be understood."""
        self._check_characters()
        self._take_all(_LOADER(self._text).get_event)
        if not self.builder.values:
            raise self._empty()
        self.builder.is_whole = True

    def _explain(self, error: yaml.MarkedYAMLError, last: Any) -> Stop:
        """Say what is wrong after the event *last*; give what to raise."""
        problem = explain(self.file, error, last)
        said = self.builder.diagnostics
        if not said or said[-1].span.line != problem.span.line:
            said.append(problem)
        return Stop()

    def _take_all(self, get_event: Callable[[], Any]) -> None:
        """Take every event. What is common is done here, with the builder's state in local variables: a book has
        millions of events, and a call for each would double their cost.
        """
        builder, known, anchored, originals = self.builder, self.known, self._open, self._originals
        values, starts, ends = builder.values, builder.starts, builder.ends
        stack, heights = builder.stack, builder.heights
        top, row, state = builder.top, builder.row, builder.state
        add, add_start, add_end = values.append, starts.append, ends.append
        here = 0  # the row that comes next
        event: Any = None
        try:
            while (event := get_event()) is not None:
                kind = event.__class__
                if kind is ScalarEvent:
                    text = value = event.value
                    start = event.start_mark.index
                    end = event.end_mark.index
                    if event.implicit[0]:
                        value = known.get(text, known)
                        if value is known:
                            value = self._plain(text, start, end)
                    elif event.tag is not None:
                        self._refuse_tag(event)
                    if originals and value.__class__ is str:
                        value = value.translate(originals)
                    if event.anchor is not None:
                        self.anchors[event.anchor] = (here, 1, 0)
                    add(value)
                    add_start(start)
                    add_end(end)
                    if state is None:
                        if value.__class__ is str and value not in top:
                            top[value] = here - row
                        else:
                            builder.top, builder.row = top, row
                            builder.take_key(value, here)
                        state = True
                    elif state:
                        state = None
                    else:
                        top.append(here - row)
                    here += 1
                elif kind is MappingStartEvent or kind is SequenceStartEvent:
                    start = event.start_mark.index
                    if state is None or event.tag is not None or event.anchor is not None or len(stack) >= LIMIT_DEPTH:
                        self._check_start(event, start, state)
                    if state is False:
                        top.append(here - row)
                    stack.append((top, row, AFTER[state]))
                    heights.append(1)
                    top, state = ({}, None) if kind is MappingStartEvent else ([], False)
                    row = here
                    add(top)
                    add_start(start)
                    add_end(start)
                    here += 1
                elif kind is MappingEndEvent or kind is SequenceEndEvent:
                    ends[row] = event.end_mark.index
                    if kind is SequenceEndEvent:
                        values[row] = tuple(top)
                    closed = row
                    top, row, state = stack.pop()
                    height = heights.pop()
                    if heights[-1] <= height:
                        heights[-1] = height + 1
                    if state:
                        builder.refuse_key(closed)
                    if closed in anchored:
                        self._close_anchor(closed, height)
                elif kind is AliasEvent:
                    builder.top, builder.row, builder.state = top, row, state
                    self._alias(event)
                    state = builder.state
                    here = len(values)
                elif kind is DocumentStartEvent:
                    self._document(event)
        except yaml.MarkedYAMLError as error:
            raise self._explain(error, event) from error

    def _plain(self, text: str, start: int, end: int) -> str | int | float | bool | None:
        """Return what the plain *text* means, and remember it."""
        if text == "" and not self.builder.stack and self.builder.starts == []:
            raise self._empty()
        try:
            value = plain_value(text)
        except OverflowError as error:
            self.builder.say("RB202", self.file.span(start, end), str(error), "quote it if it is meant as text")
            return text
        if isinstance(value, str) and len(value) <= _LONGEST_INTERNED:
            value = sys.intern(value)
        self.known[text] = value
        return value

    def _check_start(self, event: Any, start: int, state: State) -> None:
        """Check the beginning of a list or a mapping, and note its anchor."""
        if event.tag is not None:
            self._refuse_tag(event)
        if state is KEY and find_template(self.file.text, start - 1):
            self.builder.diagnostics.append(template_problem(self.file, start - 1))
            raise Stop
        if len(self.builder.stack) >= LIMIT_DEPTH:
            self.builder.check_depth(1, self.file.span(start, start + 1))
        if event.anchor is not None:
            self.anchors[event.anchor] = None
            row = len(self.builder.values)
            self._open[row] = (event.anchor, row + self.expanded)

    def _close_anchor(self, row: int, height: int) -> None:
        name, nodes_before = self._open.pop(row)
        self.anchors[name] = (row, len(self.builder.values) + self.expanded - nodes_before, height)

    def _alias(self, event: Any) -> None:
        name, start, end = event.anchor, event.start_mark.index, event.end_mark.index
        span = self.file.span(start, end)
        shown = brief(name)
        if self.builder.state is KEY:
            self.builder.say("RB106", span, "a key must be text, not an alias", f"quote it if it is text: '*{shown}'")
            self.builder.scalar(f"*{name}", start, end)
        elif name not in self.anchors:
            near = did_you_mean(name, self.anchors)
            help_text = near or f"define it with '&{shown}', or quote it if it is text: '*{shown}'"
            self.builder.say("RB102", span, f"alias '*{shown}' names no anchor above it", help_text)
            self.builder.scalar(None, start, end)
        else:
            self._expand(self.anchors[name], name, start, end)

    def _expand(self, anchored: tuple[int, int, int] | None, name: str, start: int, end: int) -> None:
        span = self.file.span(start, end)
        if anchored is None:
            message = f"alias '*{brief(name)}' stands inside what it names, so it never ends"
            raise self.builder.stop("RB104", span, message, "write out what it stands for")
        row, size, height = anchored
        self.expanded += size
        if self.expanded > LIMIT_EXPANDED:
            message = f"the aliases of this file expand to more than {LIMIT_EXPANDED:,} values"
            raise self.builder.stop("RB104", span, message, "use fewer aliases, or anchor smaller parts")
        self.builder.alias(row, height, start, end)

    def _document(self, event: Any) -> None:
        self.documents += 1
        span = self.file.span(event.start_mark.index, event.end_mark.index)
        if self.documents > 1:
            message = "a second document begins here, and a route file is one document"
            raise self.builder.stop("RB106", span, message, "move it to a file of its own, or remove the `---`")
        if event.version not in (None, (1, 2)):
            self.builder.say("RB106", span, "this is YAML 1.1, and route files are YAML 1.2", "remove this line")

    def _refuse_tag(self, event: Any) -> None:
        span = self.file.span(event.start_mark.index, event.end_mark.index)
        help_text = "leave the tag out; quotes make text, {env: NAME} names a variable and {file: PATH} a file"
        self.builder.say("RB106", span, f"tag {brief(name_tag(event.tag))!r} is not known in route files", help_text)

    def _check_characters(self) -> None:
        found = _FORBIDDEN.search(self.file.text)
        if found is None:
            return
        code = ord(found.group())
        escape = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
        message = f"character U+{code:04X} cannot stand in YAML"
        help_text = f"remove it, or write it as the escape {escape} in a text in double quotes"
        raise self.builder.stop("RB102", self.file.span(found.start(), found.end()), message, help_text)

    def _empty(self) -> Stop:
        return self.builder.stop("RB109", self.file.span(0, 0), "file is empty", "write something in it, or remove it")


def _replace_old_breaks(text: str) -> tuple[str, dict[int, str]]:
    # YAML 1.2 takes U+0085, U+2028 and U+2029 for ordinary characters, libyaml for line breaks. Characters for
    # private use, which the text does not have, stand in for them; the mapping leads back.
    if not _OLD_BREAKS.search(text):
        return text, {}
    free = (code for code in _PRIVATE_USE if chr(code) not in text)
    stand_ins = dict(zip("\x85\u2028\u2029", free, strict=False))
    return text.translate({ord(old): code for old, code in stand_ins.items()}), {
        code: old for old, code in stand_ins.items()
    }
