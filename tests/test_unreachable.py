"""Rules, entries and `use` that no request takes: what is said of them is what brute force finds, and no more."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from judged import agrees, said
from reference.matching import fraction
from reference.verdict import verdict
from small_books import Plain, SmallBook


def test_what_is_said_of_random_rules_is_what_brute_force_finds():
    due = agrees(lambda seed: SmallBook(seed).of_rules(), 150)

    assert all(due[code] > 30 for code in ("RB502", "RB508", "RB509")), due


def book(*whens: Plain, **more: Any) -> Plain:
    """A book of one feature with the rules a, b, c and so on, and `use`."""
    rules = [
        {"name": name, "when": when, "use": {"model": "openai/m"}} for name, when in zip("abcdef", whens, strict=False)
    ]
    feature = {"rules": rules, "use": {"model": "openai/m"}, **more.pop("feature", {})}
    return {"providers": {"openai": {}}, "features": {"f": feature}, **more}


def hidden(written: Plain) -> dict[str, str]:
    """Return the code of each rule, by name, and of each entry and `use` that is said to be never taken.

    That of a rule with a contradiction comes with the field that it is said of.
    """
    found = said(written)
    assert sorted(found) == sorted(verdict(written).must)
    shown: dict[str, str] = {}
    for code, path in found:
        if code == "RB501":
            continue
        name = "abcdef"[int(path[3])] if path[2] == "rules" else str(path[-1])
        shown[name] = f"{code} {path[5]}" if code == "RB509" else code
    return shown


INSIDE = next(f"u{k}" for k in count() if fraction("f", "percent", f"u{k}") < 0.1)
OUTSIDE = next(f"u{k}" for k in count() if fraction("f", "percent", f"u{k}") > 0.9)
TWO = {"profiles": {"p": {}, "q": {}}, "settings": {"default_profile": "p"}}
HEIR = {"profiles": {"p": {}, "q": {"extends": "p"}}, "settings": {"default_profile": "q"}}
M = {"model": "openai/m"}

COVERED: dict[str, tuple[tuple[Plain, ...], dict[str, str]]] = {
    "two intervals cover a third together": (
        ({"input_tokens": {"lt": 10}}, {"input_tokens": {"gte": 10, "lt": 20}}, {"input_tokens": {"gt": 5, "lte": 19}}),
        {"c": "RB508"},
    ),
    "one value between two intervals is enough": (
        ({"input_tokens": {"lt": 10}}, {"input_tokens": {"gt": 10}}, {"input_tokens": {"gte": 5}}),
        {"use": "RB502"},
    ),
    "tokens are whole, so 9 and 11 close on 10": (
        ({"input_tokens": {"gt": 9, "lt": 11}}, {"input_tokens": 10}),
        {"b": "RB508"},
    ),
    "a number of the metadata need not be whole": (
        ({"metadata.m": {"lte": 10}}, {"metadata.m": {"gte": 11}}, {"metadata.m": {"gt": 9}}),
        {},
    ),
    "intervals that touch at a bound that neither has": (
        ({"metadata.m": {"lt": 2.5}}, {"metadata.m": {"gt": 2.5}}, {"metadata.m": {"gte": 2, "lte": 3}}),
        {},
    ),
    "intervals that touch at a bound that one has": (
        ({"metadata.m": {"lt": 2.5}}, {"metadata.m": {"gte": 2.5}}, {"metadata.m": {"gte": 2, "lte": 3}}),
        {"c": "RB508"},
    ),
    "two sets cover a third together": (
        ({"user": ["a", "b"]}, {"user": {"in": ["c"]}}, {"user": ["a", "c"]}),
        {"c": "RB508"},
    ),
    "a set with one value more is reached": (({"user": ["a", "b"]}, {"user": ["a", "b", "c"]}), {}),
    "a prefix covers a longer one": (({"region": {"prefix": "eu"}}, {"region": {"prefix": "eu-w"}}), {"b": "RB508"}),
    "a prefix leaves something to a shorter one": (({"region": {"prefix": "eu-w"}}, {"region": {"prefix": "eu"}}), {}),
    "a prefix covers a text that is the prefix itself": (({"user": {"prefix": "a"}}, {"user": "a"}), {"b": "RB508"}),
    "a prefix and all of its texts but one": (
        ({"user": {"prefix": "a", "not": "ab"}}, {"user": "ab"}, {"user": {"prefix": "a"}}),
        {"c": "RB508"},
    ),
    "every text of a text field has the empty prefix": (
        ({"region": {"prefix": ""}}, {"region": {"exists": True}}),
        {"b": "RB508"},
    ),
    "a value of the metadata need not be a text": (
        ({"metadata.m": {"prefix": ""}}, {"metadata.m": {"exists": True}}),
        {},
    ),
    "a list of the metadata is neither text nor number nor truth": (
        (
            {"metadata.m": {"prefix": ""}},
            {"metadata.m": {"lte": 0}},
            {"metadata.m": {"gt": 0}},
            {"metadata.m": [True, False]},
            {"metadata.m": {"exists": True}},
            {"metadata.m": {"exists": True, "not": "x"}},
        ),
        {"f": "RB508"},
    ),
    "there and absent are all there is": (
        ({"user": {"exists": True}}, {"user": {"exists": False}}, {"tenant": "t"}),
        {"c": "RB508", "use": "RB502"},
    ),
    "a value and not that value are all there is": (
        ({"user": {"not": "a"}}, {"user": "a"}, {}),
        {"c": "RB508", "use": "RB502"},
    ),
    "`not` takes those who are absent": (({"user": {"not": "a"}}, {"user": {"exists": False}}), {"b": "RB508"}),
    "not one and not the other are everybody": (
        ({"user": {"not": "a"}}, {"user": {"not": "b"}}, {"user": ["a", "b"]}),
        {"c": "RB508", "use": "RB502"},
    ),
    "true and false are all there is of a fact": (
        ({"stream": True}, {"stream": False}, {"has_images": True}),
        {"c": "RB508", "use": "RB502"},
    ),
    "a list of true and false is everything of a fact": (
        ({"stream": [True, False]}, {"stream": True}),
        {"b": "RB508", "use": "RB502"},
    ),
    "true and false are not all there is of the metadata": (
        ({"metadata.m": True}, {"metadata.m": False}, {"metadata.m": {"exists": True}}),
        {},
    ),
    "a fact is always there": (({"has_tools": {"exists": True}}, {"user": "a"}), {"b": "RB508", "use": "RB502"}),
    "1 is 1.0": (({"metadata.m": 1}, {"metadata.m": 1.0}), {"b": "RB508"}),
    "1 is not true": (({"metadata.m": 1}, {"metadata.m": True}), {}),
    "1 is not the text 1": (({"metadata.m": 1}, {"metadata.m": "1"}), {}),
    "true is true in a list": (({"metadata.m": True}, {"metadata.m": [True]}), {"b": "RB508"}),
    "a number above is no text": (({"metadata.m": {"gt": 0}}, {"metadata.m": {"in": ["2"]}}), {}),
    "a rule without conditions takes everything": (
        ({}, {"user": "a"}, {}),
        {"b": "RB508", "c": "RB508", "use": "RB502"},
    ),
    "three rules cover a fourth together": (
        (
            {"stream": True},
            {"stream": False, "has_images": True},
            {"has_images": False, "user": {"prefix": "a"}},
            {"user": "ab"},
        ),
        {"d": "RB508"},
    ),
    "three rules leave a corner to a fourth": (
        (
            {"stream": True, "has_tools": True},
            {"stream": False, "has_images": True},
            {"has_images": False, "has_tools": False},
            {"user": "ab"},
        ),
        {},
    ),
    "a rule that is itself covered covers nothing more": (
        ({"user": "a"}, {"user": "a"}, {"user": "b"}),
        {"b": "RB508"},
    ),
    "a share covers a smaller one": (({"user": {"percent": 50}}, {"user": {"percent": 10}}), {"b": "RB508"}),
    "a share leaves something to a larger one": (({"user": {"percent": 10}}, {"user": {"percent": 50}}), {}),
    "a share of users leaves something to a share of tenants": (
        ({"user": {"percent": 50}}, {"tenant": {"percent": 10}}),
        {},
    ),
    "all of those who are there are in a share of 100": (
        ({"user": {"percent": 100}}, {"user": {"exists": True}}, {"user": {"exists": False}}),
        {"b": "RB508", "use": "RB502"},
    ),
    "a key makes a constant fall where it does not fall by itself": (
        ({"user": {"percent": 10}}, {"user": INSIDE}, {"user": {"in": [OUTSIDE], "percent": 90}}),
        {},
    ),
    "a share of one text is covered by the same share of all": (
        ({"user": {"percent": 10}}, {"user": {"in": [INSIDE, OUTSIDE], "percent": 10}}),
        {"b": "RB508"},
    ),
    "a run's id falls into the shares of those who are absent": (
        ({"tenant": {"percent": 50}}, {"user": {"exists": False, "percent": 50}}),
        {},
    ),
    "a run's id is one for all that is absent": (
        ({"user": {"percent": 50}}, {"user": {"exists": False}, "tenant": {"exists": False, "percent": 50}}),
        {"b": "RB508"},
    ),
    "only by its own value is one inside and the other outside": (
        ({"tenant": {"percent": 50}}, {"user": {"in": [INSIDE], "percent": 50}}),
        {},
    ),
    "a value that is outside is inside by a key alone, and so is the other": (
        ({"tenant": {"percent": 50}}, {"user": {"in": [OUTSIDE], "percent": 50}}),
        {"b": "RB508"},
    ),
    "a number falls as it is spelt, 1 where 1.0 does not": (
        ({"tenant": {"percent": 38}}, {"metadata.m": {"in": [1.0], "percent": 38}}),
        {},
    ),
    "no spelling of a number falls there": (
        ({"tenant": {"percent": 35}}, {"metadata.m": {"in": [1.0], "percent": 35}}),
        {"b": "RB508"},
    ),
}


@pytest.mark.parametrize("case", COVERED)
def test_of_rules_that_hide_others(case: str):
    whens, expected = COVERED[case]

    assert hidden(book(*whens)) == expected


CONTRADICTIONS: dict[str, tuple[Plain, str]] = {
    "an interval the wrong way round": ({"metadata.m": {"gt": 10, "lt": 5}}, "metadata.m"),
    "an interval of one point that it does not have": ({"metadata.m": {"gte": 5, "lt": 5}}, "metadata.m"),
    "no whole number lies between": ({"input_tokens": {"gt": 10, "lt": 11}}, "input_tokens"),
    "no half token": ({"input_tokens": 2.5}, "input_tokens"),
    "no less than nothing": ({"input_tokens": {"lt": 0}}, "input_tokens"),
    "a fact that is absent": ({"stream": {"exists": False}}, "stream"),
    "tokens that are absent": ({"input_tokens": {"exists": False}}, "input_tokens"),
    "neither true nor false": ({"has_images": {"not": [True, False]}}, "has_images"),
    "a text that is and is not": ({"user": {"in": ["a"], "not": "a"}}, "user"),
    "a text without its prefix": ({"user": {"in": ["a", "b"], "prefix": "c"}}, "user"),
    "absent, with a prefix": ({"user": {"exists": False, "prefix": "c"}}, "user"),
    "absent, and one of these": ({"user": {"exists": False, "in": ["c"]}}, "user"),
    "a number with a prefix": ({"metadata.m": {"gt": 1, "prefix": "c"}}, "metadata.m"),
    "a number above, in a list of texts": ({"metadata.m": {"gt": 1, "in": ["2", True]}}, "metadata.m"),
    "every number of an interval of one point taken out": (
        {"metadata.m": {"gte": 1, "lte": 1, "not": 1.0}},
        "metadata.m",
    ),
    "a share of nobody": ({"user": {"percent": 0}}, "user"),
    "a share of nobody, beside a share of some": ({"region": {"percent": 50}, "tenant": {"percent": 0}}, "tenant"),
    "a share of no profile": ({"profile": {"percent": 0}}, "profile"),
    "a prefix of no profile": ({"profile": {"prefix": "x"}}, "profile"),
    "the only profile there is not": ({"profile": {"not": "default"}}, "profile"),
    "a profile that is absent": ({"profile": {"exists": False}}, "profile"),
    "one of two fields": ({"user": "a", "input_tokens": {"lt": 0}}, "input_tokens"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_of_conditions_that_cannot_hold(case: str):
    when, name = CONTRADICTIONS[case]

    assert hidden(book(when)) == {"a": f"RB509 {name}"}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_rule_that_cannot_hold_is_not_also_called_covered_and_covers_nothing(case: str):
    when, name = CONTRADICTIONS[case]

    assert hidden(book({"tenant": "t"}, {"tenant": "t", **when}, when)) == {"b": f"RB509 {name}", "c": f"RB509 {name}"}


def test_a_share_of_everybody_with_a_list_can_hold_whatever_its_texts_fall_on():
    assert hidden(book({"user": {"in": [OUTSIDE], "percent": 1}})) == {}


def test_the_profiles_that_rules_name_are_all_there_are():
    rules = ({"profile": "p"}, {"profile": ["q"]}, {"user": "a"})

    assert hidden(book(*rules, **TWO)) == {"c": "RB508", "use": "RB502"}


def test_a_rule_compares_the_profiles_own_name():
    assert hidden(book({"profile": "p"}, {"profile": "q"}, **HEIR)) == {"use": "RB502"}


def test_an_entry_that_rules_leave_nothing_is_never_taken():
    entries = {"profiles": {"p": M, "q": M}}

    assert hidden(book({"profile": "p"}, feature=entries, **TWO)) == {"p": "RB502", "use": "RB502"}


def test_an_entry_that_is_left_only_those_who_inherit_it_is_taken():
    assert hidden(book({"profile": "p"}, feature={"profiles": {"p": M}}, **HEIR)) == {"use": "RB502"}


def test_use_is_never_taken_where_every_profile_has_an_entry_among_its_ancestors():
    assert hidden(book(feature={"profiles": {"p": M}}, **HEIR)) == {"use": "RB502"}


def test_use_is_taken_where_one_profile_has_none():
    assert hidden(book(feature={"profiles": {"p": M}}, **TWO)) == {}


def test_rules_that_take_each_profile_in_its_own_way_leave_nothing():
    rules = ({"profile": "p", "stream": True}, {"profile": "q"}, {"stream": False}, {"has_tools": True})

    assert hidden(book(*rules, **TWO)) == {"d": "RB508", "use": "RB502"}


def test_all_that_a_pin_hides_is_said_to_be_never_taken_and_nothing_else():
    pinned = {"pin": M, "profiles": {"p": M}}

    assert hidden(book({}, {"user": "a"}, {"stream": {"exists": False}}, feature=pinned, **TWO)) == {
        **dict.fromkeys("abc", "RB502"),
        "p": "RB502",
        "use": "RB502",
    }


def test_a_caller_who_may_choose_the_model_makes_no_rule_reached():
    chosen = book({}, {"user": "a"}, feature={"allow_override": ["m"]}, models={"m": {"provider": "openai"}})

    assert hidden(chosen) == {"b": "RB508", "use": "RB502"}


def test_the_spellings_of_1_fall_where_the_cases_above_need_them():
    assert 0.35 < fraction("f", "percent", "1") < 0.38 < fraction("f", "percent", "1.0")


def test_two_features_are_judged_each_by_itself():
    two = book({"user": "a"}, {"user": "a"})
    two["features"]["g"] = {"rules": [two["features"]["f"]["rules"][1]], "use": M}

    assert [path for _, path in said(two)] == [("features", "f", "rules", 1, "name")]
