from __future__ import annotations

from collections import deque

from routebook.providers.http.idle_room import IDLE_S, IdleRoom


def test_the_one_put_last_is_taken_first():
    room: IdleRoom[str] = IdleRoom(9)
    shelf: deque[str] = deque()
    assert [room.put(name, shelf) for name in "abc"] == [[], [], []]
    assert [room.take(shelf) for _ in range(3)] == ["c", "b", "a"]
    assert len(room) == 0


def test_where_the_room_is_full_the_longest_idle_leaves_whoever_put_it_there():
    room: IdleRoom[str] = IdleRoom(2)
    mine: deque[str] = deque()
    yours: deque[str] = deque()
    room.put("mine", mine)
    room.put("yours", yours)
    assert room.put("newest", yours) == ["mine"]
    assert (list(mine), list(yours)) == ([], ["yours", "newest"])


def test_what_was_idle_for_too_long_leaves_with_the_next_that_comes():
    now = 0.0
    room: IdleRoom[str] = IdleRoom(9, lambda: now)
    shelf: deque[str] = deque()
    room.put("old", shelf)
    room.put("older than it should be", shelf)
    now = IDLE_S + 1
    assert room.put("new", shelf) == ["old", "older than it should be"]
    assert list(shelf) == ["new"]
