"""Shape: the nodes of a book's files → a Document, and every problem of their shape (RB2xx, RB302, RB7xx).

Pure: the environment is handed in as a mapping. A definition whose shape is refused is left out, its name kept,
so that one mistake gives one diagnostic.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import ValidationError

from ..diagnostics.diagnostic import Diagnostic, diagnose
from ..diagnostics.span import Span
from ..diagnostics.suggest import did_you_mean
from ..source.node import MappingNode, Node, ScalarNode, SequenceNode, to_plain
from .book import SECTIONS, SETTINGS, Document
from .entry import Definition, Entry
from .environment import Environment
from .problems import read_problems
from .profiles import Settings
from .scripts import ScriptItem

E = TypeVar("E", bound=Entry)

_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_SERVER_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


def shape_document(files: Iterable[Node | None], environment: Environment) -> tuple[Document, list[Diagnostic]]:
    """Shape the top nodes of a book's *files*; None stands for a file that could not be read."""
    shaper = _Shaper(environment)
    for node in files:
        shaper.add_file(node)
    return shaper.document(), shaper.diagnostics


def shape_script(node: Node) -> tuple[list[ScriptItem], list[Diagnostic]]:
    """Shape a script: a list of entries."""
    if not isinstance(node, SequenceNode):
        return [], [diagnose("RB202", node.span, "a script is a list of entries, each with `when` and `reply`")]
    items: list[ScriptItem] = []
    diagnostics: list[Diagnostic] = []
    for item in node.items:
        shaped, problems = _shape_entry(ScriptItem, item, item.span, {})
        diagnostics += problems
        if shaped is not None:
            items.append(shaped)
    return items, diagnostics


def _shape_entry(model: type[E], node: Node, key: Span, environment: Environment) -> tuple[E | None, list[Diagnostic]]:
    try:
        return model.model_validate(to_plain(node), context=environment), []
    except ValidationError as error:
        return None, read_problems(error, model, node, key)


class _Shaper:
    """Collects the definitions of one book, file after file."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.diagnostics: list[Diagnostic] = []
        self.sections: dict[str, dict[str, Definition[Any]]] = {name: {} for name in (*SECTIONS, SETTINGS)}
        self.broken: dict[str, dict[str, Span]] = {name: {} for name in (*SECTIONS, SETTINGS)}
        self.unread = False

    def document(self) -> Document:
        broken = {section: frozenset(names) for section, names in self.broken.items()}
        return Document(**self.sections, broken=broken, unread=self.unread)

    def add_file(self, node: Node | None) -> None:
        if not isinstance(node, MappingNode):
            self.unread = True
            if node is not None:
                self._say("RB202", node.span, "a route file is a mapping of sections", help_text=_section_list())
            return
        for section, key, value in node:
            self._add_section(section, key, value)

    def _add_section(self, section: str, key: ScalarNode, value: Node) -> None:
        if section not in self.sections:
            self.unread = True
            near = did_you_mean(section, self.sections)
            self._say("RB201", key.span, f"unknown section {section!r}", help_text=near or _section_list())
        elif not isinstance(value, MappingNode):
            self.unread = True
            wanted = "settings" if section == SETTINGS else "names to definitions"
            self._say("RB202", key.span, f"section {section!r} must be a mapping of {wanted}")
        elif section == SETTINGS:
            for name, name_node, _ in value:
                self._add_setting(name, name_node, value)
        else:
            for name, name_node, definition in value:
                self._add_definition(section, name, name_node, definition)

    def _add_definition(self, section: str, name: str, key: ScalarNode, node: Node) -> None:
        if not self._is_first(section, name, key.span):
            return
        pattern = _SERVER_NAME if section == "mcp_servers" else _NAME
        if pattern.fullmatch(name) is None:
            dots = "" if section == "mcp_servers" else ", dots"
            rule = f"a name is a lower-case letter, then up to 63 lower-case letters, digits{dots}, `_` or `-`"
            self._say("RB205", key.span, f"bad name {name!r}", help_text=rule)
            self.broken[section][name] = key.span
            return
        self._keep(section, name, key.span, node, SECTIONS[section])

    def _add_setting(self, name: str, key: ScalarNode, section: MappingNode) -> None:
        if self._is_first(SETTINGS, name, key.span):
            entries = tuple(entry for entry in section.entries if entry[0] is key)
            self._keep(SETTINGS, name, key.span, MappingNode(entries, key.span), Settings)

    def _keep(self, section: str, name: str, key: Span, node: Node, model: type[Entry]) -> None:
        shaped, problems = _shape_entry(model, node, key, self.environment)
        self.diagnostics += problems
        if shaped is None:
            self.broken[section][name] = key
        else:
            self.sections[section][name] = Definition(section, name, shaped, key, node)

    def _is_first(self, section: str, name: str, place: Span) -> bool:
        earlier = self.sections[section].get(name)
        first = self.broken[section].get(name) if earlier is None else earlier.key
        if first is None:
            return True
        message = f"{_singular(section)} {name!r} is defined twice"
        self._say("RB302", place, message, notes=(f"first defined at {first}",), help_text="rename or remove one")
        return False

    def _say(
        self, code: str, span: Span, message: str, notes: Iterable[str] = (), help_text: str | None = None
    ) -> None:
        self.diagnostics.append(diagnose(code, span, message, notes=notes, help=help_text))


def _section_list() -> str:
    return f"sections: {', '.join((*SECTIONS, SETTINGS))}"


def _singular(section: str) -> str:
    return {"mcp_servers": "tool server", "settings": "setting"}.get(section, section.removesuffix("s"))
