"""Rules whose percents look at more fields than all spaces are made for: what one rule takes is told, the rest is not
guessed.
"""

from __future__ import annotations

from typing import Any

from routebook import Context, compile_mapping

USE = {"use": {"model": "openai/m"}}
MANY = tuple("abcdefg")
"""One field more than those whose every choice of absent ones is looked at."""


def told(whens: dict[str, Any]) -> dict[str, str]:
    """Return what is said of the rules, by name."""
    table = compiled(whens)
    names = list(whens)
    found = [each for each in table.diagnostics if each.code in ("RB508", "RB509", "RB512")]
    return {next(name for name in names if f"rule {name!r}" in each.message): each.code for each in found}


def compiled(whens: dict[str, Any]) -> Any:
    rules = [{"name": name, "when": when, **USE} for name, when in whens.items()]
    return compile_mapping({"providers": {"openai": {}}, "features": {"f": {"rules": rules, **USE}}})


def shares(names: str) -> dict[str, Any]:
    return {f"share-{name}": {f"metadata.{name}": {"percent": 10}} for name in names}


def test_a_rule_that_one_other_takes_is_never_taken_however_many_fields_the_rest_look_at():
    half, fifth = {"metadata.a": {"percent": 50}}, {"metadata.a": {"percent": 20}, "region": {"prefix": "eu"}}

    assert told({"half": half, **shares("bcdefg"), "fifth": fifth}) == {"fifth": "RB508"}
    assert told({"half": half, "fifth": fifth, **shares("bcdefg")}) == {"fifth": "RB508"}
    assert told({"half": half, "fifth": {**fifth, "metadata.a": {"percent": 60}}, **shares("bcdefg")}) == {}


def test_a_rule_that_only_requests_come_to_that_are_not_looked_at_is_not_proved_and_may_be_taken():
    """It takes requests without a key where some of the fields are there and some are not."""
    first = {"other": {"region": {"not": "eu"}}}
    first |= {f"all-{name}": {f"metadata.{name}": {"percent": 100}} for name in "abc"}
    some = {"region": {"exists": True}} | {f"metadata.{name}": {"exists": name not in "abc"} for name in MANY}
    whens = {**first, "some": some, **shares("defg")}

    decision = compiled(whens).resolve("f", Context(region="eu", metadata=dict.fromkeys("defg", "x")))

    assert decision.route == "rule:some"
    assert told(whens) == {"some": "RB512"}


def test_a_rule_that_several_take_together_is_not_proved_where_not_all_is_looked_at():
    halves = {"low": {"metadata.a": {"percent": 50}, "stream": True}, "high": {"metadata.a": {"percent": 50}}}
    whens = {**halves, "both": {"metadata.a": {"percent": 40}, "region": {"exists": False}}}

    assert told({**whens, **shares("bcdefg")}) == {"both": "RB508"}
    halves["high"]["stream"] = False
    assert told({**whens, **shares("bcdefg")}) == {"both": "RB512"}
