"""Many threads and one engine: each gets its own answers, and whoever closes it, nobody waits for ever."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from types import ModuleType

import pytest

from routebook import EngineClosed, SyncEngine

LONGEST_S = 30


@pytest.fixture
def table(books):
    """A table whose `chat` repeats what is said, or waits where that is asked. Closing waits 60 s for runs."""
    book = books.scripted(
        {"when": {"contains": "wait"}, "reply": {"text": "late", "delay": "120s"}},
        {"reply": {"text": "You said {{ text }}."}},
    )
    return books.table({"settings": {"drain": "60s"}, **book})


@pytest.fixture
def engine(table):
    with SyncEngine(table, environment={}) as engine:
        yield engine


def engine_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("routebook-")]


def in_thread(act, *args):
    """Do it in a thread of its own; return what came of it, which is soon."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(act, *args).result(LONGEST_S)


def test_thirty_two_threads_run_and_stream_at_once_and_each_gets_its_own(engine):
    def use(number):
        texts = [engine.run("chat", f"n{number}.{turn}").text for turn in range(20)]
        events = list(engine.stream("chat", f"s{number}"))
        return [*texts, events[-1].result.text, events[-1].type]

    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(use, range(32)))

    for number, answer in enumerate(answers):
        said = [*(f"n{number}.{turn}" for turn in range(20)), f"s{number}"]
        assert answer == [*(f"You said {text}." for text in said), "run_finished"]


async def test_it_works_inside_coroutines_whose_loop_it_holds_up_meanwhile(engine):
    async def use(number):
        assert asyncio.current_task() is not None
        streamed = [event.type for event in engine.stream("chat", "x")]
        return engine.run("chat", f"{number}").text, streamed[-1]

    answers = await asyncio.gather(*(use(number) for number in range(5)))

    assert answers == [(f"You said {number}.", "run_finished") for number in range(5)]


def test_a_run_has_the_context_variables_of_its_thread(table, monkeypatch):
    seen = []
    variable = ContextVar("variable", default="none")
    with SyncEngine(table, environment={}) as engine:
        run = engine._thread.engine.run

        async def noting(*args, **asked):
            seen.append(variable.get())
            return await run(*args, **asked)

        monkeypatch.setattr(engine._thread.engine, "run", noting)
        variable.set("the caller's")
        engine.run("chat", "hello")
        in_thread(engine.run, "chat", "hello")

    assert seen == ["the caller's", "none"]


def test_a_stream_may_be_read_by_one_thread_after_the_other_and_closed_by_a_third(engine):
    events = engine.stream("chat", "wait")

    assert [next(events).type, in_thread(next, events).type] == ["run_started", "turn_started"]
    in_thread(events.close)

    with pytest.raises(StopIteration):
        next(events)


def test_half_read_streams_of_many_threads_are_closed_by_their_end(engine):
    def half_read(number):
        events = engine.stream("chat", "wait")
        return next(events).type

    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(half_read, range(64))) == {"run_started"}

    began = time.monotonic()
    engine.close()
    assert time.monotonic() - began < LONGEST_S


def test_streams_that_the_closing_thread_was_reading_are_cut_at_once(engine):
    """It would be waited for a minute."""
    unread, events = engine.stream("chat", "wait"), engine.stream("chat", "wait")
    assert next(events).type == "run_started"

    began = time.monotonic()
    engine.close()

    assert time.monotonic() - began < LONGEST_S
    for stream in (events, unread):
        with pytest.raises(EngineClosed):
            next(stream)


def test_a_listener_of_a_run_may_close_the_engine_and_its_run_is_told(engine):
    with pytest.raises(EngineClosed, match="the engine was closed before this call was done"):
        engine.run("chat", "wait", on_event=lambda event: engine.close())

    assert engine_threads() == []


def test_a_listener_of_reloads_may_close_the_engine(books, root):
    closed = threading.Event()

    def listen(reload):
        engine.close()
        closed.set()

    with SyncEngine(root, watch=True, on_reload=listen) as engine:
        books.write(root, books.scripted({"reply": {"text": "two"}}))
        engine.reload()
        assert closed.wait(LONGEST_S)
        with pytest.raises(EngineClosed):
            engine.run("chat", "hello")


