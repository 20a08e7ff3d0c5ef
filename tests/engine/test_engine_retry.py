"""Retry: which failures are tried again on their target, after what pause, how often, and with whose key."""

from __future__ import annotations

import asyncio
import base64
import struct
import time

import pytest

from routebook import AttemptFailed, Context, Engine, ProviderError, RunFinished
from routebook.engine.retry import pause_before_retry, waits_at
from routebook.routing.provider_spec import Limits, ProviderSpec, Retry, Timeouts

QUICK = {"retry": {"attempts": 3, "backoff": "1ms"}}
FOREVER = float("inf")


async def slow(_):
    await asyncio.sleep(30)


RETRIED = {
    "rate_limit": lambda wire: wire.error(429),
    "overloaded": lambda wire: wire.error(529),
    "server_error": lambda wire: wire.error(500),
    "timeout": lambda wire: wire.error(504),
    "connection": lambda wire: None,
}
NOT_RETRIED = {
    "bad_request": lambda wire: wire.error(400),
    "authentication": lambda wire: wire.error(401),
    "permission_denied": lambda wire: wire.error(403),
    "not_found": lambda wire: wire.error(404),
    "context_window_exceeded": lambda wire: wire.error(413),
    "quota_exceeded": lambda wire: wire.error(429, code="insufficient_quota"),
    "malformed_response": lambda wire: wire.http(200, b"<html><title>Welcome</title></html>"),
}


def pause(
    tries=1,
    kind="server_error",
    retry_after=None,
    cooldown_s=0.0,
    left_s=FOREVER,
    random=1.0,
    has_other=False,
    **retry,
):
    spec = ProviderSpec("p", "openai-chat", timeout=Timeouts(total=60.0), limits=Limits(queue_timeout_s=30.0))
    error = ProviderError("no", kind, retry_after=retry_after)
    waits = waits_at(spec, cooldown_s, left_s, has_other=has_other)
    given = Retry(**{"attempts": 1000, "backoff_s": 0.5, "max_backoff_s": 20.0, **retry})
    return pause_before_retry(given, tries, error, waits, lambda: random)


@pytest.mark.parametrize("random", [0.0, 0.25, 1.0])
def test_a_pause_is_anything_from_nothing_to_its_bound_which_doubles_up_to_the_longest(random):
    bounds = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]

    assert [pause(tries, random=random) for tries in range(1, 9)] == [bound * random for bound in bounds]


def test_a_pause_has_a_bound_after_any_number_of_tries():
    assert pause(999) == 20.0
    assert pause(999, attempts=100_000, max_backoff_s=1e9, backoff_s=1e-9) <= 1e11


def test_what_the_provider_asks_for_is_waited_for_where_it_is_longer():
    assert pause(retry_after=3.0) == 3.0
    assert pause(retry_after=0.1) == 0.5
    assert pause(retry_after=0.0, random=0.0) == 0.0


def test_no_pause_is_begun_that_ends_after_the_deadline():
    assert pause(left_s=0.5) is None
    assert pause(left_s=0.51) == 0.5
    assert pause(retry_after=3.0, left_s=2.0) is None
    assert pause(left_s=0.0, random=0.0) is None
    assert pause(left_s=-1.0, random=0.0) is None


def test_a_target_that_cools_down_beyond_the_deadline_is_not_tried_again():
    assert pause(cooldown_s=2.0, left_s=1.0) is None
    assert pause(cooldown_s=2.0, left_s=3.0) == 0.5


def test_a_pause_that_the_provider_asks_for_is_no_longer_than_a_whole_call_may_take():
    assert pause(retry_after=60.0) == 60.0
    assert pause(retry_after=61.0) is None


def test_it_is_no_longer_than_a_wait_in_a_queue_where_another_attempt_is_there_to_take_over():
    assert pause(retry_after=30.0, has_other=True) == 30.0
    assert pause(retry_after=31.0, has_other=True) is None


def test_the_first_try_counts_as_one():
    assert pause(1, attempts=1) is None
    assert pause(2, attempts=3) == 1.0
    assert pause(3, attempts=3) is None


@pytest.mark.parametrize("kind", [*NOT_RETRIED, "content_filter", "refusal", "queue_timeout", "unsupported_option"])
def test_failures_that_another_try_does_not_mend_are_not_tried_again(kind):
    assert pause(kind=kind) is None


@pytest.mark.parametrize("kind", RETRIED)
async def test_a_failure_that_may_pass_is_tried_again_on_its_target(fake, wire, books, keys, kind):
    provider = await fake([RETRIED[kind](wire), RETRIED[kind](wire), wire.text("at last")])
    spare = await fake(wire.text("spare"))

    async with Engine(books.table(books.over(provider.url, spare.url, provider=QUICK)), environment=keys) as engine:
        result = await engine.run("chat", "hello")

    assert result.text == "at last"
    assert [(attempt.provider, attempt.kind, attempt.retry) for attempt in result.attempts] == [
        ("p0", kind, False),
        ("p0", kind, True),
        ("p0", None, True),
    ]
    assert len(provider.requests) == 3
    assert spare.requests == []
    assert result.absorbed == result.attempts[:2]


