"""A stream that breaks: until its first content it goes on elsewhere, then its error carries what was received."""

from __future__ import annotations

import asyncio
import json

import pytest

from routebook import AttemptFailed, Engine, ProviderError


async def collect(engine, *asked, into=None):
    events = [] if into is None else into
    async for event in engine.stream(*asked):
        events.append(event)
    return events


def kinds(events):
    return [event.type for event in events]


QUIET = {
    "a refusal": lambda wire: wire.error(500),
    "too much": lambda wire: wire.error(429),
    "no answer": lambda wire: None,
    "a cut before anything": lambda wire: wire.dripping(),
    "a cut after keep-alives": lambda wire: wire.dripping(b": ping\n\n", b": ping\n\n"),
    "a cut after a role": lambda wire: wire.dripping(wire.chunk(role="assistant")),
    "a cut after an empty delta": lambda wire: wire.dripping(wire.chunk()),
    "a cut after an empty text": lambda wire: wire.dripping(wire.chunk(role="assistant"), wire.chunk("")),
    "an error as an event": lambda wire: wire.dripping(
        wire.chunk(role="assistant"), b'data: {"error": {"message": "overloaded", "code": 529}}\n\n'
    ),
    "a stall": lambda wire: wire.dripping(wire.chunk(role="assistant"), asyncio.Event()),
    "a stall with keep-alives": lambda wire: _pinging(wire),
    "no stream at all": lambda wire: wire.http(200, b"<html><title>Welcome</title></html>"),
}


async def _pinging(wire):
    async for piece in wire.dripping(wire.chunk(role="assistant")):
        yield piece
    while True:
        await asyncio.sleep(0.02)
        yield b": ping\n\n"


def replying(make):
    """A reply that is made anew for each request, so that it can be asked for again."""
    return lambda _: asyncio.sleep(0, make())


@pytest.mark.parametrize("failure", QUIET)
async def test_until_its_first_content_a_stream_may_fail_in_any_way_and_go_on_elsewhere(
    fake, wire, books, keys, failure
):
    bad, good = await fake(replying(lambda: QUIET[failure](wire))), await fake(wire.stream("here"))
    book = books.over(bad.url, good.url)
    book["providers"]["p0"]["timeout"] = {"first_token": "400ms", "idle": "400ms"}

    async with Engine(books.table(book), environment=keys) as engine:
        events = await collect(engine, "chat", "x")

    assert kinds(events) == ["run_started", "turn_started", "attempt_failed", "text_delta", "run_finished"]
    result = events[-1].result
    assert (result.text, result.finish_reason) == ("here", "stop")
    failed, answered = result.attempts
    assert (failed.provider, failed.first_token_s, answered.provider) == ("p0", None, "p1")
    assert events[2] == AttemptFailed(failed)
    assert (failed.kind == "malformed_response") == (failure in MALFORMED)
    assert result.absorbed == (failed,)
    assert len(bad.requests) == 1


MALFORMED = {"a cut before anything", "a cut after keep-alives", "no stream at all"}
"""What came whole, as far as can be told, and is no answer: another time it would be none either."""

RETRIED = [failure for failure in QUIET if failure not in MALFORMED]


@pytest.mark.parametrize("failure", RETRIED)
async def test_until_its_first_content_a_stream_is_asked_for_again(fake, wire, books, keys, failure):
    async def reply(_):
        return wire.stream("here") if len(provider.requests) == 3 else QUIET[failure](wire)

    provider = await fake(reply)
    bounds = {"timeout": {"first_token": "400ms", "idle": "400ms"}, "retry": {"attempts": 3, "backoff": "1ms"}}

    async with Engine(books.table(books.over(provider.url, provider=bounds)), environment=keys) as engine:
        events = await collect(engine, "chat", "x")

    failed = [event.attempt for event in events if isinstance(event, AttemptFailed)]
    assert [attempt.retry for attempt in failed] == [False, True]
    assert kinds(events) == ["run_started", "turn_started", *["attempt_failed"] * 2, "text_delta", "run_finished"]
    assert events[-1].result.attempts[:2] == tuple(failed)
    assert events[-1].result.attempts[2].retry


