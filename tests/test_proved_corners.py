"""Corners of what is proved, found by people who read books against the table's own decisions."""

from __future__ import annotations

from typing import Any

import pytest

from routebook import Context, RouteFileError, compile_mapping
from routebook.routing.bounds.ranking import ranked
from routebook.routing.overview import rows

HOUSE = {"api": "openai-chat", "base_url": "http://127.0.0.1:9/v1", "auth": "none"}
FREE = {"provider": "house", "id": "h", "capabilities": ["streaming"], "price": {"input": 0, "output": 0}}
PRICED = {
    "provider": "openai",
    "id": "o",
    "capabilities": ["streaming"],
    "price": {"input": 1, "output": 1},
    "context_window": 1000,
    "max_output_tokens": 10,
}


def mirrored_book(percent: float, promise: Any) -> dict[str, Any]:
    return {
        "providers": {"house": HOUSE, "openai": {}},
        "models": {"h": FREE, "o": PRICED},
        "features": {"f": {"use": {"model": "h"}, "shadow": {"model": "o", "percent": percent}}},
        "invariants": {"i": {"require": {"bounds.usd": promise}}},
    }


def codes(book: dict[str, Any]) -> list[str]:
    try:
        return [found.code for found in compile_mapping(book).diagnostics]
    except RouteFileError as error:
        return [found.code for found in error.diagnostics]


def test_a_callers_key_for_nothing_keeps_a_call_from_being_mirrored():
    table = compile_mapping(mirrored_book(100, {"lte": 1}))

    assert [decision.shadow is None for decision in table.decisions()] == [False, True]
    assert table.coverage.decisions == 2
    assert codes(mirrored_book(100, {"gt": 0})) == ["RB601"]


def test_calls_that_are_not_mirrored_are_held_to_an_invariant_too():
    assert codes(mirrored_book(50, {"gt": 0})) == ["RB601"]
    assert codes(mirrored_book(50, {"lte": 1})) == []


def test_a_fallback_that_a_callers_option_passes_over_takes_no_failure_from_the_next():
    book = {
        "providers": {
            "openai": {"limits": {"concurrency": 3}},
            "house": HOUSE,
            "anth": {"api": "anthropic", "base_url": "http://127.0.0.1:9", "auth": "none"},
        },
        "models": {"a": {**PRICED}, "h": {**FREE, "provider": "anth"}, "h2": {**FREE}},
        "features": {
            "f": {
                "use": {"model": "a"},
                "fallbacks": [
                    {"model": "h", "on": ["queue_timeout", "permission_denied"]},
                    {"model": "h2", "on": ["queue_timeout"]},
                ],
            }
        },
    }

    assert "RB510" not in codes(book)
    book["features"]["f"]["caller_options"] = "none"
    assert "RB510" in codes(book)


@pytest.mark.parametrize(("profiles", "worst"), [(("standard", "premium"), "use"), (("standard",), "use")])
def test_the_worst_case_of_a_rule_is_that_of_the_profiles_that_it_is_reached_under(
    profiles: tuple[str, ...], worst: str
):
    table = compile_mapping(
        {
            "providers": {"openai": {}},
            "models": {"a": PRICED, "b": {**PRICED, "id": "dear", "price": {"input": 100, "output": 100}}},
            "profiles": {"standard": {}, "premium": {"credentials": "caller"}},
            "settings": {"default_profile": "standard"},
            "features": {
                "f": {
                    "rules": [{"name": "r1", "when": {"profile": "premium"}, "use": {"model": "b"}}],
                    "use": {"model": "a"},
                }
            },
        }
    )

    (peak,) = ranked(table, rows(table, ["f"], profiles))

    assert peak.usd.row.route.name == worst


def test_the_rule_that_is_said_to_take_anothers_place_is_the_one_that_requests_go_to():
    share, nowhere = {"user": {"percent": 10}}, {"region": {"exists": False}}
    whens = ({"user": {"percent": 20}, **nowhere}, share, {**share, **nowhere})
    rules = [{"name": f"r{n}", "when": when, "use": {"model": "o"}} for n, when in enumerate(whens, start=1)]
    table = compile_mapping(
        {
            "providers": {"openai": {}},
            "models": {"o": PRICED},
            "features": {"f": {"rules": rules, "use": {"model": "o"}}},
        }
    )

    (found,) = (found for found in table.diagnostics if found.code == "RB508")

    assert found.notes[0].startswith("rule 'r1' ")
    assert found.notes[1].endswith("goes to rule 'r1'")
    assert table.resolve("f", Context(key="key-0")).route in {"use", "rule:r1", "rule:r2"}