async def test_a_call_that_takes_too_long_is_tried_again(fake, wire, books, keys):
    async def reply(_):
        return await slow(_) if len(provider.requests) == 1 else wire.text("quick")

    provider = await fake(reply)
    book = books.over(provider.url, provider={**QUICK, "timeout": "300ms"})

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "hello")

    assert (result.text, result.attempts[0].kind, result.attempts[-1].retry) == ("quick", "timeout", True)


@pytest.mark.parametrize("kind", NOT_RETRIED)
async def test_a_failure_that_will_not_pass_is_asked_once(fake, wire, books, keys, kind):
    provider = await fake(NOT_RETRIED[kind](wire))

    async with Engine(books.table(books.over(provider.url, provider=QUICK)), environment=keys) as engine:
        with pytest.raises(ProviderError) as caught:
            await engine.run("chat", "hello")

    assert caught.value.kind == kind
    assert [attempt.kind for attempt in caught.value.attempts] == [kind]
    assert len(provider.requests) == 1


async def test_after_its_last_try_the_next_attempt_is_called_and_tried_as_often(fake, wire, books, keys):
    bad, also_bad = await fake(wire.error(500, "first")), await fake(wire.error(500, "second"))
    book = books.over(bad.url, also_bad.url, provider=QUICK)

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(ProviderError, match="second") as caught:
            await engine.run("chat", "hello")

    assert [(attempt.provider, attempt.retry) for attempt in caught.value.attempts] == [
        ("p0", False),
        ("p0", True),
        ("p0", True),
        ("p1", False),
        ("p1", True),
        ("p1", True),
    ]
    assert (len(bad.requests), len(also_bad.requests)) == (3, 3)
    assert caught.value.result.attempts == caught.value.attempts


async def test_with_one_attempt_nothing_is_tried_again(fake, wire, books, keys):
    provider = await fake([wire.error(500), wire.text("never")])

    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        with pytest.raises(ProviderError):
            await engine.run("chat", "hello")

    assert len(provider.requests) == 1


async def test_another_failure_on_the_way_is_judged_for_itself(fake, wire, books, keys):
    provider = await fake([wire.error(500), wire.error(400, "and now this")])

    async with Engine(books.table(books.over(provider.url, provider=QUICK)), environment=keys) as engine:
        with pytest.raises(ProviderError, match="and now this") as caught:
            await engine.run("chat", "hello")

    assert [attempt.kind for attempt in caught.value.attempts] == ["server_error", "bad_request"]


async def test_a_target_is_not_called_before_the_time_that_it_names(fake, wire, books, keys):
    moments = []

    async def reply(_):
        moments.append(time.monotonic())
        return wire.error(503, "wait", "retry-after-ms: 300") if len(moments) == 1 else wire.text("ok")

    provider = await fake(reply)

    async with Engine(books.table(books.over(provider.url, provider=QUICK)), environment=keys) as engine:
        result = await engine.run("chat", "hello")

    assert moments[1] - moments[0] >= 0.3
    # The pause is neither the queue's nor the call's.
    assert result.attempts[1].started_at - result.attempts[0].started_at >= 0.29
    assert result.attempts[1].queued_s < 0.25


async def test_a_target_that_asks_for_more_time_than_is_left_is_given_up_for_the_next(fake, wire, books, keys):
    provider, spare = await fake(wire.error(429, "busy", "retry-after: 30")), await fake(wire.text("spare"))
    book = books.over(provider.url, spare.url, provider=QUICK, deadline="20s")

    async with Engine(books.table(book), environment=keys) as engine:
        async with asyncio.timeout(15):
            result = await engine.run("chat", "hello")

    assert result.text == "spare"
    assert [attempt.kind for attempt in result.attempts] == ["rate_limit", None]
    assert len(provider.requests) == 1


async def test_where_there_is_no_next_its_own_error_is_raised_and_not_the_deadlines(fake, wire, books, keys):
    provider = await fake(wire.error(429, "busy", "retry-after: 30"))
    book = books.over(provider.url, provider=QUICK, deadline="20s")

    async with Engine(books.table(book), environment=keys) as engine:
        async with asyncio.timeout(15):
            with pytest.raises(ProviderError, match="busy") as caught:
                await engine.run("chat", "hello")

    assert caught.value.retry_after == 30


async def test_a_target_that_cools_down_for_longer_than_is_left_is_given_up_for_the_next(fake, wire, books, keys):
    """Without Retry-After a target with adaptive limits lets nobody through for two seconds."""
    provider, spare = await fake(wire.error(429)), await fake(wire.text("spare"))
    limited = {**QUICK, "limits": {"concurrency": 4}}
    book = books.over(provider.url, spare.url, provider=limited, deadline="1900ms")

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "hello")

    assert result.text == "spare"
    assert len(provider.requests) == 1


