"""The worst case of a decision: calls, seconds and dollars, against counting every call one by one."""

from __future__ import annotations

import random
from typing import Any

import pytest

from routebook import Context, Facts, RoutingTable, compile_mapping
from routebook.routing.bounds.arithmetic import arithmetic
from routebook.routing.bounds.worst_case import Bounds, WorstCase

Plain = dict[str, Any]

MODEL = {"provider": "acme", "capabilities": ["tools"], "context_window": 10_000, "max_output_tokens": 1_000}
PRICED = MODEL | {"price": {"input": 1.0, "output": 10.0}}
CALL_USD = (9_000 * 1.0 + 1_000 * 10.0) / 1_000_000


def book(feature: Plain | None = None, model: Plain | None = None, provider: Plain | None = None, **more: Any) -> Plain:
    served = {"base_url": "https://acme.test/v1", "api": "openai-chat", "api_key": {"env": "KEY"}}
    once = {"retry": {"attempts": 1}, "timeout": "10s"}
    return {
        "providers": {"acme": served | once | (provider or {})},
        "models": {"m": PRICED | (model or {})},
        "features": {"f": {"use": {"model": "m"}, **(feature or {})}},
        **more,
    }


def bounds_of(table: RoutingTable, context: Context | None = None, **facts: Any) -> Bounds:
    decision = table.resolve("f", context, Facts(**facts))
    return WorstCase(table).bounds(table.features["f"], decision.attempts, decision.shadow)


def bounded(feature: Plain | None = None, model: Plain | None = None, **more: Any) -> Bounds:
    return bounds_of(compile_mapping(book(feature, model, **more)))


def why(feature: Plain | None = None, model: Plain | None = None, **more: Any) -> tuple[str, ...]:
    table = compile_mapping(book(feature, model, **more))
    decision = table.resolve("f")
    return arithmetic(WorstCase(table), table.features["f"], decision.attempts, decision.shadow).notes


def counted(table: RoutingTable) -> Bounds:
    """Count a run in which everything fails as late as it can, call by call."""
    feature, decision = table.features["f"], table.resolve("f")
    tools = feature.tools if feature.tools is not None and feature.tools.allow != () else None
    calls, seconds, usd, turns = 0, 0.0, 0.0, ["answer"]
    if tools is not None:
        turns = ["tools"] * tools.max_turns + (["finish"] if tools.on_limit == "finish" else [])
    repairs = table.outputs[feature.output].repair_attempts if feature.output else 0
    for _ in range(1 + repairs):
        for _ in turns:
            for attempt in decision.attempts:
                provider, model = table.providers[attempt.provider], table.models[attempt.model]
                timeout = attempt.options.get("timeout", {}).get("total") or provider.timeout.total
                pause = provider.retry.backoff_s
                for number in range(provider.retry.attempts):
                    if number > 0:
                        seconds += min(pause, provider.retry.max_backoff_s)
                        pause *= 2
                    for limits in (provider.limits, model.limits):
                        seconds += limits.queue_timeout_s if limits.concurrency else 0.0
                    calls += 1
                    seconds += timeout
                    usd += dearest(model, attempt.options)
    if tools is not None:
        seconds += tools_seconds(table, feature.tools)
    if feature.deadline_s is not None:
        seconds = min(seconds, feature.deadline_s)
    return Bounds(calls, seconds, usd, len({attempt.provider for attempt in decision.attempts}))


def dearest(model: Any, options: Any) -> float:
    """Try every length of an answer."""
    longest = min(options.get("max_output_tokens", model.max_output_tokens), model.max_output_tokens)
    entry = max(model.price.input, model.price.cached_input or 0.0, model.price.cache_write or 0.0)
    lengths = range(min(longest, model.context_window) + 1)
    return max((model.context_window - out) * entry + out * model.price.output for out in lengths) / 1_000_000


def tools_seconds(table: RoutingTable, tools: Any) -> float:
    """Try every way to spread the calls over the turns, each turn served by workers that take a call at a time."""
    server = table.servers[tools.servers[0]]
    one = server.start_timeout_s + min(tools.timeout_s, server.timeout_s or tools.timeout_s)

    def turn(calls: int) -> float:
        workers = [0.0] * tools.parallel
        for _ in range(calls):
            workers[workers.index(min(workers))] += one
        return max(workers)

    def worst(turns: int, calls: int) -> float:
        return max(turn(now) + worst(turns - 1, calls - now) for now in range(calls + 1)) if turns else 0.0

    return server.start_timeout_s + worst(tools.max_turns, tools.max_calls)


