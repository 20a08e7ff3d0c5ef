"""One run: what goes in, and everything that a result has to tell."""

from __future__ import annotations

import json
import time

import pytest

from routebook import Attempt, Context, Engine, Message, RequestError, ResolveError

PRICE = {"input": 2.0, "output": 10.0}


async def test_a_run_returns_the_models_text_and_how_it_came_about(fake, wire, books, keys):
    provider = await fake(wire.text("Good morning.", usage=(100, 20)))
    before = time.time()

    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        result = await engine.run("chat", "Say something.")

    assert (result.text, result.finish_reason, result.turns) == ("Good morning.", "stop", 1)
    assert result.message == result.messages[-1]
    assert [(message.role, message.text) for message in result.messages] == [
        ("user", "Say something."),
        ("assistant", "Good morning."),
    ]
    assert (result.usage.input, result.usage.output) == (100, 20)
    assert (result.decision.feature, result.decision.table) == ("chat", engine_digest(books, provider))
    [attempt] = result.attempts
    assert (attempt.provider, attempt.model, attempt.credential, attempt.payer) == ("p0", "m0", "platform", "platform")
    assert (attempt.kind, attempt.reason, attempt.sent, attempt.retry) == (None, None, True, False)
    assert before <= attempt.started_at <= time.time()
    assert 0 < attempt.duration_s < 10
    assert attempt.usage == result.usage


def engine_digest(books, provider) -> str:
    return books.table(books.over(provider.url)).digest


async def test_what_a_provider_receives_is_the_key_of_the_environment_and_the_models_id(fake, wire, books, keys):
    provider = await fake(wire.text("ok"))

    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        await engine.run("chat", "hello", options={"temperature": 0.5})

    [request] = provider.requests
    assert request.headers["authorization"] == "Bearer sk-platform-0"
    assert request.json == {
        "model": "vendor/m0",
        "messages": [{"role": "user", "content": "hello"}],
        "temperature": 0.5,
    }


async def test_a_run_over_a_script_needs_no_network_and_estimates_its_usage(books):
    table = books.table(books.scripted({"reply": {"text": "You said {{ text }}."}}))

    async with Engine(table, environment={}) as engine:
        result = await engine.run("chat", "1234")

    assert result.text == "You said 1234."
    assert (result.usage.input, result.usage.output) == (1, 4)
    assert result.attempts[0].credential == "none"


@pytest.mark.parametrize(
    ("price", "usage", "cost"),
    [
        (PRICE, (100, 20), 400 / 1e6),
        ({"input": 2.0}, (100, 20), None),
        (None, (100, 20), None),
        (PRICE, None, None),
        ({"input": 0, "output": 0}, (100, 20), 0.0),
    ],
    ids=["priced", "half priced", "unpriced", "usage unknown", "free"],
)
async def test_the_cost_is_what_the_prices_say_and_none_where_they_say_nothing(
    fake, wire, books, keys, price, usage, cost
):
    provider = await fake(wire.text("ok", usage=usage))
    book = books.over(provider.url)
    book["models"]["m0"]["price"] = price

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "hello")

    assert result.cost_usd == (None if cost is None else pytest.approx(cost))
    assert result.attempts[0].cost_usd == result.cost_usd


async def test_what_a_caller_pays_is_no_cost_of_the_platform(fake, wire, books):
    provider = await fake(wire.text("ok"))
    book = books.over(provider.url)
    book["models"]["m0"]["price"] = PRICE

    async with Engine(books.table(book), environment={}) as engine:
        result = await engine.run("chat", "hello", context=Context(credentials={"p0": "sk-caller"}))

    assert result.cost_usd == 0.0
    assert result.attempts[0].payer == "caller"
    assert result.attempts[0].cost_usd == pytest.approx(400 / 1e6)


async def test_every_run_has_an_id_of_its_own(books):
    table = books.table(books.scripted({"reply": {"text": "ok"}}))

    async with Engine(table, environment={}) as engine:
        ids = {(await engine.run("chat", "hello")).run_id for _ in range(50)}

    assert len(ids) == 50


