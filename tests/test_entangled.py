"""Rules made to explode: the search for what they hide ends soon, and whatever is then said of them is true."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from judged import differences, said
from reference.findings import findings
from reference.matching import holds
from routebook import Context, Facts, RoutingTable, compile_mapping
from small_books import Plain
from stress import rounds

LONGEST_S = 4.0  # no explosion, on any machine; how long it may take is measured in benchmarks/
FIELDS = tuple(f"metadata.m{number}" for number in range(8))
ASKED = 30
WORDS = (*(f"w{number}" for number in range(30)), "x", "w1x", "other", True)


def book(whens: list[Plain]) -> Plain:
    rules = [{"name": f"r{number}", "when": when, "use": {"model": "openai/m"}} for number, when in enumerate(whens)]
    return {"providers": {"openai": {}}, "features": {"f": {"rules": rules, "use": {"model": "openai/m"}}}}


def interval(source: random.Random, longest: int) -> Plain:
    low = source.randrange(100)
    return {"gte": low, "lt": low + source.randint(1, longest)}


def intervals(source: random.Random) -> list[Plain]:
    """64 boxes, long in each of a few fields."""
    return [{name: interval(source, 80) for name in source.sample(FIELDS, 4)} for _ in range(64)]


def slabs(source: random.Random) -> list[Plain]:
    """64 boxes that have nearly everything, so that what they leave is in many corners."""
    wide = [
        {name: {"gte": source.randrange(10), "lt": source.randrange(80, 100)} for name in FIELDS} for _ in range(63)
    ]
    return [*wide, {name: {"gt": 1} for name in FIELDS}]


def many(source: random.Random) -> list[Plain]:
    """200 rules of every sort."""
    words = WORDS[:30]
    made = []
    for _ in range(200):
        when: Plain = {name: interval(source, 50) for name in source.sample(FIELDS[:4], source.randint(0, 2))}
        when["user"] = source.choice(
            ({"not": source.sample(words, 20)}, {"in": source.sample(words, 9)}, {"prefix": "w1"})
        )
        when["input_tokens"] = interval(source, 60)
        made.append(when)
    return made


def shares(source: random.Random) -> list[Plain]:
    """40 rules of which each asks for shares of several fields."""
    fields = ("user", "tenant", "region", *FIELDS[:5])
    chosen = [source.sample(fields, 2) for _ in range(40)]
    return [{name: {"percent": source.choice((5, 10, 30, 50, 80))} for name in names} for names in chosen]


def holes(source: random.Random) -> list[Plain]:
    """Rules that leave one value of each of 16 fields, and at last one that asks for all of them."""
    names = [f"metadata.h{number}" for number in range(16)]
    source.shuffle(names)
    return [*({name: {"not": "x"}} for name in names), dict.fromkeys(names, "x")]


def riddle(source: random.Random, fields: int, rules: int) -> list[Plain]:
    """Rules of three fields each, which are one value or not: whether something is left is as hard as it gets."""
    names = [f"metadata.t{number}" for number in range(fields)]
    chosen = [source.sample(names, 3) for _ in range(rules)]
    return [{name: source.choice(("x", {"not": "x"})) for name in three} for three in chosen]


def riddles(source: random.Random) -> list[Plain]:
    """A riddle too large to be tried out."""
    return riddle(source, 40, 172)


MADE: dict[str, Callable[[random.Random], list[Plain]]] = {
    "intervals": intervals,
    "slabs": slabs,
    "many": many,
    "shares": shares,
    "holes": holes,
    "riddles": riddles,
}


def inside(source: random.Random, matcher: Any) -> Any:
    """Return a value that satisfies *matcher*, one of those that are written above."""
    first = source.randrange(180)
    numbers = (number % 180 for number in range(first, first + 180))
    return next(value for value in (*source.sample(WORDS, len(WORDS)), *numbers) if holds(matcher, value))


def asked(source: random.Random, when: Plain, everything: list[str]) -> tuple[Context, Facts]:
    """Return a request that fits *when*, whatever else it has."""
    values = {name: source.choice((source.randrange(180), "x", True, False, None)) for name in everything}
    values |= {name: inside(source, matcher) for name, matcher in when.items()}
    metadata = {name.removeprefix("metadata."): v for name, v in values.items() if name.startswith("metadata.")}
    texts = {name: str(values[name]) for name in ("user", "tenant", "region") if values.get(name) is not None}
    key = source.choice((None, f"k{source.random()}"))
    return Context(metadata=metadata, key=key, **texts), Facts(
        input_tokens=max(0, int(values.get("input_tokens") or 0))
    )


def taken_all_the_same(written: Plain, table: RoutingTable) -> list[Any]:
    """Return the rules that are said to be never taken, and are by a request that fits them."""
    source, rules, found = random.Random(0), written["features"]["f"]["rules"], findings(written, table.diagnostics)
    everything = sorted({name for rule in rules for name in rule["when"]})
    dead = {f"rule:{rules[int(path[3])]['name']}" for code, path in found if path[2] == "rules" and code != "RB512"}
    dead |= {"use"} if ("RB502", ("features", "f", "use")) in found else set()
    wrong = []
    for rule in rules:
        for _ in range(ASKED if f"rule:{rule['name']}" in dead else 1):
            context, facts = asked(source, rule["when"], everything)
            route = table.resolve("f", context, facts, run_id=f"run{source.random()}").route
            wrong += [(route, context, facts)] if route in dead else []
    return wrong


@pytest.mark.parametrize("sort", MADE)
def test_what_is_said_of_rules_made_to_explode_comes_soon_and_is_true(sort: str):
    for seed in rounds(1):
        written = book(MADE[sort](random.Random(f"{sort} {seed}")))
        started = time.process_time()
        table = compile_mapping(written)
        assert time.process_time() - started < LONGEST_S, f"seed {seed}"
        assert not taken_all_the_same(written, table), f"seed {seed}"

        started = time.process_time()
        decisions = list(table.decisions())
        assert time.process_time() - started < LONGEST_S, f"seed {seed}"
        for decision in decisions:
            assert decision.witness is not None
            assert table.resolve("f", decision.witness.context, decision.witness.facts) == decision, f"seed {seed}"


def test_riddles_that_can_be_tried_out_are_solved():
    for seed in rounds(6):
        written = book(riddle(random.Random(seed), 12, 56))

        assert not differences(written), f"seed {seed}"


def test_many_rules_apart_from_each_other_are_all_reached():
    apart = [{"input_tokens": {"gte": 10 * number, "lt": 10 * number + 9}} for number in range(500)]

    assert said(book(apart)) == []


def test_many_rules_that_close_on_each_other_hide_what_is_written_after_them():
    close = [{"input_tokens": {"gte": 10 * number, "lt": 10 * number + 10}} for number in range(200)]

    assert said(book([*close, {"input_tokens": {"lt": 2000}}])) == [("RB508", ("features", "f", "rules", 200, "name"))]


def test_holes_of_many_fields_are_found_by_the_one_rule_that_fits_them():
    whens = holes(random.Random(1))

    assert said(book(whens)) == [("RB502", ("features", "f", "use"))]
    assert ("RB508", ("features", "f", "rules", 17, "name")) in said(book([*whens, whens[-1]]))


def test_prefixes_of_every_first_letter_are_no_riddle():
    letters = [{"user": {"prefix": letter}} for letter in "abcdefghijklmnopqrstuvwxyz0123456789-_./ "]

    assert said(book([*letters, {"user": "x"}, {"user": "*"}])) == [("RB508", ("features", "f", "rules", 41, "name"))]
