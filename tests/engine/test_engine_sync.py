"""The engine without `async`."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from routebook import EngineClosed, ProviderError, RequestError, ResolveError, RouteFileError, SyncEngine


@pytest.fixture
def table(books):
    """A table whose `chat` repeats what is said, or waits where that is asked."""
    return books.table(
        books.scripted(
            {"when": {"contains": "wait"}, "reply": {"text": "late", "delay": "30s"}},
            {"reply": {"text": "You said {{ text }}.", "delay": "20ms"}},
        )
    )


def engine_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "routebook-engine"]


def test_a_run_from_the_main_thread_is_as_the_engines(table):
    with SyncEngine(table, environment={}) as engine:
        assert engine.run("chat", "hello").text == "You said hello."
        assert engine.table is table
        assert engine.status.digest == table.digest
    assert engine_threads() == []


def test_eight_threads_run_at_once_and_each_gets_its_own_answer(table):
    with SyncEngine(table, environment={}) as engine, ThreadPoolExecutor(8) as threads:
        clock = time.perf_counter()
        answers = list(threads.map(lambda number: engine.run("chat", f"n{number}").text, range(80)))
        took = time.perf_counter() - clock

    assert answers == [f"You said n{number}." for number in range(80)]
    assert took < 80 * 0.02


async def test_it_works_from_the_thread_of_a_running_event_loop_and_from_one_beside_it(table):
    with SyncEngine(table, environment={}) as engine:
        assert engine.run("chat", "here").text == "You said here."
        assert (await asyncio.to_thread(engine.run, "chat", "there")).text == "You said there."


def test_a_stream_is_an_iterator_of_the_engines_events(table):
    with SyncEngine(table, environment={}) as engine:
        events = list(engine.stream("chat", "hello"))

    assert [event.type for event in events] == ["run_started", "turn_started", "text_delta", "run_finished"]
    assert events[-1].result.text == "You said hello."


def test_leaving_a_stream_ends_its_run(table):
    with SyncEngine(table, environment={}) as engine:
        events = engine.stream("chat", "wait")
        assert next(events).type == "run_started"
        began = time.perf_counter()
        events.close()

    assert time.perf_counter() - began < 5
    assert engine_threads() == []


def test_a_stream_raises_what_its_run_raises_after_its_events(books):
    with SyncEngine(books.table(books.scripted({"reply": {"error": {"status": 503}}})), environment={}) as engine:
        events = engine.stream("chat", "x")
        assert [next(events).type for _ in range(3)] == ["run_started", "turn_started", "attempt_failed"]
        with pytest.raises(ProviderError):
            next(events)


def test_a_listener_is_called_in_the_callers_thread_and_may_use_the_engine(table):
    heard = []

    with SyncEngine(table, environment={}) as engine:

        def listen(event):
            heard.append((event.type, threading.current_thread(), engine.status.digest))
            if event.type == "text_delta":
                assert engine.run("chat", "inner").text == "You said inner."

        result = engine.run("chat", "hello", on_event=listen)

    assert result.text == "You said hello."
    assert [kind for kind, _, _ in heard] == ["run_started", "turn_started", "text_delta", "run_finished"]
    assert {thread for _, thread, _ in heard} == {threading.current_thread()}


def test_a_listener_that_raises_is_logged_and_the_run_goes_on(table, caplog):
    with SyncEngine(table, environment={}) as engine:
        result = engine.run("chat", "hello", on_event=lambda event: 1 / 0)

    assert result.text == "You said hello."
    assert caplog.records[0].getMessage() == "on_event failed, which changes nothing"


async def listen_late(event):
    raise AssertionError("nobody awaits this")


class LateListener:
    async def __call__(self, event):
        raise AssertionError("nobody awaits this")


@pytest.mark.parametrize(
    ("listener", "why"),
    [
        (listen_late, "on_event must be a plain function here"),
        (partial(listen_late), "on_event must be a plain function here"),
        (LateListener(), "on_event must be a plain function here"),
        (LateListener().__call__, "on_event must be a plain function here"),
        ("print", "on_event must be a function, not str"),
        ([], "on_event must be a function, not list"),
    ],
)
def test_a_listener_that_nobody_would_await_is_refused_before_any_call(books, listener, why):
    script = {"reply": {"error": {"status": 500, "message": "this must not be called"}}}
    table = books.table(books.scripted(script))

    with SyncEngine(table, environment={}) as engine, pytest.raises(RequestError, match=why) as caught:
        engine.run("chat", "hello", on_event=listener)

    assert (caught.value.field, caught.value.result) == ("on_event", None)


@pytest.mark.filterwarnings("error")
def test_a_coroutine_that_a_plain_listener_returns_is_told_of_and_the_run_goes_on(table, caplog):
    with SyncEngine(table, environment={}) as engine:
        result = engine.run("chat", "hello", on_event=lambda event: listen_late(event))

    assert result.text == "You said hello."
    assert "on_event returned a coroutine, which SyncEngine does not await" in caplog.text


def test_embeddings_images_and_dumps_are_the_engines(books):
    book = books.scripted({"reply": {"text": "x"}})
    book["models"] |= {
        "vectors": {"provider": "stage", "capabilities": ["embeddings"]},
        "draws": {"provider": "stage", "capabilities": ["image_output"]},
    }
    book["features"] |= {
        "index": {"needs": ["embeddings"], "use": {"model": "vectors"}},
        "cover": {"needs": ["image_output"], "use": {"model": "draws"}},
    }

    with SyncEngine(books.table(book), environment={}) as engine:
        with pytest.raises(ProviderError, match="plays no embeddings"):
            engine.embed("index", ["x"])
        with pytest.raises(ProviderError, match="plays no images"):
            engine.generate_image("cover", "x")
        with pytest.raises(RequestError, match="nothing goes over the wire"):
            engine.dump("chat", "x")


def test_errors_pass_through_as_they_are(table, tmp_path):
    with SyncEngine(table, environment={}) as engine:
        with pytest.raises(ResolveError) as caught:
            engine.run("chta", "hello")
        with pytest.raises(RequestError):
            engine.run("chat", [])
    with pytest.raises(RouteFileError), SyncEngine(tmp_path / "nowhere"):
        raise AssertionError("it opened")

    assert caught.value.near == ("chat",)
    assert engine_threads() == []


def test_a_closed_engine_says_how_it_is_used_and_closing_twice_is_closing_once(table):
    engine = SyncEngine(table, environment={})
    for _ in ("before it opened", "after it closed"):
        with pytest.raises(EngineClosed, match=r"use it inside .*`with SyncEngine\(\.\.\.\)`"):
            engine.run("chat", "hello")
        with pytest.raises(EngineClosed):
            engine.reload()
        with pytest.raises(EngineClosed):
            assert engine.table
        engine.close()
        with engine:
            engine.close()
            engine.close()
    assert engine_threads() == []


def test_an_edit_is_live_and_a_reload_returns_the_diagnostics(books, tmp_path):
    root = books.write(tmp_path / "routes", books.scripted({"reply": {"text": "one"}}))
    with SyncEngine(root, watch=True) as engine:
        books.write(root, books.scripted({"reply": {"text": "two"}}))
        assert not any(d.severity == "error" for d in engine.reload())
        assert engine.run("chat", "hello").text == "two"
        assert engine.status.watching


def test_a_listener_may_use_the_engine_that_calls_it(books, tmp_path):
    root = books.write(tmp_path / "routes", books.scripted({"reply": {"text": "one"}}))
    heard = queue.Queue()

    def listen(reload):
        heard.put((reload.digest, engine.run("chat", "hello").text))
        raise KeyError("my own mistake")

    with SyncEngine(root, watch=True, on_reload=listen) as engine:
        for text in ("two", "three"):
            books.write(root, books.scripted({"reply": {"text": text}}))
            engine.reload()
            assert heard.get(timeout=5) == (engine.table.digest, text)


def test_threads_that_run_while_another_closes_end_with_an_answer_or_are_told(table):
    """None may hang, whatever the moment."""
    for _ in range(10):
        outcomes = []

        def run(engine, outcomes=outcomes):
            while True:
                try:
                    engine.run("chat", "hello")
                except EngineClosed as error:
                    outcomes.append(error)
                    return

        with SyncEngine(table, environment={}) as engine:
            threads = [threading.Thread(target=run, args=(engine,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            time.sleep(0.01)
        for thread in threads:
            thread.join(5)
        assert len(outcomes) == 4
