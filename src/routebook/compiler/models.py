"""Models: declared ones linked to their providers, and those that a target names as `provider/model-id`."""

from __future__ import annotations

from ..canonical.options import OPTION_NAMES, REASONING_OPTIONS
from ..diagnostics.span import Span
from ..diagnostics.suggest import did_you_mean
from ..document.entry import Definition
from ..document.models import Model
from ..routing.spec import ModelSpec, Price
from .build import Build


def link_models(build: Build) -> None:
    """Link each declared model to its provider (RB301); a model that declares no capabilities is noted (RB504)."""
    for definition in build.document.models.values():
        subject = f"model {definition.name!r}"
        build.refer("providers", definition.value.provider, definition.span("provider"), subject)
        _check_rejects(build, definition)
        build.models[definition.name] = _spec(definition)
        if definition.value.capabilities is None:
            _note_unknown(build, definition.name, definition.key)


def find_model(build: Build, name: str, place: Span, subject: str) -> ModelSpec | None:
    """Return the model that a target names: one of `models`, or `provider/model-id` split at the first slash.

    The second form adopts a declared model of that provider and id, with all it declares.
    """
    if "/" not in name:
        return build.models.get(name) if build.refer("models", name, place, subject) else None
    provider, _, wire_id = name.partition("/")
    if not build.refer("providers", provider, place, subject):
        return None
    declared = [model for model in build.models.values() if (model.provider, model.id) == (provider, wire_id)]
    if len(declared) > 1:
        names = " and ".join(sorted(repr(model.name) for model in declared))
        build.used |= {("models", model.name) for model in declared}
        build.report("RB304", place, f"{subject} names {name!r}, which the models {names} are", help="name one of them")
        return None
    if declared:
        build.used.add(("models", declared[0].name))
        return declared[0]
    _note_unknown(build, name, place)
    return ModelSpec(name, provider, wire_id)


def _spec(definition: Definition[Model]) -> ModelSpec:
    value = definition.value
    return ModelSpec(
        name=definition.name,
        provider=value.provider,
        id=definition.name if value.id is None else value.id,
        capabilities=None if value.capabilities is None else frozenset(value.capabilities),
        rejects=frozenset(value.rejects or ()),
        context_window=value.context_window,
        max_output_tokens=value.max_output_tokens,
        price=None if value.price is None else Price(**value.price.model_dump()),
        span=definition.key,
    )


def _check_rejects(build: Build, definition: Definition[Model]) -> None:
    known = (*OPTION_NAMES, *REASONING_OPTIONS)
    for index, name in enumerate(definition.value.rejects or ()):
        if name not in known:
            message = f"model {definition.name!r} rejects {name!r}, which is no option"
            near = did_you_mean(name, known) or f"options: {', '.join(known)}"
            build.report("RB301", definition.span("rejects", index), message, help=near)


def _note_unknown(build: Build, name: str, place: Span) -> None:
    """Note, once a model, that nothing is known of it."""
    if name in build.undeclared:
        return
    build.undeclared.add(name)
    build.report(
        "RB504",
        place,
        f"model {name!r} declares no capabilities, so nothing is held against it",
        help="declare it under `models` with `capabilities: [...]`",
    )
