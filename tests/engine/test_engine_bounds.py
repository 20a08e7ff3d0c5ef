"""What bounds a run: its deadline, its budget, its kind; and the shadow that does not."""

from __future__ import annotations

import asyncio
import logging

import pytest

from routebook import BudgetError, DeadlineError, Engine, RequestError

PRICE = {"input": 1000.0, "output": 1000.0}


async def test_a_run_that_takes_longer_than_its_deadline_is_ended_and_says_what_it_did(books, fake, wire, keys):
    async def never(_):
        await asyncio.sleep(60)

    provider = await fake([wire.error(503)])
    slow = await fake(never)
    book = books.over(provider.url, slow.url, deadline="300ms")

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(DeadlineError) as late:
            await engine.run("chat", "hello")

    assert [attempt.kind for attempt in late.value.attempts] == ["server_error", "timeout"]
    assert late.value.result.decision.feature == "chat"
    assert "within 0.3 s" in str(late.value)


@pytest.mark.parametrize(
    ("budget", "name"), [({"tokens_per_run": 100}, "tokens_per_run"), ({"usd_per_run": 0.05}, "usd_per_run")]
)
async def test_a_run_makes_no_further_call_once_its_budget_is_spent(books, budget, name):
    call = {"tool_calls": [{"name": "plain.echo", "arguments": {"text": "x"}}], "usage": {"input": 90, "output": 20}}
    book = books.scripted({"reply": call}, tools={"servers": ["plain"]}, budget=budget)
    book["models"]["actor"]["price"] = PRICE
    book["mcp_servers"] = {"plain": books.tools()}

    async with Engine(books.table(book), environment={}) as engine:
        with pytest.raises(BudgetError) as spent:
            await engine.run("chat", "hello")

    assert (spent.value.budget, len(spent.value.result.attempts)) == (name, 1)
    assert spent.value.spent >= spent.value.asked


async def test_a_days_budget_holds_over_the_runs_of_an_engine(books):
    book = books.scripted({"reply": {"text": "ok", "usage": {"input": 30, "output": 10}}}, budget={"usd_per_day": 0.06})
    book["models"]["actor"]["price"] = PRICE

    async with Engine(books.table(book), environment={}) as engine:
        await engine.run("chat", "one")
        await engine.run("chat", "two")
        with pytest.raises(BudgetError) as spent:
            await engine.run("chat", "three")

    assert spent.value.spent == pytest.approx(0.08)


async def test_a_budget_in_dollars_says_so_where_a_model_has_no_price(books):
    call = {"when": {"turn": 1}, "reply": {"tool_calls": [{"name": "plain.echo", "arguments": {"text": "x"}}]}}
    book = books.scripted(call, {"reply": {"text": "ok"}}, tools={"servers": ["plain"]}, budget={"usd_per_run": 1})
    book["mcp_servers"] = {"plain": books.tools()}

    async with Engine(books.table(book), environment={}) as engine:
        result = await engine.run("chat", "hello")

    assert [warning.code for warning in result.warnings] == ["budget_unpriced"]


async def test_a_feature_of_another_kind_answers_no_messages(books):
    book = books.scripted({"reply": {"text": "ok"}}, needs=["embeddings"])
    book["models"]["actor"]["capabilities"] = ["embeddings"]

    async with Engine(books.table(book), environment={}) as engine:
        with pytest.raises(RequestError) as refused:
            await engine.run("chat", "hello")

    assert refused.value.field == "feature"


async def test_a_feature_that_the_book_does_not_have_is_served_by_the_default_one(books):
    book = {**books.scripted({"reply": {"text": "ok"}}), "settings": {"default_feature": "chat"}}

    async with Engine(books.table(book), environment={}) as engine:
        result = await engine.run("unheard_of", "hello")

    assert result.decision.feature == "chat"
    assert "'unheard_of'" in result.decision.reasons[0].text


async def test_a_run_without_anything_to_stick_to_sticks_to_its_own_id(books):
    arms = [{"name": name, "weight": 1, "model": "actor", "options": {"seed": seed}} for seed, name in enumerate("ab")]
    book = books.scripted({"reply": {"text": "ok"}}, use={"split": arms})

    async with Engine(books.table(book), environment={}) as engine:
        results = [await engine.run("chat", "hello") for _ in range(40)]

    assert {result.decision.arm for result in results} == {"a", "b"}
    assert all(result.decision.key == result.run_id for result in results)


async def test_a_shadow_gets_the_same_request_and_changes_nothing_in_the_run(
    books, fake, wire, keys, eventually, caplog
):
    caplog.set_level(logging.INFO, "routebook")
    provider, mirrored = await fake(wire.text("the answer")), await fake(wire.text("another"))
    book = books.over(provider.url, mirrored.url, shadow={"model": "m1"})
    del book["features"]["chat"]["fallbacks"]

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "hello")
        await eventually(lambda: "shadow of chat" in caplog.text)

    assert result.text == "the answer"
    assert len(result.attempts) == 1
    assert mirrored.requests[0].json["messages"] == provider.requests[0].json["messages"]
    assert mirrored.requests[0].json["model"] == "vendor/m1"
    assert "m1 at p1 answered" in caplog.text


async def test_a_shadow_that_fails_or_hangs_neither_fails_nor_delays_its_run(books, fake, wire, keys):
    async def never(_):
        await asyncio.sleep(60)

    provider, hanging = await fake(wire.text("the answer")), await fake(never)
    book = books.over(provider.url, hanging.url, shadow={"model": "m1"})
    del book["features"]["chat"]["fallbacks"]

    async with asyncio.timeout(5):
        async with Engine(books.table(book), environment=keys) as engine:
            result = await engine.run("chat", "hello")

    assert result.text == "the answer"


async def test_the_call_under_way_when_the_deadline_passes_is_recorded_as_sent(books, fake, keys):
    async def never(_):
        await asyncio.sleep(60)

    provider = await fake(never)

    async with Engine(books.table(books.over(provider.url, deadline="200ms")), environment=keys) as engine:
        with pytest.raises(DeadlineError) as late:
            await engine.run("chat", "hello")

    [attempt] = late.value.attempts
    assert (attempt.kind, attempt.sent, attempt.usage) == ("timeout", True, None)
