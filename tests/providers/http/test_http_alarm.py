from __future__ import annotations

import asyncio
import time

import pytest

from routebook.providers.http.alarm import Alarm
from routebook.providers.http.clock import Clock
from routebook.providers.http.exchange import ExchangeFault
from routebook.routing.provider_spec import Timeouts


def alarm_of(**bounds: float) -> tuple[Alarm, Clock]:
    clock = Clock(Timeouts(**bounds))
    clock.begin()
    return Alarm(clock), clock


async def test_a_wait_that_is_too_long_is_cut_off_with_the_clocks_sentence():
    alarm, _ = alarm_of(first_token=0.02)
    with pytest.raises(ExchangeFault, match=r"no answer within 0\.02 s"), alarm:
        await asyncio.sleep(5)


async def test_a_deadline_that_moves_on_is_kept_too():
    """The timer that was set for the first wait rings within a later one, which has time left."""
    alarm, clock = alarm_of(first_token=0.03, idle=0.05)
    with alarm:
        await asyncio.sleep(0.02)
    clock.begin_content()
    with alarm:
        await asyncio.sleep(0.03)
    with pytest.raises(ExchangeFault, match=r"no further byte within 0\.05 s"), alarm:
        await asyncio.sleep(5)


async def test_a_deadline_that_comes_nearer_is_kept_too():
    alarm, clock = alarm_of(first_token=30, idle=0.02)
    with alarm:
        await asyncio.sleep(0)
    clock.begin_content()
    with pytest.raises(ExchangeFault, match="no further byte"), alarm:
        await asyncio.sleep(5)


async def test_the_alarm_is_silent_while_nobody_waits():
    alarm, clock = alarm_of(first_token=0.01, idle=5)
    with alarm:
        await asyncio.sleep(0)
    clock.begin_content()
    await asyncio.sleep(0.05)
    with alarm:
        await asyncio.sleep(0.01)
    alarm.end()


async def test_a_cancellation_is_never_taken_for_the_alarm():
    alarm, _ = alarm_of(first_token=0.02)

    async def wait() -> None:
        with alarm:
            await asyncio.sleep(5)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.02, task.cancel)
    asyncio.get_running_loop().call_later(0.02, task.cancel)
    time.sleep(0.05)  # noqa: ASYNC251, all are due in the same turn of the loop
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_an_alarm_that_ended_does_not_ring():
    alarm, _ = alarm_of(first_token=0.01)
    with alarm:
        alarm.end()
        await asyncio.sleep(0.03)


async def test_an_alarm_that_is_kept_rings_by_the_next_clock_whichever_is_the_nearer():
    """The timer of the first exchange is still running in those that follow."""
    alarm, _ = alarm_of(first_token=0.05)
    with alarm:
        await asyncio.sleep(0)
    _, alarm.clock = alarm_of(first_token=30)
    with alarm:
        await asyncio.sleep(0.1)
    _, alarm.clock = alarm_of(first_token=0.02)
    with pytest.raises(ExchangeFault, match=r"no answer within 0\.02 s"), alarm:
        await asyncio.sleep(5)
