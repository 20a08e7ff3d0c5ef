"""Fallback: which failures go on to the next attempt, which do not, and what is left on record."""

from __future__ import annotations

import asyncio

import pytest

from routebook import Context, Engine, ProviderError


async def slow(_):
    await asyncio.sleep(30)


FAILURES = {
    "rate_limit": lambda wire: wire.error(429),
    "quota_exceeded": lambda wire: wire.error(429, code="insufficient_quota"),
    "overloaded": lambda wire: wire.error(529),
    "server_error": lambda wire: wire.error(500),
    "timeout": lambda wire: slow,
    "malformed_response": lambda wire: wire.http(200, b"<html><title>Welcome</title></html>"),
    "connection": lambda wire: None,
}


@pytest.mark.parametrize("kind", FAILURES)
async def test_a_failure_that_says_nothing_against_the_request_goes_to_the_next_attempt(fake, wire, books, keys, kind):
    bad, good = await fake(FAILURES[kind](wire)), await fake(wire.text("from the second"))
    book = books.over(bad.url, good.url, provider={"timeout": "300ms"})

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "hello")

    assert result.text == "from the second"
    assert [(attempt.provider, attempt.kind) for attempt in result.attempts] == [("p0", kind), ("p1", None)]
    assert result.attempts[0].reason
    assert (len(bad.requests), len(good.requests)) == (1, 1)
    assert good.requests[0].json["model"] == "vendor/m1"


async def test_a_port_where_nobody_listens_is_a_connection_failure_and_goes_on(
    fake, wire, books, keys, unused_tcp_port
):
    good = await fake(wire.text("ok"))
    book = books.over(f"http://127.0.0.1:{unused_tcp_port}/v1", good.url)

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "hello")

    assert [attempt.kind for attempt in result.attempts] == ["connection", None]
    assert "connection refused" in result.attempts[0].reason


@pytest.mark.parametrize(
    ("status", "kind"), [(400, "bad_request"), (401, "authentication"), (403, "permission_denied")]
)
async def test_a_refusal_of_the_request_itself_goes_nowhere(fake, wire, books, keys, status, kind):
    bad, good = await fake(wire.error(status, "the reason")), await fake(wire.text("ok"))

    async with Engine(books.table(books.over(bad.url, good.url)), environment=keys) as engine:
        with pytest.raises(ProviderError) as caught:
            await engine.run("chat", "hello")

    error = caught.value
    assert (error.kind, error.status, error.provider, error.model) == (kind, status, "p0", "m0")
    assert "the reason" in str(error)
    assert "help: " in str(error)
    assert good.requests == []


async def test_a_fallback_answers_only_the_failures_it_names_and_others_are_left_out(fake, wire, books, keys):
    bad, second, third = [await fake(reply) for reply in (wire.error(400), wire.text("2"), wire.text("3"))]
    book = books.over(bad.url, second.url, third.url)
    book["features"]["chat"]["fallbacks"] = [
        {"model": "m1", "on": ["rate_limit"]},
        {"model": "m2", "on": ["bad_request"]},
    ]

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "hello")

    assert result.text == "3"
    assert second.requests == []


async def test_only_later_attempts_are_tried_after_a_failure(fake, wire, books, keys):
    replies = (wire.error(429), wire.error(500), wire.text("never"))
    first, second, third = [await fake(reply) for reply in replies]
    book = books.over(first.url, second.url, third.url)
    book["features"]["chat"]["fallbacks"] = [
        {"model": "m2", "on": ["server_error"]},
        {"model": "m1", "on": ["rate_limit"]},
    ]

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(ProviderError) as caught:
            await engine.run("chat", "hello")

    assert [attempt.kind for attempt in caught.value.attempts] == ["rate_limit", "server_error"]
    assert third.requests == []


async def test_when_all_fail_the_last_error_is_raised_with_every_attempt_and_what_there_was(fake, wire, books, keys):
    replies = (wire.error(500, "first"), wire.error(429, "second", "retry-after: 7", "x-request-id: r-2"))
    first, second = [await fake(reply) for reply in replies]

    async with Engine(books.table(books.over(first.url, second.url)), environment=keys) as engine:
        with pytest.raises(ProviderError) as caught:
            await engine.run("chat", "hello")

    error = caught.value
    assert (error.kind, error.message, error.retry_after, error.request_id) == ("rate_limit", "second", 7, "r-2")
    assert [(attempt.provider, attempt.kind, attempt.reason) for attempt in error.attempts] == [
        ("p0", "server_error", "first"),
        ("p1", "rate_limit", "second"),
    ]
    assert all(attempt.sent and attempt.usage is None and attempt.cost_usd is None for attempt in error.attempts)
    assert error.result.attempts == error.attempts
    assert error.result.message is None
    assert error.result.turns == 0
    assert error.result.cost_usd == 0.0
    assert [message.text for message in error.result.messages] == ["hello"]


