"""Shadows and limits: a shadow takes no run's turn, counts as any call does, and never has a caller's key."""

from __future__ import annotations

import asyncio
import logging
import sys

import pytest

from routebook import Context, Engine, MissingExtra, ProviderError
from routebook.engine.clients import Clients

ONE = {"limits": {"concurrency": 1}}


@pytest.fixture
def mirrored(books):
    """A book whose feature `chat` goes to `m0`, with a shadow on `m1`; `twin` and `other` go to `m1`, without."""

    def make(*urls, shadow=None, models=None, **feature):
        book = books.over(*urls, **feature)
        del book["features"]["chat"]["fallbacks"]
        book["features"]["chat"]["shadow"] = {"model": "m1", "percent": 100}
        book["features"]["twin"] = {"use": {"model": "m1"}}
        book["features"]["other"] = {"use": {"model": "m1"}, "fallbacks": [{"model": "m0"}]}
        book["providers"]["p1"] |= shadow or {}
        return book

    return make


class Held:
    """An answer that waits until it is let go."""

    def __init__(self, answer):
        self.answer, self.released = answer, asyncio.Event()

    async def __call__(self, _):
        await self.released.wait()
        return self.answer


def of_shadows(records):
    return [record.attempt for record in records if record.type == "attempt" and record.shadow]


def lines(caplog):
    return [record.getMessage() for record in caplog.records if record.getMessage().startswith("shadow of")]


async def test_a_shadow_for_which_there_is_no_room_is_dropped_with_a_line_and_a_record(
    fake, wire, books, mirrored, keys, eventually, caplog
):
    caplog.set_level(logging.INFO, "routebook")
    good, busy = await fake(wire.text("ok")), await fake(Held(wire.text("late")))
    records = []

    async with Engine(
        books.table(mirrored(good.url, busy.url, shadow=ONE)), environment=keys, listeners=[records.append]
    ) as engine:
        holding = asyncio.create_task(engine.run("twin", "hello"))
        await busy.wait_for(1)
        results = [await engine.run("chat", "hello") for _ in range(3)]
        await eventually(lambda: len(of_shadows(records)) == 3)
        [gate] = [state.gate for state in engine.status.limits if state.provider == "p1"]
        assert (gate.running, gate.waiting) == (1, 0)
        busy.reply.released.set()
        await holding

    assert {result.text for result in results} == {"ok"}
    assert {(one.outcome, one.kind, one.sent) for one in of_shadows(records)} == {
        ("passed_over", "queue_timeout", False)
    }
    assert {one.run_id for one in records if one.type == "attempt" and one.shadow} == {one.run_id for one in results}
    assert len(busy.requests) == 1
    assert len(lines(caplog)) == 3
    assert all("m1 at p1 failed, queue_timeout: there is no room" in line for line in lines(caplog))


async def test_a_shadow_overtakes_nobody_who_waits_and_takes_the_turn_of_none(
    fake, wire, books, mirrored, keys, eventually
):
    """With one place at the shadow's provider, runs that wait there get each turn that comes free."""
    good, busy = await fake(wire.text("ok")), await fake(Held(wire.text("late")))
    records = []
    async with Engine(
        books.table(mirrored(good.url, busy.url, shadow=ONE)), environment=keys, listeners=[records.append]
    ) as engine:
        waiting = [asyncio.create_task(engine.run("twin", "mine")) for _ in range(5)]
        await busy.wait_for(1)
        mirrored_runs = [asyncio.create_task(engine.run("chat", "shadow")) for _ in range(5)]
        await asyncio.gather(*mirrored_runs)
        await eventually(lambda: len(of_shadows(records)) == 5)
        busy.reply.released.set()
        await asyncio.gather(*waiting)

    assert [received.json["messages"][0]["content"] for received in busy.requests] == ["mine"] * 5


@pytest.fixture(params=["later", "at once"])
def task_factory(request):
    """How tasks begin: where they are made, on loops with an eager task factory."""
    if request.param == "at once" and sys.version_info < (3, 12):
        pytest.skip("loops of this version begin no task at once")
    return asyncio.eager_task_factory if request.param == "at once" else None


async def test_a_run_goes_before_its_own_shadow_however_tasks_begin(books, eventually, task_factory):
    book = books.scripted({"reply": {"text": "ok"}}, shadow={"model": "other", "percent": 100})
    book["models"]["other"] = {"provider": "stage"}
    records = []
    asyncio.get_running_loop().set_task_factory(task_factory)
    async with Engine(books.table(book), environment={}, listeners=[records.append]) as engine:
        await engine.run("chat", "hello")
        await eventually(lambda: of_shadows(records))

    assert [one.shadow for one in records if one.type == "attempt"] == [False, True]


