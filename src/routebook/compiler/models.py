"""Models: declared ones linked to their providers, and those that a target names as `provider/model-id`."""

from __future__ import annotations

from typing import get_args

from ..canonical.options import OPTION_NAMES, SUB_OPTIONS
from ..diagnostics.suggest import did_you_mean
from ..document.entry import Definition
from ..document.models import Capability, Model
from ..routing.spec import ModelSpec, Price
from .build import Build, Where
from .carriers import carrier_of
from .limits import link_limits
from .options import layer_of

_OPTIONS = (*OPTION_NAMES, *SUB_OPTIONS)


def link_models(build: Build) -> None:
    """Link each declared model to its provider (RB301), which must not lack what the model declares (RB415).

    A model that declares no capabilities is noted (RB504).
    """
    for definition in build.document.models.values():
        subject = f"model {definition.name!r}"
        build.refer("providers", definition.value.provider, definition.span("provider"), subject)
        _check_rejects(build, definition)
        _check_excludes(build, definition)
        _check_capabilities(build, definition)
        build.models[definition.name] = _spec(definition)
        if definition.value.capabilities is None:
            build.found.unknown[definition.name] = definition.key
    for model in build.models.values():
        build.models_by_id.setdefault((model.provider, model.id), []).append(model)


def find_model(build: Build, name: str, place: Where, subject: str) -> ModelSpec | None:
    """Return the model that a target names: one of `models`, or `provider/model-id` split at the first slash.

    The second form adopts a declared model of that provider and id, with all it declares.
    """
    if "/" not in name:
        return build.models.get(name) if build.refer("models", name, place, subject) else None
    provider, _, wire_id = name.partition("/")
    if not provider or not wire_id:
        build.report(
            "RB203", place(), f"{subject} names model {name!r}", help="write `provider/model-id`, both of them"
        )
        return None
    if not build.refer("providers", provider, place, subject):
        return None
    declared = build.models_by_id.get((provider, wire_id), [])
    if len(declared) > 1:
        names = " and ".join(sorted(repr(model.name) for model in declared))
        build.used.update(("models", model.name) for model in declared)
        message = f"{subject} names {name!r}, which the models {names} are"
        build.report("RB304", place(), message, help="name one of them")
        return None
    if declared:
        build.used.add(("models", declared[0].name))
        return declared[0]
    if name not in build.found.unknown:
        build.found.unknown[name] = place()
    return ModelSpec(name, provider, wire_id)


def _spec(definition: Definition[Model]) -> ModelSpec:
    value = definition.value
    return ModelSpec(
        name=definition.name,
        provider=value.provider,
        id=definition.name if value.id is None else value.id,
        capabilities=None if value.capabilities is None else frozenset(value.capabilities),
        rejects=frozenset(value.rejects or ()),
        excludes=tuple(frozenset(together) for together in value.excludes or ()),
        context_window=value.context_window,
        max_output_tokens=value.max_output_tokens,
        price=None if value.price is None else Price(**value.price.model_dump()),
        limits=link_limits(value.limits),
        layer=layer_of(value.options, lambda *path: definition.key_span("options", *path)),
        span=definition.key,
    )


def _check_rejects(build: Build, definition: Definition[Model]) -> None:
    for index, name in enumerate(definition.value.rejects or ()):
        if name not in _OPTIONS:
            message = f"model {definition.name!r} rejects {name!r}, which is no option"
            near = did_you_mean(name, _OPTIONS) or f"options: {', '.join(_OPTIONS)}"
            build.report("RB301", definition.span("rejects", index), message, help=near)


def _check_excludes(build: Build, definition: Definition[Model]) -> None:
    known = (*_OPTIONS, *get_args(Capability))
    for index, together in enumerate(definition.value.excludes or ()):
        for position, name in enumerate(together):
            if name not in known:
                message = f"model {definition.name!r} excludes {name!r}, which is no option and no capability"
                near = did_you_mean(name, known) or "name options or capabilities"
                build.report("RB301", definition.span("excludes", index, position), message, help=near)


def _check_capabilities(build: Build, definition: Definition[Model]) -> None:
    provider = build.providers.get(definition.value.provider)
    if provider is None:
        return
    lacked = carrier_of(build, provider).lacked
    for index, capability in enumerate(definition.value.capabilities or ()):
        if capability in lacked:
            message = f"model {definition.name!r} declares {capability!r}, which {lacked[capability]} does not have"
            mend = "remove it, or reach the model through a provider that has it"
            build.report("RB415", definition.span("capabilities", index), message, help=mend)


def report_unknown(build: Build) -> None:
    """Note, once a model, that nothing is known of it."""
    for name, place in build.found.unknown.items():
        message = f"model {name!r} declares no capabilities, so nothing is held against it"
        build.report("RB504", place, message, help="declare it under `models` with `capabilities: [...]`")
