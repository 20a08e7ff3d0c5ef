"""Shape: the nodes of a book's files, one by one → a Document, and every problem of their shape (RB2xx, RB302, RB7xx).

Pure: the environment is handed in as a mapping. A definition whose shape is refused is left out, its name kept,
so that one mistake gives one diagnostic.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import ValidationError

from ..diagnostics.diagnostic import Diagnostic, diagnose
from ..diagnostics.span import Span
from ..diagnostics.suggest import did_you_mean
from ..source.node import MappingNode, Node, ScalarNode, SequenceNode, is_larger, to_plain
from .book import SECTIONS, SETTINGS, Document
from .entry import Definition, Entry
from .environment import Environment
from .features import Feature
from .literals import literals_of
from .problems import NAME_RULE, read_problems
from .profiles import Settings
from .salvage import revealed, salvage
from .scripts import ScriptItem

E = TypeVar("E", bound=Entry)

LIMIT_PROBLEMS = 100
LIMIT_VALUES = 50_000
_MORE = f"this file has more than {LIMIT_PROBLEMS} problems; the rest of it is not looked at"

_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_SERVER_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Shaped:
    """What one name of one section was given: its definition (None where its shape was refused), and the problems.

    `rest` is what can be read of a feature whose shape was refused.
    """

    section: str
    name: str
    key: Span
    definition: Definition[Any] | None
    problems: tuple[Diagnostic, ...]
    rest: Definition[Feature] | None = None


@dataclass(frozen=True, slots=True)
class FilePart:
    """What one file adds to a book. `unread` tells that it may define more names than are known."""

    shaped: tuple[Shaped, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    unread: bool = False


def shape_file(node: Node | None, environment: Environment) -> FilePart:
    """Shape one file by its top *node*; None stands for a file that could not be read."""
    if node is None:
        return FilePart(unread=True)
    if not isinstance(node, MappingNode):
        problem = diagnose("RB202", node.span, "a route file is a mapping of sections", help=_section_list())
        return FilePart(problems=(problem,), unread=True)
    shaped: list[Shaped] = []
    problems: list[Diagnostic] = []
    left = LIMIT_PROBLEMS
    for section, key, value in node:
        wrong = _section_problem(section, key, value)
        if wrong is not None:
            problems.append(wrong)
            left -= 1
        elif isinstance(value, MappingNode):
            for name, name_key, item in value:
                shaped.append(_shape(section, name, name_key, item, value, environment))
                left -= len(shaped[-1].problems)
                if left <= 0:
                    break
        if left <= 0:
            problems.append(diagnose("RB105", node.span, _MORE, help="mend these first"))
            break
    return FilePart(tuple(shaped), tuple(problems), unread=bool(problems))


def with_literals(part: FilePart) -> FilePart:
    """Return *part* with a warning for each value in it that looks like a secret and is not refused as one (RB505)."""
    refused = {problem.span for shaped in part.shaped for problem in shaped.problems if problem.code == "RB206"}
    found = [literal for shaped in part.shaped if shaped.definition for literal in literals_of(shaped.definition)]
    warnings = tuple(literal for literal in found if literal.span not in refused)
    return replace(part, problems=part.problems + warnings)


def join_parts(parts: Iterable[FilePart]) -> tuple[Document, list[Diagnostic]]:
    """Join the parts of a book's files, in the files' order; a name that is defined twice is reported (RB302)."""
    sections: dict[str, dict[str, Definition[Any]]] = {name: {} for name in (*SECTIONS, SETTINGS)}
    first: dict[tuple[str, str], Span] = {}
    broken: dict[str, set[str]] = {name: set() for name in sections}
    problems: list[Diagnostic] = []
    rests: list[Definition[Feature]] = []
    unread = False
    for part in parts:
        unread = unread or part.unread
        problems += part.problems
        for shaped in part.shaped:
            place = first.setdefault((shaped.section, shaped.name), shaped.key)
            if place is not shaped.key:
                problems.append(_twice(shaped, place))
                continue
            problems += shaped.problems
            if shaped.definition is None:
                broken[shaped.section].add(shaped.name)
                if shaped.rest is not None:
                    rests.append(shaped.rest)
            else:
                sections[shaped.section][shaped.name] = shaped.definition
    kept = {section: frozenset(names) for section, names in broken.items()}
    return Document(**sections, broken=kept, rests=tuple(rests), unread=unread), problems


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
        return None, read_problems(error.errors(include_url=False), model, node, key)


def _shape_feature(node: Node, key: Span, environment: Environment) -> tuple[Feature | None, list[Diagnostic], bool]:
    """Shape a feature; where it has mistakes, return what can be read of it, and tell so."""
    try:
        return Feature.model_validate(to_plain(node), context=environment), [], True
    except ValidationError as error:
        written = to_plain(node)
        rest, further = (None, []) if not isinstance(written, dict) else salvage(Feature, written, error, environment)
        found = [*error.errors(include_url=False), *revealed(further)]
        return rest, read_problems(found, Feature, node, key), False


def _section_problem(section: str, key: ScalarNode, value: Node) -> Diagnostic | None:
    if section not in SECTIONS and section != SETTINGS:
        near = did_you_mean(section, (*SECTIONS, SETTINGS))
        return diagnose("RB201", key.span, f"unknown section {section!r}", help=near or _section_list())
    if not isinstance(value, MappingNode):
        wanted = "settings" if section == SETTINGS else "names to definitions"
        return diagnose("RB202", key.span, f"section {section!r} must be a mapping of {wanted}")
    return None


def _shape(
    section: str, name: str, key: ScalarNode, node: Node, parent: MappingNode, environment: Environment
) -> Shaped:
    place = key.span
    if section == SETTINGS:
        node = MappingNode(tuple(entry for entry in parent.entries if entry[0] is key), place)
    elif (problem := _name_problem(section, name, place)) is not None:
        return Shaped(section, name, place, None, (problem,))
    if is_larger(node, LIMIT_VALUES):
        message = f"{_singular(section)} {name!r} holds more than {LIMIT_VALUES:,} values"
        return Shaped(section, name, place, None, (diagnose("RB105", place, message, help="make it smaller"),))
    model = Settings if section == SETTINGS else SECTIONS[section]
    if section == "features":
        feature, problems, is_whole = _shape_feature(node, place, environment)
        read = None if feature is None else Definition(section, name, feature, place, node)
        return Shaped(section, name, place, read if is_whole else None, tuple(problems), None if is_whole else read)
    value, problems = _shape_entry(model, node, place, environment)
    definition = None if value is None else Definition(section, name, value, place, node)
    return Shaped(section, name, place, definition, tuple(problems))


def _name_problem(section: str, name: str, place: Span) -> Diagnostic | None:
    pattern = _SERVER_NAME if section == "mcp_servers" else _NAME
    if pattern.fullmatch(name) is not None:
        return None
    rule = NAME_RULE.replace(", dots", "") if section == "mcp_servers" else NAME_RULE
    return diagnose("RB205", place, f"bad name {name!r}", help=rule)


def _twice(shaped: Shaped, first: Span) -> Diagnostic:
    message = f"{_singular(shaped.section)} {shaped.name!r} is defined twice"
    return diagnose("RB302", shaped.key, message, notes=(f"first defined at {first}",), help="rename or remove one")


def _section_list() -> str:
    return f"sections: {', '.join((*SECTIONS, SETTINGS))}"


def _singular(section: str) -> str:
    return {"mcp_servers": "tool server", "settings": "setting"}.get(section, section.removesuffix("s"))
