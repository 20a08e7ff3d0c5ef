"""A provider that hangs for longer than its runs may last: its breaker hears of it all the same."""

from __future__ import annotations

import asyncio

import pytest

from routebook import DeadlineError, Engine


async def hangs(_received):
    await asyncio.sleep(30)


async def test_calls_that_took_most_of_a_deadline_count_for_the_breaker(fake, wire, books, keys):
    hung, good = await fake(hangs), await fake(wire.text("ok"))
    book = books.over(hung.url, good.url, provider={"breaker": {"failures": 2}}, deadline="200ms")

    async with Engine(books.table(book), environment=keys) as engine:
        for _ in range(2):
            with pytest.raises(DeadlineError):
                await engine.run("chat", "hello")
        result = await engine.run("chat", "hello")
        (breaker,) = engine.status.breakers

    assert (breaker.provider, breaker.kind) == ("p0", "timeout")
    assert [attempt.outcome for attempt in result.attempts] == ["passed_over", "answered"]


async def test_a_call_that_was_left_little_of_the_deadline_does_not_count(fake, wire, books, keys):
    hung, slow = await fake(hangs), await fake(hangs)
    book = books.over(hung.url, slow.url, provider={"breaker": {"failures": 1}, "timeout": "300ms"}, deadline="400ms")

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(DeadlineError) as caught:
            await engine.run("chat", "hello")
        breakers = engine.status.breakers

    assert [attempt.outcome for attempt in caught.value.attempts] == ["failed", "cancelled"]
    assert [breaker.provider for breaker in breakers] == ["p0"]
