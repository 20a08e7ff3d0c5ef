"""Limits: how much is asked of a provider and its models at once and in a minute, whoever asks under what name."""

from __future__ import annotations

import asyncio
import base64
import struct

import pytest
from limited import Busy, edit_providers, kinds, limit_states, settled

from routebook import ChatRequest, Engine, Message, ProviderError
from routebook.engine.limits import Limiter
from routebook.routing.provider_spec import Limits
from routebook.routing.wire_limits import wire_limits
from routebook.state.gates import BookLimits

REQUEST = ChatRequest("vendor/m0", (Message("user", "hello"),))
VECTOR = base64.b64encode(struct.pack("<1f", 0.5)).decode()


async def test_a_provider_is_asked_so_much_at_once_and_no_more(fake, wire, books, keys):
    reply = Busy(wire.text("ok"))
    provider = await fake(reply)
    book = books.over(provider.url, provider={"limits": {"concurrency": 3}})

    async with Engine(books.table(book), environment=keys) as engine:
        results = await settled(engine.run("chat", "x") for _ in range(40))
        assert limit_states(engine)["p0", None, "platform"].running == 0

    assert [result.text for result in results] == ["ok"] * 40
    assert reply.most == 3
    assert any(result.attempts[0].queued_s > 0 for result in results)
    assert sum(result.attempts[0].queued_s > 0.001 for result in results) >= 30


async def test_calls_get_their_turn_in_the_order_in_which_they_came(fake, wire, books, keys):
    provider = await fake(Busy(wire.text("ok"), seconds=0.001))
    book = books.over(provider.url, provider={"limits": {"concurrency": 1}})

    async with Engine(books.table(book), environment=keys) as engine:
        await settled(engine.run("chat", f"number {number}") for number in range(50))

    asked = [request.json["messages"][-1]["content"] for request in provider.requests]
    assert asked == [f"number {number}" for number in range(50)]


async def test_all_names_of_a_model_share_the_tightest_limit_over_chat_embeddings_and_images(fake, wire, books, keys):
    def answer(received):
        if "input" in received.json:
            return wire.http(200, {"data": [{"index": 0, "embedding": VECTOR}], "usage": {"prompt_tokens": 1}})
        if "prompt" in received.json:
            return wire.http(200, {"created": 1, "data": [{"b64_json": "iVBORw0KGgo="}]})
        return wire.text("ok")

    reply = Busy(answer)
    provider = await fake(reply)
    book = books.over(provider.url)
    limits = {"a": 9, "b": 2, "e": 5, "i": None}
    needs = {"a": "json_schema", "b": "json_schema", "e": "embeddings", "i": "image_output"}
    book["models"] = {
        name: {
            "provider": "p0",
            "id": "vendor/one",
            "capabilities": [needs[name]],
            **({"limits": {"concurrency": most}} if most else {}),
        }
        for name, most in limits.items()
    }
    book["features"] = {
        name: {"use": {"model": name}, **({"needs": [needs[name]]} if name in "ei" else {})} for name in limits
    }

    async with Engine(books.table(book), environment=keys) as engine:
        calls = [engine.run("a", "x"), engine.run("b", "x"), engine.embed("e", "x"), engine.generate_image("i", "x")]
        more = [engine.run("a", "x"), engine.embed("e", "x"), engine.run("b", "x"), engine.generate_image("i", "x")]
        results = await settled([*calls, *more])
        states = limit_states(engine)

    assert kinds(results) == [None] * 8
    assert len(provider.requests) == 8
    assert reply.most == 2
    assert states["p0", "vendor/one", "platform"].most == 2


