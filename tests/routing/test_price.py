"""What tokens cost."""

from __future__ import annotations

import pytest

from routebook import Usage
from routebook.routing.price import cost_microusd
from routebook.routing.spec import Price


def test_a_call_costs_its_input_and_output_at_the_price_of_a_million():
    assert cost_microusd(Usage(input=1_000_000, output=500_000), Price(2.0, 8.0)) == 6_000_000


def test_cached_tokens_have_their_own_price_and_are_no_fresh_input():
    usage = Usage(input=1_000_000, cached_input=400_000, cache_write=100_000)

    assert cost_microusd(usage, Price(1.0, 0.0, 0.1, 2.0)) == 740_000


def test_cached_tokens_without_a_price_cost_what_other_input_does():
    usage = Usage(input=1_000_000, cached_input=400_000, cache_write=100_000)

    assert cost_microusd(usage, Price(1.0, 0.0)) == 1_000_000


def test_reasoning_is_part_of_the_output_and_is_not_counted_twice():
    assert cost_microusd(Usage(output=1_000_000, reasoning=900_000), Price(0.0, 1.0)) == 1_000_000


@pytest.mark.parametrize(
    ("usage", "price"),
    [
        (None, Price(1.0, 1.0)),
        (Usage(input=1), None),
        (Usage(input=1), Price(input=1.0)),
        (Usage(input=1), Price(output=1.0)),
        (Usage(), Price()),
    ],
)
def test_what_is_unknown_is_unpriced_and_never_zero(usage: Usage | None, price: Price | None):
    assert cost_microusd(usage, price) is None


def test_a_price_of_zero_is_a_price():
    assert cost_microusd(Usage(input=5, output=5), Price(0.0, 0.0)) == 0


@pytest.mark.parametrize(
    ("usage", "price", "cost"),
    [
        (Usage(input=2), Price(0.25, 0.0), 1),  # half a millionth
        (Usage(input=1), Price(0.25, 0.0), 0),
        (Usage(input=3), Price(0.25, 0.0), 1),
        (Usage(input=50), Price(0.29, 0.0), 15),  # 14.5, which floats make 14.499...
        (Usage(input=120, output=80), Price(0.25, 2.0), 190),
    ],
)
def test_a_cost_is_whole_millionths_of_a_dollar_to_the_nearest_halves_up(usage: Usage, price: Price, cost: int):
    assert cost_microusd(usage, price) == cost


def test_costs_of_many_calls_add_up_exactly():
    assert cost_microusd(Usage(input=10**12), Price(0.1, 0.0)) == 10**11
