"""An engine that is opened and forgotten: it ends with the object, as an unclosed file does."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest

from routebook import SyncEngine


def engine_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("routebook-")]


def soon(holds):
    """Wait until something holds in another thread."""
    give_up = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < give_up, "it never came to hold"
        time.sleep(0.01)


def drop(things):
    things.clear()
    gc.collect()


@pytest.fixture
def tooled(books, tmp_path):
    book = books.scripted(
        {"when": {"contains": "wait"}, "reply": {"text": "late", "delay": "60s"}}, {"reply": {"text": "done"}}
    )
    book["mcp_servers"] = {"plain": books.tools(env={"PID_DIR": str(tmp_path)})}
    book["features"]["chat"]["tools"] = {"servers": ["plain"]}
    return books.table(book)


def test_a_dropped_engine_ends_its_thread_and_its_tool_servers_and_says_so(tooled, tmp_path, alive):
    engines = [SyncEngine(tooled, environment={}).__enter__()]
    engines[0].run("chat", "hello")
    assert len(alive(tmp_path)) == 1

    with pytest.warns(ResourceWarning, match=r"^unclosed SyncEngine: use it inside `with SyncEngine"):
        drop(engines)

    soon(lambda: engine_threads() == [])
    assert alive(tmp_path) == []


def test_a_half_read_stream_keeps_its_engine_and_both_end_together(tooled, tmp_path, alive):
    streams = [SyncEngine(tooled, environment={}).__enter__().stream("chat", "wait")]
    assert next(streams[0]).type == "run_started"
    gc.collect()
    assert next(streams[0]).type == "turn_started"

    with pytest.warns(ResourceWarning, match="^unclosed SyncEngine"):
        drop(streams)

    soon(lambda: engine_threads() == [])
    assert alive(tmp_path) == []


def test_a_listener_that_knows_its_engine_does_not_keep_it(root):
    def open_one():
        def listen(reload):
            raise AssertionError(engine)

        engine = SyncEngine(root, watch=True, on_reload=listen).__enter__()
        return engine

    engines = [open_one()]
    dropped = weakref.ref(engines[0])
    with pytest.warns(ResourceWarning, match="^unclosed SyncEngine"):
        drop(engines)

    assert dropped() is None
    soon(lambda: engine_threads() == [])


@pytest.mark.filterwarnings("error")
def test_engines_that_were_closed_or_never_opened_are_dropped_without_a_word(tooled):
    with SyncEngine(tooled, environment={}) as engine:
        dropped = weakref.ref(engine)
    del engine
    SyncEngine(tooled, environment={})
    with pytest.raises(ValueError, match="watch=True needs"):
        SyncEngine(tooled, watch=True)
    gc.collect()

    assert dropped() is None
    assert engine_threads() == []
