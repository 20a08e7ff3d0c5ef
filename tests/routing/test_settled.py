"""Settled: what is kept of a table's decisions is what the table decides."""

from __future__ import annotations

from pathlib import Path

import pytest

import routebook
from routebook import Context, Facts, ResolveError
from routebook.routing.settled import Settled

EXAMPLE = Path(__file__).parents[2] / "routes"
BOOK = {
    "providers": {"p": {"api": "openai-chat", "base_url": "http://127.0.0.1:1", "auth": "none"}},
    "settings": {"default_feature": "plain"},
    "features": {
        "plain": {"use": {"model": "p/a"}},
        "ruled": {
            "rules": [{"name": "r", "when": {"user": "u"}, "use": {"model": "p/b"}}],
            "use": {"model": "p/a"},
        },
        "split": {
            "use": {
                "split": [{"name": "a", "weight": 1, "model": "p/a"}, {"name": "b", "weight": 1, "model": "p/b"}],
                "key": "user",
            }
        },
        "mirrored": {"use": {"model": "p/a"}, "shadow": {"model": "p/b", "percent": 50}},
    },
}


def test_every_decision_of_the_example_book_is_the_tables_own_the_first_time_and_the_second():
    table = routebook.compile(EXAMPLE)
    settled = Settled(table)
    decisions = list(table.decisions())

    for decision in [*decisions, *decisions]:
        asked = (decision.feature, decision.witness.context, decision.witness.facts, "a run")
        assert settled.resolve(*asked) == table.resolve(*asked)


def test_what_only_a_feature_and_a_profile_lead_to_is_made_once():
    settled = Settled(routebook.compile_mapping(BOOK))

    first = settled.resolve("plain", Context(user="u"), Facts(input_tokens=3), "one")

    assert settled.resolve("plain", Context(user="w", key="k"), Facts(stream=True), "two") is first


@pytest.mark.parametrize("feature", ["ruled", "split", "mirrored"])
def test_what_looks_at_the_request_is_decided_for_each(feature):
    table = routebook.compile_mapping(BOOK)
    settled = Settled(table)

    for user in ["u", "v", *map(str, range(20))]:
        asked = (feature, Context(user=user), Facts(), f"run {user}")
        assert settled.resolve(*asked) == table.resolve(*asked)


def test_names_without_end_are_not_kept_and_mistakes_are_told_each_time():
    settled = Settled(routebook.compile_mapping(BOOK))

    for number in range(100):
        assert settled.resolve(f"other-{number}", Context(), Facts(), "run").feature == "plain"
        with pytest.raises(ResolveError, match="no profile"):
            settled.resolve("plain", Context(profile=f"p-{number}"), Facts(), "run")

    assert len(settled._known) == 0