async def test_a_run_that_is_cancelled_in_a_pause_sends_nothing_more(fake, wire, books, keys, eventually):
    provider = await fake(wire.error(500, "wait", "retry-after: 5"))

    async with Engine(books.table(books.over(provider.url, provider=QUICK)), environment=keys) as engine:
        running = asyncio.create_task(engine.run("chat", "hello"))
        await provider.wait_for(1)
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert engine.status.runs == 0

    assert len(provider.requests) == 1


async def test_the_same_model_under_another_name_is_a_retry_too(fake, wire, books, keys):
    provider = await fake([wire.error(500), wire.text("ok")])
    book = books.over(provider.url, fallbacks=[{"model": "twin"}])
    book["models"]["twin"] = {"provider": "p0", "id": "vendor/m0", "options": {"temperature": 0}}

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "hello")

    assert [(attempt.model, attempt.retry) for attempt in result.attempts] == [("m0", False), ("twin", True)]


async def test_another_model_at_the_same_provider_is_no_retry(fake, wire, books, keys):
    provider = await fake([wire.error(500), wire.text("ok")])
    book = books.over(provider.url, fallbacks=[{"model": "other"}])
    book["models"]["other"] = {"provider": "p0", "id": "vendor/other"}

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "hello")

    assert [attempt.retry for attempt in result.attempts] == [False, False]


async def test_each_turn_counts_its_tries_anew(fake, wire, books, keys):
    """The first answer does not keep its contract, so there is a second turn."""
    replies = [wire.error(500), wire.error(500), wire.text("no"), wire.error(500), wire.error(500), wire.text("1")]
    provider = await fake(replies)
    book = books.over(provider.url, provider=QUICK, output="number")
    book["outputs"] = {"number": {"schema": {"type": "integer"}, "repair": {"attempts": 1}}}

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "hello")

    assert result.output == 1
    assert [attempt.retry for attempt in result.attempts] == [False, True, True, False, True, True]
    assert result.turns == 2


@pytest.mark.parametrize("kind", RETRIED)
async def test_a_callers_key_is_tried_again_with_the_callers_key_only(fake, wire, books, keys, kind):
    provider = await fake(RETRIED[kind](wire))
    context = Context(credentials={"p0": "sk-callers-own"})

    async with Engine(books.table(books.over(provider.url, provider=QUICK)), environment=keys) as engine:
        with pytest.raises(ProviderError) as caught:
            await engine.run("chat", "hello", context=context)

    assert [attempt.payer for attempt in caught.value.attempts] == ["caller"] * 3
    assert [request.headers["authorization"] for request in provider.requests] == ["Bearer sk-callers-own"] * 3
    assert "sk-" not in f"{caught.value}{[attempt.to_dict() for attempt in caught.value.attempts]}"


def of_kind(books, url, capability):
    book = books.over(url, provider=QUICK, needs=[capability])
    book["models"]["m0"]["capabilities"] = [capability]
    return books.table(book)


async def test_embeddings_are_tried_again(fake, wire, books, keys):
    vector = base64.b64encode(struct.pack("<1f", 0.5)).decode()
    good = wire.http(200, {"data": [{"index": 0, "embedding": vector}], "usage": {"prompt_tokens": 1}})
    provider = await fake([wire.error(500), None, good])

    async with Engine(of_kind(books, provider.url, "embeddings"), environment=keys) as engine:
        result = await engine.embed("chat", "x")

    assert result.vectors == ((0.5,),)
    assert [(attempt.kind, attempt.retry) for attempt in result.attempts] == [
        ("server_error", False),
        ("connection", True),
        (None, True),
    ]


async def test_images_are_tried_again(fake, wire, books, keys):
    good = wire.http(200, {"created": 1, "data": [{"b64_json": "iVBORw0KGgo="}]})
    provider = await fake([wire.error(429), wire.error(503), good])

    async with Engine(of_kind(books, provider.url, "image_output"), environment=keys) as engine:
        result = await engine.generate_image("chat", "a tree")

    assert len(result.images) == 1
    assert [attempt.kind for attempt in result.attempts] == ["rate_limit", "server_error", None]


async def test_a_stream_that_is_tried_again_tells_of_each_try_in_vain(fake, wire, books, keys):
    provider = await fake([wire.error(500), wire.error(429), wire.stream("here")])

    async with Engine(books.table(books.over(provider.url, provider=QUICK)), environment=keys) as engine:
        events = [event async for event in engine.stream("chat", "x")]

    failed = [event.attempt for event in events if isinstance(event, AttemptFailed)]
    assert [(attempt.kind, attempt.retry) for attempt in failed] == [("server_error", False), ("rate_limit", True)]
    assert isinstance(events[-1], RunFinished)
    assert events[-1].result.attempts[:2] == tuple(failed)
    assert events[-1].result.text == "here"
