"""Records as an engine would make them, and feeds that end with their test."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from patience import Stuck

from routebook.canonical.rate_limits import RateLimits
from routebook.canonical.usage import Usage
from routebook.records.attempt import Attempt
from routebook.records.ended import AttemptEnded, RunEnded, ToolCallEnded, TurnEnded
from routebook.telemetry.feed import Feed

ATTEMPT = Attempt(
    provider="p0",
    model="m0",
    credential="platform",
    payer="platform",
    kind=None,
    sent=True,
    reason=None,
    retry=False,
    queued_s=0.0,
    started_at=1_800_000_000.25,
    first_token_s=None,
    duration_s=0.125,
    usage=Usage(210, 18),
    cost_microusd=9_007_199_254_740_993,  # no float holds it
    outcome="answered",
    request_id="req-1",
    rate_limits=RateLimits(requests_remaining=3),
)
RUN = RunEnded(
    run_id="run-1",
    feature="chat",
    call="chat",
    table="abc",
    profile="default",
    route="use",
    arm=None,
    started_at=1_800_000_000.0,
    duration_s=0.5,
    turns=1,
    attempts=2,
    absorbed=1,
    tool_calls=0,
    usage=Usage(210, 18),
    cost_microusd=None,
    finish_reason="stop",
)
TOOL_CALL = ToolCallEnded("run-1", "chat", 1, "call-1", "clock.now", 1_800_000_000.0, 0.01, sent=True, is_error=False)


def attempt(shadow: bool = False, **changes) -> AttemptEnded:
    return AttemptEnded("run-1", "chat", 1, replace(ATTEMPT, **changes), shadow)


def run(**changes) -> RunEnded:
    return replace(RUN, **changes)


def tool_call(**changes) -> ToolCallEnded:
    return replace(TOOL_CALL, **changes)


def turn(number: int = 1) -> TurnEnded:
    return TurnEnded("run-1", "chat", number, "p0", "m0", 1_800_000_000.0, 0.2, "stop", 0)


class Records:
    attempt = staticmethod(attempt)
    run = staticmethod(run)
    tool_call = staticmethod(tool_call)
    turn = staticmethod(turn)


@pytest.fixture
def make() -> type[Records]:
    """Makes records: `attempt`, `run` and `tool_call` take fields to change, `turn` its number."""
    return Records


@pytest.fixture
def feed_of() -> Iterator[Callable[..., Feed]]:
    """Makes feeds, and closes them at the end."""
    feeds: list[Feed] = []

    def made(*listeners, **options) -> Feed:
        feeds.append(Feed(listeners, **options))
        return feeds[-1]

    yield made
    for feed in feeds:
        feed.close(1)


@pytest.fixture
def logger():
    """A logger of the standard library that writes to nobody but the handlers it is given."""
    logger = logging.Logger("alone", logging.DEBUG)
    logger.propagate = False
    return logger


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.format(record)
        self.records.append(record)


@pytest.fixture
def kept(logger):
    handler = Kept()
    logger.addHandler(handler)
    return handler.records


WELL = ["answered", "turn", "run", "tool answered", "run cancelled", "attempt cancelled"]


@pytest.fixture
def well() -> list[str]:
    """What of `every` went well."""
    return WELL


@pytest.fixture
def every(make):
    """A record of each kind that is logged in a way of its own, by what happened."""
    return {
        "answered": make.attempt(),
        "turn": make.turn(),
        "run": make.run(),
        "tool answered": make.tool_call(),
        "run cancelled": make.run(error="CancelledError"),
        "attempt cancelled": make.attempt(outcome="cancelled", kind="cancelled", reason="the run ended first"),
        "failed": make.attempt(outcome="failed", kind="server_error", reason="down"),
        "unusable": make.attempt(outcome="unusable", kind="malformed_response", reason="no JSON"),
        "passed over": make.attempt(outcome="passed_over", kind="rate_limit", reason="it cools down", sent=False),
        "too late": make.attempt(outcome="cancelled", kind="timeout", reason="the deadline came"),
        "tool failed": make.tool_call(is_error=True),
        "run failed": make.run(error="ProviderError", kind="server_error"),
    }


@pytest.fixture
def feed_threads():
    """The threads of the feeds of this test, as they are when it is called."""
    earlier = set(threading.enumerate())

    def threads() -> list[threading.Thread]:
        return [one for one in set(threading.enumerate()) - earlier if one.name.startswith("routebook-listeners")]

    return threads


@pytest.fixture
def stuck():
    listener = Stuck()
    yield listener
    listener.go.set()
