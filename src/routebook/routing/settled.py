"""Settled: the decisions of a table that no more than a feature and a profile lead to, kept once they are made.

Most features have no rules, splits or shadows, and most callers neither keys nor wishes: their decision is the same
each time. It comes from the table's own `resolve`, and is kept beside the table, which never changes.
"""

from __future__ import annotations

from .context import Context, Facts
from .decision import Decision
from .table import RoutingTable


class Settled:
    """Resolves by *table*."""

    __slots__ = ("_known", "table")

    def __init__(self, table: RoutingTable) -> None:
        self.table = table
        self._known: dict[tuple[str, str | None], Decision] = {}

    def resolve(self, feature: str, context: Context, facts: Facts, run_id: str) -> Decision:
        """Decide as `RoutingTable.resolve` does."""
        if context.credentials or facts.options or facts.model is not None:
            return self.table.resolve(feature, context, facts, run_id)
        asked = (feature, context.profile)
        decision = self._known.get(asked)
        if decision is None:
            decision = self.table.resolve(feature, context, facts, run_id)
            if self._is_settled(feature):
                self._known[asked] = decision
        return decision

    def _is_settled(self, name: str) -> bool:
        """Tell whether nothing else of a request is looked at. What `default_feature` serves is left out: its names are
        endless.
        """
        feature = self.table.features.get(name)
        if feature is None or feature.rules or feature.shadow is not None:
            return False
        return all(route.key is None for route in feature.routes())
