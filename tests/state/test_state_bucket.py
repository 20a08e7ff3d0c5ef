"""Bucket: one minute's worth, which fills evenly."""

from __future__ import annotations

import pytest

from routebook.state.bucket import Bucket


def test_a_bucket_starts_full_and_gives_a_minutes_worth_at_once():
    bucket = Bucket(60, now=100.0)

    assert bucket.wait_s(60, now=100.0) == 0
    bucket.take(60, now=100.0)
    assert bucket.wait_s(1, now=100.0) == pytest.approx(1.0)
    assert bucket.wait_s(30, now=100.0) == pytest.approx(30.0)


def test_it_fills_evenly_and_never_beyond_a_minutes_worth():
    bucket = Bucket(60, now=0.0)
    bucket.take(60, now=0.0)

    assert bucket.level(now=15.0) == pytest.approx(15.0)
    assert bucket.level(now=60.0) == pytest.approx(60.0)
    assert bucket.level(now=6000.0) == 60.0


def test_after_the_wait_that_it_names_the_amount_is_there():
    bucket = Bucket(7, now=0.0)
    bucket.take(7, now=0.0)

    wait = bucket.wait_s(3, now=0.5)

    assert wait > 0
    assert bucket.wait_s(3, now=0.5 + wait) == 0


def test_what_was_taken_too_much_is_waited_for_by_whoever_comes_next():
    bucket = Bucket(60, now=0.0)
    bucket.take(90, now=0.0)

    assert bucket.level(now=0.0) == -30
    assert bucket.wait_s(1, now=0.0) == pytest.approx(31.0)


def test_more_than_fits_waits_for_a_full_bucket_and_not_for_ever():
    bucket = Bucket(60, now=0.0)

    assert bucket.wait_s(1000, now=0.0) == 0
    bucket.take(30, now=0.0)
    assert bucket.wait_s(1000, now=0.0) == pytest.approx(30.0)


def test_what_is_given_back_is_there_at_once_and_never_more_than_fits():
    bucket = Bucket(60, now=0.0)
    bucket.take(60, now=0.0)

    bucket.take(-10, now=0.0)
    assert bucket.level(now=0.0) == 10
    bucket.take(-1000, now=0.0)
    assert bucket.level(now=0.0) == 60


@pytest.mark.parametrize("per_minute", [6, 60, 600])
def test_a_bucket_of_another_size_is_full_again_when_it_would_have_been(per_minute: int):
    bucket = Bucket(60, now=0.0)
    bucket.take(90, now=0.0)

    bucket.resize(per_minute, now=30.0)

    assert bucket.level(now=30.0) == pytest.approx(0.0)
    assert bucket.wait_s(per_minute, now=30.0) == pytest.approx(60.0)
    assert bucket.level(now=1000.0) == per_minute


def test_a_smaller_bucket_makes_nobody_wait_longer_than_a_minute_for_what_was_allowed_before():
    bucket = Bucket(6000, now=0.0)
    bucket.take(6000, now=0.0)

    bucket.resize(60, now=0.0)

    assert bucket.wait_s(1, now=0.0) == pytest.approx(1.0)
    assert bucket.wait_s(60, now=0.0) == pytest.approx(60.0)


def test_resizing_to_and_fro_makes_nothing_out_of_nothing():
    bucket = Bucket(60, now=0.0)
    bucket.take(50, now=0.0)

    for _ in range(10):
        bucket.resize(6000, now=0.0)
        bucket.resize(60, now=0.0)

    assert bucket.level(now=0.0) == pytest.approx(10.0)
