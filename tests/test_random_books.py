"""Random books: the table decides as the reference does, however the book is laid out, and knows every decision it
can make.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from random_books import ENVIRONMENT, Plain, Request, random_book, random_requests
from reference.resolver import Reference
from reference.shrink import shrink
from routebook import (
    Context,
    Decision,
    Facts,
    RequestError,
    ResolveError,
    RouteFileError,
    RoutingTable,
    compile_mapping,
)
from routebook.book import compile_book
from stress import rounds

REQUESTS = 12


def compiled(book: Plain) -> RoutingTable | None:
    """The table of *book*, or None; anything but a RouteFileError is a failure of the test."""
    try:
        return compile_mapping(book, ENVIRONMENT)
    except RouteFileError:
        return None


def good_books(count: int) -> Iterator[tuple[int, Plain, RoutingTable]]:
    for seed in rounds(count):
        book = random_book(seed)
        table = compiled(book)
        if table is not None:
            yield seed, book, table


def shown(decision: Decision) -> dict[str, Any]:
    """What the reference says of a decision."""
    plain = decision.to_dict()
    parts = ("provider", "model", "id", "options", "credential", "on")
    attempts = [{part: attempt[part] for part in parts} for attempt in plain["attempts"]]
    shadow = plain["shadow"] and {part: plain["shadow"][part] for part in parts}
    skipped = sorted((skip["provider"], skip["model"]) for skip in plain["skipped"])
    same = {name: plain[name] for name in ("feature", "profile", "route", "arm", "key")}
    return {**same, "attempts": attempts, "shadow": shadow, "skipped": skipped}


def decided(table: RoutingTable, request: Request) -> dict[str, Any]:
    try:
        return shown(table.resolve(request.feature, request.context, request.facts, run_id=request.run_id))
    except ResolveError as error:
        return {"error": error.kind}
    except RequestError as error:
        return {"error": f"request:{error.field}"}


def expected(book: Plain, request: Request) -> dict[str, Any]:
    return Reference(book, ENVIRONMENT).resolve(request.feature, request.context, request.facts, request.run_id)


def difference(book: Plain, request: Request) -> tuple[Any, Any] | None:
    """What the table and the reference say of *request*, where they do not agree."""
    table = compiled(book)
    if table is None or request.feature not in {*book["features"], "nowhere"}:
        return None
    real, right = decided(table, request), expected(book, request)
    return None if same(real, right) else (real, right)


def same(one: Any, other: Any) -> bool:
    """Equal, where true is not 1."""
    return bool(one == other) and json.dumps(one, sort_keys=True).count("true") == json.dumps(
        other, sort_keys=True
    ).count("true")


def report(seed: int, book: Plain, request: Request) -> str:
    """The smallest book that shows the difference, and both sides of it."""
    small = shrink(book, lambda smaller: "features" in smaller and difference(smaller, request) is not None)
    real, right = difference(small, request) or ("", "")
    lines = (
        f"seed {seed}: {request}",
        yaml.safe_dump(small, sort_keys=False),
        f"table:     {real}",
        f"reference: {right}",
    )
    return "\n".join(map(str, lines))


def test_most_random_books_compile_and_the_others_say_why():
    made = [compiled(random_book(seed)) for seed in range(100)]

    assert sum(table is not None for table in made) > 60


def test_a_table_decides_as_the_reference_does():
    asked = 0
    for seed, book, table in good_books(100):
        reference = Reference(book, ENVIRONMENT)
        for request in random_requests(seed, book, REQUESTS):
            right = reference.resolve(request.feature, request.context, request.facts, request.run_id)
            assert same(decided(table, request), right), report(seed, book, request)
            asked += 1

    assert asked > 600


def tiny(**feature: Any) -> Plain:
    local = {"api": "openai-chat", "base_url": "http://127.0.0.1:8000/v1", "auth": "none"}
    return {"providers": {"local": local}, "features": {"f": feature}}


def share(field: str, percent: int, name: str) -> Plain:
    return {"name": name, "when": {field: {"percent": percent}}, "use": {"model": f"local/{name}"}}


def ask(**context: Any) -> Request:
    return Request("f", Context(**context), Facts(), None)


FLAGS = [{"model": "local/m", "options": {"extra_body": {"flag": flag}}} for flag in (True, 1)]
TENANTS = {"split": [{"name": "a", "weight": 1, "model": "local/m"}], "key": "tenant"}
DECIDED = {
    "true is not 1": (tiny(use=FLAGS[0], fallbacks=FLAGS[1:]), ask()),
    "the key is what the arm stuck to": (
        tiny(use=TENANTS, shadow={"model": "local/n", "percent": 50}),
        ask(user="u", tenant="t"),
    ),
    "the key is what the rule's share stuck to": (
        tiny(rules=[share("tenant", 100, "r")], use={"model": "local/m"}, shadow={"model": "local/n", "percent": 5}),
        ask(user="u", tenant="t"),
    ),
}
ENUMERATED = {
    "a percent of 100": (tiny(rules=[share("user", 100, "r")], use={"model": "local/m"}), ask(user="u")),
    "nothing to stick to": (tiny(rules=[share("user", 100, "r")], use={"model": "local/m"}), ask()),
    "percents of two fields": (
        tiny(rules=[share("user", 10, "r"), share("tenant", 5, "s")], use={"model": "local/m"}),
        ask(user="u1", tenant="t48"),
    ),
}


@pytest.mark.parametrize("case", DECIDED)
def test_a_table_decides_as_the_reference_does_where_it_once_did_not(case: str):
    book, request = DECIDED[case]

    assert decided(compile_mapping(book), request) == expected(book, request)


@pytest.mark.parametrize("case", ENUMERATED)
def test_a_decision_that_was_once_left_out_is_one_of_the_tables_decisions(case: str):
    book, request = ENUMERATED[case]
    table = compile_mapping(book)

    decision = table.resolve("f", request.context)

    assert which(decision) in {which(known) for known in table.decisions()}


def test_random_requests_reach_every_sort_of_decision():
    """Without this, agreement could be about nothing but errors."""
    seen: set[str] = set()
    for seed, book, table in good_books(60):
        for request in random_requests(seed, book, REQUESTS):
            decision = decided(table, request)
            seen.add(decision.get("error") or decision["route"].partition(":")[0])
            seen |= {name for name in ("arm", "key", "shadow", "skipped") if decision.get(name)}

    assert seen >= {"pin", "override", "rule", "profile", "use", "arm", "key", "shadow", "skipped"}
    assert seen >= {"unknown_feature", "unknown_profile", "missing_credential", "request:override", "request:options"}


def shuffled(value: Any, source: random.Random) -> Any:
    """The same with every mapping's keys in another order."""
    if isinstance(value, dict):
        return {key: shuffled(value[key], source) for key in source.sample(list(value), len(value))}
    return [shuffled(item, source) for item in value] if isinstance(value, list) else value


