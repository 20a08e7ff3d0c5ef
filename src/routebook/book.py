"""Book: opens a directory of route files and compiles it, the meeting point of source, document and compiler.

Comes in: a directory (or a mapping) and the environment. Goes out: a RoutingTable, and everything that is to be
said about the files, each with its source line. No network, and nothing outside the directory is read.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .canonical.frozen import thaw
from .compiler.build import Materials
from .compiler.remember import Memory
from .compiler.scripts import freeze_script
from .compiler.stages import compile_document
from .diagnostics.diagnostic import Diagnostic, diagnose, has_errors, in_order
from .diagnostics.ignore import Ignore
from .diagnostics.source import with_source_lines
from .diagnostics.span import Span
from .document.content import content_uses
from .document.environment import Environment
from .document.literals import may_hold_secret
from .document.shape import FilePart, join_parts, shape_file, shape_script, with_literals
from .errors import RouteFileError
from .providers import extras, registry
from .routing.script import Script
from .routing.table import RoutingTable
from .source.ignore import ignores_in
from .source.node import Node, Parsed
from .source.parse import parse, parse_content
from .source.tree import LOOKS, SourceFile, Tree, read_content, read_tree

_MAPPING_PATH = "<mapping>.json"


@dataclass(frozen=True, slots=True)
class BookReport:
    """What compiling a book gave: its table (None if anything is an error) and all that is said about it.

    `linked` is the table that could be linked, also where it is none to use because an invariant does not hold.
    """

    table: RoutingTable | None
    diagnostics: tuple[Diagnostic, ...]
    linked: RoutingTable | None = None


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
    try:
        text = json.dumps(thaw(book), indent=2, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        message = f"the mapping is no JSON: {str(error) or type(error).__name__}"
        help_text = "a book is made of mappings with text keys, lists, texts, numbers, true, false and null"
        raise RouteFileError([diagnose("RB102", Span(_MAPPING_PATH), message, help=help_text)]) from error
    file = SourceFile(_MAPPING_PATH, text)
    return _table_of(_compile(_OneFile((file,)), environment, _Known()))


def read_book(path: str | os.PathLike[str], environment: Environment | None = None) -> BookReport:
    """Compile the book in the directory *path*, and return what came of it instead of raising."""
    return OpenBook(path, environment).read()


class OpenBook:
    """The book in a directory, to be read again and again as it is edited; what has not changed is not done again.

    `{env: ...}` is read from *environment* (default: the process's) at each reading. One reading at a time.
    """

    def __init__(self, path: str | os.PathLike[str], environment: Environment | None = None) -> None:
        self.root = Path(path)
        self._environment = environment
        self._known = _Known()
        self._tree: Tree | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that `{env: ...}` scalars of the book were last read from, by name."""
        return self._known.variables

    def read(self) -> BookReport:
        """Compile the book as it stands now, and return what came of it.

        All files are taken from one look at the directory: where something changed meanwhile, it is looked at again,
        a few times.
        """
        for _ in range(LOOKS):
            self._tree = read_tree(self.root, self._tree)
            with _collecting_later():
                report = _compile(self._tree, self._environment, self._known)
            if self._tree.still():
                break
        return report


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


@dataclass(frozen=True, slots=True)
class _OneFile:
    """A book that is no directory."""

    files: tuple[SourceFile, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    lock: SourceFile | None = None

    def read_content(self, path: str, span: Span) -> SourceFile | Diagnostic:
        """Refuse the content file at *path*."""
        return diagnose("RB107", span, f"content file {path!r} cannot be read: a mapping has no directory")


@contextmanager
def _collecting_later() -> Iterator[None]:
    """Keep the garbage collector still: a large book makes millions of objects, and nearly all of them stay."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count() == 0:
            # Counts what was made as old, so that the next collection does not look through all of it at once.
            gc.freeze()
            gc.unfreeze()
        if was_on:
            gc.enable()


class _Reads(Mapping[str, str]):
    """An environment that remembers what was read from it."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.read: dict[str, str | None] = {}

    def __getitem__(self, name: str) -> str:
        self.read[name] = self._environment.get(name)
        return self._environment[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environment)

    def __len__(self) -> int:
        return len(self._environment)


@dataclass(frozen=True, slots=True)
class _KnownFile:
    """A route file as it was read, parsed and shaped, with the variables that its shape depends on."""

    file: SourceFile
    parsed: Parsed
    part: FilePart
    read: Mapping[str, str | None]
    ignores: tuple[Ignore, ...]


class _Known:
    """What earlier readings of a book made of its files, by path."""

    def __init__(self) -> None:
        self.memory = Memory()
        self._files: dict[str, _KnownFile] = {}
        self._contents: dict[str, tuple[SourceFile, Parsed]] = {}

    def shaped(self, files: Iterable[SourceFile], environment: Environment) -> list[_KnownFile]:
        """Return each of *files* parsed and shaped; files that are not among them are forgotten."""
        self._files = {file.path: self._shaped(file, environment) for file in files}
        return list(self._files.values())

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that the files were last shaped by."""
        return tuple(sorted({name for file in self._files.values() for name in file.read}))

    def content(self, file: SourceFile) -> Parsed:
        """Return what the content *file* says."""
        known = self._contents.get(file.path)
        if known is None or known[0] is not file:
            known = self._contents[file.path] = (file, parse_content(file))
        return known[1]

    def _shaped(self, file: SourceFile, environment: Environment) -> _KnownFile:
        known = self._files.get(file.path)
        if known is not None and known.file is not file:
            known = None
        if known is not None and all(environment.get(name) == value for name, value in known.read.items()):
            return known
        parsed = parse(file) if known is None else known.parsed
        reads = _Reads(environment)
        part = shape_file(parsed.node, reads)
        if may_hold_secret(file.text):
            part = with_literals(part)
        return _KnownFile(file, parsed, part, reads.read, ignores_in(file))


def _compile(tree: Tree | _OneFile, environment: Environment | None, known: _Known) -> BookReport:
    shaped = known.shaped(tree.files, os.environ if environment is None else environment)
    diagnostics = list(tree.diagnostics)
    # A file that could not be read may define any name; an empty part stands for it.
    unread = [shape_file(None, {}) for diagnostic in diagnostics if diagnostic.severity == "error"]
    for file in shaped:
        diagnostics += file.parsed.diagnostics
    document, problems = join_parts([*unread, *(file.part for file in shaped)])
    diagnostics += problems
    contents: dict[str, Node] = {}
    prompts: dict[str, str] = {}
    texts = {file.file.path: file.file.text for file in shaped}
    refused: set[str] = set()
    for use in content_uses(document):
        if use.path in refused:
            continue
        read = tree.read_content(use.path, use.span)
        if isinstance(read, Diagnostic):
            refused.add(use.path)
            diagnostics.append(read)
            continue
        texts[read.path] = read.text
        if use.is_text:
            prompts[use.path] = read.text
            continue
        parsed = known.content(read)
        diagnostics += parsed.diagnostics
        if parsed.node is not None:
            contents[use.path] = parsed.node
    lock = None if tree.lock is None else known.content(tree.lock)
    if lock is not None and tree.lock is not None:
        diagnostics += lock.diagnostics
        texts[tree.lock.path] = tree.lock.text
    ignores = [ignore for file in shaped for ignore in file.ignores]
    materials = Materials(
        apis=registry.traits(),
        presets=registry.presets(),
        contents=contents,
        prompts=prompts,
        lock=None if lock is None else lock.node,
        texts=texts,
        ignores=ignores,
        missing_extras=extras.missing(),
    )
    compiled = compile_document(document, materials, diagnostics, known.memory)
    return BookReport(compiled.table, compiled.diagnostics, compiled.linked)
