"""The floors of the house hold in the package, and the checker finds each way of breaking them."""

from __future__ import annotations

from pathlib import Path

import pytest

from floors import FLOOR_OF, LAZY_DOORS, NEIGHBOURS, PURE, problems_of

PACKAGE = Path(__file__).parents[1] / "src" / "routebook"


def made(root: Path, **files: str) -> Path:
    """Write a package; `a__b` stands for the file a/b.py, `a__` for a/__init__.py, `_` for the package's own."""
    package = root / "house"
    for name, text in {"_": "", **files}.items():
        stem = "__init__" if name == "_" else name.replace("__", "/") + ("__init__" if name.endswith("__") else "")
        file = package / f"{stem}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return package


def test_the_package_keeps_its_floors():
    assert problems_of(PACKAGE) == []


def test_every_file_of_the_package_is_read(tmp_path: Path):
    """The check above would also pass on nothing."""
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in PACKAGE.rglob("*.py")}

    assert {"canonical", "routing", "compiler", "providers", "engine", "cli"} <= rooms
    assert rooms - {"__init__"} <= FLOOR_OF.keys()


@pytest.mark.parametrize("door", [door for door in LAZY_DOORS if door])
def test_every_lazy_door_has_the_table_that_is_read(door: str):
    table, _ = LAZY_DOORS[door]
    text = (PACKAGE / f"{door.replace('.', '/')}.py").read_text(encoding="utf-8")

    assert f"\n{table}" in text
    assert text.count("import_module") > 1


def test_a_house_in_order_has_no_problems(tmp_path: Path):
    package = made(
        tmp_path,
        _="from importlib import import_module\n_PUBLIC = {'Engine': 'house.engine.engine'}\n",
        canonical__="",
        canonical__part="from dataclasses import dataclass\n",
        routing__table="from pathlib import PurePosixPath\nfrom ..canonical.part import dataclass\n",
        document__book="from ..source import node\n",
        source__node="import os\n",
        engine__engine="from ..routing.table import PurePosixPath\nfrom .. import book\n",
        book="from .document.book import node\n",
        providers__http__over="import httpx2\n",
        tools__session="import mcp\n",
    )

    assert problems_of(package) == []


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (
            {"canonical__part": "import re\nfrom ..routing.table import X\n", "routing__table": ""},
            "house/canonical/part.py:2: canonical (floor 0) imports routing.table (floor 1), above it",
        ),
        (
            {"source__yaml": "from house.compiler import dead\n", "compiler__dead": ""},
            "house/source/yaml.py:1: source imports compiler.dead, on the same floor",
        ),
        (
            {"providers__x": "from ..credentials import read\n", "credentials": ""},
            "house/providers/x.py:1: providers imports credentials, on the same floor",
        ),
        (
            {"compiler__x": "import house.providers.registry\n", "providers__registry": ""},
            "house/compiler/x.py:1: compiler imports providers.registry, on the same floor",
        ),
        (
            {"book": "from . import engine\n", "engine__": ""},
            "house/book.py:1: book imports engine, on the same floor",
        ),
        (
            {"routing__x": "from .. import y\n", "_": "y = 1\n"},
            "house/routing/x.py:1: routing (floor 1) imports the package (floor 4), above it",
        ),
        (
            {
                "outputs__x": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..engine import run\n",
                "engine__run": "",
            },
            "house/outputs/x.py:3: outputs (floor 1) imports engine.run (floor 3), above it",
        ),
        ({"helpers__x": ""}, "house/helpers/x.py:1: 'helpers' stands on no floor"),
        ({"routing__x": "import os.path\n"}, "house/routing/x.py:1: routing is pure, but imports os.path"),
        ({"document__x": "from time import time\n"}, "house/document/x.py:1: document is pure, but imports time"),
        ({"compiler__x": "from pathlib import Path\n"}, "house/compiler/x.py:1: compiler is pure, but imports pathlib"),
        ({"outputs__x": "import pathlib\n"}, "house/outputs/x.py:1: outputs is pure, but imports pathlib"),
        ({"prompts__x": "open('a')\n"}, "house/prompts/x.py:1: prompts is pure, but calls open()"),
        (
            {"diagnostics__x": "import datetime\ndatetime.datetime.now()\n"},
            "house/diagnostics/x.py:2: diagnostics is pure, but calls now()",
        ),
        (
            {"engine__x": "import httpx2\n"},
            "house/engine/x.py:1: engine.x imports httpx2, which belongs to providers.http",
        ),
        (
            {"providers__x": "from urllib import request\n"},
            "house/providers/x.py:1: providers.x imports urllib.request, which belongs to providers.http",
        ),
        (
            {"tools__call": "from mcp.types import Tool\n"},
            "house/tools/call.py:1: tools.call imports mcp, which belongs to tools.session and demo",
        ),
        (
            {"engine__x": "def f():\n    from . import y\n", "engine__y": ""},
            "house/engine/x.py:2: imports engine.y inside a function",
        ),
        (
            {"cli__x": "f = lambda: __import__('house.engine')\n"},
            "house/cli/x.py:1: imports by name, and is no lazy door with a literal table",
        ),
        (
            {"cli__main": "from importlib import import_module\nCOMMANDS = dict(a='b')\nimport_module('a')\n"},
            "house/cli/main.py:3: imports by name, and is no lazy door with a literal table",
        ),
        (
            {"_": "_PUBLIC = {'X': 'house.engine.gone'}\n"},
            "house/__init__.py:1: the lazy door _PUBLIC names house.engine.gone, which is no module",
        ),
        (
            {"engine__toolbox": "LAZY_DOOR = {'X': 'house.tools.call'}\n", "tools__call": ""},
            "house/engine/toolbox.py:1: the lazy door LAZY_DOOR names house.tools.call, outside tools.session",
        ),
        (
            {"engine__a": "from . import b\n", "engine__b": "from .c import x\n", "engine__c": "from .a import b\n"},
            "cycle: engine.a → engine.b → engine.c → engine.a",
        ),
        (
            {"_": "_PUBLIC = {'X': 'house.cli.main'}\n", "cli__main": "from .. import __version__\n"},
            "cycle: the package → cli.main → the package",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_import_is_reported(tmp_path: Path, files: dict[str, str], problem: str):
    assert problem in problems_of(made(tmp_path, **files))


def test_one_mistake_is_reported_once(tmp_path: Path):
    package = made(
        tmp_path, engine__a="from . import b\n", engine__b="from . import a\n", engine__c="from . import a\n"
    )

    assert problems_of(package) == ["cycle: engine.a → engine.b → engine.a"]


def test_an_import_for_types_alone_closes_no_cycle(tmp_path: Path):
    package = made(
        tmp_path,
        routing__table="from .resolve import resolve\n",
        routing__resolve="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .table import Table\n",
    )

    assert problems_of(package) == []


def test_the_wings_never_meet():
    left = {"source", "document", "compiler"}
    right = {"providers", "tools", "state", "ledger", "telemetry", "credentials"}

    assert not [pair for pair in NEIGHBOURS if (pair[0] in left) != (pair[1] in left) and set(pair) & right]
    assert {"routing", "prompts", "outputs", "document", "compiler"} < PURE