def random_book(seed: int) -> Plain:
    dice = random.Random(seed)

    def perhaps(entry: Plain) -> Plain:
        return {key: value for key, value in entry.items() if dice.random() < 0.5}

    def provider() -> Plain:
        return {"api": "openai-chat", "base_url": "https://x.test/v1", "auth": "none"} | perhaps(
            {
                "retry": {"attempts": dice.randint(1, 5), "backoff": "700ms", "max_backoff": dice.choice(["1s", "3s"])},
                "timeout": {"total": f"{dice.randint(1, 90)}s"},
                "limits": {"concurrency": 3, "queue_timeout": f"{dice.randint(1, 9)}s"},
            }
        )

    def model() -> Plain:
        price = {"input": dice.choice([0, 1, 7]), "output": dice.choice([0, 2, 5])}
        return {
            "provider": dice.choice(["a", "b", "c"]),
            "capabilities": ["tools", "json_schema"],
            "context_window": dice.randint(20, 60),
            "max_output_tokens": dice.randint(20, 60),
            "price": price | perhaps({"cached_input": dice.choice([0.5, 3]), "cache_write": 8}),
        } | perhaps({"limits": {"concurrency": 1}, "options": {"max_output_tokens": 20}})

    def target(name: str) -> Plain:
        return {"model": name} | perhaps({"options": {"timeout": f"{dice.randint(1, 9)}s"}})

    feature = {"use": target("m0"), "fallbacks": [target(name) for name in ("m1", "m2")][: dice.randint(1, 2)]}
    tools = {"servers": ["clock"], "max_turns": dice.randint(1, 4), "max_calls": dice.randint(1, 6)} | perhaps(
        {"on_limit": "fail", "parallel": dice.randint(1, 3), "timeout": "2s"}
    )
    clock = {"command": "clock"} | perhaps({"timeout": "1s", "start_timeout": "4s"})
    return {
        "providers": {name: provider() for name in "abc"},
        "models": {f"m{number}": model() | {"id": f"id{number}"} for number in range(3)},
        "mcp_servers": {"clock": clock},
        "outputs": {"o": {"schema": {"type": "object"}, "repair": {"attempts": dice.randint(0, 2)}}},
        "features": {"f": feature | perhaps({"tools": tools, "output": "o", "deadline": f"{dice.randint(1, 500)}s"})},
    }


@pytest.mark.parametrize("seed", range(60))
def test_the_bounds_are_those_of_counting_every_call_of_the_worst_run(seed):
    table = compile_mapping(random_book(seed))

    found, expected = bounds_of(table), counted(table)

    assert (found.calls, found.providers) == (expected.calls, expected.providers)
    assert found.seconds == pytest.approx(expected.seconds)
    assert found.usd == pytest.approx(expected.usd)


@pytest.mark.parametrize("seed", range(20))
def test_the_arithmetic_adds_up_to_the_bounds(seed):
    table = compile_mapping(random_book(seed))
    feature, decision = table.features["f"], table.resolve("f")
    shown = arithmetic(WorstCase(table), feature, decision.attempts).to_dict()

    assert sum(attempt["calls"] for attempt in shown["attempts"]) == shown["calls"]
    assert sum(attempt["usd"] for attempt in shown["attempts"]) == pytest.approx(shown["usd"])
    seconds = sum(attempt["seconds"] for attempt in shown["attempts"]) + shown["tools"]["seconds"]
    assert seconds == pytest.approx(shown["seconds_without_deadline"])
    assert shown["seconds"] == min(shown["seconds_without_deadline"], shown["deadline_s"] or seconds)


def test_one_call_is_the_least():
    assert bounded() == Bounds(1, 10.0, pytest.approx(CALL_USD), 1)


def test_a_feature_that_offers_no_tools_takes_one_turn():
    tools = {"tools": {"servers": ["clock"], "allow": [], "max_turns": 8}}

    assert bounded(tools, mcp_servers={"clock": {"command": "clock"}}).calls == 1


def test_many_tries_are_summed_up_without_taking_them_one_by_one():
    retry = {"attempts": 10**12, "backoff": "1s", "max_backoff": "4s"}

    found = bounded(provider={"retry": retry, "timeout": "10s"})

    assert found.calls == 10**12
    assert found.seconds == pytest.approx(10 * 10**12 + 1 + 2 + 4 * (10**12 - 3))


def test_a_limit_of_a_model_holds_under_all_its_names():
    limited = PRICED | {"id": "same", "limits": {"requests_per_minute": 1, "queue_timeout": "7s"}}
    table = compile_mapping(
        book({"allow_override": ["limited"]}, {"id": "same"})
        | {"models": {"m": PRICED | {"id": "same"}, "limited": limited}}
    )

    assert bounds_of(table).seconds == 17.0


