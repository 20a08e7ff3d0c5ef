"""The pool alone: who shares what, and when it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from routebook.engine.pool import Leases, Pool


class Thing:
    def __init__(self, seconds: float = 0.0, fails: bool = False) -> None:
        self.seconds, self.fails, self.closed = seconds, fails, 0

    async def close(self) -> None:
        await asyncio.sleep(self.seconds)
        self.closed += 1
        if self.fails:
            raise OSError("it jams")


@contextmanager
def lent(pool: Pool, key, make=Thing) -> Iterator[Thing]:
    with Leases() as leases:
        yield pool.lease(key, make, leases)


async def settled() -> None:
    """Let what has been started run to its end; nothing here takes longer than a few turns of the loop."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_one_key_is_one_thing_and_it_stays_open_between_its_users():
    pool: Pool[str, Thing] = Pool(4)

    with lent(pool, "a") as first, lent(pool, "a") as second, lent(pool, "b") as other:
        assert first is second is not other
    with lent(pool, "a") as third:
        assert third is first
    assert first.closed == 0


async def test_a_retired_thing_closes_after_its_last_user_even_one_who_comes_late():
    pool: Pool[str, Thing] = Pool(4)

    with lent(pool, "a") as old:
        with lent(pool, "a"):
            pool.retain(lambda key: False)
            with lent(pool, "a") as late:
                assert late is old
        await settled()
        assert old.closed == 0
    await settled()
    assert old.closed == 1
    with lent(pool, "a") as another:
        assert another is not old


async def test_what_is_made_when_its_key_has_left_closes_after_its_last_user():
    pool: Pool[str, Thing] = Pool(4)
    pool.retain({"b"}.__contains__)

    with lent(pool, "a") as left, lent(pool, "a") as shared, lent(pool, "b") as stays:
        assert shared is left
    await settled()

    assert (left.closed, stays.closed) == (1, 0)


async def test_a_thing_in_use_stays_where_its_key_comes_back():
    pool: Pool[str, Thing] = Pool(4)

    with lent(pool, "a") as thing:
        pool.retain(lambda key: False)
        pool.retain(lambda key: True)
    await settled()

    assert thing.closed == 0
    with lent(pool, "a") as same:
        assert same is thing


async def test_of_idle_things_only_so_many_are_kept_and_the_longest_idle_goes_first():
    pool: Pool[int, Thing] = Pool(2)
    things = []
    for key in (1, 2, 1, 3):
        with lent(pool, key) as thing:
            things.append(thing)

    await settled()
    assert [thing.closed for thing in things] == [0, 1, 0, 0]


async def test_things_in_use_do_not_count_as_idle():
    pool: Pool[int, Thing] = Pool(1)

    with lent(pool, 1) as one, lent(pool, 2) as two, lent(pool, 3) as three:
        assert one.closed + two.closed + three.closed == 0
    await settled()
    assert one.closed + two.closed + three.closed == 2


async def test_what_cannot_be_made_leaves_nothing_behind():
    pool: Pool[str, Thing] = Pool(2)

    def jammed() -> Thing:
        raise OSError("no")

    with pytest.raises(OSError, match="no"), lent(pool, "a", jammed):
        raise AssertionError("it was made")
    with lent(pool, "a") as thing:
        assert thing.closed == 0


async def test_closing_closes_all_at_once_used_or_not_even_where_one_fails():
    pool: Pool[int, Thing] = Pool(9)
    made = [Thing(0.1, fails=number == 0) for number in range(5)]
    for number, thing in enumerate(made):
        with lent(pool, number, lambda thing=thing: thing):
            assert thing.closed == 0

    clock = asyncio.get_running_loop().time()
    with lent(pool, 5, lambda: Thing(0.1)) as used, pytest.raises(OSError, match="it jams"):
        await pool.close()

    assert asyncio.get_running_loop().time() - clock < 0.4
    assert [thing.closed for thing in (*made, used)] == [1] * 6


async def test_nobody_waits_for_a_retired_thing_to_close_but_the_pool_when_it_closes():
    pool: Pool[str, Thing] = Pool(2)
    with lent(pool, "a", lambda: Thing(0.1)) as thing:
        pool.retain(lambda key: False)
    assert thing.closed == 0

    await pool.close()

    assert thing.closed == 1


async def test_a_retired_thing_that_does_not_close_well_is_logged_and_fails_nobody(caplog):
    pool: Pool[str, Thing] = Pool(2)
    with lent(pool, "a", lambda: Thing(fails=True)):
        pool.retain(lambda key: False)
    await settled()

    await pool.close()

    assert [record.message for record in caplog.records] == ["something that is no longer used did not close well"]


async def test_things_that_are_retired_from_two_sides_are_closed_once():
    pool: Pool[int, Thing] = Pool(9)
    things = [Thing(0.01) for _ in range(4)]
    for number, thing in enumerate(things):
        with lent(pool, number, lambda thing=thing: thing):
            assert thing.closed == 0

    for _ in range(3):
        pool.retain(lambda key: False)
    await pool.close()

    assert [thing.closed for thing in things] == [1] * 4