async def test_the_same_target_with_other_options_is_recorded_as_a_retry(fake, wire, books, keys):
    provider = await fake([wire.error(500), wire.text("ok")])
    book = books.over(provider.url)
    book["features"]["chat"]["fallbacks"] = [{"model": "m0", "options": {"temperature": 0}}]

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "hello")

    assert [attempt.retry for attempt in result.attempts] == [False, True]
    assert "temperature" not in provider.requests[0].json
    assert provider.requests[1].json["temperature"] == 0


async def test_a_call_of_a_tool_where_there_are_none_is_malformed_and_goes_on(fake, wire, books, keys):
    bad, good = await fake(wire.calls(("c1", "clock__now", "{}"))), await fake(wire.text("ok"))
    book = books.over(bad.url, good.url)
    for model in book["models"].values():
        model["price"] = {"input": 1.0, "output": 1.0}

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "hello")

    assert [attempt.kind for attempt in result.attempts] == ["malformed_response", None]
    assert "'clock__now'" in result.attempts[0].reason
    assert result.tool_calls == ()
    assert [message.role for message in result.messages] == ["user", "assistant"]
    # The answer that could not be used was paid for all the same.
    assert result.usage.input == 200
    assert result.cost_usd == pytest.approx(240 / 1e6)


async def test_a_call_of_a_tool_where_there_are_none_is_an_error_without_a_fallback(books):
    table = books.table(books.scripted({"reply": {"tool_calls": [{"name": "clock.now"}, {}]}}))

    async with Engine(table, environment={}) as engine:
        with pytest.raises(ProviderError, match=r"'clock\.now', None") as caught:
            await engine.run("chat", "hello")

    assert caught.value.kind == "malformed_response"
    assert caught.value.attempts[0].usage is not None


async def test_a_callers_refused_key_never_falls_back_and_is_not_tried_again(fake, wire, books, keys):
    refusing, spare = await fake(wire.error(401, "no such key")), await fake(wire.text("spare"))
    book = books.over(refusing.url, spare.url, provider={"retry": {"attempts": 3, "backoff": "1ms"}})
    book["features"]["chat"]["fallbacks"] = [{"model": "m1", "on": ["authentication", "server_error"]}]
    context = Context(credentials={"p0": "sk-callers-own", "p1": "sk-callers-other"})

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(ProviderError) as caught:
            await engine.run("chat", "hello", context=context)

    assert caught.value.kind == "authentication"
    assert (len(refusing.requests), len(spare.requests)) == (1, 0)


async def test_each_attempt_of_a_caller_is_paid_with_the_key_for_its_provider(fake, wire, books, keys):
    down, spare = await fake(wire.error(503)), await fake(wire.text("spare"))
    book = books.over(down.url, spare.url, provider={"retry": {"attempts": 3, "backoff": "1ms"}})
    context = Context(credentials={"p0": "sk-callers-zero", "p1": "sk-callers-one"})

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "hello", context=context)

    assert [attempt.payer for attempt in result.attempts] == ["caller"] * 4
    assert {request.headers["authorization"] for request in down.requests} == {"Bearer sk-callers-zero"}
    assert {request.headers["authorization"] for request in spare.requests} == {"Bearer sk-callers-one"}


async def test_a_later_turn_begins_where_the_last_one_was_answered(fake, wire, books, keys):
    """The first answer does not keep its contract: the repair goes to who gave it, not to who was down before."""
    down, spare = await fake(wire.error(503)), await fake([wire.text("no"), wire.text("7")])
    book = books.over(down.url, spare.url, output="number")
    book["outputs"] = {"number": {"schema": {"type": "integer"}, "repair": {"attempts": 1}}}

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "hello")

    assert result.output == 7
    assert [(attempt.provider, attempt.retry) for attempt in result.attempts] == [
        ("p0", False),
        ("p1", False),
        ("p1", False),
    ]


async def test_images_and_embeddings_fall_back_by_kind_too(fake, wire, books, keys):
    down = await fake(wire.error(429))
    image = await fake(wire.http(200, {"created": 1, "data": [{"b64_json": "iVBORw0KGgo="}]}))
    book = books.over(down.url, image.url, needs=["image_output"])
    for model in book["models"].values():
        model["capabilities"] = ["image_output"]

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.generate_image("chat", "a tree")

    assert [(attempt.provider, attempt.kind) for attempt in result.attempts] == [("p0", "rate_limit"), ("p1", None)]