async def test_a_model_and_its_provider_both_hold(fake, wire, books, keys):
    reply = Busy(lambda received: wire.text(received.json["model"]))
    provider = await fake(reply)
    book = books.over(provider.url, provider={"limits": {"concurrency": 4}})
    book["models"]["m0"]["limits"] = {"concurrency": 1}
    book["models"]["other"] = {"provider": "p0"}
    book["features"]["wide"] = {"use": {"model": "other"}}
    most_of_m0 = []

    async def watched(received):
        under_way = limit_states(engine)["p0", "vendor/m0", "platform"].running
        most_of_m0.append(under_way)
        return await reply(received)

    provider.reply = watched
    async with Engine(books.table(book), environment=keys) as engine:
        narrow = [engine.run("chat", "x") for _ in range(8)]
        wide = [engine.run("wide", "x") for _ in range(16)]
        await settled([*narrow, *wide])

    assert max(most_of_m0) == 1
    assert 1 < reply.most <= 4


async def test_a_minutes_requests_are_used_up_and_the_next_waits_or_is_told(fake, wire, books, keys):
    provider = await fake(wire.text("ok"))
    limits = {"requests_per_minute": 3, "queue_timeout": "100ms"}
    book = books.over(provider.url, provider={"limits": limits})

    async with Engine(books.table(book), environment=keys) as engine:
        outcomes = await settled(engine.run("chat", "x") for _ in range(5))
        left = limit_states(engine)["p0", None, "platform"].requests_left

    assert kinds(outcomes) == [None, None, None, "queue_timeout", "queue_timeout"]
    assert len(provider.requests) == 3
    assert left < 1
    error = outcomes[-1]
    [attempt] = error.attempts
    assert (attempt.outcome, attempt.kind, attempt.sent) == ("passed_over", "queue_timeout", False)
    assert (attempt.usage, attempt.cost_usd, attempt.first_token_s) == (None, None, None)
    # Of the wait nothing is the call's.
    assert attempt.queued_s >= 0.09
    assert attempt.duration_s < attempt.queued_s
    assert error.message == (
        "no turn at provider 'p0': its queue_timeout of 0.1 s is over, and what may be asked in a minute is used up"
    )
    assert "raise the provider's limits" in str(error)


async def test_requests_come_back_in_the_course_of_a_minute(fake, wire, books, keys):
    provider = await fake(wire.text("ok"))
    book = books.over(provider.url, provider={"limits": {"requests_per_minute": 120}})

    async with Engine(books.table(book), environment=keys) as engine:
        began = asyncio.get_running_loop().time()
        await settled(engine.run("chat", "x") for _ in range(121))
        took = asyncio.get_running_loop().time() - began

    assert len(provider.requests) == 121
    assert took >= 0.45


async def test_tokens_are_taken_as_estimated_and_settled_by_what_was_used(fake, wire, books, keys):
    provider = await fake(wire.text("ok", usage=(40, 10)))
    limits = {"tokens_per_minute": 1000, "queue_timeout": "100ms"}
    book = books.over(provider.url, provider={"limits": limits})
    book["models"]["m0"]["options"] = {"max_output_tokens": 800}

    async with Engine(books.table(book), environment=keys) as engine:
        for _ in range(3):  # each is thought to take most of a minute's worth
            await engine.run("chat", "x")
        left = limit_states(engine)["p0", None, "platform"].tokens_left
        with pytest.raises(ProviderError) as full:
            await engine.run("chat", "x" * 800)
        still_left = limit_states(engine)["p0", None, "platform"].tokens_left

    assert 850 <= left <= 950
    assert full.value.kind == "queue_timeout"
    assert still_left >= left


