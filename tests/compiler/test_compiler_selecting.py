"""Which features an invariant may be about: under which profiles a rule holds is asked before anything is looked at."""

from __future__ import annotations

from typing import Any

import pytest
from said import said

LIMIT = 20
"""As many broken lines of one invariant are looked at; the features after them are only counted."""


@pytest.mark.parametrize(
    ("tier", "counted"),
    [
        ("max", True),
        ("low", False),
        (["low", "max"], True),
        ({"not": "max"}, False),
        ({"prefix": "m"}, True),
        ({"percent": 50}, True),
    ],
)
def test_a_feature_whose_rule_holds_under_other_profiles_is_none_of_those_that_may_break_it_too(
    tier: Any, counted: bool
):
    bad, good = {"model": "openai/bad"}, {"model": "openai/good"}
    many = {f"f{number:02}": {"use": bad} for number in range(LIMIT)}
    ruled = {"rules": [{"name": "r", "when": {"profile": tier}, "use": bad}], "use": good}
    found = said(
        {
            "providers": {"openai": {}},
            "profiles": {"max": {}, "low": {}},
            "settings": {"default_profile": "max"},
            "features": {**many, "z": ruled},
            "invariants": {"i": {"where": {"profile": "max"}, "require": {"model": {"not": "openai/bad"}}}},
        }
    )

    broken = [problem for problem in found if problem.code == "RB601"]
    assert len(broken) == LIMIT
    assert any("1 more feature may break it" in note for note in broken[-1].notes) is counted
