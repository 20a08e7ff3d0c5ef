"""The published JSON Schemas say what the models say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from routebook.book import read_book
from routebook.document.entry import Entry
from routebook.document.providers import APIS, PRESETS
from routebook.document.schema import schemas
from routebook.providers import registry
from routebook.source.node import to_plain
from routebook.source.parse import parse, parse_content
from routebook.source.tree import SourceFile, read_tree

ROOT = Path(__file__).parents[2]
BOOKS = ROOT / "tests" / "books"
ROUTE_FILE = Draft202012Validator(schemas()["route-file.schema.json"])
SCRIPT = Draft202012Validator(schemas()["script.schema.json"])
# What a schema of one file cannot know: references between definitions, and what a variable holds.
SHAPE = {"RB201", "RB202", "RB203", "RB204", "RB205", "RB206"}


def environment(case: Path) -> dict[str, str]:
    file = case / "environment.json"
    return json.loads(file.read_text()) if file.exists() else {}


def plain_files(book: Path) -> list[Any]:
    """What each route file of a book says; null for one that says nothing that could be shaped."""
    nodes = [parse(file).node for file in read_tree(book).files]
    return [None if node is None else to_plain(node) for node in nodes]


def plain_scripts(book: Path) -> list[Any]:
    files = [SourceFile(file.name, file.read_text(encoding="utf-8")) for file in sorted(book.glob("_scripts/*.yaml"))]
    nodes = [parse_content(file).node for file in files]
    return [None if node is None else to_plain(node) for node in nodes]


def cases(good: bool) -> list[str]:
    """The golden books that compile, or those whose every error is one of shape."""
    found = []
    for case in sorted(BOOKS.iterdir()):
        report = read_book(case / "book", environment(case))
        errors = {diagnostic.code for diagnostic in report.diagnostics if diagnostic.severity == "error"}
        if (not errors) if good else (errors and errors <= SHAPE):
            found.append(case.name)
    return found


def test_the_published_schemas_are_those_of_the_models():
    published = {file.name: json.loads(file.read_text(encoding="utf-8")) for file in (ROOT / "schemas").glob("*.json")}

    assert published == schemas(), "run `routebook schema --write schemas`"


@pytest.mark.parametrize("name", sorted(schemas()))
def test_a_published_schema_is_itself_a_valid_schema(name: str):
    Draft202012Validator.check_schema(schemas()[name])


def fields(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every field that a published schema knows, sections and patterns of keys included."""
    schema = schemas()[name]
    for where, part in (("", schema), *schema["$defs"].items()):
        for key, field in {**part.get("properties", {}), **part.get("patternProperties", {})}.items():
            yield f"{where}.{key}", {**field, "$defs": schema["$defs"]}


def entries(model: type[Entry] = Entry) -> Iterator[type[Entry]]:
    for child in model.__subclasses__():
        yield child
        yield from entries(child)


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_field_has_a_description_and_examples_that_fit(name: str):
    for where, field in fields(name):
        assert len(field.get("description", "")) > 3, where
        assert field.get("examples"), where
        for example in field["examples"]:
            assert Draft202012Validator(field).is_valid(example), f"{where}: {example}"


@pytest.mark.parametrize("name", sorted(schemas()))
def test_a_default_is_written_as_a_person_writes_it(name: str):
    for where, field in fields(name):
        if "default" in field:
            assert field["default"] is not None, where
            assert Draft202012Validator(field).is_valid(field["default"]), f"{where}: {field['default']}"


def test_every_field_that_has_a_default_says_so_in_the_schema():
    known = {where: field for name in schemas() for where, field in fields(name)}
    checked = 0
    for model in entries():
        for field_name, field in model.model_fields.items():
            where = f"{model.__name__}.{field.alias or field_name}"
            if where in known and not field.is_required() and field.default is not None:
                checked += 1
                assert "default" in known[where], where

    assert checked > 30


def test_an_editor_is_offered_one_flat_list_of_forms():
    def forms(schema: Any) -> Iterator[Any]:
        if isinstance(schema, dict):
            yield from ((schema, form) for form in schema.get("anyOf", ()) if isinstance(form, dict))
        for value in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
            yield from forms(value)

    nested = [form for schema in schemas().values() for _, form in forms(schema) if {"anyOf", "oneOf"} & form.keys()]

    assert nested == []


@pytest.mark.parametrize("case", cases(good=True))
def test_each_file_of_a_book_that_compiles_fits_the_schema(case: str):
    for content in plain_files(BOOKS / case / "book"):
        ROUTE_FILE.validate(content)


@pytest.mark.parametrize("case", cases(good=False))
def test_a_book_of_a_wrong_shape_is_refused_by_the_schema(case: str):
    book = BOOKS / case / "book"

    refused = [content for content in plain_files(book) if not ROUTE_FILE.is_valid(content)]
    refused += [script for script in plain_scripts(book) if not SCRIPT.is_valid(script)]

    assert refused


def test_there_are_books_of_both_kinds():
    assert len(cases(good=True)) >= 5
    assert len(cases(good=False)) >= 5


