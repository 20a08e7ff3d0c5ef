"""Limits that follow the provider: what a refusal teaches, whom it holds up, and whom it does not."""

from __future__ import annotations

import asyncio

import pytest
from limited import Busy, edit_providers, kinds, limit_states, settled

from routebook import Context, Engine


async def test_one_callers_refusal_stalls_nobody_else(fake, wire, books, keys):
    async def reply(received):
        refused = "sk-greedy" in received.headers["authorization"]
        return wire.error(429, "too much", "retry-after: 60") if refused else wire.text("ok")

    provider = await fake(reply)
    limits = {"concurrency": 4, "queue_timeout": "1s"}
    book = books.over(provider.url, provider={"limits": limits})
    greedy, modest = (Context(credentials={"p0": key}) for key in ("sk-greedy", "sk-modest"))

    async with Engine(books.table(book), environment=keys) as engine:
        first, again = [(await settled([engine.run("chat", "x", context=greedy)]))[0] for _ in range(2)]
        others = [await engine.run("chat", "x", context=modest), await engine.run("chat", "x")]
        fallen = sorted(
            (state.credential, state.model is None, state.gate.concurrency) for state in engine.status.limits
        )
        assert "sk-" not in repr(engine.status)

    assert kinds([first, again]) == ["rate_limit", "queue_timeout"]
    assert "it cools down for " in again.message
    assert "longer than its queue_timeout of 1 s" in again.message
    assert [result.text for result in others] == ["ok", "ok"]
    assert ("caller", True, 3) in fallen
    assert ("caller", True, 4) in fallen
    assert ("platform", True, 4) in fallen
    assert len(provider.requests) == 3


async def test_two_callers_have_a_minutes_worth_each(fake, wire, books, keys):
    provider = await fake(wire.text("ok"))
    limits = {"requests_per_minute": 2, "queue_timeout": "50ms"}
    book = books.over(provider.url, provider={"limits": limits})
    contexts = [Context(credentials={"p0": f"sk-{number}"}) for number in (1, 2)] + [None]

    async with Engine(books.table(book), environment=keys) as engine:
        for context in contexts:
            outcomes = [(await settled([engine.run("chat", "x", context=context)]))[0] for _ in range(3)]
            assert kinds(outcomes) == [None, None, "queue_timeout"]

    assert len(provider.requests) == 6


async def test_a_burst_of_refusals_lowers_the_concurrency_once_and_the_status_says_so(fake, wire, books, keys):
    reply = Busy(wire.error(429, "too much", "retry-after: 0"))
    reply.open.clear()
    provider = await fake(reply)
    book = books.over(provider.url, provider={"limits": {"concurrency": 8}})

    async with Engine(books.table(book), environment=keys) as engine:
        burst = [asyncio.create_task(engine.run("chat", "x")) for _ in range(8)]
        await provider.wait_for(8)
        reply.open.set()
        assert kinds(await settled(burst)) == ["rate_limit"] * 8
        gate = limit_states(engine)["p0", None, "platform"]
        assert (gate.concurrency, gate.most) == (6, 8)

        provider.reply = Busy(wire.text("ok"))
        results = await settled(engine.run("chat", "x") for _ in range(50))
        gate = limit_states(engine)["p0", None, "platform"]

    assert kinds(results) == [None] * 50
    assert provider.reply.most <= 8
    assert gate.concurrency == 8


@pytest.mark.parametrize("failure", [400, 500, 503])
async def test_other_failures_do_not_lower_it(fake, wire, books, keys, failure):
    provider = await fake(wire.error(failure))
    book = books.over(provider.url, provider={"limits": {"concurrency": 8}})

    async with Engine(books.table(book), environment=keys) as engine:
        await settled(engine.run("chat", "x") for _ in range(4))
        assert limit_states(engine)["p0", None, "platform"].concurrency == 8
        assert limit_states(engine)["p0", None, "platform"].cooldown_s == 0


