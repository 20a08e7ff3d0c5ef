"""Opening, closing and cancelling: nothing is used while closed, and nothing is left behind."""

from __future__ import annotations

import asyncio
import random
import threading
from dataclasses import replace

import pytest

from routebook import Context, Engine, EngineClosed
from routebook.engine import engine as engine_module
from routebook.engine.hints import Hints

SLOW = {"reply": {"text": "late", "delay": "30s"}}


async def test_an_engine_that_is_not_open_says_how_it_is_used(books):
    engine = Engine(books.table(books.scripted({"reply": {"text": "ok"}})), environment={})
    for _ in ("before it opened", "after it closed"):
        with pytest.raises(EngineClosed, match=r"use it inside `async with Engine\(\.\.\.\)`"):
            await engine.run("chat", "hello")
        with pytest.raises(EngineClosed):
            await engine.reload()
        with pytest.raises(EngineClosed):
            assert engine.table
        with pytest.raises(EngineClosed):
            assert engine.status
        async with engine:
            assert (await engine.run("chat", "hello")).text == "ok"


async def test_closing_twice_and_closing_at_once_from_two_tasks_is_closing_once(books, tmp_path):
    root = books.write(tmp_path / "routes", books.scripted({"reply": {"text": "ok"}}))
    async with Engine(root, watch=True) as engine:
        await asyncio.gather(engine.close(), engine.close())
        await engine.close()


async def test_close_waits_for_a_run_in_flight_and_lets_no_other_begin(fake, wire, books, keys):
    gate = asyncio.Event()

    async def waiting(received):
        await gate.wait()
        return wire.text("finished")

    provider = await fake(waiting)
    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        run = asyncio.create_task(engine.run("chat", "hello"))
        await provider.wait_for(1)
        closing = asyncio.create_task(engine.close())
        await asyncio.sleep(0.05)
        assert not closing.done()
        with pytest.raises(EngineClosed):
            await engine.run("chat", "hello")
        gate.set()
        assert (await run).text == "finished"
        await closing


async def test_closing_again_while_a_run_is_being_cancelled_is_closing_once_whoever_stops_waiting(books, monkeypatch):
    cancelled = asyncio.Event()

    async def lingering(*args):
        try:
            await asyncio.sleep(30)
        finally:
            cancelled.set()
            await asyncio.sleep(0.2)

    monkeypatch.setattr(engine_module, "start_run", lingering)
    async with Engine(replace(books.table(books.scripted(SLOW)), drain_s=0.05), environment={}) as engine:
        run = asyncio.create_task(engine.run("chat", "hello"))
        await asyncio.sleep(0)
        hurried = asyncio.create_task(engine.close())
        await cancelled.wait()
        later = asyncio.create_task(engine.close())
        await asyncio.sleep(0)
        hurried.cancel()
        await later
        assert run.done()
        with pytest.raises(EngineClosed):
            await run


async def test_a_run_that_does_not_end_is_cancelled_after_the_drain_and_told_so(fake, books, keys, caplog, eventually):
    async def never(received):
        await asyncio.sleep(30)

    provider = await fake(never)
    async with Engine(replace(books.table(books.over(provider.url)), drain_s=0.1), environment=keys) as engine:
        runs = [asyncio.create_task(engine.run("chat", "hello")) for _ in range(3)]
        await provider.wait_for(3)
        await engine.close()
        outcomes = await asyncio.gather(*runs, return_exceptions=True)

    assert all(isinstance(outcome, EngineClosed) for outcome in outcomes)
    assert "the run did not end within 0.1 s" in str(outcomes[0])
    assert "3 runs did not end" in caplog.text
    await eventually(lambda: provider.open == 0)


async def test_a_time_limit_of_the_callers_own_is_the_callers_own_timeout(books):
    async with Engine(books.table(books.scripted(SLOW)), environment={}) as engine:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await engine.run("chat", "hello")


async def test_cancelling_a_run_closes_its_connection_and_the_next_run_is_well(fake, wire, books, keys, eventually):
    async def first_never(received):
        if len(provider.requests) == 1:
            await asyncio.sleep(30)
        return wire.text("ok")

    provider = await fake(first_never)
    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        run = asyncio.create_task(engine.run("chat", "hello"))
        await provider.wait_for(1)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        await eventually(lambda: provider.open == 0)
        assert (await engine.run("chat", "hello")).text == "ok"


