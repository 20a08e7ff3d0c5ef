"""Every decision a table can make: each feature, under each profile, for each set of providers
that the caller has keys for.

Keys: none, and every non-empty subset of up to four providers that the feature can reach; beyond four, each alone
and all. A combination that no target serves is an error, not a decision, and is left out. Caller options are not
enumerated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from ..errors import ResolveError
from .context import Context, Facts
from .decision import Decision, Witness
from .linked import LinkedBook
from .resolve import resolve
from .spec import FeatureSpec

_PLACEHOLDER_KEY = "caller-key"
_MOST_PROVIDERS = 4


def reachable_decisions(table: LinkedBook) -> Iterator[Decision]:
    """Yield each decision with its `witness`, a context and facts that lead to it; `resolve` of it is the decision."""
    facts = Facts()
    for name in sorted(table.features):
        key_sets = _key_sets(table.features[name])
        for profile in sorted(table.profiles):
            for keys in key_sets:
                context = Context(profile=profile, credentials=dict.fromkeys(keys, _PLACEHOLDER_KEY))
                try:
                    decision = resolve(table, name, context, facts)
                except ResolveError:
                    continue
                yield replace(decision, witness=Witness(context, facts))


def _key_sets(feature: FeatureSpec) -> list[tuple[str, ...]]:
    reached = {
        attempt.caller.provider
        for route in feature.routes()
        for attempt in route.attempts
        if attempt.caller is not None
    }
    providers = sorted(reached)
    if len(providers) > _MOST_PROVIDERS:
        return [(), *((provider,) for provider in providers), tuple(providers)]
    return [subset for size in range(len(providers) + 1) for subset in combinations(providers, size)]