async def test_a_result_is_plain_data_on_request(fake, wire, books, keys):
    provider = await fake([wire.error(503), wire.text("ok")])
    book = books.over(provider.url, provider.url)

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "hello")

    plain = json.loads(json.dumps(result.to_dict()))
    assert plain["text"] == "ok"
    assert [attempt.get("kind") for attempt in plain["attempts"]] == ["server_error", None]
    assert plain["usage"] == {"input": 100, "output": 20, "cached_input": 0, "cache_write": 0, "reasoning": 0}
    assert plain["messages"][0] == {"role": "user", "content": [{"type": "text", "text": "hello"}]}
    assert plain["decision"] == json.loads(json.dumps(result.decision.to_dict()))


async def test_a_refusal_and_a_filtered_reply_are_results_that_say_so(fake, wire, books, keys):
    refused = await fake(wire.text(None, refusal="I would rather not."))
    filtered = await fake(wire.text("Once", finish="content_filter"))

    async with Engine(books.table(books.over(refused.url)), environment=keys) as engine:
        refusal = await engine.run("chat", "hello")
    async with Engine(books.table(books.over(filtered.url)), environment=keys) as engine:
        cut = await engine.run("chat", "hello")

    assert (refusal.finish_reason, refusal.text) == ("refusal", "")
    assert (cut.finish_reason, cut.text) == ("content_filter", "Once")


async def test_a_feature_that_is_not_there_is_refused_with_near_names(books):
    table = books.table(books.scripted({"reply": {"text": "ok"}}))

    async with Engine(table, environment={}) as engine:
        with pytest.raises(ResolveError) as caught:
            await engine.run("chta", "hello")

    assert (caught.value.kind, caught.value.near) == ("unknown_feature", ("chat",))


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"options": {"temprature": 1}}, "options"),
        ({"options": {"temperature": "warm"}}, "options"),
        ({"options": {"extra_body": {"a": 1}}}, "options"),
        ({"model": "m1"}, "override"),
    ],
    ids=["unknown", "unfit", "must be named", "another model"],
)
async def test_what_a_caller_may_not_ask_is_refused_before_any_call(fake, wire, books, keys, asked, field):
    provider = await fake(wire.text("ok"))

    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        with pytest.raises(RequestError) as caught:
            await engine.run("chat", "hello", **asked)

    assert caught.value.field == field
    assert provider.requests == []


async def test_half_a_surrogate_pair_is_refused_before_any_call(fake, wire, books, keys):
    provider = await fake(wire.text("ok"))

    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        with pytest.raises(RequestError, match="half of a surrogate pair") as caught:
            await engine.run("chat", "\ud800")

    assert caught.value.field == "messages"
    assert provider.requests == []


async def test_the_table_of_an_engine_may_be_given_compiled_and_is_not_watched(books):
    table = books.table(books.scripted({"reply": {"text": "ok"}}))

    async with Engine(table, environment={}) as engine:
        assert engine.table is table
        assert engine.status.digest == table.digest
        assert not engine.status.watching
        assert await engine.reload() == table.diagnostics
    with pytest.raises(ValueError, match="no files to watch"):
        Engine(table, watch=True)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("messages", [Message("bogus", "x")]),
        ("inputs", [1]),
        ("inputs", []),
        ("context", {"usr": "u"}),
        ("context", []),
        ("options", "bad"),
        ("options", []),
    ],
)
async def test_an_argument_of_the_wrong_kind_is_refused_by_its_name(books, field, wrong):
    async with Engine(books.table(books.scripted({"reply": {"text": "ok"}})), environment={}) as engine:
        with pytest.raises(RequestError) as caught:
            await engine.run("chat", **{"messages": "hello", field: wrong})

    assert caught.value.field == field


async def test_an_attempt_tells_what_the_provider_says_beside_its_answer(fake, wire, books, keys):
    told = ("x-request-id: r-1", "x-ratelimit-limit-requests: 60", "x-ratelimit-remaining-requests: 59")
    body = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
    provider = await fake(wire.http(200, body, *told))

    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        [attempt] = (await engine.run("chat", "hello")).attempts

    assert attempt.request_id == "r-1"
    assert (attempt.rate_limits.requests_limit, attempt.rate_limits.requests_remaining) == (60, 59)
    assert Attempt.from_dict(attempt.to_dict()) == attempt
