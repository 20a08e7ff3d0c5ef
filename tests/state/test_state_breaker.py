"""Breaker and Health: a target that failed several times in a row is left alone, and one call tries it again."""

from __future__ import annotations

import pytest

from routebook.routing.provider_spec import Breaker as Spec
from routebook.state.health import COUNTED, Health

SPEC = Spec(failures=3, open_s=30.0)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health[str]:
    return Health(clock)


def fail(health: Health[str], times: int = 1, kind: str = "server_error", *, is_probe: bool = False) -> None:
    for _ in range(times):
        health.fail("target", kind, SPEC, is_probe=is_probe)


def test_only_failures_that_say_that_a_target_is_down_count():
    assert sorted(COUNTED) == ["connection", "server_error", "timeout"]


def test_a_target_is_left_alone_after_so_many_failures_in_a_row_and_not_before(health):
    fail(health, 2)
    assert health.left_alone("target") is None
    assert health.open() == {}

    fail(health, kind="timeout")

    alone = health.left_alone("target")
    assert (alone.kind, alone.failures, alone.open_s) == ("timeout", 3, 30.0)
    assert health.open() == {"target": alone}
    assert health.left_alone("another") is None


def test_an_answer_between_two_failures_begins_the_count_anew(health):
    fail(health, 2)
    health.succeed("target")
    fail(health, 2)

    assert health.left_alone("target") is None


def test_nobody_is_let_through_until_its_time_is_over_then_exactly_one(health, clock):
    fail(health, 3)

    clock.now += 29.9
    assert not health.begin("target")
    assert health.left_alone("target").open_s == pytest.approx(0.1)

    clock.now += 0.1
    assert health.left_alone("target") is None
    assert health.begin("target")
    assert [health.begin("target") for _ in range(10)] == [False] * 10
    assert health.left_alone("target").open_s == 0


def test_a_probe_that_succeeds_closes_it_for_all(health, clock):
    fail(health, 3)
    clock.now += 30
    assert health.begin("target")

    health.succeed("target")

    assert health.left_alone("target") is None
    assert health.open() == {}
    assert not health.begin("target")
    fail(health, 2)
    assert health.left_alone("target") is None


def test_a_probe_that_fails_opens_it_for_another_while(health, clock):
    fail(health, 3)
    clock.now += 30
    assert health.begin("target")

    fail(health, kind="connection", is_probe=True)

    alone = health.left_alone("target")
    assert (alone.kind, alone.failures, alone.open_s) == ("connection", 4, 30.0)
    clock.now += 30
    assert health.begin("target")


def test_a_probe_that_comes_to_nothing_leaves_its_place_to_the_next_call(health, clock):
    fail(health, 3)
    clock.now += 30
    assert health.begin("target")

    health.end_probe("target")

    assert health.left_alone("target") is None
    assert health.begin("target")


def test_calls_that_began_before_it_opened_and_fail_late_keep_it_open_no_longer(health, clock):
    fail(health, 3)
    clock.now += 20
    fail(health, 5)

    assert health.left_alone("target").open_s == pytest.approx(10.0)
    clock.now += 10
    assert health.begin("target")


def test_a_late_failure_while_one_call_probes_opens_no_second_door(health, clock):
    fail(health, 3)
    clock.now += 30
    assert health.begin("target")

    fail(health)

    assert not health.begin("target")


def test_a_call_that_began_before_it_opened_and_succeeds_closes_it(health):
    fail(health, 3)
    health.succeed("target")

    assert health.left_alone("target") is None


def test_ending_a_probe_of_a_target_that_is_well_changes_nothing(health):
    health.end_probe("target")

    assert health.open() == {}


def test_of_callers_without_end_those_that_failed_longest_ago_are_forgotten(clock):
    health: Health[object] = Health(clock)
    health.fail("house", "server_error", Spec(1, 30.0), is_probe=False)
    for number in range(4000):
        health.fail(number, "server_error", Spec(1, 30.0), is_probe=False)
    health.fail("house", "server_error", Spec(1, 30.0), is_probe=False)

    for number in range(4000, 8000):
        health.fail(number, "server_error", Spec(1, 30.0), is_probe=False)

    assert health.left_alone("house") is not None
    assert health.left_alone(0) is None
    assert len(health.open()) <= 4096
