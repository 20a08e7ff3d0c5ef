"""Overrides: the models that a caller of a feature may choose, and what calling each of them comes to (RB412)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..canonical.frozen import EMPTY, freeze_mapping
from ..document.entry import Definition
from ..document.features import Feature
from ..routing.spec import AttemptSpec
from .build import ALL_MODELS, Build
from .fitness.capabilities import lacking
from .fitness.check import Fitness
from .fitness.excludes import broken_excludes
from .fitness.windows import overflows
from .targets import link_model, link_target, note_refused


def link_overrides(
    build: Build, definition: Definition[Feature], fitness: Fitness
) -> tuple[Mapping[str, AttemptSpec], Mapping[str, str]]:
    """Return the attempts by the name of a model, and why others may not be chosen."""
    allowed = definition.value.allow_override
    if allowed is False:
        return EMPTY, EMPTY
    if definition.value.pin is not None:
        message = f"feature {definition.name!r} is pinned, so no caller can choose its model"
        place = definition.key_span("allow_override")
        notes = (f"pinned at {definition.key_span('pin')}",)
        build.report("RB412", place, message, notes=notes, help="remove `allow_override`, or the pin")
        return EMPTY, EMPTY
    if allowed is True:
        attempts, refused = _large_enough(build, fitness, *_any(build, fitness))
        for attempt in attempts.values():
            fitness.note_inexact(attempt, partial(definition.key_span, "allow_override"))
        return attempts, refused
    return _named(build, definition, fitness, allowed), EMPTY


def _named(
    build: Build, definition: Definition[Feature], fitness: Fitness, names: list[str]
) -> Mapping[str, AttemptSpec]:
    attempts: dict[str, AttemptSpec] = {}
    for index, name in enumerate(names):
        place = definition.span("allow_override", index)
        if build.refer("models", name, place, f"feature {definition.name!r}"):
            where = partial(definition.span, "allow_override", index)
            linked = link_target(build, fitness.call, name, None, where, definition.key_span)
            if linked is not None:
                note_refused(build, fitness.call, linked, where)
                fitness.check(linked, where)
                fitness.check_sent(linked, where)
                attempts[name] = linked.attempt
    return freeze_mapping(attempts)


def _any(build: Build, fitness: Fitness) -> tuple[Mapping[str, AttemptSpec], Mapping[str, str]]:
    """Any entry of `models`: those that cannot serve the feature are refused when a caller asks for one."""
    build.used.add(ALL_MODELS)
    call, needs, output = fitness.call, fitness.needs, fitness.output
    key = ("overrides", call.call, call.key, tuple(sorted(needs)), None if output is None else output.name)
    known: Any = build.known.get(key)
    if known is None:
        attempts: dict[str, AttemptSpec] = {}
        refused: dict[str, str] = {}
        for name, model in build.models.items():
            if model.provider not in build.providers:
                continue
            linked = link_model(build, call, model, None)
            why = [f"it lacks {need!r}" for need in lacking(build, linked, needs)]
            why += [f"it excludes {' with '.join(names)}" for _, names in broken_excludes(linked, needs, output)]
            why += [f"option {refusal.option!r} reaches {refusal.why}" for refusal in linked.refused]
            if why:
                refused[name] = "; ".join(why)
            else:
                attempts[name] = linked.attempt
        known = build.known[key] = (freeze_mapping(attempts), freeze_mapping(refused))
    return known  # type: ignore[no-any-return]


def _large_enough(
    build: Build, fitness: Fitness, attempts: Mapping[str, AttemptSpec], refused: Mapping[str, str]
) -> tuple[Mapping[str, AttemptSpec], Mapping[str, str]]:
    """Refuse also the models whose context windows do not hold what is sent in any case."""
    sent = fitness.sent
    small = {
        name: f"at least {sent.tokens} tokens are sent, and its context window is {build.models[name].context_window}"
        for name in attempts
        if overflows(link_model(build, fitness.call, build.models[name], None), sent)
    }
    if not small:
        return attempts, refused
    kept = {name: attempt for name, attempt in attempts.items() if name not in small}
    return freeze_mapping(kept), freeze_mapping({**refused, **small})