async def test_overloaded_answers_lower_it_and_without_adaptive_nothing_does(fake, wire, books, keys):
    provider = await fake(wire.error(529))
    book = books.over(provider.url, provider.url)
    book["providers"]["p0"]["limits"] = {"concurrency": 8}
    book["providers"]["p1"]["limits"] = {"concurrency": 8, "adaptive": False}

    async with Engine(books.table(book), environment=keys) as engine:
        await settled([engine.run("chat", "x")])
        states = limit_states(engine)

    assert states["p0", None, "platform"].concurrency == 6
    assert states["p1", None, "platform"].concurrency == 8
    assert states["p0", "vendor/m0", "platform"].cooldown_s > 0
    assert ("p1", "vendor/m1", "platform") not in states


async def test_a_target_that_cools_down_is_passed_over_where_there_is_another(fake, wire, books, keys):
    provider, spare = await fake(wire.error(429, "no", "retry-after: 60")), await fake(wire.text("spare"))
    book = books.over(provider.url, spare.url, provider={"limits": {"concurrency": 4}})

    async with Engine(books.table(book), environment=keys) as engine:
        first, second = await engine.run("chat", "x"), await engine.run("chat", "x")

    assert [(attempt.outcome, attempt.kind, attempt.sent) for attempt in first.attempts] == [
        ("failed", "rate_limit", True),
        ("answered", None, True),
    ]
    assert [(attempt.outcome, attempt.kind, attempt.sent) for attempt in second.attempts] == [
        ("passed_over", "rate_limit", False),
        ("answered", None, True),
    ]
    assert "it cools down for " in second.attempts[0].reason
    assert len(provider.requests) == 1


async def test_a_target_that_cools_down_is_waited_for_where_there_is_no_other(fake, wire, books, keys):
    moments = []

    async def reply(_):
        moments.append(asyncio.get_running_loop().time())
        return wire.error(429, "no", "retry-after-ms: 300") if len(moments) == 1 else wire.text("ok")

    provider = await fake(reply)
    book = books.over(provider.url, provider={"limits": {"concurrency": 4}})

    async with Engine(books.table(book), environment=keys) as engine:
        await settled([engine.run("chat", "x")])
        result = await engine.run("chat", "x")

    assert result.text == "ok"
    assert moments[1] - moments[0] >= 0.3


async def test_a_model_that_cools_down_is_waited_for_as_long_as_its_providers_queue_allows(fake, wire, books, keys):
    provider = await fake(wire.error(429, "no", "retry-after: 20"))
    book = books.over(provider.url, provider={"limits": {"concurrency": 4, "queue_timeout": "200ms"}})

    async with Engine(books.table(book), environment=keys) as engine:
        outcomes = [(await settled([engine.run("chat", "x")]))[0] for _ in range(2)]

    assert kinds(outcomes) == ["rate_limit", "queue_timeout"]
    assert "longer than its queue_timeout of 0.2 s" in outcomes[1].message


async def test_another_model_of_a_provider_is_not_stalled_by_ones_refusal(fake, wire, books, keys):
    async def reply(received):
        refused = received.json["model"] == "vendor/m0"
        return wire.error(429, "no", "retry-after: 60") if refused else wire.text("ok")

    provider = await fake(reply)
    book = books.over(provider.url, provider={"limits": {"concurrency": 4, "queue_timeout": "100ms"}})
    book["models"]["other"] = {"provider": "p0"}
    book["features"]["other"] = {"use": {"model": "other"}}

    async with Engine(books.table(book), environment=keys) as engine:
        await settled([engine.run("chat", "x")])
        assert (await engine.run("other", "x")).text == "ok"


async def test_what_a_provider_taught_outlives_an_edit_of_something_else(fake, wire, books, keys, tmp_path):
    provider = await fake([wire.error(429, "no", "retry-after: 60"), wire.text("ok")])
    book = books.over(provider.url, provider={"limits": {"concurrency": 8, "queue_timeout": "100ms"}})
    root = books.write(tmp_path / "routes", book)

    async with Engine(root, environment=keys) as engine:
        await settled([engine.run("chat", "x")])
        book["providers"]["p0"]["retry"] = {"attempts": 2}
        await edit_providers(engine, root, book)
        states = limit_states(engine)
        [late] = await settled([engine.run("chat", "x")])

    assert states["p0", None, "platform"].concurrency == 6
    assert states["p0", "vendor/m0", "platform"].cooldown_s > 30
    assert kinds([late]) == ["queue_timeout"]
