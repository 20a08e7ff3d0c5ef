"""Gate: first in, first out, under bounds on concurrency, requests and tokens; nobody is lost, nobody overtakes."""

from __future__ import annotations

import asyncio
import random

import pytest
from gate_callers import Caller, callers, gate
from virtual_time import now, play, settle

from routebook.routing.provider_spec import NO_LIMITS, Limits
from routebook.state.gate import Gate


def test_so_many_calls_are_under_way_and_the_next_waits_until_one_ends():
    async def scenario():
        at = gate(2)
        first, second, third = await callers(at, 3)

        assert (first.is_in, second.is_in, third.is_in) == (True, True, False)
        assert (at.state().running, at.state().waiting) == (2, 1)
        second.leave()
        await settle()
        assert third.is_in
        assert (at.state().running, at.state().waiting) == (2, 0)

    play(scenario)


def test_a_gate_without_limits_lets_any_number_through():
    async def scenario():
        at = Gate(NO_LIMITS, now)

        assert all(caller.is_in for caller in await callers(at, 100))
        assert not at.limits.may_hold
        assert at.state().concurrency is None

    play(scenario)


@pytest.mark.parametrize("seed", range(5))
def test_a_thousand_that_wait_come_in_their_order_whoever_gives_up_between(seed: int):
    async def scenario():
        chance, at, log = random.Random(seed), gate(7), []
        waiting = [Caller(at, name, log=log) for name in range(1000)]
        await settle()
        gone = set()
        inside = 0
        while len(log) + len(gone) < 1000:
            for caller in chance.sample(waiting, 20):
                if caller.waits:
                    caller.give_up()
                    gone.add(caller.name)
            for _ in range(chance.randint(0, 3)):
                if len(log) > inside:
                    at.leave()
                    inside += 1
            if chance.random() < 0.5:
                await settle()
            assert at.state().running <= 7
        await settle()

        assert log == sorted(log)
        assert gone.isdisjoint(log)
        assert at.state().waiting == 0
        for _ in range(at.state().running):
            at.leave()
        assert at.is_idle()

    play(scenario)


def test_whoever_comes_later_does_not_pass_those_who_wait_though_there_is_room_for_it():
    async def scenario():
        at = gate(1)
        first, second = await callers(at, 2)
        first.leave()  # the second's turn has come, it has not gone in yet

        late = Caller(at)
        await settle()

        assert second.is_in
        assert late.waits

    play(scenario)


def test_a_call_of_few_tokens_waits_behind_one_of_many():
    async def scenario():
        at, log = gate(tokens_per_minute=600), []
        Caller(at, "first", 600, log=log)
        await settle()
        large = Caller(at, "large", 300, log=log)
        await settle()
        small = Caller(at, "small", 1, log=log)
        await asyncio.sleep(10)
        assert at.state().tokens_left == pytest.approx(100, abs=1)
        assert not small.is_in
        assert not at.has_room(1)

        await small.until_in()

        assert log == ["first", "large", "small"]
        assert large.came_at == pytest.approx(30, abs=0.01)
        assert small.came_at == pytest.approx(30.1, abs=0.01)

    play(scenario)


def test_calls_of_more_tokens_than_a_minute_holds_get_their_turn_at_a_full_bucket():
    async def scenario():
        at = gate(tokens_per_minute=60)
        huge = Caller(at, tokens=5000)
        await huge.until_in()
        assert huge.came_at == pytest.approx(0, abs=0.01)

        next_one = Caller(at, tokens=5000)
        await next_one.until_in()
        assert next_one.came_at == pytest.approx(60, abs=0.01)

    play(scenario)


def test_of_requests_a_minutes_worth_goes_at_once_and_the_rest_evenly():
    async def scenario():
        at = gate(requests_per_minute=30)
        come = await callers(at, 34)
        for caller in come:
            await caller.until_in()

        assert [caller.came_at for caller in come[:30]] == pytest.approx([0.0] * 30, abs=0.01)
        assert [caller.came_at for caller in come[30:]] == pytest.approx([2, 4, 6, 8], abs=0.01)

    play(scenario)


