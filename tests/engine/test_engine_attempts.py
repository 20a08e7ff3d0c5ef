"""Attempts: every call of a run on record, with all that is to be known of it."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import time

import pytest

from routebook import (
    Attempt,
    AttemptEnded,
    Context,
    DeadlineError,
    Engine,
    EngineClosed,
    ProviderError,
    RateLimits,
    RunEnded,
    Usage,
)

PRICE = {"input": 0.25, "output": 2.0}


def priced(books, *urls, price=PRICE, **feature):
    book = books.over(*urls, **feature)
    for model in book["models"].values():
        model["price"] = price
    return books.table(book)


def back(attempt):
    """Return what is left of an attempt that was written down and read again."""
    return Attempt.from_dict(json.loads(json.dumps(attempt.to_dict())))


async def test_an_answer_is_recorded_with_target_payer_times_usage_cost_and_outcome(fake, wire, books, keys):
    provider = await fake(wire.text("ok", usage=(121, 80)))

    before = time.time()
    async with Engine(priced(books, provider.url), environment=keys) as engine:
        result = await engine.run("chat", "x")

    [attempt] = result.attempts
    assert (attempt.provider, attempt.model) == ("p0", "m0")
    assert (attempt.credential, attempt.payer) == ("platform", "platform")
    assert (attempt.outcome, attempt.kind, attempt.reason, attempt.sent, attempt.retry) == (
        "answered",
        None,
        None,
        True,
        False,
    )
    assert before <= attempt.started_at <= time.time()
    assert 0 <= attempt.queued_s < attempt.duration_s < 60
    assert attempt.first_token_s is None
    assert attempt.usage == Usage(input=121, output=80)
    # 30.25 for the input and 160 for the output, in millionths of a dollar, as a whole number.
    assert attempt.cost_microusd == 190
    assert type(attempt.cost_microusd) is int
    assert attempt.cost_usd == pytest.approx(0.00019)
    assert (result.cost_microusd, result.cost_usd) == (190, pytest.approx(0.00019))
    assert result.absorbed == ()


async def test_a_streams_attempt_tells_when_its_first_content_came(fake, wire, books, keys):
    go = asyncio.Event()
    stream = wire.dripping(
        wire.chunk(role="assistant"), go, wire.chunk("x"), wire.chunk(finish="stop"), b"data: [DONE]\n\n"
    )
    provider = await fake(lambda _: asyncio.sleep(0, stream))

    async with Engine(priced(books, provider.url), environment=keys) as engine:
        asyncio.get_running_loop().call_later(0.2, go.set)
        events = [event async for event in engine.stream("chat", "x")]

    [attempt] = events[-1].result.attempts
    assert 0.15 < attempt.first_token_s <= attempt.duration_s


@pytest.mark.parametrize(
    ("usage", "price", "cost"),
    [((100, 20), None, None), (None, PRICE, None), ((100, 20), {"input": 0.0, "output": 0.0}, 0)],
)
async def test_what_has_no_price_or_no_usage_is_unpriced_and_what_is_free_costs_nothing(
    fake, wire, books, keys, usage, price, cost
):
    provider = await fake(wire.text("ok", usage=usage))
    table = books.table(books.over(provider.url)) if price is None else priced(books, provider.url, price=price)

    async with Engine(table, environment=keys) as engine:
        result = await engine.run("chat", "x")

    assert result.attempts[0].cost_microusd == cost
    assert result.cost_microusd == cost


async def test_a_success_after_a_fallback_is_a_success_with_an_absorbed_failure(fake, wire, books, keys):
    bad, good = await fake(wire.error(500, "down", "x-request-id: r-1")), await fake(wire.text("ok"))
    records = []

    async with Engine(priced(books, bad.url, good.url), environment=keys, listeners=[records.append]) as engine:
        result = await engine.run("chat", "x")

    failed, answered = result.attempts
    assert result.finish_reason == "stop"
    assert result.absorbed == (failed,)
    assert (failed.outcome, failed.kind, failed.reason, failed.sent) == ("failed", "server_error", "down", True)
    assert (failed.usage, failed.cost_microusd, failed.first_token_s) == (None, None, None)
    assert failed.request_id == "r-1"
    assert failed.started_at <= answered.started_at
    assert answered.outcome == "answered"
    # A call without usage cost nothing that is known of, and does not make the run unpriced.
    assert result.cost_microusd == answered.cost_microusd == 65
    [ended] = [record for record in records if isinstance(record, RunEnded)]
    assert (ended.attempts, ended.absorbed, ended.error) == (2, 1, None)
    assert [record.attempt for record in records if isinstance(record, AttemptEnded)] == [failed, answered]


async def test_an_answer_that_cannot_be_used_is_no_failure_of_the_provider_and_is_paid_for(fake, wire, books, keys):
    """The feature has no tools, so a call of one is of no use."""
    odd, good = await fake(wire.calls(("c1", "no_such_tool", "{}"))), await fake(wire.text("ok"))

    async with Engine(priced(books, odd.url, good.url), environment=keys) as engine:
        result = await engine.run("chat", "x")
        assert engine.status.breakers == ()

    unusable, answered = result.attempts
    assert (unusable.outcome, unusable.kind, unusable.sent) == ("unusable", "malformed_response", True)
    assert unusable.usage == Usage(input=100, output=20)
    assert unusable.cost_microusd == 65
    assert result.absorbed == (unusable,)
    assert result.cost_microusd == 130
    assert result.usage == unusable.usage + answered.usage


async def test_an_answer_that_is_no_answer_is_unusable_too(fake, wire, books, keys):
    provider = await fake(wire.http(200, b"<html><title>Welcome</title></html>"))

    async with Engine(priced(books, provider.url), environment=keys) as engine:
        with pytest.raises(ProviderError) as caught:
            await engine.run("chat", "x")

    [attempt] = caught.value.attempts
    assert (attempt.outcome, attempt.kind) == ("unusable", "malformed_response")


async def test_what_a_callers_key_paid_for_costs_the_platform_nothing(fake, wire, books, keys):
    provider = await fake(wire.text("ok"))

    async with Engine(priced(books, provider.url), environment=keys) as engine:
        result = await engine.run("chat", "x", context=Context(credentials={"p0": "sk-callers-own"}))

    [attempt] = result.attempts
    assert (attempt.credential, attempt.payer, attempt.cost_microusd) == ("caller", "caller", 65)
    assert result.cost_microusd == 0
    assert "sk-" not in json.dumps(result.to_dict())


async def test_a_call_without_a_key_is_paid_by_nobody(fake, wire, books):
    provider = await fake(wire.text("ok"))
    book = books.over(provider.url)
    del book["providers"]["p0"]["api_key"]
    book["providers"]["p0"]["auth"] = "none"

    async with Engine(books.table(book), environment={}) as engine:
        [attempt] = (await engine.run("chat", "x")).attempts

    assert (attempt.credential, attempt.payer) == ("none", "none")


async def test_a_call_that_could_not_be_sent_says_so(fake, wire, books):
    provider = await fake(wire.text("never"))

    async with Engine(books.table(books.over(provider.url)), environment={}) as engine:
        with pytest.raises(ProviderError) as caught:
            await engine.run("chat", "x")

    [attempt] = caught.value.attempts
    assert (attempt.outcome, attempt.kind, attempt.sent) == ("failed", "authentication", False)
    assert provider.requests == []


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_run_that_is_cancelled_records_the_call_that_was_under_way(
    fake, wire, books, keys, eventually, streamed
):
    never = asyncio.Event()
    provider = await fake(lambda _: asyncio.sleep(0, wire.dripping(wire.chunk("one"), never)))
    records = []
    told = {"on_event": lambda _: None} if streamed else {}

    async with Engine(priced(books, provider.url), environment=keys, listeners=[records.append]) as engine:
        running = asyncio.create_task(engine.run("chat", "x", **told))
        await provider.wait_for(1)
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await eventually(lambda: provider.open == 0)

    [attempt] = [record.attempt for record in records if isinstance(record, AttemptEnded)]
    assert (attempt.outcome, attempt.kind, attempt.sent) == ("cancelled", "cancelled", True)
    assert (attempt.usage, attempt.cost_microusd) == (None, None)
    [ended] = [record for record in records if isinstance(record, RunEnded)]
    assert (ended.error, ended.attempts, ended.absorbed) == ("CancelledError", 1, 0)


async def test_a_run_that_is_cancelled_in_the_queue_records_that_nothing_was_sent(fake, wire, books, keys):
    never = asyncio.Event()
    provider = await fake(lambda _: asyncio.sleep(0, wire.dripping(never)))
    book = books.over(provider.url, provider={"limits": {"concurrency": 1}})
    records = []

    async with Engine(books.table(book), environment=keys, listeners=[records.append]) as engine:
        first, second = (asyncio.create_task(engine.run("chat", "x")) for _ in range(2))
        await provider.wait_for(1)
        second.cancel()
        await asyncio.wait([second])
        first.cancel()
        await asyncio.wait([first])

    waited, called = [record.attempt for record in records if isinstance(record, AttemptEnded)]
    assert (waited.outcome, waited.kind, waited.sent) == ("cancelled", "cancelled", False)
    assert waited.queued_s > 0
    assert (called.outcome, called.sent) == ("cancelled", True)
    assert len(provider.requests) == 1


async def test_what_a_provider_says_of_its_own_limits_is_on_record(fake, wire, books, keys):
    answer = wire.http(
        200,
        {"choices": [{"message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}]},
        "x-ratelimit-remaining-requests: 9",
        "x-request-id: r-7",
    )
    provider = await fake(answer)

    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        [attempt] = (await engine.run("chat", "x")).attempts

    assert attempt.rate_limits.requests_remaining == 9
    assert attempt.request_id == "r-7"
    assert back(attempt) == attempt


async def test_every_kind_of_attempt_can_be_written_down_and_read_again(fake, wire, books, keys):
    vector = base64.b64encode(struct.pack("<1f", 0.5)).decode()
    provider = await fake([wire.error(500), wire.calls(("c1", "no_such_tool", "{}"))])
    book = books.over(provider.url)
    book["features"]["chat"]["fallbacks"] = [{"model": "other"}, {"model": "m0", "options": {"temperature": 0}}]
    book["models"]["other"] = {"provider": "p0"}
    book["models"]["vectors"] = {"provider": "p0", "capabilities": ["embeddings"]}
    book["features"]["index"] = {"use": {"model": "vectors"}, "needs": ["embeddings"]}

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(ProviderError) as caught:
            await engine.run("chat", "x")
        provider.reply = wire.http(200, {"data": [{"index": 0, "embedding": vector}], "usage": {"prompt_tokens": 3}})
        embedded = await engine.embed("index", "x")

    attempts = [*caught.value.attempts, *embedded.attempts]
    assert [attempt.outcome for attempt in attempts] == ["failed", "unusable", "unusable", "answered"]
    assert [back(attempt) for attempt in attempts] == attempts
    assert all(attempt.to_dict().keys() == attempts[0].to_dict().keys() for attempt in attempts)


def test_an_attempt_as_plain_data_has_every_field_though_it_is_none():
    attempt = Attempt(
        provider="p",
        model="m",
        credential="none",
        payer="none",
        kind=None,
        sent=True,
        reason=None,
        retry=False,
        queued_s=0.0,
        started_at=1.5,
        first_token_s=None,
        duration_s=0.25,
        usage=Usage(input=3, output=2, cached_input=1),
        cost_microusd=1_234_567,
        outcome="answered",
        rate_limits=RateLimits(requests_remaining=4),
    )

    assert attempt.to_dict() == {
        "provider": "p",
        "model": "m",
        "credential": "none",
        "payer": "none",
        "kind": None,
        "sent": True,
        "reason": None,
        "retry": False,
        "queued_s": 0.0,
        "started_at": 1.5,
        "first_token_s": None,
        "duration_s": 0.25,
        "usage": attempt.usage.to_dict(),
        "cost_microusd": 1_234_567,
        "cost_usd": 1.234567,
        "outcome": "answered",
        "request_id": None,
        "rate_limits": {"requests_remaining": 4},
    }
    assert back(attempt) == attempt


async def test_an_answer_that_breaks_the_output_contract_and_is_mended_is_an_absorbed_failure(fake, wire, books, keys):
    provider = await fake([wire.text("no number"), wire.text("7")])
    book = books.over(provider.url, output="number")
    book["outputs"] = {"number": {"schema": {"type": "integer"}, "repair": {"attempts": 1}, "strategy": "prompt"}}

    ends = []
    async with Engine(books.table(book), environment=keys, listeners=[ends.append]) as engine:
        result = await engine.run("chat", "hello")

    assert result.output == 7
    assert [attempt.kind for attempt in result.attempts] == [None, None]
    assert result.absorbed == result.attempts[:1]
    assert ends[-1].absorbed == 1


async def test_what_a_failed_run_says_of_itself_is_that_it_failed(fake, wire, books, keys):
    provider = await fake(wire.error(500))

    ends = []
    async with Engine(books.table(books.over(provider.url)), environment=keys, listeners=[ends.append]) as engine:
        with pytest.raises(ProviderError) as caught:
            await engine.run("chat", "hello")

    assert caught.value.result.finish_reason == ends[-1].finish_reason == "error"
    assert (caught.value.result.cost_microusd, ends[-1].cost_microusd) == (0, 0)


async def test_what_a_call_costs_that_is_cut_off_under_way_is_not_known(fake, wire, books, keys):
    async def hangs(_):
        await asyncio.sleep(30)

    provider = await fake(hangs)
    book = books.over(provider.url, deadline="200ms")
    book["models"]["m0"]["price"] = {"input": 1, "output": 1}

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(DeadlineError) as caught:
            await engine.run("chat", "hello")

    assert caught.value.result.cost_microusd is None


@pytest.mark.parametrize("broken", ["no choices", "cut off"])
async def test_tokens_that_the_provider_told_are_paid_for_whatever_became_of_the_answer(
    fake, wire, books, keys, broken
):
    usage = {"prompt_tokens": 50, "completion_tokens": 7}
    told = f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n".encode()
    is_cut = broken == "cut off"
    whole = wire.http(200, {"choices": [], "usage": usage})
    provider = await fake(lambda _: asyncio.sleep(0, wire.dripping(wire.chunk("hel"), told) if is_cut else whole))
    book = books.over(provider.url)
    book["models"]["m0"]["price"] = {"input": 1, "output": 1}

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(ProviderError) as caught:
            await engine.run("chat", "hello", on_event=(lambda _: None) if is_cut else None)

    [attempt] = caught.value.attempts
    assert (attempt.usage.input, attempt.usage.output, attempt.cost_microusd) == (50, 7, 57)
    assert caught.value.result.cost_microusd == 57


async def test_an_engine_that_closes_hands_back_what_a_run_had_received(fake, wire, books, keys, eventually):
    never = asyncio.Event()
    provider = await fake(lambda _: asyncio.sleep(0, wire.dripping(wire.chunk("one "), wire.chunk("two"), never)))
    book = {**books.over(provider.url), "settings": {"drain": "100ms"}}
    heard = []

    engine = Engine(books.table(book), environment=keys)
    async with engine:
        run = asyncio.create_task(engine.run("chat", "hello", on_event=heard.append))
        await eventually(lambda: len(heard) == 4)
        await engine.close()
        with pytest.raises(EngineClosed) as caught:
            await run

    assert caught.value.result.text == "one two"
    assert [attempt.outcome for attempt in caught.value.result.attempts] == ["cancelled"]