def scattered(book: Plain, root: Path, source: random.Random) -> Path:
    """Write *book* as a directory: its definitions in files at random, YAML or JSON at random."""
    files: dict[int, Plain] = {}
    for section, definitions in book.items():
        for name, definition in definitions.items():
            files.setdefault(source.randrange(6), {}).setdefault(section, {})[name] = definition
    for number, content in files.items():
        folder = root / source.choice(("", "a", "b/c"))
        folder.mkdir(parents=True, exist_ok=True)
        ending = source.choice(("yaml", "yml", "json"))
        text = json.dumps(content) if ending == "json" else yaml.safe_dump(content, default_flow_style=None)
        (folder / f"{number}.{ending}").write_text(text, encoding="utf-8")
    return root


def test_the_order_of_keys_means_nothing():
    for seed, book, table in good_books(60):
        other = compile_mapping(shuffled(book, random.Random(seed)), ENVIRONMENT)

        assert other == table, f"seed {seed}"
        for request in random_requests(seed, book, REQUESTS):
            assert decided(other, request) == decided(table, request), f"seed {seed}: {request}"


def test_the_layout_of_files_means_nothing(tmp_path: Path):
    for seed, book, table in good_books(20):
        source = random.Random(seed)
        other = compile_book(scattered(shuffled(book, source), tmp_path / str(seed), source), ENVIRONMENT)

        assert other == table, f"seed {seed}"
        assert {*other.features} == {*table.features}


def test_another_book_is_another_table():
    """Equality above could hold for any two."""
    tables = [table for _, _, table in good_books(40)]

    assert len({table.digest for table in tables}) == len(tables)


def test_each_decision_is_reproduced_by_its_witness():
    for seed, book, table in good_books(40):
        for decision in table.decisions():
            witness = decision.witness
            assert witness is not None
            again = table.resolve(decision.feature, witness.context, witness.facts)
            assert again == decision, f"seed {seed}\n{yaml.safe_dump(book)}"


def which(decision: Decision) -> tuple[Any, ...]:
    """What tells two of the enumerated decisions apart: route, arm, and who pays for which target."""
    attempts = tuple((attempt.provider, attempt.model, attempt.credential) for attempt in decision.attempts)
    return decision.feature, decision.profile, decision.route, decision.arm, attempts


def payers(decisions: Iterable[Decision]) -> dict[str, set[str]]:
    """By feature, the providers that a caller may have a key for."""
    found: dict[str, set[str]] = {}
    for decision in decisions:
        keyed = {attempt.provider for attempt in decision.attempts if attempt.credential != "none"}
        found.setdefault(decision.feature, set()).update(keyed)
    return found


def test_a_decision_that_a_request_gets_is_one_of_the_tables_decisions():
    """Callers' options are not enumerated, nor are keys that fit none of the feature's providers."""
    for seed, book, table in good_books(60):
        decisions = list(table.decisions())
        known, fitting = {which(decision) for decision in decisions}, payers(decisions)
        for request in random_requests(seed, book, REQUESTS):
            try:
                asked = replace(request.facts, options={})
                decision = table.resolve(request.feature, request.context, asked, run_id=request.run_id)
            except (ResolveError, RequestError):
                continue
            keys = request.context.credentials.keys()
            if not keys or keys & fitting.get(decision.feature, set()):
                assert which(decision) in known, f"seed {seed}: {request}\n{yaml.safe_dump(book['features'])}"
