"""Outputs: schemas that are valid (RB404), checks that fit their schema (RB406)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..canonical.frozen import freeze_mapping
from ..diagnostics.span import Span
from ..document.entry import Definition
from ..document.outputs import Choice, Output
from ..document.scalars import content_file
from ..outputs.checks.choice import problems_of
from ..outputs.schema import check_schema
from ..routing.output_spec import Alternative, ChoiceSpec, ConfidenceSpec, OutputSpec
from ..source.node import Node, locate, to_plain
from .build import Build


def link_outputs(build: Build) -> None:
    """Link each output whose schema is valid; report the others."""
    for definition in build.document.outputs.values():
        node = _schema_node(build, definition)
        if node is None:
            continue
        schema = to_plain(node)
        problems = check_schema(schema)
        for problem in problems:
            message = f"the schema of output {definition.name!r} is not valid: {problem.message}"
            build.report("RB404", locate(node, problem.path), message, notes=_named_at(definition, node))
        if problems or not isinstance(schema, Mapping):
            continue
        checks = tuple(_choice(check.choice) for check in definition.value.checks)
        for index, check in enumerate(checks):
            _check_fit(build, definition, index, check, schema)
        value = definition.value
        build.outputs[definition.name] = OutputSpec(
            name=definition.name,
            schema=freeze_mapping(schema),
            strategy=value.strategy,
            repair_attempts=0 if value.repair is None else value.repair.attempts,
            checks=checks,
            span=definition.key,
        )


def _schema_node(build: Build, definition: Definition[Output]) -> Node | None:
    reference = content_file(definition.value.schema_)
    if reference is not None:
        return build.materials.contents.get(reference.path)
    return definition.subnode("schema")


def _named_at(definition: Definition[Output], node: Node) -> tuple[str, ...]:
    place: Span = definition.span("schema")
    return () if place.path == node.span.path else (f"named at {place}",)


def _check_fit(
    build: Build, definition: Definition[Output], index: int, check: ChoiceSpec, schema: Mapping[str, Any]
) -> None:
    for problem in problems_of(check, schema):
        message = f"the check of output {definition.name!r} does not fit its schema: {problem}"
        build.report("RB406", definition.span("checks", index, "choice"), message)


def _choice(choice: Choice) -> ChoiceSpec:
    confidence = choice.confidence
    return ChoiceSpec(
        field=choice.field,
        candidates=choice.from_,
        id=choice.id,
        label=tuple(choice.label),
        reason=choice.reason,
        confidence=None if confidence is None else ConfidenceSpec(**confidence.model_dump()),
        otherwise=tuple(Alternative(item.input, freeze_mapping(item.where or {})) for item in choice.otherwise),
        if_none=choice.if_none,
        on_failure=choice.on_failure,
    )
