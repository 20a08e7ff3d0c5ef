"""An engine and `os.fork`: it works on in the parent, says so in the child, and another is opened there."""

from __future__ import annotations

import os

import pytest
from programs import ended

from routebook.engine.engine_thread import FORKED

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

FORKING = """
def in_a_child(act):
    pid = os.fork()
    if pid == 0:
        act()
        sys.exit(0)  # with all that the interpreter does at its end
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def told(act):
    try:
        return f"no error: {act()}"
    except EngineClosed as error:
        return str(error)

"""


@pytest.fixture
def forking(tmp_path, alive):
    """What a program that forks printed; it ends well and silently, and so do its children and tool servers."""

    def run(program):
        process = ended(tmp_path, FORKING + program)
        assert (process.returncode, process.stderr) == (0, "")
        assert alive(tmp_path / "servers") == []
        return process.stdout.splitlines()

    return run


def test_each_method_says_in_the_child_what_to_do_and_the_parent_works_on(forking):
    printed = forking(
        """
engine = opened()
engine.run("tooled", "hello")

def child():
    for act in (
        lambda: engine.run("chat", "hello"),
        lambda: engine.run("chat", "hello", on_event=print),
        lambda: next(engine.stream("chat", "hello")),
        lambda: engine.embed("chat", ["hello"]),
        lambda: engine.generate_image("chat", "hello"),
        lambda: engine.dump("chat", "hello"),
        lambda: engine.table,
        lambda: engine.status,
        engine.reload,
    ):
        print(told(act), flush=True)
    engine.close()

print(in_a_child(child), engine.run("tooled", "parent").text)
"""
    )

    assert printed == [FORKED] * 9 + ["0 You said parent."]


def test_an_engine_opened_in_the_child_works_be_it_the_same_one_or_another(forking):
    printed = forking(
        """
engine = opened()
engine.run("tooled", "hello")

def child():
    with engine:
        print(engine.run("tooled", "again").text, flush=True)
    with SyncEngine(table, environment={}) as another:
        print(another.run("tooled", "another").text, flush=True)
    globals().update(never_closed=opened())
    never_closed.run("tooled", "hello")

print(in_a_child(child), engine.run("tooled", "parent").text)
"""
    )

    assert printed == ["You said again.", "You said another.", "0 You said parent."]


def test_the_end_of_the_child_touches_nothing_of_the_parents(forking):
    """It collects what it inherited: tool servers with their pipes, tasks, a half-read stream."""
    printed = forking(
        """
engine = opened()
engine.run("tooled", "hello")
events = engine.stream("tooled", "slow")
next(events)
threads = [threading.Thread(target=engine.run, args=("tooled", "slow")) for _ in range(4)]
for thread in threads:
    thread.start()

def reads_on():
    print(told(lambda: next(events)), flush=True)

def drops():
    globals().update(engine=None, events=None, threads=None)
    gc.collect()

print(in_a_child(reads_on), in_a_child(drops), in_a_child(lambda: None))
print([event.type for event in events][-1])
for thread in threads:
    thread.join()
print(engine.run("tooled", "parent").text)
"""
    )

    assert printed == [FORKED, "0 0 0", "run_finished", "You said parent."]


def test_a_fork_in_the_middle_of_other_threads_calls_never_hangs_the_child(forking):
    """Whatever lock of the engine's they hold at that moment."""
    printed = forking(
        """
engine, over = opened(), threading.Event()

def run():
    while not over.is_set():
        engine.run("chat", "hello")

def child():
    assert told(lambda: engine.run("chat", "hello")).startswith("the engine was opened before"), "not told"
    with engine:
        assert engine.run("chat", "hello").text == "You said hello."
    os._exit(3)

threads = [threading.Thread(target=run) for _ in range(8)]
for thread in threads:
    thread.start()
print({in_a_child(child) for _ in range(20)})
over.set()
for thread in threads:
    thread.join()
"""
    )

    assert printed == ["{3}"]


def test_a_fork_inside_the_block_leaves_it_in_the_child_without_a_word(forking):
    printed = forking(
        """
with SyncEngine(table, environment={}) as engine:
    engine.run("tooled", "hello")
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        print(engine.run("tooled", "parent").text)
"""
    )

    assert printed == ["You said parent."]


def test_a_forked_worker_of_multiprocessing_ends_as_well(forking):
    printed = forking(
        """
engine = opened()
engine.run("tooled", "hello")

def work():
    print(told(lambda: engine.run("chat", "hello")), flush=True)
    worker.engine = opened()
    print(worker.engine.run("tooled", "worker").text, flush=True)

worker = multiprocessing.get_context("fork").Process(target=work)
worker.start()
worker.join()
print(worker.exitcode, engine.run("tooled", "parent").text)
"""
    )

    assert printed == [FORKED, "You said worker.", "0 You said parent."]
