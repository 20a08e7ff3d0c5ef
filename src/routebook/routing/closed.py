"""Closed: what an `extra_body` names that is not for it to set, because every request sets it from elsewhere.

Paths have dots for nesting, those that are closed are in lower case: some servers read names in any case. Where a path
within a mapping is closed, what stands beside it is open, and is joined with what the request sets there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def closed_fields(extra_body: Mapping[str, Any], closed: frozenset[str]) -> list[str]:
    """Return the paths in *extra_body* that are *closed*, or that would replace a mapping in which one is."""
    return sorted(_found(extra_body, closed, ""))


def _found(fields: Mapping[str, Any], closed: frozenset[str], place: str) -> Iterator[str]:
    for name, value in fields.items():
        path = place + name
        within = f"{path}.".lower()
        if path.lower() in closed:
            yield path
        elif any(each.startswith(within) for each in closed):
            if isinstance(value, Mapping):
                yield from _found(value, closed, f"{path}.")
            else:
                yield path
