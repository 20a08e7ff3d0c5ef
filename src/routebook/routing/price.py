"""Price: tokens and a price list give US dollars, or nothing where the list has a gap."""

from __future__ import annotations

from ..canonical.usage import Usage
from .spec import Price

_PER = 1_000_000


def cost_usd(usage: Usage | None, price: Price | None) -> float | None:
    """Return what *usage* costs in US dollars; None where the usage or a price is unknown.

    Cached tokens without a price of their own cost what other input does.
    """
    if usage is None or price is None or price.input is None or price.output is None:
        return None
    cached = price.input if price.cached_input is None else price.cached_input
    written = price.input if price.cache_write is None else price.cache_write
    fresh = max(0, usage.input - usage.cached_input - usage.cache_write)
    dollars = (
        fresh * price.input + usage.cached_input * cached + usage.cache_write * written + usage.output * price.output
    )
    return dollars / _PER
