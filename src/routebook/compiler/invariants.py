"""Invariants: what is selected and what must hold for it, as conditions that name what there is (RB301).

Whether they hold is not asked here.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import get_args

from ..canonical.options import OPTION_NAMES, OPTION_PATHS
from ..diagnostics.suggest import did_you_mean
from ..document.models import Capability
from ..routing.decision import CredentialKind
from ..routing.matcher import Condition
from ..routing.spec import InvariantSpec
from .build import Build
from .rules import conditions

_NAMES = frozenset({"equals", "in", "not"})
_SECTIONS = {"profile": "profiles", "feature": "features", "provider": "providers", "model": "models"}
_OPTION = "options."


def link_invariants(build: Build) -> None:
    """Link each invariant."""
    tags = {tag for feature in build.document.features.values() for tag in feature.value.tags or ()}
    words: dict[str, Collection[str]] = {
        "tags": tags,
        "credential": get_args(CredentialKind),
        "capabilities": get_args(Capability),
        "api": build.materials.apis.keys(),
    }
    for definition in build.document.invariants.values():
        where, require, place = definition.value.where, definition.value.require, definition.key_span
        spec = InvariantSpec(
            name=definition.name,
            where=() if where is None else conditions(where.matchers(), partial(place, "where")),
            require=conditions(require.matchers(), partial(place, "require")),
            span=definition.key,
        )
        for condition in (*spec.where, *spec.require):
            _check_names(build, f"invariant {definition.name!r}", condition, words)
        build.invariants[definition.name] = spec


def _check_names(build: Build, subject: str, condition: Condition, words: dict[str, Collection[str]]) -> None:
    """Report each name in *condition* that there is not."""
    if condition.field.startswith(_OPTION):
        _check_word(build, subject, condition, condition.field.removeprefix(_OPTION), {*OPTION_NAMES, *OPTION_PATHS})
    if condition.operator not in _NAMES or condition.span is None:
        return
    for name in condition.operand if isinstance(condition.operand, tuple) else (condition.operand,):
        section = _SECTIONS.get(condition.field)
        if section == "profiles" and name in build.profiles:
            continue  # a book without profiles has one of its own
        if section is not None and not (section == "models" and "/" in name):
            build.refer(section, name, condition.span, subject)
        elif condition.field in words and not (condition.field == "tags" and build.document.unread):
            _check_word(build, subject, condition, name, words[condition.field])


def _check_word(build: Build, subject: str, condition: Condition, name: str, known: Collection[str]) -> None:
    if name not in known and condition.span is not None:
        noun = "option" if condition.field.startswith(_OPTION) else condition.field.removesuffix("s")
        noun = "capability" if condition.field == "capabilities" else noun
        mend = did_you_mean(name, known) or f"known: {', '.join(sorted(known)) or 'none'}"
        build.report("RB301", condition.span, f"{subject} names {noun} {name!r}, which there is not", help=mend)