@pytest.mark.parametrize("made_up", [10**10, 10**400, -(10**400)], ids=["ten digits", "400 digits", "below zero"])
@pytest.mark.parametrize("call", ["run", "stream"])
async def test_tokens_that_no_call_can_have_taken_hold_up_no_other_and_keep_no_place(
    fake, wire, books, keys, made_up, call
):
    answer = wire.stream if call == "stream" else wire.text
    provider = await fake(answer("ok", usage=(made_up, 10)))
    limits = {"concurrency": 1, "tokens_per_minute": 1000, "queue_timeout": "100ms"}
    book = books.over(provider.url, provider={"limits": limits})
    book["models"]["m0"]["price"] = {"input": 1.0, "output": 1.0}

    async with Engine(books.table(book), environment=keys) as engine:
        for _ in range(3):
            if call == "stream":
                result = [event async for event in engine.stream("chat", "x")][-1].result
            else:
                result = await engine.run("chat", "x")
            assert result.text == "ok"
            assert result.usage.input == 0
            assert result.attempts[0].outcome == "answered"
        state = limit_states(engine)["p0", None, "platform"]

    assert (state.running, state.waiting) == (0, 0)
    assert state.tokens_left > 900


async def test_an_answer_that_took_more_than_was_thought_makes_the_next_one_wait(fake, wire, books, keys):
    provider = await fake(wire.text("ok", usage=(2000, 1000)))
    limits = {"tokens_per_minute": 1000, "queue_timeout": "100ms"}
    book = books.over(provider.url, provider={"limits": limits})

    async with Engine(books.table(book), environment=keys) as engine:
        await engine.run("chat", "x")
        with pytest.raises(ProviderError) as late:
            await engine.run("chat", "x")

    assert late.value.kind == "queue_timeout"
    assert len(provider.requests) == 1


@pytest.mark.parametrize("refusal", [400, 429, 500])
async def test_a_call_that_is_refused_gives_its_tokens_back(fake, wire, books, keys, refusal):
    provider = await fake(wire.error(refusal))
    book = books.over(provider.url, provider={"limits": {"tokens_per_minute": 1000, "queue_timeout": "100ms"}})
    book["models"]["m0"]["options"] = {"max_output_tokens": 900}

    async with Engine(books.table(book), environment=keys) as engine:
        outcomes = [(await settled([engine.run("chat", "x")]))[0] for _ in range(4)]
        left = limit_states(engine)["p0", None, "platform"].tokens_left

    assert "queue_timeout" not in kinds(outcomes)
    assert left > 990


async def test_a_call_that_never_reached_the_provider_gives_everything_back(books, keys, unused_tcp_port):
    limits = {"tokens_per_minute": 1000, "requests_per_minute": 2, "queue_timeout": "100ms"}
    book = books.over(f"http://127.0.0.1:{unused_tcp_port}/v1", provider={"limits": limits})

    async with Engine(books.table(book), environment=keys) as engine:
        outcomes = [(await settled([engine.run("chat", "x" * 2000)]))[0] for _ in range(4)]
        gate = limit_states(engine)["p0", None, "platform"]

    assert kinds(outcomes) == ["connection"] * 4
    assert (gate.requests_left, gate.tokens_left, gate.running) == (2, 1000, 0)


async def test_a_fallback_that_names_it_takes_over_when_the_queue_is_too_long(fake, wire, books, keys):
    reply = Busy(wire.text("first"))
    reply.open.clear()
    provider, spare = await fake(reply), await fake(wire.text("spare"))
    book = books.over(
        provider.url,
        spare.url,
        fallbacks=[{"model": "m1", "on": ["queue_timeout"]}],
    )
    book["providers"]["p0"]["limits"] = {"concurrency": 1, "queue_timeout": "50ms"}

    async with Engine(books.table(book), environment=keys) as engine:
        first = asyncio.create_task(engine.run("chat", "x"))
        await provider.wait_for(1)
        second = await engine.run("chat", "x")
        reply.open.set()
        assert (await first).text == "first"

    assert second.text == "spare"
    passed, answered = second.attempts
    assert (passed.outcome, passed.sent, passed.kind, answered.kind) == ("passed_over", False, "queue_timeout", None)
    assert not answered.retry
    assert second.absorbed == (passed,)