def test_whoever_gives_up_while_it_waits_leaves_its_turn_to_the_next():
    async def scenario():
        at = gate(1)
        first, second, third = await callers(at, 3)

        second.give_up()
        await settle()
        assert at.state().waiting == 1
        first.leave()
        await settle()

        assert third.is_in
        third.leave()
        assert at.is_idle()

    play(scenario)


def test_whoever_gives_up_at_the_very_moment_of_its_turn_gives_everything_back():
    async def scenario():
        at = gate(1, requests_per_minute=60, tokens_per_minute=600)
        first, second, third = await callers(at, 3, tokens=100)
        assert first.is_in

        first.leave()
        second.give_up()  # its turn has come, and it has not heard of it
        await settle()

        assert not second.is_in
        assert third.is_in
        state = at.state()
        assert (state.running, state.waiting) == (1, 0)
        assert state.requests_left == pytest.approx(58, abs=0.01)
        assert state.tokens_left == pytest.approx(400, abs=0.01)

    play(scenario)


def test_one_whose_patience_ends_at_the_very_moment_of_its_turn_loses_no_place():
    async def scenario():
        at = gate(1)
        first = Caller(at)
        await settle()
        second = Caller(at, patience_s=5.0)
        asyncio.get_running_loop().call_at(now() + 5.0, at.leave)
        await asyncio.sleep(6)

        assert first.is_in
        assert second.is_in or second.refused is not None
        if second.is_in:
            second.leave()
        assert at.is_idle()
        assert at.has_room(0)

    play(scenario)


def test_a_turn_that_does_not_come_in_time_is_refused_and_says_what_was_full():
    async def scenario():
        at = gate(2)
        await callers(at, 2)
        late = Caller(at, patience_s=3.0)
        await late.until_in()

        assert late.refused == "its queue_timeout of 3 s is over, and 2 calls may be under way at a time"
        assert now() == pytest.approx(3, abs=0.01)
        assert (at.state().running, at.state().waiting) == (2, 0)

    play(scenario)


def test_a_turn_that_is_too_late_by_the_minutes_count_says_so():
    async def scenario():
        at = gate(requests_per_minute=1)
        await callers(at, 1)
        late = Caller(at, patience_s=3.0)
        await late.until_in()

        assert late.refused == "its queue_timeout of 3 s is over, and what may be asked in a minute is used up"

    play(scenario)


def test_those_behind_one_that_gave_up_for_want_of_tokens_are_let_through_at_once():
    async def scenario():
        at = gate(tokens_per_minute=600)
        await callers(at, 1, tokens=590)
        Caller(at, tokens=600, patience_s=5.0)
        await settle()
        small = Caller(at, tokens=10)
        await small.until_in()

        assert small.came_at == pytest.approx(5, abs=0.01)

    play(scenario)


def test_tokens_that_were_not_used_let_the_next_one_through_and_others_make_it_wait():
    async def scenario():
        at = gate(tokens_per_minute=600)
        [first] = await callers(at, 1, tokens=600)
        second = Caller(at, tokens=300)
        await settle()
        assert second.waits

        at.settle(600, 100)
        first.leave()
        await settle()
        assert second.is_in
        at.settle(300, 800)
        second.leave()

        third = Caller(at, tokens=1)
        await third.until_in()
        assert third.came_at == pytest.approx(30.1, abs=0.1)

    play(scenario)


def test_what_was_asked_of_a_full_bucket_too_much_is_settled_by_what_was_taken():
    async def scenario():
        at = gate(tokens_per_minute=100)
        [caller] = await callers(at, 1, tokens=5000)
        at.settle(5000, 40)
        caller.leave()

        assert at.state().tokens_left == pytest.approx(60, abs=0.01)

    play(scenario)


def test_a_call_that_was_never_made_gives_its_request_and_its_tokens_back():
    async def scenario():
        at = gate(1, requests_per_minute=60, tokens_per_minute=600)
        [caller] = await callers(at, 1, tokens=100)
        at.give_back(100)
        caller.leave()

        assert at.is_idle()

    play(scenario)


