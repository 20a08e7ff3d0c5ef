"""Listeners: what is told of runs and their parts, when, how often, and that it agrees with what the caller gets."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from wire_apis import APIS

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
    SyncEngine,
)
from routebook.records.ended import AttemptEnded, RunEnded, ToolCallEnded, TurnEnded
from routebook.telemetry.feed import Feed

OPENAI = APIS["openai-chat"]
PRICE = {"input": 2.0, "output": 10.0}
CHOICE = {"choice": {"field": "folder", "from": "folders", "id": "id", "label": ["name"], "on_failure": "otherwise"}}
FOLDERS = {"folders": [{"id": "f1", "name": "Health"}], "rest": "f1"}


@pytest.fixture
def book(books):
    """Features of every kind over two providers, the second of which stands in for the first."""

    def make(*urls, **first):
        book = books.over(*urls, provider={"retry": {"attempts": 2, "backoff": "1ms"}, "breaker": {"failures": 1000}})
        both = {"use": {"model": "m0"}, "fallbacks": [{"model": "m1"}]}
        for number in (0, 1):
            book["models"][f"m{number}"]["price"] = PRICE
            for kind, capability in {"index": "embeddings", "cover": "image_output"}.items():
                model = {"provider": f"p{number}", "id": f"vendor/{kind}", "capabilities": [capability], "price": PRICE}
                book["models"][f"{kind}{number}"] = model
        choice = {**CHOICE["choice"], "otherwise": [{"input": "rest"}]}
        schema = {"type": "object", "required": ["folder"], "properties": {"folder": {"type": "string"}}}
        book["mcp_servers"] = {"plain": books.tools(), "broken": books.tools("fail")}
        book["outputs"] = {
            "shape": {"schema": {"type": "object"}, "strategy": "prompt", "repair": {"attempts": 1}},
            "folder": {"schema": schema, "strategy": "prompt", "checks": [{"choice": choice}]},
        }
        book["features"] = {
            "chat": {**both, **first},
            "tools": {**both, "tools": {"servers": ["plain"], "max_turns": 2, "on_limit": "fail"}},
            "finishing": {**both, "tools": {"servers": ["plain"], "max_turns": 1}},
            "broken": {**both, "tools": {"servers": ["broken"]}},
            "shaped": {**both, "output": "shape"},
            "chosen": {**both, "output": "folder"},
            "brief": {**both, "deadline": "100ms"},
            "poor": {**both, "budget": {"tokens_per_run": 1}, "output": "shape"},
            "index": {"use": {"model": "index0"}, "fallbacks": [{"model": "index1"}], "needs": ["embeddings"]},
            "cover": {"use": {"model": "cover0"}, "fallbacks": [{"model": "cover1"}], "needs": ["image_output"]},
        }
        return books.table(book)

    return make


def one_run(records):
    """The records of the one run that was made, its end apart."""
    assert len({record.run_id for record in records}) == 1
    *parts, end = records
    assert isinstance(end, RunEnded)
    assert not [part for part in parts if isinstance(part, RunEnded)]
    return parts, end


def of_kind(kind, parts):
    return [part for part in parts if isinstance(part, kind)]


def check_agrees(records, result, error=None):
    """All parts are told once, in order, and their numbers are those of *result*."""
    parts, end = one_run(records)
    attempts, turns, calls = (of_kind(kind, parts) for kind in (AttemptEnded, TurnEnded, ToolCallEnded))
    assert [part.attempt for part in attempts] == list(result.attempts)
    assert [part.shadow for part in attempts] == [False] * len(attempts)
    assert (end.run_id, end.feature, end.table) == (result.run_id, result.decision.feature, result.decision.table)
    assert (end.profile, end.route, end.arm) == (result.decision.profile, result.decision.route, result.decision.arm)
    assert (end.attempts, end.usage, end.cost_microusd) == (len(result.attempts), result.usage, result.cost_microusd)
    in_vain = [attempt for attempt in result.attempts if attempt.kind is not None]
    assert end.absorbed == (0 if error is not None else len(in_vain))
    assert end.error == (None if error is None else type(error).__name__)
    assert end.kind == (error.kind if isinstance(error, ProviderError) else None)
    assert end.duration_s >= sum(attempt.duration_s + attempt.queued_s for attempt in result.attempts) * 0.99
    if end.call != "chat":
        assert (end.turns, turns, calls) == (0, [], [])
        return parts, end
    assert end.turns == result.turns == len(turns)
    assert [turn.turn for turn in turns] == list(range(1, len(turns) + 1))
    assert end.finish_reason == result.finish_reason
    assert end.tool_calls == len(result.tool_calls) == len(calls)
    assert sorted(call.call_id for call in calls) == sorted(answer.call_id for answer in result.tool_results)
    assert sum(turn.tool_calls for turn in turns) == len(calls)
    order = {AttemptEnded: 0, TurnEnded: 1, ToolCallEnded: 2}
    places = [(part.turn, order[type(part)]) for part in parts]
    assert places == sorted(places)
    return parts, end


async def heard_of(table, keys, ask):
    """Return what *ask* makes of an engine, result or error, and what was told of it."""
    records = []
    async with Engine(table, environment=keys, listeners=[records.append]) as engine:
        try:
            outcome = await ask(engine)
        except RoutebookError as error:
            outcome = error
    return outcome, records


def called(number):
    return OPENAI.called(f"dentist {number}")


GOOD = OPENAI.said('{"folder": "f1"}')
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


async def test_a_listener_that_raises_or_blocks_neither_delays_nor_changes_a_run(fake, book, keys, caplog):
    """While one listener is blocked for good, a hundred runs end; it is told of all of them later."""
    first, second = await fake(GOOD), await fake(GOOD)
    told, blocked, free = [], threading.Event(), threading.Event()

    def blocks(record):
        blocked.set()
        assert free.wait(30)

    def raises(record):
        raise KeyError("my own mistake")

    table = book(first.url, second.url)
    async with Engine(table, environment=keys, listeners=[blocks, raises, told.append]) as engine:
        results = [await engine.run("chat", "a") for _ in range(100)]
        assert blocked.is_set()
        assert told == []
        free.set()

    assert len(told) == 300
    assert [record.run_id for record in told if record.type == "run"] == [result.run_id for result in results]
    assert {len(result.attempts) for result in results} == {1}
    assert caplog.text.count("raises failed, which changes nothing") == 1


async def test_listening_begins_with_listen_and_ends_with_what_it_returns(fake, book, keys, eventually):
    first, second = await fake(GOOD), await fake(GOOD)
    all_along, between = [], []
    async with Engine(book(first.url, second.url), environment=keys, listeners=[all_along.append]) as engine:
        await engine.run("chat", "a")
        await eventually(lambda: len(all_along) == 3)
        stop = engine.listen(between.append)
        result = await engine.run("chat", "a")
        await eventually(lambda: len(between) == 3)
        stop()
        stop()
        await engine.run("chat", "a")
        with pytest.raises(RequestError) as caught:
            engine.listen(asyncio.sleep)
        assert engine.status.dropped_records == 0

    assert caught.value.field == "listeners"
    assert {record.run_id for record in between} == {result.run_id}
    assert len(all_along) == 9


async def test_a_listener_may_use_the_engine_that_tells_it(fake, book, keys, eventually):
    first, second = await fake(GOOD), await fake(GOOD)
    seen = []

    def asks(record):
        seen.append((record.type, engine.table.digest, threading.current_thread() is threading.main_thread()))
        engine.listen(lambda _: None)()

    async with Engine(book(first.url, second.url), environment=keys, listeners=[asks]) as engine:
        await engine.run("chat", "a")
        await eventually(lambda: len(seen) == 3)
        digest = engine.table.digest

    assert seen == [(kind, digest, False) for kind in ("attempt", "turn", "run")]


async def test_where_nobody_listens_no_record_is_made(fake, book, keys, monkeypatch):
    first, second = await fake([called(1), GOOD]), await fake(GOOD)
    told = []
    monkeypatch.setattr(Feed, "tell", lambda feed, record: told.append(record))
    monkeypatch.setattr("routebook.engine.observe.RunEnded", None)
    monkeypatch.setattr("routebook.engine.observe.AttemptEnded", None)

    async with Engine(book(first.url, second.url), environment=keys) as engine:
        stop = engine.listen(lambda _: None)
        stop()
        result = await engine.run("tools", "a")
        first.reply = GOOD
        [*_, finished] = [event async for event in engine.stream("shaped", "a")]

    assert told == []
    assert (result.turns, finished.result.turns) == (2, 1)


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


def test_a_sync_engine_tells_its_listeners_the_same_from_all_its_threads(books):
    """Runs of eight threads, a stream that is left early, and one listener that stops."""
    told, between = [], []
    book = books.scripted(
        {"when": {"contains": "fail"}, "reply": {"error": {"status": 400}}}, {"reply": {"text": "ok", "chunks": 2}}
    )
    with SyncEngine(books.table(book), environment={}, listeners=[told.append]) as engine:
        with ThreadPoolExecutor(8) as threads:
            results = list(threads.map(lambda number: engine.run("chat", f"run {number}"), range(32)))
        stop = engine.listen(between.append)
        with pytest.raises(ProviderError) as caught:
            engine.run("chat", "fail")
        events = engine.stream("chat", "left")
        assert next(events).type == "run_started"
        events.close()
        stop()
        last = engine.run("chat", "unheard by one")

    by_run = {}
    for record in told:
        by_run.setdefault(record.run_id, []).append(record)
    for result in (*results, last):
        check_agrees(by_run.pop(result.run_id), result)
    check_agrees(by_run.pop(caught.value.result.run_id), caught.value.result, caught.value)
    [left] = by_run.values()
    assert (left[-1].type, left[-1].error) in {("run", "CancelledError"), ("run", None)}
    assert {record.run_id for record in between} <= {caught.value.result.run_id, left[-1].run_id}
