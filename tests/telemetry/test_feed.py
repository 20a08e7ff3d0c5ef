"""The feed: every record to every listener, in order, whatever they do, and never in the way of who tells."""

from __future__ import annotations

import functools
import logging
import threading

import pytest
from patience import LONG_S, until, warnings_of

from routebook import RequestError
from routebook.telemetry.feed import Feed


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
