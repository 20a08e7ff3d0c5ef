"""Invariants: what is selected and what must hold for it, as conditions that name what there is (RB301).

A share of requests proves nothing, so `percent` has no place in them (RB203). Whether they hold is not asked here: see
`prove`.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import get_args

from ...canonical.options import OPTION_NAMES, OPTION_PATHS
from ...diagnostics.suggest import did_you_mean
from ...document.entry import Definition
from ...document.invariants import Invariant
from ...document.models import Capability
from ...routing.decision import CredentialKind
from ...routing.matcher import Condition
from ...routing.spec import InvariantSpec
from ..build import Build
from ..rules import conditions

_NAMES = frozenset({"equals", "in", "not"})
_SECTIONS = {"profile": "profiles", "feature": "features", "provider": "providers", "model": "models"}
_OF_FEATURES = frozenset({"tags", "route"})
_OPTION = "options."


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
    words = _words(build)
    for name, spec in build.invariants.items():
        for key, tests in (("where", spec.where), ("require", spec.require)):
            for condition in tests:
                _check_names(build, f"invariant {name!r}", condition, words)
                if condition.operator == "percent":
                    _refuse_percent(build, build.document.invariants[name], key, condition.field)


def _words(build: Build) -> dict[str, Collection[str]]:
    """Return the words that there are for fields of their own; those of features only where they are asked for."""
    asked = {condition.field for spec in build.invariants.values() for condition in spec.where}
    features = build.document.features.values()
    return {
        "tags": {tag for feature in features for tag in feature.value.tags or ()} if "tags" in asked else (),
        "route": _routes(build) if "route" in asked else (),
        "credential": get_args(CredentialKind),
        "capabilities": get_args(Capability),
        "api": build.materials.apis.keys(),
    }


def _routes(build: Build) -> set[str]:
    """Return the names that a route may have in this book."""
    rules = {rule.name for feature in build.document.features.values() for rule in feature.value.rules or ()}
    profiles = {name for feature in build.document.features.values() for name in feature.value.profiles or ()}
    return {"pin", "override", "use", *(f"rule:{name}" for name in rules), *(f"profile:{name}" for name in profiles)}


def _refuse_percent(build: Build, definition: Definition[Invariant], key: str, field: str) -> None:
    message = f"invariant {definition.name!r} is about every decision, so {field!r} takes no `percent`"
    mend = "name values, or use `prefix`, `not` or `exists`"
    build.report("RB203", definition.key_span(key, field, "percent"), message, help=mend)


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
        if section == "models" and "/" in name:
            build.refer("providers", name.partition("/")[0], condition.span, subject)
        elif section is not None:
            build.refer(section, name, condition.span, subject)
        elif condition.field in words and not (condition.field in _OF_FEATURES and _may_be_unknown(build)):
            _check_word(build, subject, condition, name, words[condition.field])


def _may_be_unknown(build: Build) -> bool:
    """Tell whether a feature that could not be read may have tags and routes of its own."""
    return build.document.unread or bool(build.document.broken.get("features"))


def _check_word(build: Build, subject: str, condition: Condition, name: str, known: Collection[str]) -> None:
    if name not in known and condition.span is not None:
        noun = "option" if condition.field.startswith(_OPTION) else condition.field.removesuffix("s")
        noun = "capability" if condition.field == "capabilities" else noun
        mend = did_you_mean(name, known) or f"known: {', '.join(sorted(known)) or 'none'}"
        build.report("RB301", condition.span, f"{subject} names {noun} {name!r}, which there is not", help=mend)
