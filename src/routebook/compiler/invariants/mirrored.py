"""Mirrored: a decision → the same one for a caller whose calls are mirrored, or are not.

That a call is mirrored is a wish of the table's own search for requests, which gives up soon; a shadow that breaks an
invariant is worth a longer one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from ...routing.context import Context
from ...routing.decision import Decision, Witness
from ...routing.linked import LinkedBook
from ...routing.resolve import resolve
from ...routing.spec import FeatureSpec
from ...routing.sticky import fraction

_MOST_TRIES = 200_000
_MOST_RESOLVED = 2_000


def mirrored(table: LinkedBook, feature: FeatureSpec, decision: Decision) -> Decision | None:
    """Return what *decision*, that of its witness, is for one in the shadow's share; None where nobody is found."""
    return _again(table, feature, decision, lambda at, share: at < share, lambda again: again.shadow is not None)


def unmirrored(table: LinkedBook, feature: FeatureSpec, decision: Decision) -> Decision | None:
    """Return what *decision*, that of its witness, is for one outside of the shadow's share; None likewise."""
    return _again(table, feature, decision, lambda at, share: at >= share, lambda again: again.shadow is None)


def _again(
    table: LinkedBook,
    feature: FeatureSpec,
    decision: Decision,
    falls: Callable[[float, float], bool],
    fits: Callable[[Decision], bool],
) -> Decision | None:
    if feature.shadow is None or decision.witness is None:
        return None
    facts, share = decision.witness.facts, feature.shadow.percent / 100
    asking = _asking(decision.witness.context, feature.name, lambda at: falls(at, share))
    for context in islice(asking, _MOST_RESOLVED):
        again = resolve(table, feature.name, context, facts)
        if (again.route, again.arm) == (decision.route, decision.arm) and fits(again):
            return replace(again, witness=Witness(context, facts))
    return None


def _asking(context: Context, feature: str, falls: Callable[[float], bool]) -> Iterator[Context]:
    """Yield *context* with keys that fall where they are to, and with such users, where there is neither."""
    for name in (f"key-{number}" for number in range(_MOST_TRIES)):
        if falls(fraction(feature, "shadow", name)):
            yield replace(context, key=name)
            if context.key is None and context.user is None:
                yield replace(context, user=name)