async def test_a_run_goes_before_its_own_shadow_where_both_are_at_one_provider(fake, wire, books, keys, eventually):
    provider = await fake(Held(wire.text("ok")))
    book = books.over(provider.url, provider={"limits": {"concurrency": 1, "queue_timeout": "50ms"}})
    book["models"]["m9"] = {"provider": "p0", "id": "vendor/m9"}
    book["features"]["chat"]["shadow"] = {"model": "m9", "percent": 100}
    records = []
    async with Engine(books.table(book), environment=keys, listeners=[records.append]) as engine:
        run = asyncio.create_task(engine.run("chat", "hello"))
        await eventually(lambda: of_shadows(records))
        provider.reply.released.set()
        assert (await run).text == "ok"

    assert [received.json["model"] for received in provider.requests] == ["vendor/m0"]


async def test_what_a_shadow_takes_counts_against_the_limits_of_its_target(
    fake, wire, books, mirrored, keys, eventually
):
    good, shadow = await fake(wire.text("ok")), await fake(wire.text("also", usage=(5_000, 1_000)))
    limits = {"limits": {"requests_per_minute": 100, "tokens_per_minute": 60_000}}
    records = []
    async with Engine(
        books.table(mirrored(good.url, shadow.url, shadow=limits)), environment=keys, listeners=[records.append]
    ) as engine:
        for _ in range(5):
            await engine.run("chat", "hello")
        await eventually(lambda: len(of_shadows(records)) == 5)
        [gate] = [state.gate for state in engine.status.limits if state.provider == "p1"]
        assert gate.running == 0
        assert gate.requests_left < 97
        assert gate.tokens_left < 45_000


async def test_a_shadows_failures_open_the_breaker_of_its_target_which_is_then_left_alone(
    fake, wire, books, mirrored, keys, eventually, caplog
):
    caplog.set_level(logging.INFO, "routebook")
    good, down = await fake(wire.text("ok")), await fake(wire.error(500))
    records = []
    table = books.table(mirrored(good.url, down.url, shadow={"breaker": {"failures": 2, "open": "60s"}}))
    async with Engine(table, environment=keys, listeners=[records.append]) as engine:
        for number in range(1, 5):
            await engine.run("chat", "hello")
            await eventually(lambda number=number: len(of_shadows(records)) == number)
        result = await engine.run("other", "hello")
        [breaker] = engine.status.breakers

    assert [(one.outcome, one.sent) for one in of_shadows(records)] == [("failed", True)] * 2 + [
        ("passed_over", False)
    ] * 2
    assert len(down.requests) == 2
    assert (breaker.provider, breaker.kind, breaker.failures) == ("p1", "server_error", 2)
    assert [(attempt.provider, attempt.outcome) for attempt in result.attempts] == [
        ("p1", "passed_over"),
        ("p0", "answered"),
    ]
    assert sum("passed over: it is left alone" in line for line in lines(caplog)) == 2


async def test_a_shadow_may_find_that_its_target_is_back(fake, wire, books, mirrored, keys, eventually):
    good, shadow = await fake(wire.text("ok")), await fake(wire.error(500))
    records = []
    table = books.table(mirrored(good.url, shadow.url, shadow={"breaker": {"failures": 1, "open": "20ms"}}))
    async with Engine(table, environment=keys, listeners=[records.append]) as engine:
        await engine.run("chat", "hello")
        await eventually(lambda: len(of_shadows(records)) == 1)
        assert [one.provider for one in engine.status.breakers] == ["p1"]
        shadow.reply = wire.text("back")
        await asyncio.sleep(0.03)
        await engine.run("chat", "hello")
        await eventually(lambda: len(of_shadows(records)) == 2)
        assert engine.status.breakers == ()


async def test_a_shadow_that_is_refused_as_too_much_lowers_the_concurrency_and_cools_down(
    fake, wire, books, mirrored, keys, eventually
):
    good, full = await fake(wire.text("ok")), await fake(wire.error(429, "no", "retry-after: 60"))
    records = []
    table = books.table(mirrored(good.url, full.url, shadow={"limits": {"concurrency": 8}}))
    async with Engine(table, environment=keys, listeners=[records.append]) as engine:
        for number in (1, 2):
            await engine.run("chat", "hello")
            await eventually(lambda number=number: len(of_shadows(records)) == number)
        [gate] = [state.gate for state in engine.status.limits if (state.provider, state.model) == ("p1", None)]
        result = await engine.run("other", "hello")

    assert (gate.concurrency, gate.most) == (6, 8)
    assert [(one.kind, one.sent) for one in of_shadows(records)] == [("rate_limit", True), ("rate_limit", False)]
    assert [(attempt.provider, attempt.outcome) for attempt in result.attempts] == [
        ("p1", "passed_over"),
        ("p0", "answered"),
    ]
    assert len(full.requests) == 1