async def test_a_cancelled_run_gives_its_client_back_so_that_it_can_be_retired(
    fake, wire, books, keys, tmp_path, eventually
):
    """One connection is made by a run that ends; another client's run is cancelled. A reload closes both."""

    async def unless_asked_to_wait(received):
        if "wait" in received.text:
            await asyncio.sleep(30)
        return wire.text("ok")

    provider = await fake(unless_asked_to_wait)
    book = books.over(provider.url)
    root = books.write(tmp_path / "routes", book)
    async with Engine(root, environment=keys) as engine:
        await engine.run("chat", "hello")
        run = asyncio.create_task(engine.run("chat", "wait"))
        await provider.wait_for(2)
        run.cancel()
        await asyncio.wait([run])
        await engine.run("chat", "hello")
        assert provider.open == 1
        book["providers"]["p0"]["timeout"] = "50s"
        books.write(root, book)
        await engine.reload()
        await eventually(lambda: provider.open == 0)


async def test_a_hundred_random_cancellations_leave_no_task_and_no_process_behind(
    fake, wire, books, keys, tmp_path, alive, eventually
):
    chance = random.Random(7)

    async def now_or_later(received):
        await asyncio.sleep(chance.choice((0, 0.02, 0.2)))
        if received.json["messages"][-1]["role"] == "user":
            return wire.calls(("c1", "plain__wait", '{"seconds": 0.05}'))
        return wire.text("ok")

    provider = await fake(now_or_later)
    book = books.over(provider.url, tools={"servers": ["plain"]})
    book["mcp_servers"] = {"plain": books.tools(env={"PID_DIR": str(tmp_path)})}
    before = asyncio.all_tasks()

    async with Engine(books.table(book), environment=keys) as engine:
        runs = []
        for number in range(100):
            context = Context(credentials={"p0": f"sk-{number % 7}"}) if number % 2 else None
            runs.append(asyncio.create_task(engine.run("chat", "hello", context=context)))
            asyncio.get_running_loop().call_later(chance.random() * 0.6, runs[-1].cancel)
            await asyncio.sleep(0.002)
        outcomes = await asyncio.gather(*runs, return_exceptions=True)
        assert (await engine.run("chat", "hello")).text == "ok"

    assert {type(outcome).__name__ for outcome in outcomes} <= {"CancelledError", "RunResult"}
    assert sum(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes) > 20
    assert alive(tmp_path) == []
    await eventually(lambda: provider.open == 0)
    left = {task for task in asyncio.all_tasks() - before if "serve" not in repr(task.get_coro())}
    assert left == set()


async def test_closing_leaves_no_server_process_even_if_a_run_still_starts_it(books, tmp_path, alive, eventually):
    book = books.scripted({"reply": {"text": "ok"}}, tools={"servers": ["plain"]})
    book["mcp_servers"] = {"plain": books.tools("mute", env={"PID_DIR": str(tmp_path)})}

    async with Engine(replace(books.table(book), drain_s=0.01), environment={}) as engine:
        run = asyncio.create_task(engine.run("chat", "hello"))
        await eventually(lambda: alive(tmp_path) != [])

    with pytest.raises(EngineClosed):
        await run
    await eventually(lambda: alive(tmp_path) == [])


async def test_a_reload_that_is_overtaken_by_close_does_not_open_the_engine_again(books, tmp_path):
    root = books.write(tmp_path / "routes", books.scripted({"reply": {"text": "ok"}}))

    async with Engine(root) as engine:
        reload = asyncio.create_task(engine.reload())
        await asyncio.sleep(0)
        await engine.close()
        with pytest.raises(EngineClosed, match="closed while its book was compiled"):
            await reload
        with pytest.raises(EngineClosed):
            await engine.run("chat", "hello")


async def test_a_closed_engine_refuses_from_the_call_of_close_on(books):
    async with Engine(books.table(books.scripted(SLOW)), environment={}) as engine:
        closing = asyncio.ensure_future(engine.close())
        engine_close = engine.close()
        engine_close.send(None)
        with pytest.raises(EngineClosed):
            assert engine.table
        await closing
        engine_close.close()


async def test_an_engine_that_watches_leaves_no_task_and_no_thread_behind(books, tmp_path, eventually):
    root = books.write(tmp_path / "routes", books.scripted({"reply": {"text": "ok"}}))
    before = asyncio.all_tasks()
    for _ in range(3):
        async with Engine(root, watch=True):
            await asyncio.sleep(0.05)

    assert asyncio.all_tasks() == before
    await eventually(lambda: not [t for t in threading.enumerate() if t.name == "routebook-watch"], 1)


async def test_a_hint_that_comes_with_the_end_does_not_keep_the_watch_alive(tmp_path):
    async def wait_on(hints):
        while True:
            await hints.wait(5)

    with Hints(tmp_path) as hints:
        waiting = asyncio.create_task(wait_on(hints))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        hints.give()
        waiting.cancel()
        done, _ = await asyncio.wait([waiting], timeout=0.5)

    assert done == {waiting}