BEGUN = {
    "text": (lambda wire: [wire.chunk("half of "), wire.chunk("it")], "half of it", []),
    "a thought": (lambda wire: [wire.chunk(reasoning_content="hm")], "", ["hm"]),
    "a call": (
        lambda wire: [
            wire.chunk(tool_calls=[{"index": 0, "id": "c1", "function": {"name": "tools__echo", "arguments": '{"te'}}]),
            wire.chunk(tool_calls=[{"index": 0, "function": {"arguments": 'xt": "h'}}]),
        ],
        "",
        [],
    ),
}


@pytest.mark.parametrize("end", ["cut", "stall", "error"])
@pytest.mark.parametrize("begun", BEGUN)
async def test_once_something_was_seen_a_break_is_an_error_that_carries_it(fake, wire, books, keys, begun, end):
    make, text, thoughts = BEGUN[begun]
    ends = {
        "cut": [],
        "stall": [asyncio.Event()],
        "error": [b'data: {"error": {"message": "overloaded", "code": 500}}\n\n'],
    }
    bad = await fake(replying(lambda: wire.dripping(*make(wire), *ends[end])))
    spare = await fake(wire.stream("spare"))
    bounds = {"timeout": {"idle": "400ms"}, "retry": {"attempts": 3, "backoff": "1ms"}}
    events = []

    async with Engine(books.table(books.over(bad.url, spare.url, provider=bounds)), environment=keys) as engine:
        with pytest.raises(ProviderError) as caught:
            await collect(engine, "chat", "x", into=events)

    error, result = caught.value, caught.value.result
    assert error.kind == {"cut": "connection", "stall": "timeout", "error": "server_error"}[end]
    assert (len(bad.requests), spare.requests) == (1, [])
    [attempt] = error.attempts
    assert result.attempts == error.attempts
    assert (attempt.outcome, attempt.kind, attempt.first_token_s is None) == ("failed", error.kind, False)
    assert events[-1] == AttemptFailed(attempt)
    assert (result.text, result.finish_reason) == (text, "error")
    assert [part.text for part in result.message.content if part.type == "reasoning"] == thoughts
    calls = [(call.id, call.name, call.arguments, call.arguments_json) for call in result.message.tool_calls]
    assert calls == ([("c1", "tools__echo", None, '{"text": "h')] if begun == "a call" else [])
    assert [message.role for message in result.messages] == ["user"]
    assert result.turns == 0


async def test_a_break_in_a_later_turn_carries_that_turns_words_and_the_turns_before(fake, wire, books, keys):
    provider = await fake([wire.stream("no"), wire.dripping(wire.chunk("on second thou"))])
    book = books.over(provider.url, output="number")
    book["outputs"] = {"number": {"schema": {"type": "integer"}, "repair": {"attempts": 1}}}

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(ProviderError) as caught:
            await collect(engine, "chat", "x")

    result = caught.value.result
    assert result.text == "on second thou"
    assert [message.text for message in result.messages if message.role == "assistant"] == ["no"]
    assert (result.turns, result.usage.input) == (1, 100)
    assert [attempt.outcome for attempt in result.attempts] == ["answered", "failed"]


async def test_a_later_turn_that_fails_before_its_first_content_leaves_the_last_answer_there_is(
    fake, wire, books, keys
):
    provider = await fake([wire.stream("no"), wire.error(400)])
    book = books.over(provider.url, output="number")
    book["outputs"] = {"number": {"schema": {"type": "integer"}, "repair": {"attempts": 1}}}

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(ProviderError) as caught:
            await collect(engine, "chat", "x")

    assert caught.value.result.text == "no"


async def test_what_was_received_holds_no_other_choices_words(fake, wire, books, keys):
    def of(index, text):
        choice = {"index": index, "delta": {"content": text}, "finish_reason": None}
        return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()

    provider = await fake(replying(lambda: wire.dripping(of(0, "first "), of(1, "other"), of(0, "again"))))
    book = books.over(provider.url)
    book["models"]["m0"]["options"] = {"n": 2}

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(ProviderError) as caught:
            await collect(engine, "chat", "x")

    assert caught.value.result.text == "first again"