@pytest.mark.parametrize("credentials", ["prefer_caller", "platform", "caller"])
async def test_a_shadow_never_has_a_callers_key(fake, wire, books, mirrored, keys, eventually, credentials):
    """With a caller's key there is none at all, save where the caller's keys are ignored."""
    good, shadow = await fake(wire.text("ok")), await fake(wire.text("also"))
    context = Context(credentials={"p0": "sk-caller-0", "p1": "sk-caller-1"})
    async with Engine(books.table(mirrored(good.url, shadow.url, credentials=credentials)), environment=keys) as engine:
        result = await engine.run("chat", "hello", context=context)
        if credentials == "platform":
            await shadow.wait_for(1)

    assert {attempt.payer for attempt in result.attempts} == {"platform" if credentials == "platform" else "caller"}
    sent = [received.headers["authorization"] for received in shadow.requests]
    assert sent == (["Bearer sk-platform-1"] if credentials == "platform" else [])
    assert not any("sk-caller" in received.text for received in shadow.requests)


async def test_a_shadow_whose_client_cannot_be_made_is_told_in_a_line_and_fails_nobody(
    fake, wire, books, mirrored, keys, eventually, caplog, monkeypatch
):
    caplog.set_level(logging.INFO)
    good, shadow = await fake(wire.text("ok")), await fake(wire.text("also"))
    make = Clients._make

    def lacking(clients, provider, http, key):
        if provider.name == "p1":
            raise MissingExtra("litellm", "api 'litellm'")
        return make(clients, provider, http, key)

    monkeypatch.setattr(Clients, "_make", lacking)
    async with Engine(books.table(mirrored(good.url, shadow.url, shadow=ONE)), environment=keys) as engine:
        for _ in range(3):
            assert (await engine.run("chat", "hello")).text == "ok"
        await eventually(lambda: len(lines(caplog)) == 3)
        gates = [state.gate for state in engine.status.limits if state.provider == "p1"]

    assert all("m1 at p1 was not called: api 'litellm' needs" in line for line in lines(caplog))
    assert [(gate.running, gate.waiting) for gate in gates] == [(0, 0)]
    assert not [record for record in caplog.records if record.name == "asyncio"]


async def test_an_engine_that_closes_ends_its_shadows_at_once_and_records_them(fake, wire, books, mirrored, keys):
    async def never(_):
        await asyncio.sleep(60)

    good, hanging = await fake(wire.text("ok")), await fake(never)
    records = []
    async with Engine(
        books.table(mirrored(good.url, hanging.url)), environment=keys, listeners=[records.append]
    ) as engine:
        await engine.run("chat", "hello")
        await hanging.wait_for(1)

    assert [(one.outcome, one.kind, one.sent) for one in of_shadows(records)] == [("cancelled", "cancelled", True)]
    assert [record.type for record in records if record.type == "run"] == ["run"]


async def test_a_run_that_fails_is_none_of_its_shadows_business_nor_the_other_way_round(
    fake, wire, books, mirrored, keys, eventually
):
    bad, shadow = await fake(wire.error(400)), await fake(wire.text("also"))
    records = []
    async with Engine(
        books.table(mirrored(bad.url, shadow.url)), environment=keys, listeners=[records.append]
    ) as engine:
        with pytest.raises(ProviderError) as caught:
            await engine.run("chat", "hello")
        await eventually(lambda: of_shadows(records))

    [end] = [record for record in records if record.type == "run"]
    assert (end.attempts, len(caught.value.attempts), end.usage.input) == (1, 1, 0)
    assert [one.outcome for one in of_shadows(records)] == ["answered"]


async def test_what_a_shadow_is_sent_otherwise_than_written_is_no_warning_of_the_run(fake, wire, books, mirrored, keys):
    good, shadow = await fake(wire.text('{"text": "a"}')), await fake(wire.text("also"))
    book = mirrored(good.url, shadow.url, shadow={"api": "gemini"}, output="answer")
    bound = {"type": "object", "properties": {"text": {"type": "string", "pattern": "^a+$"}}}
    book["outputs"] = {"answer": {"schema": bound}}
    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "hello")
        await shadow.wait_for(1)

    assert (result.output, result.warnings) == ({"text": "a"}, ())
    assert "generationConfig" in shadow.requests[0].json
