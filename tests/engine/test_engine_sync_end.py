"""The program's end with an engine that nobody closed: it ends by itself, as it would without, and leaves nothing."""

from __future__ import annotations

import pytest
from programs import ended


@pytest.fixture
def end(tmp_path, alive):
    """How a program ended, and what it printed; none of its tool servers lives on."""

    def run(program):
        process = ended(tmp_path, program)
        assert alive(tmp_path / "servers") == []
        return process

    return run


def test_a_program_that_leaves_its_engines_open_ends_without_noise_and_with_its_own_status(end):
    """One that ran, one with a tool server, one whose stream another thread has half read; and a closed one."""
    process = end(
        """
        idle, busy, read = opened(), opened(), opened()
        print(idle.run("chat", "hello").text)
        print(busy.run("tooled", "hello").text)
        events = busy.stream("tooled", "wait")
        print(next(events).type)

        def half_read():
            global others
            others = read.stream("chat", "wait")
            print(next(others).type)

        thread = threading.Thread(target=half_read)
        thread.start()
        thread.join()
        with SyncEngine(table, environment={}) as engine:
            unread = engine.stream("chat", "wait")
            print(next(unread).type)
        sys.exit(7)
        """
    )

    assert (process.returncode, process.stderr) == (7, "")
    assert process.stdout.split("\n") == ["You said hello."] * 2 + ["run_started"] * 3 + [""]


def test_an_error_of_the_program_is_all_that_is_said(end):
    process = end("engine = opened(); engine.run('tooled', 'hello'); raise ValueError('mine')")

    assert process.returncode == 1
    assert process.stderr.count("Traceback") == 1
    assert process.stderr.strip().endswith("ValueError: mine")


def test_daemon_threads_in_runs_and_between_them_neither_hold_the_end_nor_make_noise(end):
    process = end(
        """
        engine = opened()

        def run():
            while True:
                engine.run("chat", "hello")

        threading.Thread(target=run, daemon=True).start()
        threading.Thread(target=engine.run, args=("tooled", "wait"), daemon=True).start()
        time.sleep(0.5)
        """
    )

    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")


def test_a_run_that_the_program_waits_for_has_a_little_time(end):
    """Its thread is no daemon, and so the program does not end before it."""
    process = end(
        """
        engine, begun = opened(), threading.Event()

        def run():
            stream = engine.stream("chat", "slow")
            next(stream)
            begun.set()
            print([event.type for event in stream][-1], flush=True)

        threading.Thread(target=run).start()
        begun.wait()
        """
    )

    assert (process.returncode, process.stdout, process.stderr) == (0, "run_finished\n", "")


@pytest.mark.parametrize(
    "start",
    ["threading.Thread(target=run).start()", "ThreadPoolExecutor(1).submit(run)"],
    ids=["thread", "pool"],
)
def test_a_run_that_would_take_longer_is_told(end, start):
    process = end(
        f"""
        from concurrent.futures import ThreadPoolExecutor
        engine = opened()

        def run():
            for _ in range(2):
                try:
                    engine.run("tooled", "wait")
                except EngineClosed as error:
                    print("told:", error, flush=True)

        {start}
        time.sleep(0.5)
        """
    )

    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.splitlines() == 2 * [
        "told: the main thread has ended, and the engine with it; "
        "let the main thread wait for the threads that use the engine"
    ]


def test_a_daemon_thread_that_somebody_waits_for_to_the_last_is_told(end):
    process = end(
        """
        def run():
            try:
                engine.run("chat", "wait")
            except EngineClosed as error:
                print("told:", error, flush=True)

        engine = opened()
        thread = threading.Thread(target=run, daemon=True)
        atexit.register(thread.join)
        thread.start()
        time.sleep(0.2)
        """
    )

    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.startswith("told: the main thread has ended, and the engine with it")


def test_what_runs_at_the_very_end_neither_uses_nor_opens_an_engine_and_is_told(end):
    program = """
        @atexit.register
        def say():
            for act in (lambda: engine.run("chat", "hello"), lambda: engine.table, opened, engine.close):
                try:
                    print(act())
                except EngineClosed as error:
                    print(error)

        engine = SyncEngine(table, environment={})
        """
    told = "the main thread has ended, and the engine with it"

    used = end(f"{program}\n        engine.__enter__()")
    unused = end(program)

    assert [process.returncode for process in (used, unused)] == [0, 0]
    assert [process.stderr for process in (used, unused)] == ["", ""]
    assert [line.startswith(told) for line in used.stdout.splitlines()] == [True, True, True, False]
    assert [line.startswith(told) for line in unused.stdout.splitlines()] == [False, False, True, False]


def test_an_engine_that_watches_and_tells_of_reloads_ends_too(end):
    process = end(
        """
        import pathlib, tempfile
        root = pathlib.Path(tempfile.mkdtemp())
        book = root / "book.yaml"
        text = "providers: {s: {api: scripted, script: [{reply: {text: %s}}]}}\\nfeatures: {a: {use: {model: s/x}}}\\n"
        book.write_text(text % "one")
        told = threading.Event()
        engine = SyncEngine(root, watch=True, on_reload=lambda reload: told.set()).__enter__()
        book.write_text(text % "two")
        engine.reload()
        told.wait()
        print(engine.run("a", "x").text)
        """
    )

    assert (process.returncode, process.stdout, process.stderr) == (0, "two\n", "")
