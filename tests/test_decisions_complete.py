"""Every decision: none that a request can get is missing from `decisions()`, and each is what its witness gets."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

import pytest

from judged import good_books, report
from reference.reach import Grid
from reference.resolver import Reference
from routebook import Context, Decision, Facts, RequestError, ResolveError, RoutingTable, compile_mapping
from small_books import Plain, SmallBook

MOST_PROVIDERS = 4


def made(seed: int) -> Plain:
    return SmallBook(seed).of_decisions()


def which(decision: Decision) -> tuple[Any, ...]:
    """What tells two decisions apart, whatever a shadow, a key or a reason says."""
    attempts = tuple(str(attempt.to_dict()) for attempt in decision.attempts)
    return decision.feature, decision.profile, decision.route, decision.arm, attempts


def decided(table: RoutingTable, feature: str, context: Context, facts: Facts) -> Decision | None:
    try:
        return table.resolve(feature, context, facts)
    except (ResolveError, RequestError):
        return None


def keyed(book: Plain, feature: Plain) -> set[str]:
    """Return the providers that take a key, of those that the feature names anywhere."""
    models = {*_models(feature), *(book["models"] if feature.get("allow_override") is True else ())}
    named = {book["models"][name]["provider"] if name in book["models"] else name.partition("/")[0] for name in models}
    return {name for name in named if book["providers"][name].get("auth") != "none"}


def _models(value: Any) -> Iterator[str]:
    """Yield the models that stand anywhere in *value*."""
    if isinstance(value, dict):
        yield from ([value["model"]] if "model" in value else [])
        yield from (value["allow_override"] if isinstance(value.get("allow_override"), list) else [])
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from _models(part)


def key_sets(book: Plain, feature: Plain) -> list[tuple[str, ...]]:
    """Return the sets of keys that callers may bring, also for providers that the feature never calls.

    Where the feature has more than four, each alone and all.
    """
    providers = sorted(book["providers"])
    if len(keyed(book, feature)) > MOST_PROVIDERS:
        return [(), *((name,) for name in providers), tuple(providers)]
    return [keys for size in range(len(providers) + 1) for keys in combinations(providers, size)]


def requests(book: Plain, feature: str) -> Iterator[tuple[Context, Facts]]:
    """Yield the requests that stand for all, and those that choose a model."""
    written = book["features"][feature]
    profiles = book.get("profiles") or {"default": {}}
    for point in Grid(feature, written, profiles).points(runs=False):
        yield point.context, point.facts
    allowed = written.get("allow_override", False)
    for profile in profiles:
        for model in book["models"] if allowed is True else allowed or ():
            yield Context(profile=profile), Facts(model=model)


def missing(book: Plain, seed: int = 0, most: int = 4) -> list[str]:
    """Return the decisions that requests get and `decisions()` lacks."""
    table, source = compile_mapping(book), random.Random(seed)
    known = {which(decision) for decision in table.decisions()}
    lacking: list[str] = []
    for name, feature in book["features"].items():
        sets = key_sets(book, feature)
        for context, facts in requests(book, name):
            for keys in [(), *source.sample(sets, min(most, len(sets)))]:
                asking = replace(context, credentials=dict.fromkeys(keys, "a-key"))
                decision = decided(table, name, asking, facts)
                if decision is not None and which(decision) not in known:
                    lacking.append(f"missing at {decision.route} {decision.arm} with {keys}: {context} {facts}")
    return lacking


def test_a_decision_that_a_request_gets_is_one_of_the_tables_decisions():
    for seed, book, _ in good_books(made, 60):
        assert not missing(book, seed), report(seed, book, partial(missing, seed=seed, most=1000))


HIDDEN: dict[str, Plain] = {
    "of a text without a prefix": {"when": {"user": {"prefix": "other-"}}, "then": {"percent": 10}},
    "of a text with a shorter prefix": {
        "when": {"user": {"prefix": "eu-other-"}},
        "then": {"percent": 10, "prefix": "eu-"},
    },
    "of a text that is none of some": {"when": {"user": ["other", "other-0"]}, "then": {"percent": 10}},
    "of a number between two": {"when": {"tenant": "t"}, "then": {"percent": 10, "gt": 2, "lt": 3}},
    "of numbers that are written in two ways": {"when": {"tenant": "t"}, "then": {"percent": 38, "in": [1.0]}},
}


@pytest.mark.parametrize("case", HIDDEN)
def test_a_share_that_only_a_value_of_its_own_falls_into_is_found(case: str):
    """With a key, the share of tenants takes all that falls into the smaller one."""
    when, then = HIDDEN[case]["when"], HIDDEN[case]["then"]
    field = "user" if case.startswith("of a text") else "metadata.m"
    whens = (when, {"tenant": {"percent": 90 if then["percent"] == 10 else 38}}, {field: then})
    rules = [{"name": f"r{n}", "when": tests, "use": {"model": "openai/m"}} for n, tests in enumerate(whens)]
    feature = {"rules": rules, "use": {"model": "openai/m"}}
    written: Plain = {"providers": {"openai": {}}, "models": {}, "features": {"f": feature}}

    assert not missing(written, most=2)
    assert "rule:r2" in {decision.route for decision in compile_mapping(written).decisions()}


def test_each_decision_is_reproduced_by_its_witness():
    for seed, _, table in good_books(made, 100):
        for decision in table.decisions():
            assert decision.witness is not None
            again = table.resolve(decision.feature, decision.witness.context, decision.witness.facts)
            assert again == decision, f"seed {seed}"


def test_two_enumerations_are_equal_and_in_one_order():
    for seed, book, table in good_books(made, 30):
        one, other = list(table.decisions()), list(compile_mapping(book).decisions())

        assert one == other, f"seed {seed}"
        assert [decision.witness for decision in one] == [decision.witness for decision in other], f"seed {seed}"


def test_the_requests_that_stand_for_all_take_the_rules_that_they_are_said_to_take():
    """The judge is judged here, by the reference and by the table."""
    for seed, book, table in good_books(made, 60):
        name, feature = next(iter(book["features"].items()))
        reference = Reference(book, {})
        rules = [f"rule:{rule['name']}" for rule in feature["rules"]]
        for point in Grid(name, feature, book.get("profiles") or ["default"]).points(runs=True):
            right = reference.resolve(name, point.context, point.facts, point.run_id)
            if "error" not in right and "pin" not in feature:
                real = table.resolve(name, point.context, point.facts, point.run_id)
                assert real.route == right["route"]
                assert right["route"] == (rules[point.first] if point.first is not None else entry(right)), seed


def entry(decision: Plain) -> str:
    assert not decision["route"].startswith("rule:")
    return str(decision["route"])


def taken(book: Plain, asked: Iterable[tuple[Context, Facts, str | None]]) -> set[str]:
    reference = Reference(book, {})
    routes = (reference.resolve("f", context, facts, run_id).get("route") for context, facts, run_id in asked)
    return {route for route in routes if route is not None}


def anyone(source: random.Random) -> tuple[Context, Facts, str | None]:
    """Anybody, asking for anything, of values that no grid was asked about."""
    texts = ("u", "u1", "u12", "u3", "v", "acme", "apex", "b", "eu", "eu-west", "eu-x", "", None, None)
    values = (0, 0.0, 1, 1.0, 1.7, 2, 2.5, 3, 50, -1, True, False, "1", "pro", "p", "px", [], [1], None, None)
    chosen = {name: source.choice((*texts, f"u{source.random()}")) for name in ("user", "tenant", "region")}
    metadata = {"m": source.choice((*values, source.random() * 4))}
    flags = {name: source.random() < 0.5 for name in ("stream", "has_images", "has_tools")}
    key = source.choice((None, None, f"k{source.random()}"))
    facts = Facts(input_tokens=source.choice((0, 1, 2, 3, 4, 99, 100, 101)), **flags)
    return Context(metadata=metadata, key=key, **chosen), facts, source.choice((None, f"run{source.random()}"))


def test_nobody_takes_a_rule_that_no_request_of_those_that_stand_for_all_takes():
    for seed, book, _ in good_books(made, 40):
        source, feature = random.Random(seed), book["features"]["f"]
        profiles = sorted(book.get("profiles") or ["default"])
        found = set().union(*Grid("f", feature, profiles).first_rules().values())
        asked = []
        for _ in range(200):
            context, facts, run_id = anyone(source)
            asked.append((replace(context, profile=source.choice(profiles)), facts, run_id))
        hit = {route.removeprefix("rule:") for route in taken(book, asked) if route.startswith("rule:")}
        if "pin" not in feature:
            assert hit <= {feature["rules"][index]["name"] for index in found if index is not None}, f"seed {seed}"
