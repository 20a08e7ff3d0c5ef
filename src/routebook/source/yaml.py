"""YAML: the text of a file → its value, each node with its place.

YAML 1.2 with the core schema, from libyaml's events. What route files do not have is refused (RB106): tags, keys
that are not text, a second document. Aliases expand to shared nodes, up to a bound (RB104). Nothing raises, nothing
recurses, and every text ends in time that grows with its length.
"""

from __future__ import annotations

import re
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

from ..diagnostics.span import Span
from ..diagnostics.suggest import did_you_mean
from .build import Builder, Stop, as_route_file, brief
from .core import plain_value
from .node import Node, Parsed
from .syntax import explain, find_template, name_tag, template_problem
from .tree import SourceFile

LIMIT_EXPANDED = 100_000

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
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


class _Composer:
    """Turns the events of one text into nodes.

    `anchors` has, for each name, the node, how many nodes it expands to and how deep it is; None while it is open.
    """

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.builder = Builder(file)
        self.anchors: dict[str, tuple[Node, int, int] | None] = {}
        self.nodes = 0
        self.expanded = 0
        self.documents = 0
        self._open: list[tuple[str | None, int]] = []
        self._last: Any = None
        self._text, self._originals = _replace_old_breaks(file.text)

    def run(self) -> None:
        """Compose the whole text; raise Stop where nothing more can be understood."""
        self._check_characters()
        try:
            for event in yaml.parse(self._text, Loader=_LOADER):
                self._take(event)
                self._last = event
        except yaml.MarkedYAMLError as error:
            self._explain(error)
            raise Stop from error
        if self.builder.root is None:
            raise self._empty()

    def _explain(self, error: yaml.MarkedYAMLError) -> None:
        problem = explain(self.file, error, self._last)
        said = self.builder.diagnostics
        if not said or said[-1].span.line != problem.span.line:
            said.append(problem)

    def _take(self, event: Any) -> None:
        kind = type(event)
        if kind is ScalarEvent:
            self._scalar(event)
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            self._start(event)
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            self._end(event)
        elif kind is AliasEvent:
            self._alias(event)
        elif kind is DocumentStartEvent:
            self._document(event)

    def _scalar(self, event: Any) -> None:
        value, start, end = event.value, event.start_mark.index, event.end_mark.index
        if event.tag is not None:
            self._refuse_tag(event)
        elif event.implicit[0]:
            if value == "" and not self._open and event.anchor is None:
                raise self._empty()
            value = self._plain(value, start, end)
        if self._originals and isinstance(value, str):
            value = value.translate(self._originals)
        node = self.builder.scalar(value, start, end)
        self.nodes += 1
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, 1, 0)

    def _plain(self, text: str, start: int, end: int) -> str | int | float | bool | None:
        try:
            return plain_value(text)
        except OverflowError as error:
            self.builder.say("RB202", self.file.span(start, end), str(error), "quote it if it is meant as text")
            return text

    def _start(self, event: Any) -> None:
        start = event.start_mark.index
        if event.tag is not None:
            self._refuse_tag(event)
        if self.builder.expects_key and find_template(self.file.text, start - 1):
            self.builder.diagnostics.append(template_problem(self.file, start - 1))
            raise Stop
        if type(event) is MappingStartEvent:
            self.builder.open_mapping(start)
        else:
            self.builder.open_sequence(start)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self._open.append((event.anchor, self.nodes))
        self.nodes += 1

    def _end(self, event: Any) -> None:
        node, height = self.builder.close(event.end_mark.index)
        anchor, nodes_before = self._open.pop()
        if anchor is not None:
            self.anchors[anchor] = (node, self.nodes - nodes_before, height)

    def _alias(self, event: Any) -> None:
        name, start, end = event.anchor, event.start_mark.index, event.end_mark.index
        span = self.file.span(start, end)
        shown = brief(name)
        if self.builder.expects_key:
            self.builder.say("RB106", span, "a key must be text, not an alias", f"quote it if it is text: '*{shown}'")
            self.builder.scalar(f"*{name}", start, end)
        elif name not in self.anchors:
            near = did_you_mean(name, self.anchors)
            help_text = near or f"define it with '&{shown}', or quote it if it is text: '*{shown}'"
            self.builder.say("RB102", span, f"alias '*{shown}' names no anchor above it", help_text)
            self.builder.scalar(None, start, end)
        else:
            self._expand(self.anchors[name], name, span)

    def _expand(self, anchored: tuple[Node, int, int] | None, name: str, span: Span) -> None:
        if anchored is None:
            message = f"alias '*{brief(name)}' stands inside what it names, so it never ends"
            raise self.builder.stop("RB104", span, message, "write out what it stands for")
        node, size, height = anchored
        self.nodes += size
        self.expanded += size
        if self.expanded > LIMIT_EXPANDED:
            message = f"the aliases of this file expand to more than {LIMIT_EXPANDED:,} values"
            raise self.builder.stop("RB104", span, message, "use fewer aliases, or anchor smaller parts")
        self.builder.check_depth(height, span)
        self.builder.add(node, height)

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
