"""Invariants: what is selected and what must hold for it, as conditions. Whether they hold is not asked here."""

from __future__ import annotations

from functools import partial

from ..routing.spec import InvariantSpec
from .build import Build
from .rules import conditions


def link_invariants(build: Build) -> None:
    """Link each invariant."""
    for definition in build.document.invariants.values():
        where, require, place = definition.value.where, definition.value.require, definition.key_span
        build.invariants[definition.name] = InvariantSpec(
            name=definition.name,
            where=() if where is None else conditions(where.matchers(), partial(place, "where")),
            require=conditions(require.matchers(), partial(place, "require")),
            span=definition.key,
        )
