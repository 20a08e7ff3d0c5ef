"""Touched: the definitions that the decisions of a feature lead to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...routing.matcher import Condition, When, satisfies
from ...routing.reach.live import Live
from ...routing.sticky import fraction
from ..build import Build

_NAMES = frozenset({"equals", "in", "not"})


def touched_by(live: Live, twins: Mapping[str, str]) -> set[tuple[str, str]]:
    """Return the definitions, by (section, name), that some decision leads to.

    A profile is one where an entry of it is taken, or a rule names it, or tells it from its twin.
    """
    feature, targets = live.feature, list(live.targets())
    touched = {("models", target.model) for target in targets} | {("providers", target.provider) for target in targets}
    if feature.output is not None:
        touched.add(("outputs", feature.output))
    if feature.tools is not None:
        touched.update(("mcp_servers", server) for server in feature.tools.servers)
    routes = (route.name.partition(":") for route, _ in live.routes)
    touched.update(("profiles", name) for kind, _, name in routes if kind == "profile")
    for index, reached in enumerate(live.reach.rules):
        asking = [test for test in feature.rules[index].when if test.field == "profile"] if reached.profiles else ()
        for condition in asking:
            told = (one for one, other in twins.items() if _tells(feature.name, condition, one, other))
            touched.update(("profiles", name) for name in (*profiles_in((condition,)), *told))
    return touched


def twins_of(build: Build) -> Mapping[str, str]:
    """Return, by the name of each profile, the one it would be the same as if nothing set it apart: the one that it
    extends, or the default one.
    """
    known: Mapping[str, str] | None = build.known.get("twins")
    if known is None:
        known = build.known["twins"] = {
            name: profile.lineage[1] if len(profile.lineage) > 1 else build.default_profile
            for name, profile in build.profiles.items()
        }
    return known


def _tells(feature: str, condition: Condition, one: str, other: str) -> bool:
    """Tell whether *condition*, of the active profile, holds under one of two profiles and not under the other."""
    if condition.operator == "percent":
        share = condition.operand / 100
        return (fraction(feature, "percent", one) < share) is not (fraction(feature, "percent", other) < share)
    return satisfies(condition, one) is not satisfies(condition, other)


def profiles_in(when: When) -> Iterator[str]:
    """Yield the profiles that *when* names."""
    for condition in when:
        if condition.field == "profile" and condition.operator in _NAMES:
            operand = condition.operand
            yield from map(str, operand if isinstance(operand, tuple) else (operand,))
