"""Near names: what someone probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def near_names(name: str, known: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """Return up to *limit* of the *known* names closest to *name*, nearest first."""
    return tuple(get_close_matches(name, sorted(known), n=limit, cutoff=0.6))


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return `did you mean 'x'?` for the nearest of the *known* names, or None where none is near."""
    near = near_names(name, known, limit=1)
    return f"did you mean {near[0]!r}?" if near else None
