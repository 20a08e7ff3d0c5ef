"""What is worked out once and used again, and what must not be: each feature, value and reading has its own."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
import yaml
from said import said

from reference.matching import fraction
from routebook.book import OpenBook, read_book

M = {"model": "openai/m"}


def user_of(inside: str, outside: str) -> str:
    """A user who is among the first tenth of one feature's, and not among another's."""
    users = (f"u{number}" for number in count())
    return next(user for user in users if fraction(inside, "percent", user) < 0.1 <= fraction(outside, "percent", user))


@pytest.mark.parametrize("names", [("f", "g"), ("g", "f")])
def test_features_whose_rules_ask_the_same_have_shares_of_their_own(names: tuple[str, str]):
    """A user who is in the share of one feature may not be in the other's; there, the rule is never taken."""
    inside, outside = names
    whens = ({"tenant": {"percent": 10}}, {"user": {"in": [user_of(inside, outside)], "percent": 10}})
    rules = [{"name": name, "when": when, "use": M} for name, when in zip("ab", whens, strict=True)]
    feature = {"rules": rules, "use": M}

    found = said({"providers": {"openai": {}}, "features": {"f": feature, "g": feature}})

    never = [(problem.code, problem.message) for problem in found if problem.severity == "warning"]
    assert never == [("RB508", f"rule 'b' of feature {outside!r} is never taken")]


def test_a_feature_that_was_looked_at_for_one_invariant_is_looked_at_again_for_another(tmp_path: Path):
    """Of very many broken lines only some are looked at; one that is mended makes room for the next."""
    features = {f"x{number:02}": {"use": {"model": "openai/cheap"}} for number in range(20)}
    (tmp_path / "last.yaml").write_text(
        yaml.safe_dump({"features": {"z": {"use": {"model": "groq/m"}}}}), encoding="utf-8"
    )
    base = {
        "providers": {"openai": {}, "groq": {}},
        "invariants": {
            "full": {"require": {"model": "openai/m"}},
            "other": {"where": {"feature": "z"}, "require": {"provider": "openai"}},
        },
    }
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(base), encoding="utf-8")
    opened = OpenBook(tmp_path, {})

    def broken() -> list[str]:
        (tmp_path / "features.yaml").write_text(yaml.safe_dump({"features": features}), encoding="utf-8")
        report = opened.read()
        assert report.diagnostics == read_book(tmp_path, {}).diagnostics
        found = [each for each in report.diagnostics if each.code == "RB601" and each.span.path == "last.yaml"]
        return sorted(each.message.partition("'")[2].partition("'")[0] for each in found)

    assert broken() == ["other"]
    features["x07"] = {"use": M}
    assert broken() == ["full", "other"]
    features["x07"] = {"use": {"model": "openai/cheap"}}
    assert broken() == ["other"]
