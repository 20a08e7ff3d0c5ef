"""Capabilities: what a feature needs, against what the models it can reach declare (RB405, RB413)."""

from __future__ import annotations

from collections.abc import Iterable

from ...diagnostics.span import Span
from ...document.entry import Definition
from ...document.features import Feature
from ...routing.spec import Kind, ModelSpec
from ...routing.tool_spec import ToolsSpec
from ..build import Build, Where
from ..carriers import NO_CALL, carrier_of
from ..options import CAPABILITY_OF_MEANS
from ..targets import LinkedTarget
from .excludes import NAMED_OUTPUT

Needs = dict[str, Span]
"""What a feature needs, each with the line that asks for it."""

CHAT = "chat"
_NO_CAPABILITIES = frozenset({CHAT, NAMED_OUTPUT})
"""What stands among a feature's needs, and is nothing that a model declares."""

_ELSEWHERE = "name a model at a provider of another api"


def kind_of(build: Build, definition: Definition[Feature]) -> Kind:
    """Return the kind of call that the feature's `needs` make it."""
    named = [(index, need) for index, need in enumerate(definition.value.needs or ()) if need in NO_CALL]
    if len(named) > 1:
        (_, first), (index, second) = named[:2]
        message = f"feature {definition.name!r} cannot be of two kinds, {first!r} and {second!r}"
        build.report("RB413", definition.span("needs", index), message, help="make it two features")
    return NO_CALL[named[0][1]] if named else "chat"


def needs_of(build: Build, definition: Definition[Feature], tools: ToolsSpec | None) -> Needs:
    """Return what *definition* names under `needs`, and what its tools and output imply."""
    named: Needs = {need: definition.span("needs", index) for index, need in enumerate(definition.value.needs or ())}
    kinds = [need for need in named if need in NO_CALL]
    if kinds:  # what belongs to chat, and a second kind, are refused as such (RB413)
        return {need: place for need, place in named.items() if need not in kinds[1:]}
    needs: Needs = {}
    output = build.outputs.get(definition.value.output or "")
    if output is not None and output.strategy in CAPABILITY_OF_MEANS:
        needs[CAPABILITY_OF_MEANS[output.strategy]] = definition.span("output")
    if definition.value.output is not None:
        needs[NAMED_OUTPUT] = definition.span("output")
    if tools is not None and tools.allow != ():
        needs["tools"] = definition.key_span("tools")
    return {**needs, **named, CHAT: definition.key}


def lacking(build: Build, linked: LinkedTarget, needs: Iterable[str]) -> list[str]:
    """Return which of *needs* the model, its API or its provider does not have.

    Of an unknown model only what nobody has there is known. What a model declares and cannot have is said of the model
    (RB415), not of each target.
    """
    lacked = carrier_of(build, build.providers[linked.model.provider]).lacked
    declared = linked.model.capabilities
    if declared is None:
        return sorted(lacked.keys() & needs)
    if not linked.model.serves_chat:
        return sorted({*needs} - declared - {NAMED_OUTPUT})
    return sorted({need for need in needs if need not in declared and need not in _NO_CAPABILITIES})


def check_capabilities(build: Build, subject: str, needs: Needs, linked: LinkedTarget, where: Where) -> None:
    """Report each of *needs* that a target of the feature, written at *where*, lacks."""
    model, found = linked.model, lacking(build, linked, needs)
    if not found:
        return
    place = where()
    if CHAT in found:
        message = f"{subject} calls model {model.name!r}, which serves no chat"
        build.report("RB405", place, message, notes=_declared_at(model), help="name a chat model")
        return
    lacked = carrier_of(build, build.providers[model.provider]).lacked
    for need in found:
        because = f"needed because of {needs[need]}"
        if need in lacked:
            message, mend = f"{subject} needs {need!r}, {_cannot(need, lacked[need])}", _ELSEWHERE
            build.report("RB405", place, message, notes=(because,), help=mend)
        else:
            message = f"{subject} needs {need!r}, which model {model.name!r} does not declare"
            mend = f"name a model that has it, or add {need!r} to the model's capabilities"
            build.report("RB405", place, message, notes=(because, *_declared_at(model)), help=mend)


def _cannot(need: str, who: str) -> str:
    return f"and {who} has no such call" if need in NO_CALL else f"which {who} does not have"


def _declared_at(model: ModelSpec) -> tuple[str, ...]:
    return () if model.span is None else (f"model {model.name!r} is defined at {model.span}",)
