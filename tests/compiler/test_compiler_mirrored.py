"""Invariants and shadows: a call that is hardly ever mirrored, and calls that never are as their caller pays."""

from __future__ import annotations

from typing import Any

from said import said, the_one

from routebook import Context, compile_mapping

RARE = 0.01
"""A share, in percent, in which the table's own search for requests finds nobody."""


def book(feature: dict[str, Any], where: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A book whose invariant nothing but the shadow breaks."""
    invariant = {"require": {"provider": "openai"}, **({} if where is None else {"where": where})}
    return {
        "providers": {"openai": {}, "groq": {}},
        "models": {"big": {"provider": "openai"}, "small": {"provider": "groq"}},
        "features": {"f": {"use": {"model": "big"}, "shadow": {"model": "small"}, **feature}},
        "invariants": {"i": invariant},
        **more,
    }


def proofs(written: dict[str, Any]) -> list[str]:
    """What is said of the invariants."""
    return [problem.code for problem in said(written) if problem.code.startswith("RB60")]


def test_a_call_that_is_hardly_ever_mirrored_is_found_and_breaks_the_invariant():
    written = book({"shadow": {"model": "small", "percent": RARE}})

    problem = the_one(written, "RB601")

    assert proofs(written) == ["RB601"]
    assert problem.notes[-1] == "it leads to use: big at openai; mirrored to small at groq"
    example = next(note for note in problem.notes if note.startswith("for example: "))
    table = compile_mapping({section: value for section, value in written.items() if section != "invariants"})
    decision = table.resolve("f", Context(key=example.rpartition(" ")[2].partition("=")[2]))
    assert decision.shadow is not None
    assert decision.shadow.model == "small"


LENT = {"profiles": {"lent": {}, "own": {"credentials": "caller"}}, "settings": {"default_profile": "lent"}}
"""Under one profile the platform pays, under the other every caller."""


def of_rules(*names: str) -> dict[str, Any]:
    """Rules of which the first takes all calls that the platform may pay for, and the second the rest."""
    whens: dict[str, Any] = {"lent": {"profile": "lent"}, "rest": {}}
    return {"rules": [{"name": name, "when": whens[name], "use": {"model": "big"}} for name in names]}


def test_a_rule_that_only_callers_pay_for_is_not_said_to_be_mirrored():
    """The shadow is live, as some calls are mirrored; those that the invariant selects never are."""
    assert proofs(book(of_rules("lent", "rest"), {"route": "rule:rest"}, **LENT)) == []
    assert proofs(book(of_rules("lent", "rest"), {"route": "rule:lent"}, **LENT)) == ["RB601"]
    assert proofs(book(of_rules("rest"), {"route": "rule:rest"}, **LENT)) == ["RB601"]


def test_a_rare_shadow_of_a_rule_that_only_callers_pay_for_is_not_in_doubt():
    rare = {"shadow": {"model": "small", "percent": RARE}}

    assert proofs(book({**of_rules("lent", "rest"), **rare}, {"route": "rule:rest"}, **LENT)) == []
    assert proofs(book({**of_rules("lent", "rest"), **rare}, {"route": "rule:lent"}, **LENT)) == ["RB601"]


def test_the_shadow_of_a_feature_that_only_callers_pay_for_is_dead():
    """It is never called, so what only it leads to is never used."""
    written = book({"credentials": "caller"})
    dead = [(problem.code, problem.message) for problem in said(written) if problem.code in ("RB501", "RB502")]

    assert dead == [
        ("RB501", "provider 'groq' is never used"),
        ("RB501", "model 'small' is never used"),
        ("RB502", "the shadow of feature 'f' is never called: a call that its caller pays for has none"),
    ]
    assert proofs(written) == []
    live = said(book({"credentials": "prefer_caller"}))
    assert [problem.code for problem in live if problem.code in ("RB501", "RB502")] == []
