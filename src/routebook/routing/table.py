"""RoutingTable: a compiled book that decides. Immutable all the way down, safe to share between threads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..canonical.plain import type_of
from ..errors import RequestError
from .context import ContextLike, Facts, context_of, facts_or_nothing
from .decision import Decision
from .explain import Explanation, explain
from .linked import LinkedBook
from .reachable import reachable_decisions
from .resolve import resolve


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RoutingTable(LinkedBook):
    """Every decision a book can make; its fields are those of `LinkedBook`."""

    def resolve(
        self, feature: str, context: ContextLike | None = None, facts: Facts | None = None, run_id: str | None = None
    ) -> Decision:
        """Decide what serves *feature* for *context*, without calling anything.

        *context* may be a mapping of a Context's fields. *run_id* is what sticky choices stick to where the context
        has nothing else for them.

        Returns:
            Attempts in the order they will be tried, at least one. Timeouts are in seconds, prices in US dollars
            per million tokens. Credentials are references, never values.

        Raises:
            ResolveError: No such feature or profile (`near` has the closest names), or no usable target.
            RequestError: The caller's options or model are not ones that the feature takes; or an argument is of the
                wrong type, `field` names it.
        """
        return resolve(self, feature, context_of(context), facts_or_nothing(facts), _checked_id(run_id))

    def explain(
        self, feature: str, context: ContextLike | None = None, facts: Facts | None = None, run_id: str | None = None
    ) -> Explanation:
        """Return the decision of `resolve`, each step that was considered, and where each option came from."""
        return explain(self, feature, context_of(context), facts_or_nothing(facts), _checked_id(run_id))

    def decisions(self) -> Iterator[Decision]:
        """Yield, lazily and in a stable order, every decision the table can make, each with its witness."""
        return reachable_decisions(self)


def _checked_id(run_id: object) -> str | None:
    if run_id is None or isinstance(run_id, str):
        return run_id
    raise RequestError(f"run_id must be text, not {type_of(run_id)}", "run_id")