def test_each_file_of_the_example_book_fits_the_schema():
    contents = plain_files(ROOT / "routes")

    assert contents
    for content in contents:
        ROUTE_FILE.validate(content)
    for script in plain_scripts(ROOT / "routes"):
        SCRIPT.validate(script)


def provider(**keys: Any) -> dict[str, Any]:
    return {"providers": {"openai": keys}}


def options(**keys: Any) -> dict[str, Any]:
    return {"features": {"f": {"use": {"model": "a/b", "options": keys}}}}


def tools(**keys: Any) -> dict[str, Any]:
    return {"mcp_servers": {"s": {"command": "s"}}, "features": {"f": {"use": {"model": "a/b"}, "tools": keys}}}


def feature(**keys: Any) -> dict[str, Any]:
    return {"features": {"f": {"use": {"model": "a/b"}, **keys}}}


def use(**keys: Any) -> dict[str, Any]:
    return {"features": {"f": {"use": keys}}}


def when(**keys: Any) -> dict[str, Any]:
    return feature(rules=[{"name": "r", "when": keys, "use": {"model": "a/b"}}])


def require(**keys: Any) -> dict[str, Any]:
    return {**feature(), "invariants": {"i": {"require": keys}}}


ARM = {"name": "a", "weight": 1, "model": "a/b"}
ALIKE: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"settings": {}}, True),
    ({"setings": {}}, False),
    ({"features": None}, False),
    ({"features": []}, False),
    ({"features": {"f": None}}, False),
    ({"features": {"F": {}}}, False),
    ({"features": {"f" * 64: {"use": {"model": "a/b"}}}}, True),
    ({"features": {"f" * 65: {"use": {"model": "a/b"}}}}, False),
    ({"mcp_servers": {"a.b": {"command": "x"}}}, False),
    ({"mcp_servers": {"a": {}}}, True),
    ({"mcp_servers": {"a": {"command": ""}}}, False),
    ({"mcp_servers": {"a": {"command": "x", "env": {"A": {"env": "B"}, "C": "d"}}}}, True),
    ({"mcp_servers": {"a": {"command": "x", "env": {"A": {"env": "B", "default": "d"}}}}}, False),
    (provider(), True),
    (provider(api_key={"env": "NAME"}), True),
    (provider(api_key={"file": "/run/secrets/key"}), True),
    (provider(api_key=None), True),
    (provider(api_key="literal"), False),
    (provider(api_key={}), False),
    (provider(api_key={"env": "A", "file": "B"}), False),
    (provider(api_key={"env": "no-variable"}), False),
    (provider(auth="none"), True),
    (provider(auth="basic"), False),
    (provider(headers={"X-Title": "x", "X-Key": {"env": "A"}}), True),
    (provider(headers={"X-Title": 1}), False),
    (provider(headers={"Authorization": "Bearer x"}), False),
    (provider(timeout="30s"), True),
    (provider(timeout="30"), False),
    (provider(timeout=30), False),
    (provider(timeout={"total": "30s", "idle": None}), True),
    (provider(timeout={"total": "soon"}), False),
    (provider(timeout={"env": "T", "default": "30s"}), True),
    (options(temperature=None), True),
    (options(temperature=2), True),
    (options(temperature=2.1), False),
    (options(temperature="1"), False),
    (options(temperature=True), False),
    (options(temperature={"env": "T", "default": 1}), True),
    (options(temperature={"env": "T", "other": 1}), False),
    (options(seed=1.5), False),
    (options(stop="x"), True),
    (options(stop=["x"]), True),
    (options(stop=[1]), False),
    (options(reasoning={"effort": "high"}), True),
    (options(reasoning={"effort": "huge"}), False),
    (options(reasoning={"budget_tokens": -1}), False),
    (options(extra_headers={"X-Token": "x"}), False),
    (options(extra_headers={"X-Title": None}), True),
    (options(extra_body={"any": {"thing": [1, None]}}), True),
    (options(temprature=1), False),
    (tools(servers=["s"]), True),
    (tools(servers=[]), False),
    (tools(), False),
    (tools(servers=["s"], result_limit="64KiB"), True),
    (tools(servers=["s"], result_limit=64), True),
    (tools(servers=["s"], result_limit=0), False),
    (tools(servers=["s"], result_limit="64K"), False),
    (tools(servers=["s"], max_turns=0), False),
    (tools(servers=["s"], max_turns=None), False),
    ({"outputs": {"o": {"schema": {"file": "_s/x.json"}}}}, True),
    ({"outputs": {"o": {}}}, False),
    ({"outputs": {"o": {"schema": True, "repair": {"attempts": 11}}}}, False),
    ({"outputs": {"o": {"schema": True, "checks": [{"choice": {"field": "a"}}]}}}, False),
    (
        {
            "outputs": {
                "o": {"schema": True, "checks": [{"choice": {"field": "a", "from": "b", "otherwise": [{}]}}]},
            }
        },
        False,
    ),
    (
        {
            "outputs": {
                "o": {
                    "schema": True,
                    "checks": [{"choice": {"field": "a", "from": "b", "otherwise": [{"input": "x", "where": {}}]}}],
                },
            }
        },
        False,
    ),
    ({"features": {"f": {"use": {"model": "a/b"}, "fallbacks": [{"model": "c", "on": []}]}}}, False),
    ({"features": {"f": {"use": {"model": "a/b"}, "fallbacks": [{"model": "c", "on": ["rate_limits"]}]}}}, False),
    ({"models": {"m": {"provider": "p", "price": {"input": -1}}}}, False),
    ({"models": {"m": {"provider": "p", "capabilities": ["flying"]}}}, False),
    (use(), False),
    (use(model=None), False),
    (use(model="a/b", split=None), True),
    (use(model="a/b", split=[ARM]), False),
    (use(model="a/b", key="user"), False),
    (use(split=[ARM], key="user"), True),
    (use(split=[]), False),
    (use(split=[ARM], options={}), False),
    (use(split=[{**ARM, "name": "A"}]), False),
    (use(split=[{**ARM, "weight": -1}]), False),
    (use(split=[{"weight": 1, "model": "a/b"}]), False),
    (when(), True),
    (when(user="u"), True),
    (when(user=["u", "v"]), True),
    (when(user=[]), False),
    (when(user={}), False),
    (when(user=1), False),
    (when(user={"gt": 1}), False),
    (when(user={"percent": 101}), False),
    (when(has_tools="yes"), False),
    (when(input_tokens={"gt": 1, "lte": 2}), True),
    (when(input_tokens={"prefix": "1"}), False),
    (when(**{"metadata.plan": ["pro", 1, True]}), True),
    (when(**{"metadata.a.b": {"gt": 1}}), True),
    (when(**{"metadata.": 1}), False),
    (when(metadata={"plan": "pro"}), False),
    (when(unknown=1), False),
    (require(**{"options.temperature": 0}), True),
    (require(**{"price.output": {"lte": 5}}), True),
    (require(**{"price.total": 5}), False),
    (require(), False),
    (feature(rules=[{"when": {}, "use": {"model": "a/b"}}]), False),
    (feature(shadow={"model": "a/b", "percent": 100.5}), False),
    (feature(allow_override=["m"]), True),
    (feature(allow_override="m"), False),
    (feature(allow_override=[]), False),
    (feature(caller_options="all"), False),
    (feature(caller_options=["stop"]), True),
    (feature(deadline="0s"), False),
    (feature(prompt={}), False),
    (feature(prompt={"user": None}), False),
    (feature(prompt="hello"), False),
    (feature(prompt={"system": "x"}), True),
    (feature(budget={"usd_per_run": {"env": "B", "default": "1"}}), False),
    (feature(budget={"usd_per_run": {"env": "B", "default": 1}}), True),
]


