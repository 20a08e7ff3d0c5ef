"""Price: tokens and a price list give a cost, or nothing where the list has a gap."""

from __future__ import annotations

from ..canonical.usage import Usage
from .spec import Price

_PICO = 1_000_000
"""Prices are counted in millionths of a millionth of a US dollar a token, so that sums are exact."""


_MICRO = 1_000_000
"""Costs are counted in millionths of a US dollar."""


def cost_microusd(usage: Usage | None, price: Price | None) -> int | None:
    """Return what *usage* costs in millionths of a US dollar, to the nearest one, halves up; None where the usage or a
    price is unknown.

    Cached tokens without a price of their own cost what other input does.
    """
    if usage is None or price is None or price.input is None or price.output is None:
        return None
    fresh = max(0, usage.input - usage.cached_input - usage.cache_write)
    exact = fresh * _pico(price.input) + usage.output * _pico(price.output)
    if usage.cached_input:
        exact += usage.cached_input * _pico(price.input if price.cached_input is None else price.cached_input)
    if usage.cache_write:
        exact += usage.cache_write * _pico(price.input if price.cache_write is None else price.cache_write)
    return (exact + _PICO // 2) // _PICO


def dollars(microusd: int) -> float:
    """Return millionths of a US dollar as US dollars."""
    return microusd / _MICRO


def _pico(usd_a_million: float) -> int:
    return round(usd_a_million * _PICO)