def test_more_room_lets_those_who_wait_through_at_once():
    async def scenario():
        at = gate(1)
        come = await callers(at, 10)

        at.configure(Limits(4))
        await settle()
        assert [caller.is_in for caller in come] == [True] * 4 + [False] * 6
        at.configure(NO_LIMITS)
        await settle()
        assert all(caller.is_in for caller in come)
        assert at.state().running == 10

    play(scenario)


def test_less_room_takes_no_place_away_and_gives_none_until_enough_have_left():
    async def scenario():
        at = gate(4)
        come = await callers(at, 6)

        at.configure(Limits(2))
        for left in range(4):
            assert at.state().running == max(2, 4 - left)
            come[left].leave()
            await settle()

        assert [caller.is_in for caller in come] == [True] * 6
        assert at.state().running == 2

    play(scenario)


def test_limits_that_come_later_count_what_is_under_way():
    async def scenario():
        at = Gate(NO_LIMITS, now)
        come = await callers(at, 3)

        at.configure(Limits(3))
        late = Caller(at)
        await settle()
        assert late.waits
        come[0].leave()
        await settle()
        assert late.is_in

    play(scenario)


def test_a_faster_minute_is_felt_by_those_who_wait_already():
    async def scenario():
        at = gate(requests_per_minute=1)
        await callers(at, 1)
        late = Caller(at)
        await settle()

        at.configure(Limits(requests_per_minute=60))
        await late.until_in()

        assert late.came_at == pytest.approx(1, abs=0.01)

    play(scenario)


def test_minutes_that_are_not_bounded_any_more_let_those_who_wait_through():
    async def scenario():
        at = gate(requests_per_minute=1, tokens_per_minute=10)
        await callers(at, 1, tokens=10)
        late = Caller(at, tokens=10)
        await settle()
        assert late.waits

        at.configure(NO_LIMITS)
        await settle()

        assert late.is_in

    play(scenario)


def test_nobody_is_let_through_while_it_cools_down_and_then_all_are_in_their_order():
    async def scenario():
        at = gate(8)
        at.cool_down(5)
        come = await callers(at, 3)
        assert not any(caller.is_in for caller in come)
        assert at.state().cooldown_s == pytest.approx(5, abs=0.01)
        await come[-1].until_in()

        assert [caller.came_at for caller in come] == pytest.approx([5, 5, 5], abs=0.01)
        assert come[0].log == [0, 1, 2]

    play(scenario)


def test_a_later_shorter_cooldown_never_cuts_a_longer_one():
    async def scenario():
        at = gate(8)
        at.cool_down(20)
        at.cool_down(2)
        caller = Caller(at)
        await asyncio.sleep(1)
        at.cool_down(25)
        at.cool_down(0)
        await caller.until_in()

        assert caller.came_at == pytest.approx(26, abs=0.01)

    play(scenario)


def test_whoever_would_have_to_wait_too_long_for_it_to_cool_down_is_told_so_at_once():
    async def scenario():
        at = gate(8)
        at.cool_down(20)
        caller = Caller(at, patience_s=5.0)
        await settle()

        assert now() < 0.01
        assert caller.refused == "it cools down for 20 s more, which is longer than its queue_timeout of 5 s"
        assert at.state().waiting == 0

    play(scenario)


def test_a_gate_is_at_rest_only_when_a_new_one_would_do_as_well():
    async def scenario():
        at = gate(4, adaptive=True, requests_per_minute=60)
        assert at.is_idle()
        [caller] = await callers(at, 1)
        assert not at.is_idle()
        caller.leave()
        assert not at.is_idle()  # a request of this minute is gone
        await asyncio.sleep(1.1)
        assert at.is_idle()
        at.cool_down(3)
        assert not at.is_idle()
        await asyncio.sleep(3.1)
        at.fall(0)
        await asyncio.sleep(299)
        assert not at.is_idle()
        await asyncio.sleep(1)
        assert at.is_idle()  # what fell so long ago may as well begin anew

    play(scenario)
