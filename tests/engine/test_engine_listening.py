"""Listening: from when until when, whatever a listener does, and from all threads."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from observed import GOOD, called, check_agrees, observed_book

from routebook import Engine, ProviderError, RequestError, SyncEngine
from routebook.telemetry.feed import Feed


@pytest.fixture
def book(books):
    return partial(observed_book, books)


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
