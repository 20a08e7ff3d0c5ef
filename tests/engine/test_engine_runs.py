"""Runs alone: who is waited for, who is ended, and what the ended are told."""

from __future__ import annotations

import asyncio

import pytest

from routebook import EngineClosed
from routebook.engine.runs import Runs


async def stubborn(runs: Runs) -> None:
    """Run on through the first cancellation."""
    with runs.counted():
        try:
            await asyncio.sleep(9)
        except asyncio.CancelledError:
            await asyncio.sleep(9)


async def test_a_run_that_ends_in_time_is_waited_for_and_told_nothing():
    runs = Runs()

    async def short() -> str:
        with runs.counted():
            await asyncio.sleep(0.01)
        return "done"

    run = asyncio.create_task(short())
    await asyncio.sleep(0)
    await runs.drain(5)

    assert run.done()
    assert await run == "done"


async def test_a_run_that_does_not_end_is_told_that_the_engine_was_closed_and_its_task_may_go_on():
    runs = Runs()

    async def long() -> int:
        task = asyncio.current_task()
        with pytest.raises(EngineClosed, match=r"did not end within 0\.01 s"), runs.counted():
            await asyncio.sleep(9)
        assert task is not None
        return task.cancelling()

    run = asyncio.create_task(long())
    await asyncio.sleep(0)
    await runs.drain(0.01)

    assert await run == 0


async def test_a_run_that_its_caller_cancelled_before_is_cancelled_and_not_told_of_the_engine():
    runs = Runs()
    run = asyncio.create_task(stubborn(runs))
    await asyncio.sleep(0)
    run.cancel()
    await runs.drain(0.01)

    with pytest.raises(asyncio.CancelledError):
        await run
    assert run.cancelled()


async def test_an_error_of_the_runs_own_is_its_own_though_the_run_was_ended():
    runs = Runs()

    async def failing() -> None:
        with runs.counted():
            try:
                await asyncio.sleep(9)
            finally:
                raise ValueError("mine")

    run = asyncio.create_task(failing())
    await asyncio.sleep(0)
    await runs.drain(0.01)

    with pytest.raises(ValueError, match="mine"):
        await run
