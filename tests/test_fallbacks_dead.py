"""Fallbacks that no failure reaches, or that a deadline leaves no time: what is said of them is what can be counted."""

from __future__ import annotations

from typing import Any

import pytest

from judged import agrees, said
from reference.verdict import verdict
from small_books import Plain, SmallBook

LOCAL = {"api": "openai-chat", "base_url": "http://127.0.0.1/v1", "auth": "none"}
BOUND = {"limits": {"concurrency": 2}}
ONCE = {"timeout": "10s", "retry": {"attempts": 1}}


def test_what_is_said_of_random_fallbacks_is_what_brute_force_finds():
    due = agrees(lambda seed: SmallBook(seed).of_fallbacks(), 200)

    assert due["RB510"] > 3
    assert due["RB511"] > 40


def book(*fallbacks: Plain, providers: Plain | None = None, **feature: Any) -> Plain:
    """A book of one feature with the models a, b, c and so on at providers of these names."""
    at = dict.fromkeys("abcd", LOCAL) | {name: {**LOCAL, **more} for name, more in (providers or {}).items()}
    return {"providers": at, "features": {"f": {"use": {"model": "a/m"}, "fallbacks": list(fallbacks), **feature}}}


def to(name: str, *on: str, **more: Any) -> Plain:
    return {"model": f"{name}/m", **({"on": list(on)} if on else {}), **more}


def dead(written: Plain, code: str) -> list[str]:
    """Return the fallbacks, by their models, that *code* is said of."""
    found = said(written)
    judged = verdict(written)
    assert judged.must <= {*found} <= judged.must | judged.may
    return [_at(written, path)["model"] for which, path in found if which == code]


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def test_a_queue_without_limits_has_no_time_out():
    assert dead(book(to("b", "queue_timeout")), "RB510") == ["b/m"]


@pytest.mark.parametrize("bound", ["concurrency", "requests_per_minute", "tokens_per_minute"])
def test_a_queue_with_a_limit_may_time_out(bound: str):
    assert dead(book(to("b", "queue_timeout"), providers={"a": {"limits": {bound: 3}}}), "RB510") == []


def test_a_time_out_of_a_queue_is_no_limit():
    providers = {"a": {"limits": {"queue_timeout": "1s"}}}

    assert dead(book(to("b", "queue_timeout"), providers=providers), "RB510") == ["b/m"]


def test_a_models_own_limit_makes_a_queue_too():
    written = book(to("b", "queue_timeout"), use={"model": "own"})
    written["models"] = {"own": {"provider": "a", "limits": {"requests_per_minute": 9}}}

    assert dead(written, "RB510") == []


def test_one_kind_that_can_happen_is_enough():
    assert dead(book(to("b", "queue_timeout", "timeout")), "RB510") == []


def test_a_fallback_is_reached_from_another_one_that_is():
    providers = {"b": BOUND}

    assert dead(book(to("b", "timeout"), to("c", "queue_timeout"), providers=providers), "RB510") == []


def test_a_fallback_is_not_reached_from_one_that_is_not():
    providers = {"b": BOUND}

    assert dead(book(to("b", "queue_timeout"), to("c", "queue_timeout"), providers=providers), "RB510") == [
        "b/m",
        "c/m",
    ]


def test_one_in_between_that_answers_the_same_failure_passes_its_own_on():
    assert dead(book(to("b", "timeout"), to("c", "timeout")), "RB510") == []


def test_one_in_between_takes_a_failure_that_it_cannot_pass_on():
    between = book(to("b", "queue_timeout"), to("c", "queue_timeout"), providers={"a": BOUND})

    assert dead(between, "RB510") == ["c/m"]


def keyed(*fallbacks: Plain, **more: Any) -> Plain:
    """The same, with a first target that takes a key."""
    written = book(*fallbacks, **more)
    written["providers"]["a"] = {"preset": "openai"}
    return written


@pytest.mark.parametrize("kind", ["authentication", "permission_denied"])
def test_a_callers_refused_key_never_falls_back(kind: str):
    same = {"model": "a/n", "on": [kind]}

    assert dead(keyed(same, credentials="caller"), "RB510") == ["a/n"]


@pytest.mark.parametrize("mode", ["platform", "prefer_caller"])
def test_the_platforms_refused_key_falls_back(mode: str):
    assert dead(keyed({"model": "a/n", "on": ["authentication"]}, credentials=mode), "RB510") == []


def test_a_profile_under_which_the_platform_pays_lets_its_key_fall_back():
    written = keyed({"model": "a/n", "on": ["authentication"]})
    written |= {"profiles": {"p": {"credentials": "caller"}, "q": {}}, "settings": {"default_profile": "p"}}

    assert dead(written, "RB510") == []


def test_profiles_that_are_all_for_callers_let_no_key_fall_back():
    written = keyed({"model": "a/n", "on": ["authentication"]})
    written |= {
        "profiles": {"p": {"credentials": "caller"}, "q": {"extends": "p"}},
        "settings": {"default_profile": "p"},
    }

    assert dead(written, "RB510") == ["a/n"]


def test_a_target_that_takes_no_key_can_refuse_all_the_same():
    assert dead(book(to("b", "authentication"), credentials="caller"), "RB510") == []


def test_one_route_that_reaches_it_is_enough():
    rules = [{"name": "r", "when": {"user": "u"}, "use": {"model": "c/m"}}]
    written = book(to("b", "queue_timeout"), providers={"c": BOUND}, rules=rules)

    assert dead(written, "RB510") == []


