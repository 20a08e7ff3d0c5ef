"""Features ranked by their worst case, over everything that may serve them."""

from __future__ import annotations

from typing import Any

from routebook import RoutingTable, compile_mapping
from routebook.routing.bounds.ranking import Peak, ranked
from routebook.routing.overview import override_rows, rows

Plain = dict[str, Any]


def table_of(**features: Plain) -> RoutingTable:
    served = {"api": "openai-chat", "base_url": "https://x.test/v1", "api_key": {"env": "KEY"}}
    capable = {"capabilities": ["tools"], "context_window": 1_000_000, "max_output_tokens": 1}
    return compile_mapping(
        {
            "providers": {
                "quick": served | {"retry": {"attempts": 1}, "timeout": "1s"},
                "slow": served | {"retry": {"attempts": 1}, "timeout": "9s"},
                "often": served | {"retry": {"attempts": 5, "backoff": "100ms"}, "timeout": "1s"},
            },
            "models": {
                "dear": capable | {"provider": "quick", "price": {"input": 10, "output": 10}},
                "cheap": capable | {"provider": "slow", "price": {"input": 1, "output": 1}},
                "retried": capable | {"provider": "often", "price": {"input": 0, "output": 0}},
                "unpriced": capable | {"provider": "quick"},
            },
            "profiles": {"low": {}, "high": {}},
            "settings": {"default_profile": "low"},
            "features": features,
        }
    )


def ranking(table: RoutingTable) -> list[Peak]:
    names, profiles = list(table.features), tuple(table.profiles)
    return ranked(table, [*rows(table, names, profiles), *override_rows(table, names, profiles)])


def test_no_bound_in_dollars_comes_first_then_dollars_then_calls_then_the_name():
    peaks = ranking(
        table_of(
            b={"use": {"model": "cheap"}},
            a={"use": {"model": "cheap"}},
            twice={"use": {"model": "cheap"}, "fallbacks": [{"model": "retried"}]},
            dear={"use": {"model": "dear"}},
            unknown={"use": {"model": "unpriced"}},
        )
    )

    assert [peak.feature.name for peak in peaks] == ["unknown", "dear", "twice", "a", "b"]
    assert [peak.gap for peak in peaks] == ["unpriced", None, None, None, None]


def test_each_figure_is_the_worst_and_says_where_it_comes_from():
    rule = {"name": "long", "when": {"input_tokens": {"gt": 9}}, "use": {"model": "retried"}}
    split = {"split": [{"name": "a", "weight": 1, "model": "cheap"}, {"name": "b", "weight": 1, "model": "unpriced"}]}
    (peak,) = ranking(table_of(f={"rules": [rule], "profiles": {"high": {"model": "dear"}}, "use": split}))

    assert peak.to_dict() == {
        "feature": "f",
        "calls": 5,
        "seconds": 9.0,
        "usd": None,
        "gap": "unpriced",
        "routes": {"calls": "rule:long", "seconds": "use, arm a", "usd": "use, arm b"},
    }


def test_a_model_that_a_caller_may_choose_counts():
    (peak,) = ranking(table_of(f={"use": {"model": "cheap"}, "allow_override": ["dear"]}))

    assert (peak.usd.place, peak.usd.bounds.usd) == ("override dear", 10.0)
    assert (peak.seconds.place, peak.calls.place) == ("use", "override dear")


def test_an_arm_that_is_never_taken_does_not_count():
    split = {"split": [{"name": "a", "weight": 1, "model": "cheap"}, {"name": "b", "weight": 0, "model": "dear"}]}
    (peak,) = ranking(table_of(f={"use": split}))

    assert (peak.usd.place, peak.usd.bounds.usd) == ("use, arm a", 1.0)


def test_a_rule_that_no_request_reaches_does_not_count():
    rules = [
        {"name": "long", "when": {"input_tokens": {"gt": 9}}, "use": {"model": "cheap"}},
        {"name": "longer", "when": {"input_tokens": {"gt": 99}}, "use": {"model": "unpriced"}},
    ]
    (peak,) = ranking(table_of(f={"rules": rules, "use": {"model": "retried"}}))

    assert (peak.usd.place, peak.usd.bounds.usd) == ("rule:long", 1.0)


def test_a_shadow_adds_to_the_dollars_of_every_route():
    (peak,) = ranking(table_of(f={"use": {"model": "cheap"}, "shadow": {"model": "dear", "percent": 1}}))

    assert (peak.usd.bounds.usd, peak.calls.bounds.calls) == (11.0, 1)


def test_what_only_callers_pay_for_costs_the_platform_nothing():
    shadow = {"model": "dear", "percent": 100}
    (peak,) = ranking(table_of(f={"credentials": "caller", "use": {"model": "unpriced"}, "shadow": shadow}))

    assert (peak.usd.bounds.usd, peak.gap) == (0.0, None)
