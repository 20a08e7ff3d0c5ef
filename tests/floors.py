"""The floors of the house, read from the imports of a package without importing it.

Comes in: the directory of a package. Goes out: one sentence for each import that does not belong, each impurity and
each cycle, as `path:line: what is wrong`. Imports under `if TYPE_CHECKING:` count for the floors, not for cycles; the
tables of the lazy doors count for both.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

FLOORS = {
    0: ("canonical", "diagnostics", "errors"),
    1: ("routing", "prompts", "outputs", "records"),
    2: ("source", "document", "compiler", "providers", "tools", "state", "ledger", "telemetry", "credentials"),
    3: ("engine", "batch", "book"),
    4: ("", "cli", "gateway", "demo", "testing", "pytest_plugin", "snapshot"),
}
"""The rooms of each floor; "" is the package's own `__init__`."""

FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}

NEIGHBOURS = {
    ("compiler", "document"),
    ("compiler", "source"),
    ("document", "source"),
    ("prompts", "routing"),
    ("outputs", "routing"),
    ("records", "routing"),
    ("engine", "book"),
    ("errors", "diagnostics"),
    ("errors", "canonical"),  # an error carries the tool call it is about
    ("cli", "demo"),  # `routebook demo` takes the tour, `routebook init` copies the example book
    ("cli", ""),  # the version
    ("pytest_plugin", "snapshot"),
}
"""Who may import whom on the same floor."""

LAZY_DOORS = {
    "": ("_PUBLIC", None),
    "cli.main": ("COMMANDS", "cli"),
    "providers.registry": ("_APIS", "providers"),
    "providers.http.choice": ("_TRANSPORTS", "providers"),
    "providers.gemini.client": ("_SIGNERS", "providers.gemini.vertex"),
    "providers.bedrock.signing": ("LAZY_DOOR", "providers.bedrock.chain"),
    "providers.litellm.library": ("LAZY_DOOR", "providers.litellm.imported"),
    "engine.toolbox": ("LAZY_DOOR", "tools.session"),
    "pytest_plugin": ("LAZY_DOOR", None),
}
"""Modules that import by name: their literal table, and the room or module it may name (None: any below)."""

OPEN_DOORS = frozenset({"engine.python_checks"})
"""Modules that import what a book names: the application's own code, which no table can list."""

PURE = frozenset({*FLOORS[0], *FLOORS[1], "document", "compiler"})
IMPURE_MODULES = frozenset(
    {"asyncio", "httpx2", "importlib", "io", "logging", "mcp", "multiprocessing", "os", "random", "secrets", "select"}
    | {"shutil", "socket", "subprocess", "tempfile", "threading", "time", "uuid"}
)
IMPURE_NAMES = {"pathlib": frozenset({"PurePath", "PurePosixPath", "PureWindowsPath"})}
"""Modules of which a pure room may import these names alone."""
IMPURE_CALLS = frozenset({"open", "print", "input", "now", "utcnow", "today"})

_HTTP_LIBRARIES = (
    *("httpx2", "httpcore2", "httptools"),
    *("httpx", "requests", "aiohttp", "urllib3", "urllib.request", "http.client"),
)

ONLY_IN = {**dict.fromkeys(_HTTP_LIBRARIES, ("providers.http",)), "mcp": ("tools.session", "demo")}
"""Where each of these modules may be imported; a room stands for everything in it."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One import: the module of the package, or the foreign module, and how it is imported."""

    target: str
    line: int
    own: bool
    typing_only: bool = False
    names: tuple[str, ...] = ()


@dataclass(slots=True)
class Module:
    """One file: its name below the package ("" for the package itself) and what stands in it."""

    name: str
    path: str
    edges: list[Edge] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]

    def say(self, line: int, message: str) -> None:
        self.problems.append(f"{self.path}:{line}: {message}")


