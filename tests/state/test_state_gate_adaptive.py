"""Gate, adaptive: a burst of refusals lowers it once, calls that succeed raise it again."""

from __future__ import annotations

import pytest
from gate_callers import Caller, callers, gate
from virtual_time import play, settle

from routebook.routing.provider_spec import Limits


def test_a_burst_of_refusals_lowers_it_once_to_three_quarters():
    async def scenario():
        at = gate(10, adaptive=True)
        for caller in await callers(at, 10):
            at.fall(caller.entered)
            caller.leave()

        assert (at.state().concurrency, at.state().most) == (7, 10)

    play(scenario)


@pytest.mark.parametrize(
    ("limit", "falls"),
    [(64, [48, 36, 27, 20, 15]), (10, [7, 5, 3, 2, 1, 1]), (4, [3, 2, 1, 1]), (2, [1, 1]), (1, [1, 1])],
)
def test_each_fall_is_to_three_quarters_rounded_down_and_at_least_one(limit: int, falls: list[int]):
    async def scenario():
        at = gate(limit, adaptive=True)
        seen = []
        for _ in falls:
            [caller] = await callers(at, 1)
            at.fall(caller.entered)
            caller.leave()
            seen.append(at.state().concurrency)

        assert seen == falls

    play(scenario)


def test_calls_that_were_let_through_after_a_fall_may_lower_it_again_and_earlier_ones_may_not():
    async def scenario():
        at = gate(8, adaptive=True)
        early = await callers(at, 8)
        at.fall(early[0].entered)
        for caller in early[:4]:
            caller.leave()
        [late] = await callers(at, 1)
        assert late.is_in

        at.fall(early[7].entered)
        assert at.state().concurrency == 6
        at.fall(late.entered)
        assert at.state().concurrency == 4
        at.fall(late.entered)
        assert at.state().concurrency == 4

    play(scenario)


def test_one_that_waited_counts_by_when_it_was_let_through_and_not_by_when_it_came():
    async def scenario():
        at = gate(2, adaptive=True)
        first, second, third = await callers(at, 3)
        at.fall(first.entered)
        first.leave()
        second.leave()
        await settle()
        assert third.is_in

        at.fall(third.entered)

        assert third.entered != first.entered
        assert at.state().concurrency == 1

    play(scenario)


def test_a_fall_takes_no_place_away_and_gives_none_until_enough_have_left():
    async def scenario():
        at = gate(4, adaptive=True)
        come = await callers(at, 5)
        at.fall(come[0].entered)

        come[0].leave()
        await settle()
        assert not come[4].is_in
        come[1].leave()
        await settle()
        assert come[4].is_in
        assert at.state().running == 3

    play(scenario)


def test_twenty_five_calls_that_succeed_raise_it_by_one_up_to_its_limit_and_never_above():
    async def scenario():
        at = gate(4, adaptive=True)
        [caller] = await callers(at, 1)
        at.fall(caller.entered)
        caller.leave()
        [caller] = await callers(at, 1)
        at.fall(caller.entered)
        caller.leave()

        seen = []
        for _ in range(200):
            at.succeed()
            seen.append(at.state().concurrency)

        assert seen[:24] == [2] * 24
        assert seen[24:49] == [3] * 25
        assert seen[49:] == [4] * 151

    play(scenario)


def test_successes_before_a_fall_do_not_count_towards_the_climb():
    async def scenario():
        at = gate(8, adaptive=True)
        [caller] = await callers(at, 1)
        at.fall(caller.entered)
        for _ in range(24):
            at.succeed()
        caller.leave()
        [caller] = await callers(at, 1)
        at.fall(caller.entered)

        at.succeed()

        assert at.state().concurrency == 4

    play(scenario)


def test_the_climb_lets_one_of_those_who_wait_through():
    async def scenario():
        at = gate(2, adaptive=True)
        come = await callers(at, 3)
        at.fall(come[0].entered)
        come[0].leave()
        await settle()
        assert not come[2].is_in

        for _ in range(25):
            at.succeed()
        await settle()

        assert come[2].is_in

    play(scenario)


def test_a_gate_that_is_not_adaptive_stays_where_it_is():
    async def scenario():
        at = gate(8)
        [caller] = await callers(at, 1)
        at.fall(caller.entered)

        assert at.state().concurrency == 8

    play(scenario)


@pytest.mark.parametrize(("limit", "then"), [(16, 6), (8, 6), (6, 6), (4, 4), (None, None)])
def test_what_has_fallen_stays_so_when_the_limits_are_edited(limit: int | None, then: int | None):
    async def scenario():
        at = gate(8, adaptive=True)
        [caller] = await callers(at, 1)
        at.fall(caller.entered)

        at.configure(Limits(limit, adaptive=True, queue_timeout_s=7))

        assert (at.state().concurrency, at.state().most) == (then, limit)

    play(scenario)


def test_what_has_not_fallen_follows_the_edit_up_and_down():
    async def scenario():
        at = gate(8, adaptive=True)
        at.configure(Limits(16, adaptive=True))
        assert at.state().concurrency == 16
        at.configure(Limits(3, adaptive=True))
        assert at.state().concurrency == 3

    play(scenario)


def test_without_adaptive_what_has_fallen_is_whole_again():
    async def scenario():
        at = gate(8, adaptive=True)
        come = await callers(at, 8)
        at.fall(come[0].entered)
        late = Caller(at)
        come[0].leave()
        await settle()
        assert late.waits

        at.configure(Limits(8))
        await settle()

        assert late.is_in

    play(scenario)
