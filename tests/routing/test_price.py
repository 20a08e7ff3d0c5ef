"""What tokens cost."""

from __future__ import annotations

import pytest

from routebook import Usage
from routebook.routing.price import cost_usd
from routebook.routing.spec import Price


def test_a_call_costs_its_input_and_output_at_the_price_of_a_million():
    assert cost_usd(Usage(input=1_000_000, output=500_000), Price(2.0, 8.0)) == pytest.approx(6.0)


def test_cached_tokens_have_their_own_price_and_are_no_fresh_input():
    usage = Usage(input=1_000_000, cached_input=400_000, cache_write=100_000)

    assert cost_usd(usage, Price(1.0, 0.0, 0.1, 2.0)) == pytest.approx(0.5 + 0.04 + 0.2)


def test_cached_tokens_without_a_price_cost_what_other_input_does():
    usage = Usage(input=1_000_000, cached_input=400_000, cache_write=100_000)

    assert cost_usd(usage, Price(1.0, 0.0)) == pytest.approx(1.0)


def test_reasoning_is_part_of_the_output_and_is_not_counted_twice():
    assert cost_usd(Usage(output=1_000_000, reasoning=900_000), Price(0.0, 1.0)) == pytest.approx(1.0)


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
    assert cost_usd(usage, price) is None


def test_a_price_of_zero_is_a_price():
    assert cost_usd(Usage(input=5, output=5), Price(0.0, 0.0)) == 0.0
