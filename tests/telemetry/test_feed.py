"""The feed: every record to every listener, in order, whatever they do, and never in the way of who tells."""

from __future__ import annotations

import functools
import gc
import logging
import os
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import pytest

from routebook import RequestError
from routebook.telemetry.feed import Feed

LONG_S = 10
"""As long as a busy machine may take; no test waits for it."""


@pytest.fixture
def feed_threads():
    """The threads of the feeds of this test, as they are when it is called."""
    earlier = set(threading.enumerate())

    def threads() -> list[threading.Thread]:
        return [one for one in set(threading.enumerate()) - earlier if one.name.startswith("routebook-listeners")]

    return threads


def warnings_of(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def until(condition) -> None:
    """Wait until it holds."""
    ends_at = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < ends_at, "it never came to hold"
        time.sleep(0.002)


class Stuck:
    """A listener that stays in its first call until it is let go."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.entered = threading.Event()
        self.go = threading.Event()

    def __call__(self, record: object) -> None:
        self.heard.append(record)
        self.entered.set()
        self.go.wait(LONG_S)


@pytest.fixture
def stuck():
    listener = Stuck()
    yield listener
    listener.go.set()


def test_every_listener_gets_every_record_in_order_in_a_thread_that_is_not_the_tellers(feed_of, make):
    first, second, threads = [], [], set()
    feed = feed_of(first.append, second.append, lambda _: threads.add(threading.current_thread().name))
    told = [make.turn(number) for number in range(2000)]

    for record in told:
        feed.tell(record)

    assert feed.flush(LONG_S)
    assert first == second == told
    assert threads == {"routebook-listeners"}
    assert feed.dropped == 0


def test_records_of_many_threads_all_arrive_each_threads_own_in_order(feed_of, make):
    heard = []
    feed = feed_of(heard.append)

    def tell(thread: int) -> None:
        for number in range(500):
            feed.tell(make.turn(thread * 1000 + number))

    threads = [threading.Thread(target=tell, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert feed.flush(LONG_S)
    turns = [record.turn for record in heard]
    assert sorted(turns) == [thread * 1000 + number for thread in range(8) for number in range(500)]
    assert all(sorted(own) == own for own in ([turn for turn in turns if turn // 1000 == n] for n in range(8)))


def test_a_feed_to_which_nobody_listens_is_off_and_has_no_thread(feed_of, make, feed_threads):
    feed = feed_of()
    feed.tell(make.turn())

    assert not feed.is_on
    assert feed_threads() == []
    assert feed.flush(0)


def test_the_thread_begins_with_the_first_record_and_rests_while_there_is_none(feed_of, make, feed_threads):
    heard = []
    feed = feed_of(heard.append)
    assert feed.is_on
    assert feed_threads() == []

    for number in range(3):
        feed.tell(make.turn(number))
        assert feed.flush(LONG_S)
        until(lambda: feed._is_asleep)

    assert [record.turn for record in heard] == [0, 1, 2]
    assert len(feed_threads()) == 1


def test_a_listener_that_is_added_hears_from_then_on_and_no_more_once_it_is_removed(feed_of, make):
    always, later = [], []
    feed = feed_of(always.append)
    feed.tell(make.turn(1))
    assert feed.flush(LONG_S)

    remove = feed.add(later.append)
    feed.tell(make.turn(2))
    assert feed.flush(LONG_S)
    remove()
    remove()
    feed.tell(make.turn(3))
    assert feed.flush(LONG_S)

    assert [record.turn for record in always] == [1, 2, 3]
    assert [record.turn for record in later] == [2]


def test_a_function_that_is_added_twice_hears_twice_and_each_is_removed_alone(feed_of, make):
    heard = []
    feed = feed_of()
    first, second = feed.add(heard.append), feed.add(heard.append)
    feed.tell(make.turn(1))
    assert feed.flush(LONG_S)
    first()
    feed.tell(make.turn(2))
    assert feed.flush(LONG_S)
    second()

    assert [record.turn for record in heard] == [1, 1, 2]
    assert not feed.is_on


def test_with_the_last_listener_the_thread_goes_and_with_the_next_one_it_comes_back(feed_of, make, feed_threads):
    heard = []
    feed = feed_of()
    for number in range(3):
        remove = feed.add(heard.append)
        feed.tell(make.turn(number))
        assert feed.flush(LONG_S)
        remove()
        until(lambda: feed_threads() == [])

    assert [record.turn for record in heard] == [0, 1, 2]


@pytest.mark.parametrize("failure", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_listener_that_raises_is_named_in_the_log_and_nobody_misses_a_record(feed_of, make, caplog, failure):
    heard = []

    def clumsy(record):
        heard.append(record)
        raise failure("clumsy indeed")

    others = []
    feed = feed_of(clumsy, others.append)
    for number in range(100):
        feed.tell(make.turn(number))

    assert feed.flush(LONG_S)
    assert len(heard) == len(others) == 100
    [line] = warnings_of(caplog)
    assert "clumsy" in line
    assert "failed, which changes nothing" in line
    assert caplog.records[0].name == "routebook"
    assert failure.__name__ in caplog.text


def test_each_listeners_failures_are_said_once_a_minute_with_their_number(feed_of, make, caplog):
    now = [0.0]

    def clumsy(_):
        raise ValueError

    class Clumsy:
        def __call__(self, _):
            raise ValueError

    feed = feed_of(clumsy, Clumsy(), clock=lambda: now[0])
    for second in (0, 1, 59, 61, 62):
        now[0] = float(second)
        feed.tell(make.turn())
        assert feed.flush(LONG_S)

    lines = warnings_of(caplog)
    assert len(lines) == 4
    assert [line.endswith("(and 2 times before, since that was last said)") for line in lines] == [False] * 2 + [
        True
    ] * 2
    assert ["Clumsy" in line for line in lines] == [False, True, False, True]


def test_a_log_that_fails_too_ends_nothing(feed_of, make):
    heard = []

    def clumsy(record):
        heard.append(record)
        raise ValueError

    class Broken(logging.Filter):
        def filter(self, _):
            raise OSError("the disk is full")

    broken = Broken()
    logging.getLogger("routebook").addFilter(broken)
    try:
        feed = feed_of(clumsy)
        feed.tell(make.turn(1))
        feed.tell(make.turn(2))
        assert feed.flush(LONG_S)
    finally:
        logging.getLogger("routebook").removeFilter(broken)

    assert len(heard) == 2


async def coroutine_function(_):
    return None


class AsyncCallable:
    async def __call__(self, _):
        return None


@pytest.mark.parametrize(
    ("listener", "named"),
    [
        (None, "NoneType"),
        ("print", "str"),
        (coroutine_function, "coroutine_function"),
        (functools.partial(coroutine_function, 1), "partial"),
        (AsyncCallable(), "AsyncCallable"),
    ],
)
def test_what_is_no_plain_function_is_refused_when_it_is_added(feed_of, listener, named):
    feed = feed_of()
    for refuse in (lambda: Feed([listener]), lambda: feed.add(listener)):
        with pytest.raises(RequestError, match=named) as caught:
            refuse()
        assert caught.value.field == "listeners"

    assert not feed.is_on


def test_records_that_find_no_room_are_dropped_counted_and_said_once_a_minute(feed_of, make, stuck, caplog):
    now = [0.0]
    feed = feed_of(stuck, most_unread=10, clock=lambda: now[0])
    feed.tell(make.turn(0))
    assert stuck.entered.wait(LONG_S)

    for number in range(1, 31):
        feed.tell(make.turn(number))
    until(lambda: len(warnings_of(caplog)) == 1)
    now[0] = 61.0
    feed.tell(make.turn(31))
    until(lambda: len(warnings_of(caplog)) == 2)

    assert feed.dropped == 21
    assert warnings_of(caplog)[1] == "21 records were dropped until now, since the listener Stuck is too slow"
    stuck.go.set()
    assert feed.flush(LONG_S)
    assert [record.turn for record in stuck.heard] == list(range(11))
    feed.tell(make.turn(32))
    assert feed.flush(LONG_S)
    assert stuck.heard[-1].turn == 32


def test_telling_never_waits_for_a_listener(feed_of, make, stuck):
    feed = feed_of(stuck)
    feed.tell(make.turn(0))
    assert stuck.entered.wait(LONG_S)

    for number in range(20_000):
        feed.tell(make.turn(number))

    assert stuck.heard == [make.turn(0)]
    assert feed.dropped == 10_000
    assert not feed.flush(0)


def test_closing_delivers_what_is_unread_and_ends_the_thread(feed_of, make, feed_threads):
    heard = []
    feed = feed_of(heard.append)
    for number in range(500):
        feed.tell(make.turn(number))

    feed.close(LONG_S)
    feed.close(LONG_S)
    feed.tell(make.turn(500))
    feed.add(heard.append)
    feed.tell(make.turn(501))

    assert [record.turn for record in heard] == list(range(500))
    assert not feed.is_on
    assert feed_threads() == []


def test_closing_waits_no_longer_than_it_is_told_and_says_what_was_dropped(feed_of, make, stuck, caplog, feed_threads):
    feed = feed_of(stuck)
    feed.tell(make.turn(0))
    assert stuck.entered.wait(LONG_S)
    feed.tell(make.turn(1))
    feed.tell(make.turn(2))

    feed.close(0.01)
    feed.close(LONG_S)  # for whom it gave up before it waits no more

    what = "closing: the listener Stuck did not come to an end within 0.01 s, and 2 records were dropped"
    assert warnings_of(caplog) == [what]
    assert feed.dropped == 2
    stuck.go.set()
    until(lambda: feed_threads() == [])
    assert stuck.heard == [make.turn(0)]


def test_closing_in_the_middle_of_a_delivery_loses_count_of_nothing_and_ends_the_thread(feed_of, make):
    for _ in range(100):
        heard = []
        feed = feed_of(heard.append)
        for number in range(300):
            feed.tell(make.turn(number))
        feed.close(0)
        until(lambda feed=feed: feed._thread is None)

        assert len(heard) + feed.dropped == 300
        turns = [record.turn for record in heard]
        assert turns == sorted(turns)


def test_a_listener_may_add_remove_flush_tell_and_close_from_within(feed_of, make, feed_threads):
    feed = feed_of()
    heard, flushed, late = [], [], []

    def busy(record):
        heard.append(record.turn)
        if record.turn == 1:
            feed.add(lambda record: late.append(record.turn))
            feed.tell(make.turn(2))
            flushed.append(feed.flush(LONG_S))
        if record.turn == 2:
            feed.close(LONG_S)
            feed.close(LONG_S)

    feed.add(busy)
    feed.tell(make.turn(1))

    until(lambda: feed_threads() == [])
    assert heard == [1, 2]
    assert late == [2]
    assert flushed == [False]


def test_two_threads_may_close_at_once(feed_of, make):
    heard = []
    feed = feed_of(heard.append)
    feed.tell(make.turn())
    closing = [threading.Thread(target=feed.close, args=(LONG_S,)) for _ in range(4)]
    for thread in closing:
        thread.start()
    for thread in closing:
        thread.join(LONG_S)

    assert not any(thread.is_alive() for thread in closing)
    assert len(heard) == 1


def test_a_feed_that_is_closed_is_kept_by_nobody(make):
    feed = Feed([lambda _: None])
    feed.tell(make.turn())
    feed.close(LONG_S)
    gone = weakref.ref(feed)
    del feed
    gc.collect()

    assert gone() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_a_thread_of_its_own_and_delivers_no_record_of_its_parents():
    """The parent's listener is stuck over its first record when it forks, and the feed's lock is held, too."""
    done = run_python(
        """
        import os, threading, time
        from routebook.telemetry.feed import Feed

        entered, go, heard = threading.Event(), threading.Event(), []

        def listener(record):
            heard.append(record)
            if record == "parent 1":
                entered.set()
                go.wait(20)

        feed = Feed([listener])
        feed.tell("parent 1")
        assert entered.wait(20)
        feed.tell("parent 2")
        with feed._lock:
            child = os.fork()
        if not child:
            heard.clear()
            for number in range(3):
                feed.tell(f"child {number}")
            assert feed.flush(20)
            assert heard == ["child 0", "child 1", "child 2"], heard
            feed.close(20)
            os._exit(7)
        _, status = os.waitpid(child, 0)
        go.set()
        feed.close(20)
        print(os.waitstatus_to_exitcode(status), heard)
        """
    )
    assert done.stdout == "7 ['parent 1', 'parent 2']\n", done.stderr


def test_at_the_interpreters_exit_what_is_unread_is_delivered_and_nothing_is_complained_of():
    done = run_python(
        """
        import logging, sys
        from routebook.telemetry.feed import Feed

        logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
        feed = Feed([lambda record: logging.info("heard %s", record)])
        for number in range(50):
            feed.tell(number)
        """
    )
    assert done.stdout == "".join(f"heard {number}\n" for number in range(50))
    assert done.stderr == ""


def test_a_listener_that_never_comes_back_does_not_keep_the_interpreter():
    done = run_python(
        """
        import logging, time
        from routebook.telemetry.feed import Feed

        logging.getLogger("routebook").addHandler(logging.NullHandler())
        feed = Feed([lambda record: time.sleep(600)])
        feed.tell(1)
        feed.tell(2)
        """
    )
    assert (done.returncode, done.stderr) == (0, "")


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
