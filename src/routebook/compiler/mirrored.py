"""Mirrored: a decision whose call is not mirrored → the same one for a caller whose calls are.

That a call is mirrored is a wish of the table's own search for requests, which gives up soon; a shadow that breaks an
invariant is worth a longer one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from ..routing.decision import Decision, Witness
from ..routing.linked import LinkedBook
from ..routing.resolve import resolve
from ..routing.spec import FeatureSpec
from ..routing.sticky import fraction

_MOST_TRIES = 200_000
_MOST_RESOLVED = 2_000


def mirrored(table: LinkedBook, feature: FeatureSpec, decision: Decision) -> Decision | None:
    """Return what *decision*, that of its witness, is for a key in the shadow's share; None where none is found."""
    if feature.shadow is None or decision.witness is None:
        return None
    facts = decision.witness.facts
    for key in islice(_keys(feature.name, feature.shadow.percent / 100), _MOST_RESOLVED):
        context = replace(decision.witness.context, key=key)
        again = resolve(table, feature.name, context, facts)
        same = (again.route, again.arm) == (decision.route, decision.arm)
        if same and again.shadow is not None:
            return replace(again, witness=Witness(context, facts))
    return None


def _keys(feature: str, share: float) -> Iterator[str]:
    keys = (f"key-{number}" for number in range(_MOST_TRIES))
    return (key for key in keys if fraction(feature, "shadow", key) < share)
