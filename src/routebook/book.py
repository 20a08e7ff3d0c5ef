"""Book: opens a directory of route files and compiles it, the meeting point of source, document and compiler.

Comes in: a directory (or a mapping) and the environment. Goes out: a RoutingTable, and everything that is to be
said about the files, each with its source line. No network, and nothing outside the directory is read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .canonical.frozen import thaw
from .compiler.build import Materials
from .compiler.scripts import freeze_script
from .compiler.stages import compile_document
from .diagnostics.diagnostic import Diagnostic, diagnose, has_errors, in_order
from .diagnostics.source import with_source_lines
from .diagnostics.span import Span
from .document.content import content_references
from .document.environment import Environment
from .document.shape import shape_document, shape_script
from .errors import RouteFileError
from .providers import registry
from .routing.script import Script
from .routing.table import RoutingTable
from .source.node import Node
from .source.parse import parse, parse_content
from .source.tree import SourceFile, read_content, read_tree

_MAPPING_PATH = "<mapping>.json"

ContentReader = Callable[[str, Span], SourceFile | Diagnostic]


@dataclass(frozen=True, slots=True)
class BookReport:
    """What compiling a book gave: its table (None if anything is an error) and all that is said about it."""

    table: RoutingTable | None
    diagnostics: tuple[Diagnostic, ...]


def compile_book(path: str | os.PathLike[str], environment: Environment | None = None) -> RoutingTable:
    """Compile the book in the directory *path*; `{env: ...}` is read from *environment* (default: the process's).

    Raises:
        RouteFileError: The book does not compile; `diagnostics` has every problem.
    """
    return _table_of(read_book(path, environment))


def compile_mapping(book: Mapping[str, Any], environment: Environment | None = None) -> RoutingTable:
    """Compile a book given as one mapping of sections, for tests; the rest is as for `compile`.

    Places in diagnostics and reasons are those of the mapping's JSON text.

    Raises:
        RouteFileError: The book does not compile; `diagnostics` has every problem.
    """
    text = json.dumps(thaw(book), indent=2, ensure_ascii=False)
    file = SourceFile(_MAPPING_PATH, text)
    return _table_of(_compile_files((file,), (), _no_content, environment))


def read_book(path: str | os.PathLike[str], environment: Environment | None = None) -> BookReport:
    """Compile the book in the directory *path*, and return what came of it instead of raising."""
    root = Path(path)
    tree = read_tree(root)

    def content(name: str, place: Span) -> SourceFile | Diagnostic:
        read = read_content(root, name, place)
        return read if isinstance(read, Diagnostic) else SourceFile(name, read)

    return _compile_files(tree.files, tree.diagnostics, content, environment)


class OpenBook:
    """The book in a directory, to be read again and again as it is edited; what has not changed is not done again.

    `{env: ...}` is read from *environment* (default: the process's) at each reading. One reading at a time.
    """

    def __init__(self, path: str | os.PathLike[str], environment: Environment | None = None) -> None:
        self.root = Path(path)
        self._environment = environment

    def read(self) -> BookReport:
        """Compile the book as it stands now, and return what came of it."""
        return read_book(self.root, self._environment)


def read_script(path: str | os.PathLike[str]) -> Script:
    """Read a script from a file of its own.

    Raises:
        RouteFileError: The file cannot be read, or is no script.
    """
    file = Path(path)
    read = read_content(file.parent, file.name, Span(file.name))
    if isinstance(read, Diagnostic):
        raise RouteFileError([read])
    return _script_in(SourceFile(file.name, read))


def script_of(entries: Iterable[Mapping[str, Any]]) -> Script:
    """Return the script that plain *entries* (`{when, reply}`) describe.

    Raises:
        RouteFileError: An entry is not of a script's form.
    """
    return _script_in(SourceFile("<script>.json", json.dumps(list(entries), indent=2, ensure_ascii=False)))


def _script_in(file: SourceFile) -> Script:
    parsed = parse_content(file)
    items, problems = ([], []) if parsed.node is None else shape_script(parsed.node)
    diagnostics = in_order([*parsed.diagnostics, *problems])
    if has_errors(diagnostics):
        raise RouteFileError(with_source_lines(diagnostics, {file.path: file.text}))
    return freeze_script(items)


def _table_of(report: BookReport) -> RoutingTable:
    if report.table is None:
        raise RouteFileError(report.diagnostics)
    return report.table


def _no_content(name: str, place: Span) -> SourceFile | Diagnostic:
    return diagnose("RB107", place, f"content file {name!r} cannot be read: a mapping has no directory")


def _compile_files(
    files: Iterable[SourceFile],
    earlier: Iterable[Diagnostic],
    content: ContentReader,
    environment: Environment | None,
) -> BookReport:
    environment = os.environ if environment is None else environment
    sources, diagnostics = list(files), list(earlier)
    # A file that could not be read may define any name; None stands for it.
    nodes: list[Node | None] = [None for diagnostic in diagnostics if diagnostic.severity == "error"]
    for file in sources:
        parsed = parse(file)
        nodes.append(parsed.node)
        diagnostics += parsed.diagnostics
    document, problems = shape_document(nodes, environment)
    diagnostics += problems
    contents: dict[str, Node] = {}
    for name, place in content_references(document):
        read = content(name, place)
        if isinstance(read, Diagnostic):
            diagnostics.append(read)
        elif name not in contents:
            parsed = parse_content(read)
            sources.append(read)
            diagnostics += parsed.diagnostics
            if parsed.node is not None:
                contents[name] = parsed.node
    texts = {file.path: file.text for file in sources}
    materials = Materials(registry.traits(), registry.presets(), contents, texts)
    return BookReport(*compile_document(document, materials, diagnostics))