def test_whoever_closes_waits_for_the_end_also_the_second_and_runs_have_their_time(books):
    book = books.scripted({"reply": {"text": "done", "delay": "300ms"}})
    ends = []
    with SyncEngine(books.table(book), environment={}) as engine, ThreadPoolExecutor(4) as threads:
        begun = threading.Event()
        run = threads.submit(engine.run, "chat", "x", on_event=lambda event: begun.set())
        assert begun.wait(LONGEST_S)

        def close():
            engine.close()
            ends.append([thread for thread in engine_threads() if thread.name == "routebook-engine"])

        for closing in [threads.submit(close) for _ in range(3)]:
            closing.result(LONGEST_S)
        assert run.result(LONGEST_S).text == "done"

    assert ends == [[], [], []]


def test_a_block_inside_its_own_block_is_refused_and_takes_nothing_from_the_outer_one(engine):
    with pytest.raises(RuntimeError, match=r"^the engine is open already: share it between threads"):
        engine.__enter__()

    assert engine.run("chat", "hello").text == "You said hello."


def test_of_threads_that_open_one_engine_at_once_one_does(table):
    engine, together = SyncEngine(table, environment={}), threading.Barrier(8)

    def enter():
        together.wait(LONGEST_S)
        try:
            engine.__enter__()
        except RuntimeError as error:
            return str(error).partition(":")[0]
        return "opened"

    with ThreadPoolExecutor(8) as threads:
        outcomes = [opening.result(LONGEST_S) for opening in [threads.submit(enter) for _ in range(8)]]
    engine.close()

    assert sorted(outcomes) == ["opened", *["the engine is open already"] * 7]
    assert engine_threads() == []


def test_an_engine_opens_again_after_it_waited_for_a_run(books):
    """What the first loop had to wait with is not waited with in the next one."""
    engine = SyncEngine(books.table(books.scripted({"reply": {"text": "done", "delay": "200ms"}})), environment={})
    for _ in range(2):
        with ThreadPoolExecutor(1) as threads, engine:
            begun = threading.Event()
            run = threads.submit(engine.run, "chat", "x", on_event=lambda event, begun=begun: begun.set())
            assert begun.wait(LONGEST_S)
            engine.close()
            assert run.result(LONGEST_S).text == "done"


@pytest.fixture
def judged(books, monkeypatch):
    """An engine that asks a function in its own thread, and what came of what that does."""
    outcomes = []

    def play(act):
        def judge(value, inputs):
            try:
                outcomes.append(act(engine))
            except RuntimeError as error:
                outcomes.append(error)

        monkeypatch.setitem(sys.modules, "judging", module := ModuleType("judging"))
        module.judge = judge
        book = books.scripted({"reply": {"text": "{}"}})
        book["outputs"] = {"any": {"schema": {"type": "object"}, "checks": [{"python": "judging:judge"}]}}
        book["features"] = {"chat": {**book["features"]["chat"], "output": "any"}, "plain": book["features"]["chat"]}
        with SyncEngine(books.table(book), environment={}) as engine:
            try:
                engine.run("chat", "x")
            except SystemExit:
                assert engine.run("plain", "x").text == "{}"
                raise
        return outcomes

    return play


@pytest.mark.parametrize(
    "act",
    [
        lambda engine: engine.run("chat", "x"),
        lambda engine: next(engine.stream("chat", "x")),
        lambda engine: engine.reload(),
    ],
    ids=["run", "stream", "reload"],
)
def test_in_the_engines_own_thread_nothing_is_waited_for_and_that_is_said(judged, act):
    (outcome,) = judged(act)

    assert isinstance(outcome, RuntimeError)
    assert str(outcome).startswith("a SyncEngine cannot be called in its own thread, which would wait for itself")


def test_sys_exit_in_the_engines_own_thread_is_for_whoever_waits_and_the_engine_works_on(judged):
    with pytest.raises(SystemExit, match="3"):
        judged(lambda engine: sys.exit(3))
    assert engine_threads() == []


def test_closing_in_the_engines_own_thread_only_begins_it(judged):
    assert judged(lambda engine: engine.close()) == [None]
    assert engine_threads() == []
