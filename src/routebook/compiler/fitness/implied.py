"""Implied: what the conditions of a rule say of every request that it takes.

A rule for requests with images leads to models that see them; a rule for long requests, to models that hold them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ...diagnostics.span import Span
from ...routing.matcher import Condition, When, satisfies

_NEEDS: Mapping[str, str] = {"has_images": "image_input", "has_tools": "tools", "stream": "streaming"}
"""The capability that a request needs for which a fact is true."""

SIZE = "input_tokens"
"""The fact that tells how long a request is."""

TELLING = frozenset({*_NEEDS, SIZE})
"""The facts that tell anything of what a request needs."""


def implied_needs(when: When) -> dict[str, Span]:
    """Return the capabilities that every request needs for which *when* holds, each with the condition that says so."""
    needs: dict[str, Span] = {}
    for condition in when:
        need = _NEEDS.get(condition.field)
        if need is not None and condition.span is not None and _asks_for_truth(condition):
            needs[need] = condition.span
    return needs


def least_input(when: When, at_least: int = 0) -> int | None:
    """Return the smallest `input_tokens`, no less than *at_least*, for which *when* can hold; None: there is none."""
    tests = [condition for condition in when if condition.field == SIZE]
    if not tests:
        return at_least
    sizes = (size for size in sorted({at_least, *_edges(tests)}) if size >= at_least)
    return next((size for size in sizes if all(satisfies(test, size) for test in tests)), None)


def _asks_for_truth(condition: Condition) -> bool:
    return satisfies(condition, True) and not satisfies(condition, False)


def _edges(tests: Sequence[Condition]) -> set[int]:
    """Return the whole numbers at which one of *tests* may begin to hold."""
    edges: set[int] = set()
    for test in tests:
        operands = test.operand if isinstance(test.operand, tuple) else (test.operand,)
        for bound in operands:
            if not isinstance(bound, bool):
                edges |= {math.ceil(bound), math.floor(bound) + 1}
    return edges