async def test_a_fallback_that_does_not_name_it_is_left_out(fake, wire, books, keys):
    reply = Busy(wire.text("first"))
    reply.open.clear()
    provider, spare = await fake(reply), await fake(wire.text("spare"))
    book = books.over(provider.url, spare.url)
    book["providers"]["p0"]["limits"] = {"concurrency": 1, "queue_timeout": "50ms"}

    async with Engine(books.table(book), environment=keys) as engine:
        first = asyncio.create_task(engine.run("chat", "x"))
        await provider.wait_for(1)
        with pytest.raises(ProviderError) as late:
            await engine.run("chat", "x")
        reply.open.set()
        await first

    assert late.value.kind == "queue_timeout"
    assert spare.requests == []


async def test_a_call_that_is_cancelled_in_the_queue_or_under_way_gives_its_place_back(fake, wire, books, keys):
    reply = Busy(wire.text("ok"))
    reply.open.clear()
    provider = await fake(reply)
    book = books.over(provider.url, provider={"limits": {"concurrency": 2}})

    async with Engine(books.table(book), environment=keys) as engine:
        tasks = [asyncio.create_task(engine.run("chat", "x")) for _ in range(6)]
        await provider.wait_for(2)
        for task in (tasks[0], tasks[3], tasks[5]):
            task.cancel()
        await provider.wait_for(3)
        reply.open.set()
        outcomes = await settled(tasks)
        gate = limit_states(engine)["p0", None, "platform"]

    assert [isinstance(outcome, asyncio.CancelledError) for outcome in outcomes] == [
        True,
        False,
        False,
        True,
        False,
        True,
    ]
    assert reply.most <= 3  # a connection that was closed takes a moment to be seen as such
    assert (gate.running, gate.waiting) == (0, 0)


async def test_a_stream_keeps_its_place_to_its_end_and_gives_it_back_when_it_is_left(fake, wire, books, keys):
    never = asyncio.Event()
    provider = await fake(lambda _: asyncio.sleep(0, wire.dripping(wire.chunk("one"), never)))
    book = books.over(provider.url, provider={"limits": {"concurrency": 1, "queue_timeout": "50ms"}})

    async with Engine(books.table(book), environment=keys) as engine:
        events = engine.stream("chat", "x")
        async for event in events:
            if event.type == "text_delta":
                break
        with pytest.raises(ProviderError) as late:
            await engine.run("chat", "x")
        await events.aclose()
        provider.reply = wire.text("now")
        assert (await engine.run("chat", "x")).text == "now"

    assert late.value.kind == "queue_timeout"


async def test_an_edit_of_the_limits_holds_for_those_who_wait_and_keeps_what_is_under_way(
    fake, wire, books, keys, tmp_path
):
    reply = Busy(wire.text("ok"))
    reply.open.clear()
    provider = await fake(reply)
    book = books.over(provider.url, provider={"limits": {"concurrency": 1}})
    root = books.write(tmp_path / "routes", book)

    async with Engine(root, environment=keys) as engine:
        tasks = [asyncio.create_task(engine.run("chat", "x")) for _ in range(6)]
        await provider.wait_for(1)
        book["providers"]["p0"]["limits"] = {"concurrency": 3}
        await edit_providers(engine, root, book)
        await provider.wait_for(3)
        gate = limit_states(engine)["p0", None, "platform"]
        assert (gate.running, gate.waiting, gate.most) == (3, 3, 3)
        reply.open.set()
        results = await settled(tasks)

    assert kinds(results) == [None] * 6
    assert reply.most == 3
    assert provider.connections <= 3


async def test_a_book_without_limits_has_none_to_show(fake, wire, books, keys):
    provider = await fake(wire.text("ok"))

    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        result = await engine.run("chat", "x")
        assert engine.status.limits == ()

    assert result.attempts[0].queued_s < 0.001