@pytest.mark.parametrize(
    ("content", "fits"), ALIKE, ids=[f"{i}-{json.dumps(c)[:60]}" for i, (c, _) in enumerate(ALIKE)]
)
def test_the_schema_and_the_reader_agree(content: dict[str, Any], fits: bool, tmp_path: Path):
    (tmp_path / "book.json").write_text(json.dumps(content))

    codes = {diagnostic.code for diagnostic in read_book(tmp_path, {}).diagnostics}

    assert (not codes & SHAPE) is fits
    assert ROUTE_FILE.is_valid(content) is fits


SCRIPTS: list[tuple[Any, bool]] = [
    ([], True),
    ([{"reply": {"text": "x"}}], True),
    ([{"reply": {"json": None}}], True),
    ([{"reply": {}}], False),
    ([{"reply": {"usage": {"input": 1}}}], False),
    ([{"when": {"turn": 0}, "reply": {"text": "x"}}], False),
    ([{"when": {"turn": 1}}], False),
    ([{"reply": {"text": "x", "delay": "1s"}}], True),
    ([{"reply": {"text": "x", "delay": 1}}], False),
    ([{"reply": {"text": "x", "chunks": 3, "cut": True}}], True),
    ([{"reply": {"text": "x", "chunks": 0}}], False),
    ([{"reply": {"cut": True}}], False),
    ([{"reply": {"error": {"status": 429, "kind": "rate_limit"}}}], True),
    ([{"reply": {"error": {"kind": "bad_luck"}}}], False),
    ([{"reply": {"tool_calls": [{"name": "a.b", "arguments": [1]}]}}], True),
    ({"reply": {"text": "x"}}, False),
]


@pytest.mark.parametrize(("script", "fits"), SCRIPTS, ids=[json.dumps(script) for script, _ in SCRIPTS])
def test_the_scripts_schema_and_its_reader_agree(script: Any, fits: bool, tmp_path: Path):
    book = {"providers": {"stage": {"api": "scripted", "script": script}}}
    (tmp_path / "book.json").write_text(json.dumps(book))

    codes = {diagnostic.code for diagnostic in read_book(tmp_path, {}).diagnostics}

    assert (not codes & SHAPE) is fits
    assert SCRIPT.is_valid(script) is fits


def test_an_editor_offers_every_api_and_every_preset():
    assert sorted(APIS) == sorted(registry.traits())
    assert sorted(PRESETS) == sorted(registry.presets())
