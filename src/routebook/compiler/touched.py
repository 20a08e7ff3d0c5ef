"""Touched: the definitions that the decisions of a feature lead to, and the places of the targets that they have."""

from __future__ import annotations

from collections.abc import Iterator

from ..routing.live import Live
from ..routing.matcher import When
from ..routing.spec import Place

SHADOW: Place = ("shadow",)

_NAMES = frozenset({"equals", "in", "not"})


def live_places(live: Live) -> set[Place]:
    """Return where the targets of the live part of a feature stand in its definition."""
    places = {place for arm in live.arms for place in arm.places}
    return places if live.shadow is None else places | {SHADOW}


def touched_by(live: Live) -> Iterator[tuple[str, str]]:
    """Yield the definitions, by (section, name), that some decision leads to."""
    feature = live.feature
    for target in live.targets():
        yield "models", target.model
        yield "providers", target.provider
    if feature.output is not None:
        yield "outputs", feature.output
    for server in () if feature.tools is None else feature.tools.servers:
        yield "mcp_servers", server
    for route, _ in live.routes:
        kind, _, name = route.name.partition(":")
        if kind == "profile":
            yield "profiles", name
    for index, reached in enumerate(live.reach.rules):
        if reached.profiles:
            yield from (("profiles", name) for name in profiles_in(feature.rules[index].when))


def profiles_in(when: When) -> Iterator[str]:
    """Yield the profiles that *when* names."""
    for condition in when:
        if condition.field == "profile" and condition.operator in _NAMES:
            operand = condition.operand
            yield from map(str, operand if isinstance(operand, tuple) else (operand,))
