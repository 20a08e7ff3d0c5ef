"""Callbacks that raise: what the host's own function does is logged, and never touches the run."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from routebook import Engine, SyncEngine

MISTAKES = [KeyError("my own mistake"), StopIteration("my own mistake"), asyncio.CancelledError("my own mistake")]


@pytest.fixture
def table(books):
    """A table whose `chat` calls a tool and then answers."""
    book = books.scripted(
        {"when": {"turn": 1}, "reply": {"tool_calls": [{"name": "plain.echo", "arguments": {"text": "a"}}]}},
        {"reply": {"text": "done"}},
        tools={"servers": ["plain"]},
    )
    return books.table({**book, "mcp_servers": {"plain": books.tools()}})


def careless(heard: list[str], error: BaseException) -> Any:
    """A listener that hears of an event and raises."""

    def listen(event: Any) -> None:
        heard.append(event.type)
        raise error

    return listen


def careless_late(heard: list[str], error: BaseException) -> Any:
    """The same, as a coroutine function."""

    async def listen(event: Any) -> None:
        heard.append(event.type)
        await asyncio.sleep(0)
        raise error

    return listen


def all_events(heard: list[str]) -> bool:
    return {"run_started", "turn_started", "tool_call_requested", "tool_finished", "run_finished"} <= set(heard)


@pytest.mark.parametrize("error", MISTAKES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("listener", [careless, careless_late])
async def test_a_listener_that_raises_at_every_event_is_logged_and_the_run_is_as_without(
    table, caplog, listener: Any, error: BaseException
):
    heard: list[str] = []
    async with Engine(table, environment={}) as engine:
        result = await engine.run("chat", "hello", on_event=listener(heard, error))

    assert (result.text, result.turns, len(result.tool_results)) == ("done", 2, 1)
    assert all_events(heard)
    told = [record.getMessage() for record in caplog.records if record.name == "routebook"]
    assert len([line for line in told if line.startswith("on_event ")]) == len(heard)
    assert "my own mistake" in caplog.text


@pytest.mark.parametrize("error", MISTAKES, ids=lambda error: type(error).__name__)
def test_a_listener_of_a_sync_engine_that_raises_is_logged_and_the_run_is_as_without(
    table, caplog, error: BaseException
):
    heard: list[str] = []
    with SyncEngine(table, environment={}) as engine:
        result = engine.run("chat", "hello", on_event=careless(heard, error))

    assert (result.text, result.turns, len(result.tool_results)) == ("done", 2, 1)
    assert all_events(heard)
    assert "on_event failed, which changes nothing" in caplog.text


async def test_a_listener_whose_own_work_is_cancelled_does_not_end_the_run(table, caplog):
    async def listen(event: Any) -> None:
        own = asyncio.create_task(asyncio.sleep(30))
        own.cancel()
        await own

    async with Engine(table, environment={}) as engine:
        result = await engine.run("chat", "hello", on_event=listen)

    assert result.text == "done"
    assert "on_event was cancelled by itself, which changes nothing" in caplog.text


async def test_a_run_that_is_cancelled_while_its_listener_works_ends_at_once(table):
    working, heard = asyncio.Event(), []

    async def listen(event: Any) -> None:
        heard.append(event.type)
        working.set()
        await asyncio.sleep(30)

    async with Engine(table, environment={}) as engine:
        run = asyncio.create_task(engine.run("chat", "hello", on_event=listen))
        await asyncio.wait_for(working.wait(), 10)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(run, 10)

    assert heard == ["run_started"]


@pytest.mark.parametrize("error", [*MISTAKES, SystemError("my own mistake")], ids=lambda error: type(error).__name__)
async def test_a_listener_to_reloads_that_raises_is_told_of_the_next_one_too(
    root, eventually, caplog, error: BaseException
):
    told: list[str] = []

    def careless(reload: Any) -> None:
        told.append(reload.digest)
        raise error

    async with Engine(root, watch=True, on_reload=careless) as engine:
        for said in ("two", "three"):
            written = (root / "providers.yaml").read_text()
            (root / "providers.yaml").write_text(written.replace("one", said).replace("two", said))
            await eventually(lambda said=said: engine.table.providers["stage"].script[0].reply.text == said)
            assert (await engine.run("chat", "hello")).text == said
        await eventually(lambda: len(told) == 2)
        assert engine.status.watching

    assert len(set(told)) == 2
    assert "on_reload failed, which changes nothing" in caplog.text
    assert "my own mistake" in caplog.text


@pytest.mark.parametrize("error", MISTAKES, ids=lambda error: type(error).__name__)
def test_a_listener_to_a_sync_engines_reloads_that_raises_is_logged(root, caplog, error: BaseException):
    told: list[str] = []

    def careless(reload: Any) -> None:
        told.append(reload.digest)
        raise error

    with SyncEngine(root, on_reload=careless) as engine:
        for said in ("two", "three"):
            written = (root / "providers.yaml").read_text()
            (root / "providers.yaml").write_text(written.replace("one", said).replace("two", said))
            engine.reload()
            assert engine.run("chat", "hello").text == said
        give_up = time.monotonic() + 10
        while len(set(told)) < 2 and time.monotonic() < give_up:  # it is told in a thread of its own
            time.sleep(0.01)

    assert len(set(told)) == 2
    assert "on_reload failed, which changes nothing" in caplog.text
