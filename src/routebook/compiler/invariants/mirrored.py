"""Mirrored: a decision whose call is not mirrored → the same one for a caller whose calls are.

That a call is mirrored is a wish of the table's own search for requests, which gives up soon; a shadow that breaks an
invariant is worth a longer one.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    if feature.shadow is None or decision.witness is None:
        return None
    facts = decision.witness.facts
    asking = _asking(decision.witness.context, feature.name, feature.shadow.percent / 100)
    for context in islice(asking, _MOST_RESOLVED):
        again = resolve(table, feature.name, context, facts)
        same = (again.route, again.arm) == (decision.route, decision.arm)
        if same and again.shadow is not None:
            return replace(again, witness=Witness(context, facts))
    return None


def _asking(context: Context, feature: str, share: float) -> Iterator[Context]:
    """Yield *context* with keys that fall into the share, and with such users, where there is neither."""
    for name in (f"key-{number}" for number in range(_MOST_TRIES)):
        if fraction(feature, "shadow", name) < share:
            yield replace(context, key=name)
            if context.key is None and context.user is None:
                yield replace(context, user=name)
