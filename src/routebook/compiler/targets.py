"""Targets: a model, the merged options, and who can be asked to pay, as one attempt.

Options merge in the order provider, model, feature, target; every one that is left must be carried by the API and
the model (RB402), or the line that set it is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..canonical.options import merge_options, option_paths
from ..diagnostics.span import Span
from ..document.entry import Definition
from ..document.features import Feature, Target
from ..document.options import Options
from ..document.providers import Provider
from ..routing.decision import PlannedAttempt
from ..routing.spec import AttemptSpec, ModelSpec
from ..routing.traits import ApiTraits
from .build import Build
from .models import find_model


@dataclass(frozen=True, slots=True)
class OptionLayer:
    """Options set in one place, and where each stands."""

    options: Mapping[str, Any]
    place: Callable[[str], Span]


def link_target(
    build: Build, definition: Definition[Feature], path: tuple[str | int, ...], target: Target
) -> tuple[ModelSpec, AttemptSpec] | None:
    """Link the target written at *path* of a feature; None where its model cannot be found."""
    place = definition.span(*path, "model")
    model = find_model(build, target.model, place, f"feature {definition.name!r}")
    if model is None or model.provider not in build.providers:
        return None
    provider = build.providers[model.provider]
    traits = build.materials.apis[provider.api]
    layers = [
        *_provider_layers(build.document.providers[model.provider]),
        *_model_layer(build, model),
        *_layer(definition.value.options, lambda name: definition.key_span("options", *name.split("."))),
        *_layer(target.options, lambda name: definition.key_span(*path, "options", *name.split("."))),
    ]
    options = merge_options(*(layer.options for layer in layers))
    carries = frozenset(name for name in traits.options if not _rejected(name, model))
    _check_carried(build, model, traits, carries, options, layers)
    platform = PlannedAttempt(
        provider=provider.name,
        api=provider.api,
        model=model.name,
        id=model.id,
        options=options,
        credential="platform" if provider.credential or provider.headers else "none",
        credential_ref=None if provider.credential is None else str(provider.credential),
    )
    caller = None if platform.credential == "none" else replace(platform, credential="caller", credential_ref=None)
    return model, AttemptSpec(platform, caller, carries, place)


def _layer(options: Options | None, place: Callable[[str], Span]) -> list[OptionLayer]:
    return [] if options is None else [OptionLayer(options.to_mapping(), place)]


def _model_layer(build: Build, model: ModelSpec) -> list[OptionLayer]:
    definition = build.document.models.get(model.name)
    if definition is None:
        return []
    return _layer(definition.value.options, lambda name: definition.key_span("options", *name.split(".")))


def _provider_layers(definition: Definition[Provider]) -> list[OptionLayer]:
    """A provider's `extra_body` and plain `headers` are options of every call to it."""
    value, layers = definition.value, []
    if value.extra_body:
        layers.append(OptionLayer({"extra_body": value.extra_body}, lambda _: definition.key_span("extra_body")))
    plain = {name: header for name, header in (value.headers or {}).items() if isinstance(header, str)}
    if plain:
        layers.append(OptionLayer({"extra_headers": plain}, lambda _: definition.key_span("headers")))
    return layers


def _rejected(name: str, model: ModelSpec) -> bool:
    return name in model.rejects or name.partition(".")[0] in model.rejects


def _check_carried(
    build: Build,
    model: ModelSpec,
    traits: ApiTraits,
    carries: frozenset[str],
    options: Mapping[str, Any],
    layers: list[OptionLayer],
) -> None:
    for name in option_paths(options):
        if name in carries:
            continue
        refusal, note = f"model {model.name!r}, whose api {traits.name!r} has no place for it", None
        if name in traits.options:
            refusal = f"model {model.name!r}, which rejects it"
            note = None if model.span is None else f"model {model.name!r} is defined at {model.span}"
        build.refused.setdefault((_origin(name, layers), name), {})[refusal] = note
    for field in sorted(options.get("extra_body", {}).keys() & traits.body_fields):
        message = f"`extra_body` sets {field!r}, which api {traits.name!r} fills itself"
        place = _origin("extra_body", [layer for layer in layers if field in (layer.options.get("extra_body") or {})])
        build.report("RB402", place, message, help="use the option that stands for it")


def report_refused(build: Build) -> None:
    """Report each option that something it reaches does not carry, once for the line that sets it."""
    for (place, name), refusals in build.refused.items():
        message = f"option {name!r} reaches {', and '.join(refusals)}"
        notes = [note for note in refusals.values() if note is not None]
        build.report("RB402", place, message, notes=notes, help="remove it, or set it to null for this target")


def _origin(name: str, layers: list[OptionLayer]) -> Span:
    """Return where *name* was set last."""
    setters = [layer for layer in layers if name in option_paths(layer.options)]
    return setters[-1].place(name)
