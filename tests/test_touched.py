"""Definitions that no decision touches: what is said of them is what the decisions show."""

from __future__ import annotations

from typing import Any

import pytest

from judged import agrees, said
from reference.matching import fraction
from reference.verdict import verdict
from routebook import RouteFileError, compile_mapping
from small_books import Plain, SmallBook

SCHEMA = {"schema": {"type": "object", "properties": {"a": {"type": "string"}}}}
NEVER = {"stream": {"exists": False}}
SPARE = {"model": "spare"}


def test_what_is_said_of_random_definitions_is_what_brute_force_finds():
    due = agrees(lambda seed: SmallBook(seed).of_definitions(), 200)

    assert due["RB501"] > 300


def book(feature: Plain, **more: Any) -> Plain:
    """A book with two models, one of which the feature uses, and two profiles."""
    return {
        "providers": {"openai": {}},
        "models": {"main": {"provider": "openai"}, "spare": {"provider": "openai"}},
        "profiles": {"p": {}, "q": {}},
        "settings": {"default_profile": "p"},
        "features": {"f": {"use": {"model": "main"}, **feature}},
        **more,
    }


def untouched(written: Plain) -> set[str]:
    """Return what is said to be never used, as `section/name`."""
    found = said(written)
    judged = verdict(written)
    assert judged.must <= {*found} <= judged.must | judged.may
    return {"/".join(map(str, path)) for code, path in found if code == "RB501"}


def rule(when: Plain, use: Plain | None = None, **more: Any) -> Plain:
    return {"rules": [{"name": "r", "when": when, "use": use or {"model": "main"}, **more}]}


LEADS: dict[str, Plain] = {
    "a rule": rule({"user": "u"}, SPARE),
    "an arm": {"use": {"split": [{"name": "a", "weight": 9, "model": "main"}, {"name": "b", "weight": 1, **SPARE}]}},
    "an entry": {"profiles": {"q": SPARE}},
    "a fallback": {"fallbacks": [SPARE]},
    "a rule's own fallback": rule({"user": "u"}, fallbacks=[SPARE]),
    "a shadow": {"shadow": SPARE},
    "a model that a caller may choose": {"allow_override": ["spare"]},
    "any model that a caller may choose": {"allow_override": True},
    "a target that names the provider and the id": {"fallbacks": [{"model": "openai/spare"}]},
}
LEADS_NOWHERE: dict[str, Plain] = {
    "a rule that cannot hold": rule(NEVER, SPARE),
    "a fallback of a rule that cannot hold": rule(NEVER, fallbacks=[SPARE]),
    "an arm of weight zero": {
        "use": {"split": [{"name": "a", "weight": 9, "model": "main"}, {"name": "b", "weight": 0, **SPARE}]}
    },
    "an entry that rules leave nothing": {**rule({"profile": "q"}), "profiles": {"q": SPARE}},
    "`use` where a rule takes everything": {**rule({}), "use": SPARE},
    "what a pin hides": {"pin": {"model": "main"}, "use": SPARE},
    "a fallback that a pin leaves no route": {"pin": {"model": "main"}, **rule({"user": "u"}, fallbacks=[SPARE])},
}


@pytest.mark.parametrize("case", LEADS)
def test_what_leads_to_a_model(case: str):
    assert "models/spare" not in untouched(book(LEADS[case]))


@pytest.mark.parametrize("case", LEADS_NOWHERE)
def test_what_leads_to_no_model(case: str):
    assert "models/spare" in untouched(book(LEADS_NOWHERE[case]))


def test_a_provider_is_touched_by_attempts_and_not_by_a_model_that_none_of_them_names():
    providers = {"openai": {}, "groq": {}, "xai": {}}
    models = {"main": {"provider": "openai"}, "spare": {"provider": "groq"}}

    assert untouched(book({}, providers=providers, models=models)) >= {
        "models/spare",
        "providers/groq",
        "providers/xai",
    }


def test_outputs_and_tool_servers_are_touched_by_features_that_name_them():
    sections = {
        "outputs": {"one": SCHEMA, "two": SCHEMA},
        "mcp_servers": {"clock": {"command": "clock"}, "files": {"command": "files"}},
    }
    found = untouched(book({"output": "one", "tools": {"servers": ["clock"]}}, **sections))

    assert {name for name in found if name.startswith(("outputs", "mcp"))} == {"outputs/two", "mcp_servers/files"}


PROFILES_USED: dict[str, tuple[Plain, Plain]] = {
    "an entry": ({"profiles": {"q": {"model": "main"}}}, {}),
    "a rule": (rule({"profile": "q"}), {}),
    "a rule that lists it": (rule({"profile": ["p", "q"], "user": "u"}), {}),
    "a rule for all but it": (rule({"profile": {"not": "q"}}), {}),
    "an invariant": ({}, {"invariants": {"i": {"where": {"profile": "q"}, "require": {"model": {"exists": True}}}}}),
    "another profile": ({}, {"profiles": {"p": {"extends": "q"}, "q": {}}}),
    "who pays": ({}, {"profiles": {"p": {}, "q": {"credentials": "platform"}}}),
    "the default": ({}, {"settings": {"default_profile": "q"}}),
    "callers with a key": ({}, {"settings": {"default_profile": "p", "byok_profile": "q"}}),
}


@pytest.mark.parametrize("case", PROFILES_USED)
def test_what_uses_a_profile(case: str):
    feature, more = PROFILES_USED[case]

    assert "profiles/q" not in untouched(book(feature, **more))


APART: dict[str, Any] = {
    "the other is named": "p",
    "the other is left out": {"not": "p"},
    "its prefix": {"prefix": "q"},
    "a share that only one of them is in": {"percent": 20},
}


@pytest.mark.parametrize("case", APART)
def test_a_profile_that_a_rule_tells_from_the_default_is_used(case: str):
    assert fraction("f", "percent", "p") < 0.2 < fraction("f", "percent", "q")

    assert "profiles/q" not in untouched(book(rule({"profile": APART[case]})))


def test_a_profile_that_nothing_tells_from_another_is_not_used():
    assert "profiles/q" in untouched(book({}))


def test_a_profile_is_not_used_by_a_rule_that_cannot_hold():
    assert "profiles/q" in untouched(book(rule({"profile": "q", **NEVER})))


def test_a_profile_is_not_used_by_an_entry_behind_a_pin():
    assert "profiles/q" in untouched(book({"pin": {"model": "main"}, "profiles": {"q": {"model": "main"}}}))


def test_nothing_is_called_unused_while_the_book_has_an_error():
    with pytest.raises(RouteFileError) as refused:
        compile_mapping(book({"fallbacks": [{"model": "spaer"}]}))

    codes = {found.code for found in refused.value.diagnostics}
    assert "RB301" in codes
    assert "RB501" not in codes
