"""Deadline: one clock over all that a run waits for, and what its error has to tell."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from routebook import DeadlineError, Engine, ProviderError, TextDelta
from routebook.engine.deadline import NO_DEADLINE, Deadline, deadline
from routebook.routing.spec import FeatureSpec

IN_TIME_S = 8
"""What ends with its deadline has ended long before, on however busy a machine."""


@pytest.fixture(autouse=True)
async def warm(fake, wire, books, keys):
    """What a first call of all has to load is not on the clock of a test."""
    provider = await fake(wire.text("ok"))
    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        await engine.run("chat", "x")


async def slow(_):
    await asyncio.sleep(30)


async def late_error(engine, feature="chat", call="run"):
    """Return the DeadlineError that a call ends in."""
    async with asyncio.timeout(IN_TIME_S):
        with pytest.raises(DeadlineError) as caught:
            await getattr(engine, call)(feature, "x")
    return caught.value


async def collect(events, into):
    async for event in events:
        into.append(event)


def outcomes(error):
    return [(attempt.provider, attempt.outcome, attempt.kind, attempt.sent) for attempt in error.attempts]


async def test_without_a_deadline_there_is_time_for_ever():
    async with deadline(FeatureSpec("f")) as end:
        assert end is NO_DEADLINE
        assert end.left_s == float("inf")
        assert not end.has_passed


async def test_what_is_left_shrinks_and_the_end_is_seen_from_inside():
    seen = []

    async def run():
        async with deadline(FeatureSpec("f", deadline_s=0.05)) as end:
            seen.append((end.left_s, end.has_passed))
            try:
                await asyncio.sleep(30)
            finally:
                seen.append((end.left_s, end.has_passed))

    with pytest.raises(DeadlineError, match=r"feature 'f' did not answer within 0\.05 s"):
        await run()
    (left, before), (left_then, then) = seen
    assert 0.05 >= left > left_then
    assert (before, then) == (False, True)


async def test_an_end_that_came_a_little_early_counts_as_come():
    """Loops with a coarse clock do that: what was cut short was so by the deadline."""
    now = asyncio.get_running_loop().time()
    async with asyncio.timeout_at(now + 60) as end:
        await asyncio.sleep(0)
        assert not Deadline(now + 60, end=end).has_passed
    with pytest.raises(TimeoutError):
        async with asyncio.timeout_at(now) as end:
            await asyncio.sleep(30)
    assert Deadline(now + 60, end=end).has_passed


async def test_a_time_out_of_something_else_is_not_the_deadlines():
    with pytest.raises(TimeoutError, match="another"):
        async with deadline(FeatureSpec("f", deadline_s=60)):
            raise TimeoutError("another")


async def test_a_run_that_is_cancelled_is_not_late():
    async def run():
        async with deadline(FeatureSpec("f", deadline_s=60)):
            await asyncio.sleep(30)

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("call", ["run", "embed", "generate_image"])
async def test_an_answer_that_does_not_come_ends_with_its_connection_and_is_on_record(
    fake, books, keys, eventually, call
):
    provider = await fake(slow)
    kind = {"run": "tools", "embed": "embeddings", "generate_image": "image_output"}[call]
    book = books.over(provider.url, deadline="600ms", **({} if call == "run" else {"needs": [kind]}))
    book["models"]["m0"]["capabilities"] = [kind]

    async with Engine(books.table(book), environment=keys) as engine:
        error = await late_error(engine, call=call)
        await eventually(lambda: provider.open == 0)

    assert outcomes(error) == [("p0", "cancelled", "timeout", True)]
    assert "deadline" in error.attempts[0].reason
    assert error.attempts[0].duration_s <= IN_TIME_S
    assert error.result.attempts == error.attempts
    assert error.result.decision.feature == "chat"


async def test_the_queue_is_on_the_clock_and_what_waited_was_never_sent(fake, books, keys):
    provider = await fake(slow)
    book = books.over(provider.url, provider={"limits": {"concurrency": 1}})
    book["features"]["brief"] = {**book["features"]["chat"], "deadline": "300ms"}

    async with Engine(books.table(book), environment=keys) as engine:
        before = asyncio.create_task(engine.run("chat", "x"))
        await provider.wait_for(1)
        error = await late_error(engine, "brief")
        before.cancel()
        with pytest.raises(asyncio.CancelledError):
            await before
        [gate] = [state.gate for state in engine.status.limits]

    assert outcomes(error) == [("p0", "cancelled", "timeout", False)]
    assert error.attempts[0].queued_s > 0.1
    assert error.attempts[0].duration_s < error.attempts[0].queued_s
    assert len(provider.requests) == 1
    assert (gate.running, gate.waiting) == (0, 0)


async def test_pauses_and_every_try_are_on_the_same_clock(fake, wire, books, keys):
    async def reply(_):
        if len(provider.requests) == 1:
            return wire.error(500, "wait", "retry-after-ms: 200")
        return await slow(_)

    provider = await fake(reply)
    book = books.over(provider.url, provider={"retry": {"attempts": 3, "backoff": "1ms"}}, deadline="1500ms")

    async with Engine(books.table(book), environment=keys) as engine:
        error = await late_error(engine)

    assert outcomes(error) == [("p0", "failed", "server_error", True), ("p0", "cancelled", "timeout", True)]
    assert [attempt.retry for attempt in error.attempts] == [False, True]
    assert error.attempts[1].started_at - error.attempts[0].started_at >= 0.19
    assert sum(attempt.duration_s for attempt in error.attempts) < IN_TIME_S


async def test_a_fallback_gets_what_is_left_and_no_more(fake, books, keys):
    first, second = await fake(slow), await fake(slow)
    book = books.over(first.url, second.url, deadline="1s")
    book["providers"]["p0"]["timeout"] = "400ms"

    async with Engine(books.table(book), environment=keys) as engine:
        error = await late_error(engine)

    assert outcomes(error) == [("p0", "failed", "timeout", True), ("p1", "cancelled", "timeout", True)]


async def test_tools_are_on_the_clock_and_what_was_said_before_is_there(fake, wire, books, keys):
    provider = await fake([wire.text("ok"), wire.calls(("c1", "tools__wait", '{"seconds": 30}'))])
    book = books.over(provider.url, tools={"servers": ["tools"]}, deadline="1s")
    book["mcp_servers"] = {"tools": books.tools()}
    book["features"]["patient"] = {"use": {"model": "m0"}, "tools": {"servers": ["tools"]}}

    async with Engine(books.table(book), environment=keys) as engine:
        await engine.run("patient", "start the tool server")
        error = await late_error(engine)

    assert outcomes(error) == [("p0", "answered", None, True)]
    assert [call.id for call in error.result.tool_calls] == ["c1"]
    assert error.result.turns == 1
    assert error.result.usage.input == 100


async def test_repairs_are_on_the_clock(fake, wire, books, keys):
    async def reply(_):
        return wire.text("not a number") if len(provider.requests) == 1 else await slow(_)

    provider = await fake(reply)
    book = books.over(provider.url, output="number", deadline="700ms")
    book["outputs"] = {"number": {"schema": {"type": "integer"}, "repair": {"attempts": 2}}}

    async with Engine(books.table(book), environment=keys) as engine:
        error = await late_error(engine)

    assert outcomes(error) == [("p0", "answered", None, True), ("p0", "cancelled", "timeout", True)]
    assert error.result.text == "not a number"
    assert error.result.turns == 1


async def test_a_reader_who_rests_keeps_no_run_beyond_its_deadline(fake, wire, books, keys, eventually):
    """The reader leaves events unread until there is no room for more: then the run waits for it."""
    provider = await fake(wire.stream(*["x"] * 2000))
    book = books.over(provider.url, deadline="700ms")

    async with Engine(books.table(book), environment=keys) as engine:
        events = engine.stream("chat", "x")
        seen = [await anext(events)]
        await eventually(lambda: engine.status.runs == 0, IN_TIME_S)
        with pytest.raises(DeadlineError) as caught:
            await collect(events, seen)

    assert outcomes(caught.value) == [("p0", "cancelled", "timeout", True)]
    texts = [event.text for event in seen if isinstance(event, TextDelta)]
    assert 0 < len(texts) < 2000
    # What the run had received and could not hand over any more is not lost.
    assert caught.value.result.text.startswith("".join(texts))
    assert caught.value.result.finish_reason == "error"


async def test_a_listener_that_does_not_come_back_keeps_no_run_beyond_its_deadline(fake, wire, books, keys):
    async def listen(event):
        if isinstance(event, TextDelta):
            await asyncio.sleep(30)

    provider = await fake(wire.stream("a", "b"))

    async with Engine(books.table(books.over(provider.url, deadline="600ms")), environment=keys) as engine:
        async with asyncio.timeout(IN_TIME_S):
            with pytest.raises(DeadlineError) as caught:
                await engine.run("chat", "x", on_event=listen)

    assert caught.value.result.text == "a"


async def test_a_stream_that_is_late_tells_what_it_had_received(fake, wire, books, keys):
    never = asyncio.Event()
    provider = await fake(lambda _: asyncio.sleep(0, wire.dripping(wire.chunk("so "), wire.chunk("far"), never)))
    spare = await fake(wire.stream("spare"))
    book = books.over(provider.url, spare.url, deadline="1s")

    async with Engine(books.table(book), environment=keys) as engine:
        async with asyncio.timeout(IN_TIME_S):
            with pytest.raises(DeadlineError) as caught:
                await collect(engine.stream("chat", "x"), [])

    [attempt] = caught.value.attempts
    assert (attempt.outcome, attempt.kind, attempt.first_token_s is None) == ("cancelled", "timeout", False)
    assert caught.value.result.text == "so far"
    assert caught.value.result.message.role == "assistant"
    assert spare.requests == []


async def test_many_runs_at_once_all_end_with_their_deadline_and_leave_nothing(fake, books, keys, eventually):
    provider = await fake(slow)
    book = books.over(provider.url, provider={"limits": {"concurrency": 10}}, deadline="700ms")

    async with Engine(books.table(book), environment=keys) as engine:
        errors = await asyncio.gather(*(late_error(engine) for _ in range(60)))
        await eventually(lambda: provider.open == 0)
        assert engine.status.runs == 0
        [gate] = [state.gate for state in engine.status.limits]

    assert (gate.running, gate.waiting) == (0, 0)
    [sent, waited] = [[e.attempts[0] for e in errors if e.attempts[0].sent is sent] for sent in (True, False)]
    # Where one run ended a moment before another, that one had the place for as long.
    assert 10 <= len(provider.requests) <= len(sent)
    assert len(waited) == 60 - len(sent) > 0


async def test_a_failure_in_time_is_its_own_error_and_not_the_deadlines(fake, wire, books, keys):
    provider = await fake(wire.error(400, "no such thing"))

    async with Engine(books.table(books.over(provider.url, deadline="20s")), environment=keys) as engine:
        with pytest.raises(ProviderError, match="no such thing"):
            await engine.run("chat", "x")


@pytest.mark.parametrize("at", ["attempt_failed", "turn_started"])
async def test_a_listener_that_swallows_the_end_leads_to_no_call_after_it(fake, wire, books, keys, at):
    """Whoever catches the cancellation would have the run go on with no clock at all."""
    failing, later = await fake(wire.error(500)), await fake(wire.text("too late"))
    heard = []

    async def listen(event):
        heard.append(event.type)
        if event.type == at:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(30)

    async with Engine(books.table(books.over(failing.url, later.url, deadline="200ms")), environment=keys) as engine:
        async with asyncio.timeout(IN_TIME_S):
            with pytest.raises(DeadlineError) as caught:
                await engine.run("chat", "x", on_event=listen)

    assert at in heard
    assert later.requests == []
    assert len(failing.requests) == len(caught.value.attempts) == (at == "attempt_failed")
