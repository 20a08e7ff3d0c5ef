"""Listeners: what is told of runs and their parts, when, how often, and that it agrees with what the caller gets."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from itertools import pairwise

import pytest
from observed import FOLDERS, GOOD, OPENAI, called, check_agrees, heard_of, observed_book, of_kind, one_run

from routebook import (
    BudgetError,
    Context,
    DeadlineError,
    Engine,
    EngineClosed,
    LimitError,
    OutputError,
    ProviderError,
    RequestError,
    ResolveError,
    RoutebookError,
)
from routebook.records.ended import AttemptEnded, ToolCallEnded, TurnEnded


@pytest.fixture
def book(books):
    return partial(observed_book, books)


CASES = {
    # name: what the first provider says, how the feature is asked, the error that is raised
    "success": ([GOOD], lambda engine: engine.run("chat", "a"), None),
    "a retry": ([OPENAI.refused("server_error"), GOOD], lambda engine: engine.run("chat", "a"), None),
    "a fallback": ([OPENAI.refused("quota_exceeded")], lambda engine: engine.run("chat", "a"), None),
    "a refusal": ([OPENAI.refused("bad_request")], lambda engine: engine.run("chat", "a"), ProviderError),
    "an unusable answer": ([OPENAI.refused("malformed_response")], lambda engine: engine.run("chat", "a"), None),
    "tools": ([called(1), GOOD], lambda engine: engine.run("tools", "a"), None),
    "too many turns": ([called(1), called(2)], lambda engine: engine.run("tools", "a"), LimitError),
    "a last turn": ([called(1), called(2), GOOD], lambda engine: engine.run("finishing", "a"), None),
    "a repair": ([OPENAI.said("no"), GOOD], lambda engine: engine.run("shaped", "a"), None),
    "a repair in vain": ([OPENAI.said("no")], lambda engine: engine.run("shaped", "a"), OutputError),
    "a choice": ([GOOD], lambda engine: engine.run("chosen", "a", inputs=FOLDERS), None),
    "no candidates": ([GOOD], lambda engine: engine.run("chosen", "a", inputs={"folders": []}), None),
    "a choice after failure": (
        [OPENAI.refused("bad_request")],
        lambda engine: engine.run("chosen", "a", inputs=FOLDERS),
        None,
    ),
    "a spent budget": ([OPENAI.said("no")], lambda engine: engine.run("poor", "a"), BudgetError),
    "embeddings": ([OPENAI.embedded()], lambda engine: engine.embed("index", "a"), None),
    "embeddings in vain": ([OPENAI.refused("bad_request")], lambda engine: engine.embed("index", "a"), ProviderError),
    "an image": ([OPENAI.refused("server_error"), OPENAI.drawn()], lambda e: e.generate_image("cover", "a"), None),
}


@pytest.mark.parametrize("case", CASES)
async def test_every_part_of_a_run_is_told_once_and_in_order_and_agrees_with_its_result(fake, book, keys, case):
    replies, ask, raised = CASES[case]
    first, second = await fake(list(replies)), await fake(GOOD)

    outcome, records = await heard_of(book(first.url, second.url), keys, ask)

    error = outcome if isinstance(outcome, RoutebookError) else None
    assert type(error) is (raised or type(None)), outcome
    _, end = check_agrees(records, outcome if error is None else error.result, error)
    sent = sum(attempt.sent for attempt in (outcome if error is None else error.result).attempts)
    assert sent == len(first.requests) + len(second.requests)
    if case == "no candidates":
        assert (end.attempts, end.turns, end.cost_microusd, first.connections) == (0, 0, 0, 0)
    elif case not in {"a refusal", "a choice after failure", "embeddings in vain"}:
        assert end.usage.input > 0 or case == "an image"


@pytest.mark.parametrize("left", [False, True])
async def test_a_stream_is_told_as_a_run_is_also_where_it_is_left_early(fake, wire, book, keys, left):
    held = asyncio.Event()
    first = await fake([wire.error(500), wire.dripping(wire.chunk("Well"), held) if left else wire.stream("Well")])
    second = await fake(GOOD)
    events, records = [], []

    async with Engine(book(first.url, second.url), environment=keys, listeners=[records.append]) as engine:
        stream = engine.stream("chat", "a")
        async for event in stream:
            events.append(event)
            if left and event.type == "text_delta":
                break
        await stream.aclose()
        held.set()

    if not left:
        parts, _ = check_agrees(records, events[-1].result)
        assert parts[1].attempt.first_token_s is not None
        return
    parts, end = one_run(records)
    assert [(part.attempt.outcome, part.attempt.sent) for part in parts] == [("failed", True), ("cancelled", True)]
    assert parts[1].attempt.first_token_s is not None
    assert (end.error, end.kind, end.turns, end.absorbed, end.attempts) == ("CancelledError", None, 0, 0, 2)


async def test_a_cancelled_run_and_one_past_its_deadline_are_told_with_what_was_under_way(fake, book, keys):
    async def never(_):
        await asyncio.sleep(60)

    first, second = await fake(never), await fake(GOOD)
    records = []
    async with Engine(book(first.url, second.url), environment=keys, listeners=[records.append]) as engine:
        run = asyncio.create_task(engine.run("chat", "a"))
        await first.wait_for(1)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        with pytest.raises(DeadlineError) as late:
            await engine.run("brief", "a")

    cancelled, brief = records[:2], records[2:]
    [part], end = one_run(cancelled)
    assert (part.attempt.outcome, part.attempt.kind, part.attempt.sent) == ("cancelled", "cancelled", True)
    assert (end.error, end.kind, end.turns, end.attempts) == ("CancelledError", None, 0, 1)
    [part], end = check_agrees(brief, late.value.result, late.value)
    assert (part.attempt.outcome, part.attempt.kind) == ("cancelled", "timeout")


@pytest.mark.parametrize("how", ["cancelled", "left", "deadline"])
async def test_tool_calls_under_way_when_a_run_ends_are_told_too_and_whether_a_server_was_asked(
    fake, wire, books, keys, eventually, tmp_path, how
):
    """One of two calls is with its server, the other one waits for it."""
    asked = [("c1", "plain__wait", '{"seconds": 30}'), ("c2", "plain__echo", '{"text": "a"}')]
    provider = await fake(wire.streamed_calls(*asked) if how == "left" else wire.calls(*asked))
    book = books.over(provider.url, tools={"servers": ["plain"], "parallel": 1})
    if how == "deadline":
        book["features"]["chat"]["deadline"] = "1500ms"
    book["mcp_servers"] = {"plain": books.tools()}
    records = []

    async def left(engine):
        stream = engine.stream("chat", "a")
        requested = 0
        async for event in stream:
            requested += event.type == "tool_call_requested"
            if requested == 2:
                await asyncio.sleep(0.1)
                break
        await stream.aclose()
        raise asyncio.CancelledError

    async with Engine(books.table(book), environment=keys, listeners=[records.append]) as engine:
        run = asyncio.create_task(left(engine) if how == "left" else engine.run("chat", "a"))
        if how == "cancelled":
            await eventually(lambda: [record.type for record in records] == ["attempt", "turn"])
            await asyncio.sleep(0.1)
            run.cancel()
        with pytest.raises(DeadlineError if how == "deadline" else asyncio.CancelledError):
            await run

    parts, end = one_run(records)
    calls = of_kind(ToolCallEnded, parts)
    assert {(call.call_id, call.tool, call.sent, call.is_error) for call in calls} == {
        ("c1", "plain.wait", True, True),
        ("c2", "plain.echo", False, True),
    }
    assert len(calls) == end.tool_calls == 2
    assert end.error == ("DeadlineError" if how == "deadline" else "CancelledError")


async def test_a_run_that_is_cancelled_while_its_listener_of_events_is_told_of_its_beginning_is_told(fake, book, keys):
    first, second = await fake(GOOD), await fake(GOOD)
    begun, records = asyncio.Event(), []

    async def slow(_):
        begun.set()
        await asyncio.sleep(60)

    async with Engine(book(first.url, second.url), environment=keys, listeners=[records.append]) as engine:
        run = asyncio.create_task(engine.run("chat", "a", on_event=slow))
        await begun.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    assert [(record.type, record.error) for record in records] == [("run", "CancelledError")]


async def test_a_run_that_the_closing_engine_ends_is_told_before_the_engine_is_closed(fake, books, keys):
    async def never(_):
        await asyncio.sleep(60)

    provider, records = await fake(never), []
    book = {**books.over(provider.url), "settings": {"drain": "50ms"}}
    async with Engine(books.table(book), environment=keys, listeners=[records.append]) as engine:
        run = asyncio.create_task(engine.run("chat", "a"))
        await provider.wait_for(1)
    with pytest.raises(EngineClosed):
        await run

    assert [record.type for record in records] == ["attempt", "run"]
    assert records[-1].error == "CancelledError"


async def test_what_is_refused_before_it_is_decided_is_no_run(fake, book, keys):
    first, second = await fake(GOOD), await fake(GOOD)
    records = []
    async with Engine(book(first.url, second.url), environment=keys, listeners=[records.append]) as engine:
        for messages, feature, error in (([], "chat", RequestError), ("a", "nope", ResolveError)):
            with pytest.raises(error):
                await engine.run(feature, messages)
        with pytest.raises(ResolveError):
            await engine.run("chat", "a", context=Context(credentials={"elsewhere": "sk-caller"}))
    assert records == []


async def test_sixty_four_runs_at_once_are_told_each_in_its_order(fake, wire, book, keys):
    async def now_and_then(received):
        return OPENAI.refused("server_error") if len(first.requests) % 3 == 0 else GOOD

    first, second = await fake(now_and_then), await fake(GOOD)
    records = []
    async with Engine(book(first.url, second.url), environment=keys, listeners=[records.append]) as engine:
        results = await asyncio.gather(*(engine.run("shaped", f"run {n}") for n in range(64)))

    by_run = {}
    for record in records:
        by_run.setdefault(record.run_id, []).append(record)
    assert by_run.keys() == {result.run_id for result in results}
    for result in results:
        check_agrees(by_run[result.run_id], result)


async def test_what_a_caller_pays_costs_the_platform_nothing_and_is_told_so(fake, book, keys):
    first, second = await fake(GOOD), await fake(GOOD)
    context = Context(credentials={"p0": "sk-caller"})

    outcome, records = await heard_of(book(first.url, second.url), keys, lambda e: e.run("chat", "a", context=context))

    [part, _], end = check_agrees(records, outcome)
    assert (part.attempt.payer, part.attempt.cost_microusd, end.cost_microusd) == ("caller", 9 * 2 + 3 * 10, 0)
    assert "sk-caller" not in repr(records)


async def test_moments_and_spans_of_what_is_told_lie_within_one_another(fake, wire, book, keys):
    first, second = await fake([wire.error(500), called(1), GOOD]), await fake(GOOD)
    began = time.time()

    outcome, records = await heard_of(book(first.url, second.url), keys, lambda engine: engine.run("tools", "a"))

    parts, end = check_agrees(records, outcome)
    ended = time.time()
    starts = [part.attempt.started_at if isinstance(part, AttemptEnded) else part.started_at for part in parts]
    assert all(began - 0.01 <= start <= ended for start in (*starts, end.started_at))
    assert all(earlier <= later + 0.01 for earlier, later in pairwise(starts) if earlier <= later)
    for turn in of_kind(TurnEnded, parts):
        within = [part.attempt.duration_s for part in of_kind(AttemptEnded, parts) if part.turn == turn.turn]
        assert sum(within) <= turn.duration_s * 1.01 <= end.duration_s * 1.02
    [call] = of_kind(ToolCallEnded, parts)
    assert (call.tool, call.sent, call.is_error, call.turn) == ("plain.echo", True, False, 1)