def problems_of(package: Path) -> list[str]:
    """Return every problem of *package*, by file, then the cycles."""
    files = sorted(package.rglob("*.py"))
    names = {_module_name(package, file) for file in files}
    modules = [_read(package, file, names) for file in files]
    for module in modules:
        _check_floors(module)
        _check_foreign(module)
    return [problem for module in modules for problem in module.problems] + _cycles(modules)


def _module_name(package: Path, file: Path) -> str:
    parts = file.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _read(package: Path, file: Path, names: set[str]) -> Module:
    module = Module(_module_name(package, file), f"{package.name}/{file.relative_to(package).as_posix()}")
    reader = _Reader(module, package.name, file.name == "__init__.py", names)
    reader.visit(ast.parse(file.read_text(encoding="utf-8"), str(file)))
    reader.finish()
    return module


class _Reader(ast.NodeVisitor):
    """Collects the edges of one module, and what stands where it must not."""

    def __init__(self, module: Module, package: str, is_package: bool, names: set[str]) -> None:
        self.module = module
        self.package = package
        self.names = names
        self.home = module.name if is_package else module.name.rpartition(".")[0]
        self.in_function = 0
        self.in_typing = 0
        self.table_seen = False
        self.by_name: list[int] = []

    def visit(self, node: ast.AST) -> None:
        is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        self.in_function += is_function
        super().visit(node)
        self.in_function -= is_function

    def visit_If(self, node: ast.If) -> None:
        typing_only = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        self.in_typing += typing_only
        for child in node.body:
            self.visit(child)
        self.in_typing -= typing_only
        for child in node.orelse:
            self.visit(child)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = self._inside(alias.name)
            if name is None:
                self._add(alias.name, node.lineno, own=False)
            else:
                self._add(name, node.lineno, own=True)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = self._base(node)
        if base is None:
            self._add(str(node.module), node.lineno, own=False, names=tuple(alias.name for alias in node.names))
            return
        for alias in node.names:
            inner = f"{base}.{alias.name}".lstrip(".")
            self._add(inner if inner in self.names else base, node.lineno, own=True)

    def visit_Call(self, node: ast.Call) -> None:
        name = _last_name(node.func)
        if name in IMPURE_CALLS and self.module.room in PURE:
            self.module.say(node.lineno, f"{self.module.room} is pure, but calls {name}()")
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name | ast.Attribute) -> None:
        if _last_name(node) in {"import_module", "__import__"}:
            self.by_name.append(node.lineno)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.visit_Name(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._read_table(target, node.value)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._read_table(node.target, node.value)
        self.generic_visit(node)

    def finish(self) -> None:
        """Report imports by name that no literal table of a lazy door stands for."""
        if self.table_seen or self.module.name in OPEN_DOORS:
            return
        for line in self.by_name:
            self.module.say(line, "imports by name, and is no lazy door with a literal table")

    def _read_table(self, target: ast.expr, value: ast.expr | None) -> None:
        table, allowed = LAZY_DOORS.get(self.module.name, ("", None))
        if self.in_function or not isinstance(target, ast.Name) or target.id != table:
            return
        if not isinstance(value, ast.Dict):
            return
        self.table_seen = True
        for line, text in _texts(value.values):
            name = self._inside(text)
            if name is None:
                continue
            if name not in self.names:
                self.module.say(line, f"the lazy door {table} names {text}, which is no module")
            elif allowed is not None and name != allowed and not name.startswith(f"{allowed}."):
                self.module.say(line, f"the lazy door {table} names {text}, outside {allowed}")
            else:
                self.module.edges.append(Edge(name, line, own=True))

    def _inside(self, name: str) -> str | None:
        """Return the name below the package, or None for a foreign module."""
        head, _, rest = name.partition(".")
        return rest if head == self.package else None

    def _base(self, node: ast.ImportFrom) -> str | None:
        """Return the module of the package that *node* imports from, or None for a foreign one."""
        if node.level == 0:
            return self._inside(str(node.module))
        steps = self.home.split(".") if self.home else []
        kept = steps[: len(steps) - (node.level - 1)]
        return ".".join([*kept, *([node.module] if node.module else [])])

    def _add(self, target: str, line: int, *, own: bool, names: tuple[str, ...] = ()) -> None:
        if self.in_function:
            self.module.say(line, f"imports {target or self.package} inside a function")
        self.module.edges.append(Edge(target, line, own, bool(self.in_typing), names))


def _last_name(node: ast.expr) -> str:
    """Return `c` of `c` and of `a.b.c`."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _texts(values: Iterable[ast.expr]) -> Iterator[tuple[int, str]]:
    for value in values:
        for node in ast.walk(value):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.lineno, node.value


def _check_floors(module: Module) -> None:
    floor = FLOOR_OF.get(module.room)
    if floor is None:
        module.say(1, f"{module.room!r} stands on no floor")
        return
    for edge in module.edges:
        room = edge.target.partition(".")[0]
        if not edge.own or room == module.room or room not in FLOOR_OF:
            continue
        other = FLOOR_OF[room]
        if other > floor:
            module.say(
                edge.line,
                f"{module.room} (floor {floor}) imports {edge.target or 'the package'} (floor {other}), above it",
            )
        elif other == floor and (module.room, room) not in NEIGHBOURS:
            module.say(edge.line, f"{module.room or 'the package'} imports {edge.target}, on the same floor")


def _check_foreign(module: Module) -> None:
    for edge in module.edges:
        if edge.own:
            continue
        if module.room in PURE and _is_impure(edge):
            module.say(edge.line, f"{module.room} is pure, but imports {edge.target}")
        for name in _prefixes(edge):
            places = ONLY_IN.get(name)
            if places is not None and not any(_is_within(module.name, place) for place in places):
                module.say(edge.line, f"{module.name} imports {name}, which belongs to {' and '.join(places)}")


def _is_impure(edge: Edge) -> bool:
    head = edge.target.partition(".")[0]
    allowed = IMPURE_NAMES.get(head)
    if allowed is not None:
        return not edge.names or not allowed.issuperset(edge.names)
    return head in IMPURE_MODULES or edge.target in ONLY_IN


def _prefixes(edge: Edge) -> set[str]:
    """Return every module that *edge* may stand for: `from urllib import request` is urllib.request too."""
    parts = edge.target.split(".")
    whole = {".".join(parts[: index + 1]) for index in range(len(parts))}
    return whole | {f"{edge.target}.{name}" for name in edge.names}


def _is_within(name: str, place: str) -> bool:
    return name == place or name.startswith(f"{place}.")


def _cycles(modules: Iterable[Module]) -> list[str]:
    """Return each circle of imports once, started at its first module by name."""
    graph = {
        module.name: sorted({e.target for e in module.edges if e.own and not e.typing_only and e.target != module.name})
        for module in modules
    }
    found: dict[frozenset[str], str] = {}
    done: set[str] = set()
    for start in sorted(graph):
        for cycle in _walk(graph, start, done):
            found.setdefault(frozenset(cycle), _drawn(cycle))
    return [found[key] for key in sorted(found, key=sorted)]


def _walk(graph: Mapping[str, list[str]], start: str, done: set[str]) -> Iterator[list[str]]:
    path: list[str] = []
    stack: list[tuple[str, Iterator[str]]] = []
    if start not in done:
        path.append(start)
        stack.append((start, iter(graph[start])))
    while stack:
        name, targets = stack[-1]
        target = next(targets, None)
        if target is None:
            done.add(name)
            path.pop()
            stack.pop()
        elif target in path:
            yield path[path.index(target) :]
        elif target in graph and target not in done:
            path.append(target)
            stack.append((target, iter(graph[target])))


def _drawn(cycle: list[str]) -> str:
    first = cycle.index(min(cycle))
    names = [name or "the package" for name in [*cycle[first:], *cycle[:first], cycle[first]]]
    return f"cycle: {' → '.join(names)}"
