"""Targets: a model, the merged options, and who can be asked to pay, as one attempt.

Most features name the same few targets in the same way, so what a target comes to is worked out once for each model,
the options that reach it and the sort of call; only its place differs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..canonical.frozen import canonical_json
from ..diagnostics.span import Span
from ..document.options import Options
from ..routing.decision import PlannedAttempt
from ..routing.spec import AttemptSpec, ModelSpec, OptionLayer
from .build import Build, Where
from .carriers import carrier_of
from .models import find_model
from .options import Call, Refusal, carried, implied_layer, layer_of, layers_of, merged, place_of, refusals


@dataclass(frozen=True, slots=True)
class LinkedTarget:
    """A target linked: its model, its attempt, and the options that cannot be sent to it.

    Targets of equal `identity` send the same call. `answer` is how many tokens of an answer are asked for, 0 where
    nobody asks for any number.
    """

    model: ModelSpec
    attempt: AttemptSpec
    refused: tuple[Refusal, ...]
    identity: tuple[str, str, str]
    answer: int = 0


@dataclass(frozen=True, slots=True)
class FeatureCall:
    """What a feature's targets have in common: who names them, its own options, and the sort of call."""

    subject: str
    layer: OptionLayer | None
    call: Call
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", _key(self.layer))


def link_target(
    build: Build, feature: FeatureCall, name: str, options: Options | None, place: Where, key_span: Callable[..., Span]
) -> LinkedTarget | None:
    """Link the target *name*, written at *place*, with its *options*, whose places *key_span* gives.

    None where its model cannot be found. Whether it can serve the feature is not asked here.
    """
    model = find_model(build, name, place, feature.subject)
    if model is None or model.provider not in build.providers:
        return None
    layer = None if options is None else layer_of(options, lambda *path: key_span("options", *path))
    linked = link_model(build, feature, model, layer)
    return linked if layer is None else replace(linked, attempt=replace(linked.attempt, layer=layer))


def link_model(build: Build, feature: FeatureCall, model: ModelSpec, layer: OptionLayer | None) -> LinkedTarget:
    """Return what calling *model* with the options *layer* comes to, wherever that is written."""
    key = (model.name, feature.call, feature.key, _key(layer))
    linked: LinkedTarget | None = build.known.get(key)
    if linked is None:
        linked = build.known[key] = _link(build, feature, model, layer)
    return linked


def answering(build: Build, attempt: AttemptSpec, on: tuple[str, ...]) -> AttemptSpec:
    """Return *attempt* as a fallback that answers the failures *on*."""
    key = (id(attempt), on)
    known = build.known.get(key)
    if known is None:
        caller = None if attempt.caller is None else replace(attempt.caller, on=on)
        answers = replace(attempt, platform=replace(attempt.platform, on=on), caller=caller)
        known = build.known[key] = (answers, attempt)  # as long as the attempt is here, no other has its id
    answers_on: AttemptSpec = known[0]
    return answers_on


def note_refused(build: Build, feature: FeatureCall, linked: LinkedTarget, place: Where) -> None:
    """Note each option that does not reach the wire, at the line that set it."""
    for refusal in linked.refused:
        layers = layers_of(build, linked.model, feature.layer, linked.attempt.layer)
        named = place()
        at = place_of(refusal.option, layers) or named
        elsewhere = None if (at.path, at.line) == (named.path, named.line) else f"it gets there from {named}"
        build.found.refused.setdefault((at, refusal.option), {}).setdefault(
            refusal.why, (refusal.note or elsewhere, refusal.mend)
        )


def _link(build: Build, feature: FeatureCall, model: ModelSpec, layer: OptionLayer | None) -> LinkedTarget:
    provider = build.providers[model.provider]
    carrier = carrier_of(build, provider)
    carries = _carries(build, feature.call, model)
    options = merged(layers_of(build, model, feature.layer, layer))
    answer: int = options.get("max_output_tokens", 0)
    implied = implied_layer(carrier, model, feature.call, options, carries)
    if implied is not None:
        options = merged([implied, OptionLayer(options)])
    platform = PlannedAttempt(
        provider=provider.name,
        api=provider.api,
        model=model.name,
        id=model.id,
        options=options,
        credential="platform" if provider.has_platform_credential else "none",
        credential_ref=None if provider.credential is None else str(provider.credential),
    )
    caller = None if platform.credential == "none" else replace(platform, credential="caller", credential_ref=None)
    refused = tuple(refusals(provider, carrier, model, feature.call, options, carries))
    identity = (provider.name, model.id, canonical_json(options))
    told = None if implied is None or model.max_output_tokens else carrier.traits.default_max_output_tokens
    attempt = AttemptSpec(platform, caller, carries, carrier.wire, told=told)
    return LinkedTarget(model, attempt, refused, identity, answer)


def _carries(build: Build, call: Call, model: ModelSpec) -> frozenset[str]:
    key = ("carries", model.name, call)
    known: frozenset[str] | None = build.known.get(key)
    if known is None:
        known = build.known[key] = carried(carrier_of(build, build.providers[model.provider]), model, call)
    return known


def _key(layer: OptionLayer | None) -> str:
    return "" if layer is None else repr(layer.options)