def test_a_script_plays_its_delays_whatever_the_time_out():
    stage = {"api": "scripted", "script": [{"reply": {"text": "late", "delay": "99s"}}], "timeout": "5s"}
    table = compile_mapping(
        {"providers": {"acme": stage}, "models": {"m": PRICED}, "features": {"f": {"use": {"model": "m"}}}}
    )

    assert bounds_of(table).seconds == 3 * 99 + 1.5


def test_a_deadline_bounds_the_seconds_and_nothing_else():
    assert bounded({"deadline": "4s"}) == Bounds(1, 4.0, pytest.approx(CALL_USD), 1)
    assert bounded({"deadline": "40s"}).seconds == 10.0


def test_calls_that_wait_for_those_of_other_runs_have_a_deadline_for_their_only_bound():
    shared = {"mcp_servers": {"clock": {"command": "clock", "parallel": 2}}}
    tools = {"tools": {"servers": ["clock"]}}

    assert bounded(tools, **shared).seconds is None
    assert bounded(tools | {"deadline": "20s"}, **shared).seconds == 20.0
    assert any("'clock' wait for those of other runs" in note for note in why(tools, **shared))


@pytest.mark.parametrize(
    ("model", "note"),
    [
        ({"price": None}, "model 'm' has no price"),
        ({"price": {"input": 1.0}}, "model 'm' has no price for its output"),
        ({"price": {"output": 1.0}}, "model 'm' has no price for its input"),
        ({"context_window": None}, "model 'm' declares no context_window, so its input is not bounded"),
    ],
)
def test_without_a_price_or_a_limit_there_is_no_bound_in_dollars(model, note):
    declared = {key: value for key, value in (PRICED | model).items() if value is not None}
    table = compile_mapping(book() | {"models": {"m": declared}})
    decision = table.resolve("f")
    shown = arithmetic(WorstCase(table), table.features["f"], decision.attempts)

    assert shown.bounds.usd is None
    assert shown.notes == (f"m at acme: {note}",)
    assert shown.gap == ("unpriced" if "price" in model else "unbounded")


def test_one_attempt_without_a_bound_is_enough():
    table = compile_mapping(book({"fallbacks": [{"model": "acme/else"}]}))

    assert bounds_of(table) == Bounds(2, 20.0, None, 1)


def test_what_is_free_needs_no_limit():
    declared = {"provider": "acme", "capabilities": ["tools"], "price": {"input": 0, "output": 0}}
    table = compile_mapping(book() | {"models": {"m": declared}})

    assert bounds_of(table).usd == 0.0


def test_an_answer_may_be_as_long_as_the_window_where_nothing_else_bounds_it():
    declared = {key: value for key, value in PRICED.items() if key != "max_output_tokens"}
    table = compile_mapping(book() | {"models": {"m": declared}})

    assert bounds_of(table).usd == pytest.approx(10_000 * 10.0 / 1_000_000)


def test_an_option_bounds_the_answer_and_a_callers_too():
    table = compile_mapping(book({"options": {"max_output_tokens": 500}}))

    assert bounds_of(table).usd == pytest.approx((9_500 * 1.0 + 500 * 10.0) / 1_000_000)
    asked = bounds_of(table, options={"max_output_tokens": 100, "timeout": {"total": 3.0}})
    assert asked.usd == pytest.approx((9_900 * 1.0 + 100 * 10.0) / 1_000_000)
    assert asked.seconds == 3.0


def test_decisions_whose_options_differ_have_bounds_of_their_own():
    entry = book({"options": {"timeout": {"connect": "1s"}}})
    entry["features"]["g"] = {"use": {"model": "m", "options": {"timeout": "3s", "max_output_tokens": 1}}}
    table = compile_mapping(entry)
    worst = WorstCase(table)

    found = [worst.bounds(table.features[name], table.resolve(name).attempts) for name in ("f", "g")]

    assert [one.seconds for one in found] == [10.0, 3.0]
    assert [one.usd for one in found] == [pytest.approx(CALL_USD), pytest.approx((9_999 + 10) / 1_000_000)]


def test_a_call_may_embed_any_number_of_texts():
    embeds = {"provider": "acme", "capabilities": ["embeddings"], "context_window": 10, "price": {"input": 1.0}}
    table = compile_mapping(book({"needs": ["embeddings"]}) | {"models": {"m": embeds}})

    assert bounds_of(table) == Bounds(1, 10.0, None, 1)


def test_each_image_of_a_call_is_paid_for():
    draws = {"capabilities": ["image_output"], "context_window": 1_000, "max_output_tokens": 5_000}
    table = compile_mapping(book({"needs": ["image_output"], "options": {"n": 3}}, draws))

    assert bounds_of(table).usd == pytest.approx((1_000 * 1.0 + 3 * 5_000 * 10.0) / 1_000_000)


