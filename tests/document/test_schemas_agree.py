"""A file fits the published schema if, and only if, the reader finds nothing wrong with its shape.

Shown over every golden book, over random books, and over seeded mutations of them. What a schema cannot say stands in
BEYOND, with the reason.
"""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from random_books import ENVIRONMENT, random_book
from routebook.document.scalars import content_file
from routebook.document.schema import schemas
from routebook.document.shape import shape_file, shape_script
from routebook.source.node import MappingNode, Node, to_plain
from routebook.source.parse import parse
from routebook.source.tree import SourceFile, read_tree

ROOT = Path(__file__).parents[2]
BOOKS = ROOT / "tests" / "books"
ROUTE_FILE = Draft202012Validator(schemas()["route-file.schema.json"])
SHAPE = {"RB201", "RB202", "RB203", "RB204", "RB205", "RB206"}
UNSET = "RB701"
MUTATIONS = 3000
BEYOND = {
    "`min` is greater than `max`": "a schema does not compare two values",
    f"^{UNSET}": "what a variable holds is known when a book compiles, and an unset one hides the next problem",
    "this pattern cannot be used": "a schema does not know which patterns can be matched in linear time",
    "not a regular expression": "a schema does not check a pattern",
    r"must be a whole number, not the number \d+\.0$": "1.0 is an integer to a schema, in YAML it has a point",
}
"""What the reader refuses and the schema lets pass: a pattern of its words, and why."""
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 1.5, 1e9, "", "x", "a.b", "30s", "0s", "64KiB", "0KiB", "luna", "a/b", "none"),
    *([], ["x"], [1], [None], [[]], {}, {"x": 1}, {"file": "_x/y.json"}, {"file": ""}, {"file": 1}, {"model": "luna"}),
    *({"env": "UNSET"}, {"env": "no-name"}, {"env": "UNSET", "default": "x"}, {"env": "UNSET", "default": 1}),
    *({"env": "UNSET", "default": True}, {"env": "UNSET", "default": None}, {"env": "UNSET", "other": 1}),
    *({"split": []}, {"split": None, "model": "a/b"}, {"split": [{"name": "a", "weight": 1, "model": "a/b"}]}),
    *({"gt": 1}, {"not": None}, {"percent": 101}, {"exists": True, "prefix": "x"}, {"in": []}, {"in": ["x"]}),
]


def shape_problems(node: Node, environment: dict[str, str]) -> list[str]:
    """Return what the reader says about the shape of a file, inline scripts included."""
    part = shape_file(node, environment)
    found = [*part.problems, *(problem for shaped in part.shaped for problem in shaped.problems)]
    providers = node.get("providers") if isinstance(node, MappingNode) else None
    for _, _, provider in providers if isinstance(providers, MappingNode) else ():
        script = provider.get("script") if isinstance(provider, MappingNode) else None
        if script is not None and to_plain(script) is not None and content_file(to_plain(script)) is None:
            found += shape_script(script)[1]
    return [f"{problem.code} {problem.message}" for problem in found if problem.code in {*SHAPE, UNSET}]


def assert_agree(content: Any, problems: list[str]) -> None:
    within = [problem for problem in problems if not any(re.search(words, problem) for words in BEYOND)]
    refused = next(ROUTE_FILE.iter_errors(content), None)
    shown = json.dumps(content)[:3000]

    if refused is None:
        assert within == [], f"the schema accepts what the reader refuses: {shown}"
    else:
        assert problems != [], f"the schema refuses what the reader accepts: {refused.message[:300]}\n{shown}"


def golden_files() -> Iterator[tuple[str, Node, dict[str, str]]]:
    for book in [*sorted(path / "book" for path in BOOKS.iterdir()), ROOT / "routes"]:
        variables = book.parent / "environment.json"
        environment = json.loads(variables.read_text()) if variables.exists() else {}
        for file in read_tree(book).files:
            node = parse(file).node
            if node is not None:
                yield f"{book.parent.name}-{file.path}", node, environment


GOLDEN = list(golden_files())


@pytest.mark.parametrize(("node", "environment"), [case[1:] for case in GOLDEN], ids=[case[0] for case in GOLDEN])
def test_the_schema_and_the_reader_agree_on_a_file_of_a_golden_book(node: Node, environment: dict[str, str]):
    assert_agree(to_plain(node), shape_problems(node, environment))


@pytest.mark.parametrize("seed", range(60))
def test_the_schema_and_the_reader_agree_on_a_random_book(seed: int):
    book = random_book(seed)

    assert_agree(book, shape_problems(parsed(book), ENVIRONMENT))


@pytest.mark.parametrize("seed", range(6))
def test_the_schema_and_the_reader_agree_on_mutated_files(seed: int):
    source = random.Random(seed)
    originals = [to_plain(node) for _, node, _ in GOLDEN if isinstance(node, MappingNode)]
    originals += [random_book(number) for number in range(20)]
    for _ in range(MUTATIONS // 6):
        content = small(source, source.choice(originals))
        mutate(source, content)

        assert_agree(content, shape_problems(parsed(content), {}))


def parsed(content: Any) -> Node:
    node = parse(SourceFile("book.json", json.dumps(content))).node
    assert node is not None
    return node


def small(source: random.Random, book: dict[str, Any]) -> dict[str, Any]:
    """Return one definition of one section of *book*, on its own."""
    sections = [name for name, value in book.items() if value]
    if not sections or not isinstance(book[section := source.choice(sections)], dict):
        return copy.deepcopy(book)
    name = source.choice(list(book[section]))
    return copy.deepcopy({section: {name: book[section][name]}})


def mutate(source: random.Random, content: Any) -> None:
    """Change one place of *content*: another value, a key removed, renamed or added."""
    places = list(inner(content))
    if not places:
        return
    container, key = source.choice(places)
    kind = source.randrange(5)
    if kind < 3:
        container[key] = copy.deepcopy(source.choice(ODD))
    elif kind == 3 or isinstance(container, list):
        del container[key]
    else:
        container[source.choice([f"{key}x", "x", key[:-1] or "y", "Model", "options"])] = container.pop(key)


def inner(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place in *value*: what holds it, and its key or index."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from inner(item)
