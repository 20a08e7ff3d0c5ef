from __future__ import annotations

import asyncio
import random

import pytest

from routebook.providers.http.turns import Turns


async def _taken(turns: Turns) -> None:
    if not turns.take():
        await turns.wait()


async def test_there_are_no_more_turns_than_the_bound():
    turns = Turns(2)
    assert [turns.take() for _ in range(3)] == [True, True, False]
    turns.give_back()
    assert (turns.take(), turns.free) == (True, 0)


async def test_who_waits_is_served_in_order_and_nobody_overtakes():
    turns, served = Turns(1), []
    turns.take()

    async def wait(name: int) -> None:
        await turns.wait()
        served.append(name)

    waits = [asyncio.create_task(wait(name)) for name in range(3)]
    await asyncio.sleep(0)
    turns.give_back()
    assert not turns.take()
    for _ in range(2):
        await asyncio.sleep(0)
        turns.give_back()
    await asyncio.gather(*waits)
    assert served == [0, 1, 2]


@pytest.mark.parametrize("has_heard", [False, True])
async def test_a_cancelled_wait_is_passed_over(has_heard: bool):
    turns = Turns(1)
    turns.take()
    first, second = (asyncio.create_task(turns.wait()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    if has_heard:
        await asyncio.wait([first])
    turns.give_back()
    await asyncio.wait_for(second, 1)
    assert (first.cancelled(), turns.free) == (True, 0)


async def test_a_turn_that_comes_as_its_wait_is_cancelled_goes_to_the_next():
    turns = Turns(1)
    turns.take()
    first, second = (asyncio.create_task(turns.wait()) for _ in range(2))
    await asyncio.sleep(0)
    turns.give_back()
    first.cancel()
    await asyncio.wait_for(second, 1)
    assert (first.cancelled(), turns.free) == (True, 0)


async def test_after_any_cancellations_every_turn_is_free_again():
    dice, turns, most = random.Random(3), Turns(3), 0

    async def use() -> None:
        nonlocal most
        await _taken(turns)
        try:
            most = max(most, 3 - turns.free)
            await asyncio.sleep(dice.random() / 1000)
        finally:
            turns.give_back()

    uses = [asyncio.create_task(use()) for _ in range(300)]
    for each in uses:
        if dice.random() < 0.5:
            await asyncio.sleep(dice.random() / 2000)
            each.cancel()
    await asyncio.wait(uses, timeout=10)
    assert all(each.done() for each in uses)
    assert (most, turns.free, len(turns._waiting)) == (3, 3, 0)