def test_the_platform_pays_nothing_where_a_callers_key_does():
    table = compile_mapping(book({"shadow": {"model": "m", "percent": 100}}))

    assert bounds_of(table, Context(credentials={"acme": "sk-caller"})).usd == 0.0


def test_a_shadow_costs_one_call_and_is_none_of_the_runs_calls():
    other = {"providers": book()["providers"] | {"other": {"api": "openai-chat", "base_url": "https://o.test/v1"}}}
    other["providers"]["other"] |= {"auth": "none", "timeout": "500s"}
    shadow = {"shadow": {"model": "n", "percent": 100}}
    models = {"m": PRICED, "n": PRICED | {"provider": "other", "price": {"input": 100.0, "output": 100.0}}}
    table = compile_mapping(book(shadow) | other | {"models": models})

    assert bounds_of(table) == Bounds(1, 10.0, pytest.approx(CALL_USD + 1.0), 1)


def test_a_shadow_without_a_price_leaves_no_bound_in_dollars():
    table = compile_mapping(book({"shadow": {"model": "acme/else", "percent": 100}}))

    assert bounds_of(table).usd is None


def loop(budget: Plain, **more: Any) -> Bounds:
    tools = {"servers": ["clock"], "max_turns": 9, "on_limit": "finish"}
    return bounded({"tools": tools, "budget": budget}, mcp_servers={"clock": {"command": "clock"}}, **more)


def test_a_budget_is_passed_by_one_call_at_most_where_nothing_is_tried_twice():
    assert loop({"usd_per_run": 0.05}).usd == pytest.approx(0.05 + CALL_USD)
    assert loop({"usd_per_run": 50}).usd == pytest.approx(10 * CALL_USD)
    assert loop({"usd_per_run": 0.05}).calls == 10


def test_tokens_of_a_budget_are_all_taken_for_the_dearest():
    assert loop({"tokens_per_run": 2_000}).usd == pytest.approx(2_000 * 10.0 / 1_000_000 + CALL_USD)


def test_a_token_of_a_budget_costs_what_the_dearest_attempt_takes_for_it():
    cheap = PRICED | {"id": "c", "price": {"input": 0.1, "output": 0.2}}
    clock = {"mcp_servers": {"clock": {"command": "clock"}}}
    feature = {"tools": {"servers": ["clock"]}, "fallbacks": [{"model": "c"}], "budget": {"tokens_per_run": 100}}
    table = compile_mapping(book(feature, **clock) | {"models": {"m": PRICED, "c": cheap}})

    cheap_usd = (9_000 * 0.1 + 1_000 * 0.2) / 1_000_000
    assert bounds_of(table).usd == pytest.approx(0.001 + 8 * CALL_USD + CALL_USD + cheap_usd)


def test_tries_that_fail_may_be_billed_beside_the_budget():
    provider = {"retry": {"attempts": 3}, "timeout": "10s"}

    assert loop({"usd_per_run": 0.05}, provider=provider).usd == pytest.approx(
        0.05 + 9 * 2 * CALL_USD + 3 * CALL_USD, abs=1e-9
    )


@pytest.mark.parametrize("seed", range(40))
def test_no_run_spends_more_than_its_bound_whatever_fails_and_answers(seed):
    dice = random.Random(seed)
    entry = book(provider={"retry": {"attempts": dice.randint(1, 3)}})
    tools = {"servers": ["clock"], "max_turns": dice.randint(1, 6)}
    entry["mcp_servers"] = {"clock": {"command": "clock"}}
    entry["models"] |= {"cheap": PRICED | {"id": "c", "price": {"input": 0.1, "output": 0.2}}}
    entry["features"]["f"] |= {"tools": tools, "budget": {"usd_per_run": 0.03}, "fallbacks": [{"model": "cheap"}]}
    table = compile_mapping(entry)
    most = bounds_of(table).usd

    for _ in range(200):
        assert spent(table, dice) <= most + 1e-9


def spent(table: RoutingTable, dice: random.Random) -> float:
    """Play a run as an engine would, with a budget that counts answers only."""
    decision, feature = table.resolve("f"), table.features["f"]
    billed = known = 0.0
    for _ in range(feature.tools.max_turns + 1):
        if known >= feature.budget.usd_per_run:
            return billed
        answered = False
        for attempt in decision.attempts:
            cost = dearest(table.models[attempt.model], attempt.options) * dice.choice([1, 1, 1, 0.001])
            for _ in range(table.providers[attempt.provider].retry.attempts):
                billed += cost
                answered = answered or dice.random() < 0.4
                if answered:
                    known += cost
                    break
            if answered:
                break
        if not answered:
            return billed
    return billed