def test_a_route_that_no_request_takes_reaches_nothing():
    rules = [{"name": "r", "when": {"stream": {"exists": False}}, "use": {"model": "c/m"}}]
    written = book(to("b", "queue_timeout"), providers={"c": BOUND}, rules=rules)

    assert dead(written, "RB510") == ["b/m"]


def test_an_arm_of_weight_zero_reaches_nothing():
    arms = [{"name": "x", "weight": 1, "model": "a/m"}, {"name": "y", "weight": 0, "model": "c/m"}]
    written = book(to("b", "queue_timeout"), providers={"c": BOUND}, use={"split": arms})

    assert dead(written, "RB510") == ["b/m"]


def test_a_fallback_is_said_to_be_unreached_once_however_many_routes_it_follows():
    rules = [{"name": f"r{n}", "when": {"user": f"u{n}"}, "use": {"model": f"a/{n}"}} for n in range(5)]

    assert dead(book(to("b", "queue_timeout"), rules=rules), "RB510") == ["b/m"]


def late(seconds: str, *fallbacks: Plain, **more: Any) -> list[str]:
    return dead(book(*fallbacks, deadline=seconds, **more), "RB511")


def test_a_deadline_as_long_as_the_first_target_may_take_leaves_no_time():
    assert late("10s", to("b"), providers={"a": ONCE}) == ["b/m"]


def test_a_longer_deadline_leaves_time():
    assert late("10001ms", to("b"), providers={"a": ONCE}) == []


def test_without_a_deadline_there_is_always_time():
    assert dead(book(to("b")), "RB511") == []


def test_every_try_and_the_pauses_between_them_count():
    """Three times 10 s, and pauses of 500 ms and 1 s."""
    slow = {"a": {"timeout": "10s"}}

    assert late("31500ms", to("b"), providers=slow) == ["b/m"]
    assert late("31501ms", to("b"), providers=slow) == []


def test_pauses_grow_up_to_their_bound():
    """Four times 1 s, and pauses of 2, 3 and 3 s."""
    slow = {"a": {"timeout": "1s", "retry": {"attempts": 4, "backoff": "2s", "max_backoff": "3s"}}}

    assert late("12s", to("b"), providers=slow) == ["b/m"]
    assert late("12001ms", to("b"), providers=slow) == []


def test_all_attempts_before_it_count_and_the_first_without_time_is_named():
    both = {"a": ONCE, "b": ONCE, "c": ONCE}

    assert late("20s", to("b"), to("c"), to("d"), providers=both) == ["c/m"]


def test_a_targets_own_timeout_wins():
    quick = {"options": {"timeout": {"total": "2s"}}}

    assert late("10s", to("b"), providers={"a": ONCE}, use={"model": "a/m", **quick}) == []
    assert late("12s", to("b", **quick), to("c"), providers={"a": ONCE, "b": ONCE}) == ["c/m"]
    assert late("12001ms", to("b", **quick), to("c"), providers={"a": ONCE, "b": ONCE}) == []


def test_a_features_timeout_counts_for_each_of_its_targets():
    assert late("2s", to("b"), providers={"a": ONCE}, options={"timeout": "2s"}) == ["b/m"]
    assert late("3s", to("b"), providers={"a": ONCE}, options={"timeout": "2s"}) == []


def test_a_timeout_that_does_not_bound_the_whole_call_leaves_the_providers():
    idle = {"options": {"timeout": {"idle": "1s"}}}

    assert late("10s", to("b"), providers={"a": ONCE}, use={"model": "a/m", **idle}) == ["b/m"]


def test_ten_minutes_are_the_most_where_nothing_is_said():
    assert late("30m", to("b")) == ["b/m"]
    assert late("31m", to("b")) == []


def test_one_route_that_leaves_it_no_time_is_enough():
    rules = [{"name": "r", "when": {"user": "u"}, "use": {"model": "c/m"}}]

    assert late("11s", to("b"), providers={"a": {"timeout": "20s"}, "c": ONCE}, rules=rules) == ["b/m"]


def test_those_after_the_first_without_time_follow_from_it():
    assert late("45s", to("b"), to("c"), providers={"a": {"timeout": "60s"}}) == ["b/m"]


def test_a_fallback_that_equals_an_attempt_before_it_takes_no_time():
    rules = [{"name": "r", "when": {"user": "u"}, "use": {"model": "b/m"}}]
    providers = {"a": {**ONCE, "timeout": "1s"}, "b": ONCE}

    assert late("15s", to("b"), to("c"), providers=providers, rules=rules) == []


@pytest.mark.parametrize(("options", "dead_ones"), [("none", ["c/m"]), (["prompt_cache"], []), (["extra_headers"], [])])
def test_a_fallback_that_a_callers_option_may_keep_out_leaves_its_failures_to_the_next(options: Any, dead_ones: Any):
    """The APIs keep prompts for other times and set other headers: a request for one passes over the second."""
    late = [to(name, "queue_timeout") for name in "bc"]
    written = book(*late, providers={"a": BOUND}, caller_options=options, credentials="platform")
    written["providers"]["b"] = {"preset": "anthropic"}

    assert [at["model"] for code, at in _found(written) if code == "RB510"] == dead_ones


def _found(written: Plain) -> list[tuple[str, Any]]:
    return [(code, _at(written, path)) for code, path in said(written)]
