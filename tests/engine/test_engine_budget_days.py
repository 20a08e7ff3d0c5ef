"""Budgets by day, on clocks that are set back and forth."""

from __future__ import annotations

from routebook.engine.budget import Spending

DAY_S = 86_400


class Clock:
    def __init__(self):
        self.now = 100.5 * DAY_S

    def __call__(self):
        return self.now


def test_a_new_day_begins_with_nothing_spent():
    clock = Clock()
    spending = Spending(clock)
    spending.add("chat", 7)
    clock.now += DAY_S
    assert spending.today("chat") == 0
    spending.add("chat", 5)
    assert spending.today("chat") == 5


def test_a_clock_that_is_set_back_over_midnight_makes_nothing_unspent():
    clock = Clock()
    spending = Spending(clock)
    spending.add("chat", 7)
    clock.now -= DAY_S
    assert spending.today("chat") == 0
    spending.add("chat", 2)
    clock.now += DAY_S
    assert (spending.today("chat"), spending.today("other")) == (7, 0)


def test_a_clock_that_was_far_ahead_for_a_while_stops_no_days_from_being_counted():
    clock = Clock()
    spending = Spending(clock)
    clock.now += 1e9
    spending.add("chat", 7)
    clock.now -= 1e9
    for spent in range(10):
        spending.add("chat", spent)
        assert spending.today("chat") == spent
        clock.now += DAY_S
