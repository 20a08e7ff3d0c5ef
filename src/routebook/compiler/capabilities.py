"""Capabilities: what a feature needs, against what the models it can reach declare (RB405)."""

from __future__ import annotations

from ..diagnostics.span import Span
from ..document.entry import Definition
from ..document.features import Feature
from ..routing.spec import AttemptSpec, ModelSpec
from ..routing.tool_spec import ToolsSpec
from .build import Build

Needs = dict[str, Span]
"""What a feature needs, each with the line that asks for it."""

_NOT_CHAT = frozenset({"embeddings", "image_output"})
_CHAT = frozenset({"tools", "parallel_tools", "json_object", "json_schema", "streaming", "reasoning"})


def needs_of(build: Build, definition: Definition[Feature], tools: ToolsSpec | None) -> Needs:
    """Return what *definition* names under `needs`, and what its tools and output imply."""
    needs: Needs = {}
    output = build.outputs.get(definition.value.output or "")
    if output is not None and output.strategy == "native":
        needs["json_schema"] = definition.span("output")
    if tools is not None and tools.allow != ():
        needs["tools"] = definition.key_span("tools")
    for index, need in enumerate(definition.value.needs or ()):
        needs[need] = definition.span("needs", index)
    return needs


def check_capabilities(
    build: Build, definition: Definition[Feature], needs: Needs, model: ModelSpec, attempt: AttemptSpec
) -> None:
    """Report each capability that *model*, a target of the feature, does not declare. Unknown models pass."""
    declared = model.capabilities
    if declared is None or attempt.span is None:
        return
    subject = f"feature {definition.name!r}"
    if declared & _NOT_CHAT and not declared & _CHAT:
        message = f"{subject} calls model {model.name!r}, which serves no chat"
        build.report("RB405", attempt.span, message, notes=_declared_at(model), help="name a chat model")
        return
    for need in sorted(needs.keys() - declared):
        message = f"{subject} needs {need!r}, which model {model.name!r} does not declare"
        notes = (f"needed because of {needs[need]}", *_declared_at(model))
        mend = f"name a model that has it, or add {need!r} to the model's capabilities"
        build.report("RB405", attempt.span, message, notes=notes, help=mend)


def _declared_at(model: ModelSpec) -> tuple[str, ...]:
    return () if model.span is None else (f"model {model.name!r} is defined at {model.span}",)