async def test_forgetting_gates_forgets_none_that_a_call_is_about_to_pass(books, keys):
    """Callers bring keys without end, so gates are forgotten, but never between the choice of a gate and its use."""
    book = books.over("http://127.0.0.1:1/v1", provider={"limits": {"concurrency": 1}})
    book["models"]["m0"]["limits"] = {"concurrency": 1}
    table = books.table(book)
    [planned] = table.resolve("chat").attempts
    for crowd in range(1020, 1028):
        limiter = Limiter()
        limiter.use(table)
        limits = limiter.of_run(table, lambda _: "")
        for number in range(crowd):
            limits_of_another = limiter.of_run(table, lambda _, number=number: f"caller {number}")
            limits_of_another.cooldown_s(planned)

        place = await limits.enter(planned, REQUEST)
        assert limits.enter_now(planned, REQUEST) is None
        place.answered(None)
        limits.enter_now(planned, REQUEST).answered(None)


async def test_a_gate_that_was_forgotten_while_a_call_waited_at_another_is_not_passed(books, keys):
    book = books.over("http://127.0.0.1:1/v1", provider={"limits": {"concurrency": 1}})
    book["models"]["m0"]["limits"] = {"concurrency": 1, "adaptive": False}
    book["models"]["other"] = {"provider": "p0"}
    book["features"]["other"] = {"use": {"model": "other"}}
    table = books.table(book)
    [planned], [other] = table.resolve("chat").attempts, table.resolve("other").attempts
    limiter = Limiter()
    limiter.use(table)
    limits = limiter.of_run(table, lambda _: "")
    limiter.gates.gate(("p0", "vendor/m0", ""), BookLimits({}, {})).cool_down(0.1)

    waiting = asyncio.create_task(limits.enter(planned, REQUEST))
    await asyncio.sleep(0)
    for number in range(1500):
        limiter.of_run(table, lambda _, number=number: f"caller {number}").cooldown_s(planned)
    elsewhere = await limits.enter(other, REQUEST)
    await asyncio.sleep(0.2)

    assert not waiting.done()
    elsewhere.answered(None)
    (await waiting).answered(None)


async def test_a_call_whose_turn_at_the_provider_does_not_come_keeps_no_place_at_its_model(fake, wire, books, keys):
    reply = Busy(wire.text("ok"))
    reply.open.clear()
    provider = await fake(reply)
    book = books.over(provider.url, provider={"limits": {"concurrency": 1, "queue_timeout": "50ms"}})
    book["models"]["m0"]["limits"] = {"concurrency": 1, "requests_per_minute": 2}
    book["models"]["other"] = {"provider": "p0"}
    book["features"]["other"] = {"use": {"model": "other"}}

    async with Engine(books.table(book), environment=keys) as engine:
        elsewhere = asyncio.create_task(engine.run("other", "x"))
        await provider.wait_for(1)
        [late] = await settled([engine.run("chat", "x")])
        cancelled = asyncio.create_task(engine.run("chat", "x"))
        await asyncio.sleep(0.01)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        gate = limit_states(engine)["p0", "vendor/m0", "platform"]
        reply.open.set()
        await elsewhere

    assert kinds([late]) == ["queue_timeout"]
    assert "no turn at provider 'p0'" in late.message
    assert (gate.running, gate.waiting, gate.requests_left) == (0, 0, 2)


def test_the_tightest_limit_is_the_tightest_in_each_of_its_parts(books):
    book = books.over("http://127.0.0.1:1/v1")
    wire = {"provider": "p0", "id": "vendor/m0"}
    book["models"]["m0"]["limits"] = {"concurrency": 4, "adaptive": False, "queue_timeout": "9s"}
    book["models"]["a"] = {**wire, "limits": {"concurrency": 6, "requests_per_minute": 10}}
    book["models"]["b"] = {**wire, "limits": {"requests_per_minute": 5, "tokens_per_minute": 7, "queue_timeout": "40s"}}
    book["models"]["c"] = wire

    assert wire_limits(books.table(book)) == {("p0", "vendor/m0"): Limits(4, 5, 7, adaptive=True, queue_timeout_s=9.0)}
