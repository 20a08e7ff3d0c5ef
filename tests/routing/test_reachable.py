"""Every decision a table can make."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from routebook import RoutingTable, compile_mapping

NAMES = ("cerebras", "groq", "mistral", "openai", "xai")


def reaching(providers: tuple[str, ...], **more: Any) -> RoutingTable:
    first, *rest = providers
    feature = {"use": {"model": f"{first}/m"}, "fallbacks": [{"model": f"{name}/m"} for name in rest]}
    return compile_mapping(
        {"providers": {name: {} for name in providers}, "features": {"f": {**feature, **more.pop("feature", {})}}}
        | more
    )


def key_sets(table: RoutingTable) -> list[tuple[str, ...]]:
    return [tuple(sorted(d.witness.context.credentials)) for d in table.decisions() if d.witness is not None]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_up_to_four_providers_every_set_of_keys_is_tried(count: int):
    names = NAMES[:count]

    expected = [keys for size in range(count + 1) for keys in combinations(names, size)]

    assert key_sets(reaching(names)) == expected


def test_beyond_four_providers_each_key_alone_and_all_are_tried():
    assert key_sets(reaching(NAMES)) == [(), *((name,) for name in NAMES), NAMES]


def test_providers_of_every_route_of_a_feature_count():
    table = compile_mapping(
        {
            "providers": {"openai": {}, "groq": {}, "mistral": {}, "xai": {}},
            "profiles": {"a": {}, "b": {}},
            "settings": {"default_profile": "a"},
            "features": {
                "f": {
                    "profiles": {"a": {"model": "openai/m", "fallbacks": [{"model": "groq/m"}]}},
                    "use": {"model": "mistral/m"},
                },
                "g": {"use": {"model": "xai/m"}},
            },
        }
    )

    tried = {(d.feature, d.profile, tuple(sorted(d.witness.context.credentials))) for d in table.decisions()}

    assert ("f", "a", ("groq", "mistral", "openai")) in tried
    assert ("f", "b", ("mistral",)) in tried
    assert not [keys for feature, _, keys in tried if feature == "f" and "xai" in keys]


def test_a_set_of_keys_that_no_target_takes_is_no_decision():
    table = compile_mapping(
        {
            "providers": {"openai": {}, "groq": {}},
            "profiles": {"a": {}, "b": {}},
            "settings": {"default_profile": "a"},
            "features": {"f": {"profiles": {"a": {"model": "openai/m"}, "b": {"model": "groq/m"}}}},
        }
    )

    assert [(d.profile, sorted(d.witness.context.credentials)) for d in table.decisions()] == [
        ("a", []),
        ("a", ["openai"]),
        ("a", ["groq", "openai"]),
        ("b", []),
        ("b", ["groq"]),
        ("b", ["groq", "openai"]),
    ]


def test_beside_a_target_that_needs_no_key_a_key_for_nothing_else_is_tried():
    script = {"api": "scripted", "script": [{"reply": {"text": "x"}}]}
    table = compile_mapping(
        {
            "providers": {"stage": script, "openai": {}},
            "features": {"f": {"use": {"model": "stage/m"}, "fallbacks": [{"model": "openai/m"}]}},
        }
    )

    assert key_sets(table) == [(), ("openai",), ("stage",)]
    *_, last = table.decisions()
    assert [attempt.provider for attempt in last.attempts] == ["stage"]


def test_every_decision_is_reproduced_by_its_witness():
    table = reaching(NAMES[:4], profiles={"p": {}, "q": {"extends": "p"}}, settings={"default_profile": "p"})

    decisions = list(table.decisions())

    assert len(decisions) == 2 * 16
    for decision in decisions:
        assert decision.witness is not None
        assert table.resolve(decision.feature, decision.witness.context, decision.witness.facts) == decision


def test_decisions_come_by_feature_and_profile_whatever_the_order_of_the_files():
    features = {name: {"use": {"model": "openai/m"}} for name in ("zeta", "alpha", "mid")}
    profiles: dict[str, Any] = {"z": {}, "a": {"extends": "z"}}
    settings = {"default_profile": "z"}
    one = {"providers": {"openai": {}}, "profiles": profiles, "features": features, "settings": settings}
    other = {
        "settings": settings,
        "features": dict(reversed(features.items())),
        "profiles": dict(reversed(profiles.items())),
        "providers": {"openai": {}},
    }

    order = [(d.feature, d.profile) for d in compile_mapping(one).decisions()]

    assert order == sorted(order)
    assert order == [(d.feature, d.profile) for d in compile_mapping(other).decisions()]


def test_decisions_are_made_one_by_one_as_they_are_asked_for():
    table = reaching(NAMES)
    decisions = table.decisions()

    first = next(decisions)

    assert iter(decisions) is decisions
    assert first == next(table.decisions())


def test_a_witness_is_no_part_of_a_decisions_identity_or_of_what_it_shows():
    table = reaching(("openai",))
    decision = next(table.decisions())

    assert decision == table.resolve("f", decision.witness.context)
    assert "witness" not in repr(decision)
    assert "witness" not in decision.to_dict()
