"""The end of a feed: what is unread is delivered or counted, when it is closed, and with the process."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import weakref

import pytest
from patience import LONG_S, until, warnings_of

from routebook.telemetry.feed import Feed


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
