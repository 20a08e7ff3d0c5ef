"""Outputs: schemas that are valid (RB404), checks that fit their schema (RB406)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..canonical.frozen import freeze_mapping
from ..diagnostics.span import Span
from ..document.checks import MaxLength, Range, SubsetOf, TextPattern, Unique
from ..document.entry import Definition
from ..document.outputs import Check, Choice, Output
from ..document.scalars import content_file
from ..outputs.checks.examine import misfits
from ..outputs.schema import check_schema
from ..routing.output_spec import (
    Alternative,
    CheckSpec,
    ChoiceSpec,
    ConfidenceSpec,
    MaxLengthSpec,
    OutputSpec,
    PatternSpec,
    PythonSpec,
    RangeSpec,
    SubsetSpec,
    UniqueSpec,
)
from ..source.node import Node, locate, to_plain
from .build import Build


def link_outputs(build: Build) -> None:
    """Link each output whose schema is valid; report the others."""
    for definition in build.document.outputs.values():
        schema = _schema(build, definition)
        if schema is None:
            continue
        value = definition.value
        checks = tuple(_check(check) for check in value.checks)
        for index, check in enumerate(checks):
            _check_fit(build, definition, index, check, schema)
        build.outputs[definition.name] = OutputSpec(
            name=definition.name,
            schema=freeze_mapping(schema),
            strategy=value.strategy,
            repair_attempts=0 if value.repair is None else value.repair.attempts,
            checks=checks,
            span=definition.key,
        )


def _schema(build: Build, definition: Definition[Output]) -> Mapping[str, Any] | None:
    """Return the schema of *definition*; None where it is not valid, which is reported, or could not be read."""
    node = _schema_node(build, definition)
    if node is None:
        return None
    schema = to_plain(node)
    problems = check_schema(schema)
    for problem in problems:
        message = f"the schema of output {definition.name!r} is not valid: {problem.message}"
        build.report("RB404", locate(node, problem.path), message, notes=_named_at(definition, node))
    return schema if isinstance(schema, Mapping) and not problems else None


def _schema_node(build: Build, definition: Definition[Output]) -> Node | None:
    reference = content_file(definition.value.schema_)
    if reference is not None:
        return build.materials.contents.get(reference.path)
    return definition.subnode("schema")


def _named_at(definition: Definition[Output], node: Node) -> tuple[str, ...]:
    place: Span = definition.span("schema")
    return () if place.path == node.span.path else (f"named at {place}",)


def _check_fit(
    build: Build, definition: Definition[Output], index: int, check: CheckSpec, schema: Mapping[str, Any]
) -> None:
    for misfit in misfits(check, schema):
        message = f"the check of output {definition.name!r} does not fit its schema: {misfit.message}"
        build.report("RB406", definition.span("checks", index, check.kind, *misfit.path), message)


def _check(check: Check) -> CheckSpec:
    """Link a check as written, whose kind is the one key that it has."""
    kind = next(iter(check.model_fields_set))
    return _LINKS[kind](getattr(check, kind))


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
        many=choice.many,
    )


def _range(check: Range) -> RangeSpec:
    return RangeSpec(check.field, check.min, check.max)


def _pattern(check: TextPattern) -> PatternSpec:
    return PatternSpec(check.field, check.matches)


def _unique(check: Unique) -> UniqueSpec:
    return UniqueSpec(check.field, check.by)


def _subset_of(check: SubsetOf) -> SubsetSpec:
    return SubsetSpec(check.field, check.from_, check.id)


def _max_length(check: MaxLength) -> MaxLengthSpec:
    return MaxLengthSpec(check.field, check.at_most)


_LINKS: Mapping[str, Callable[[Any], CheckSpec]] = {
    "choice": _choice,
    "range": _range,
    "pattern": _pattern,
    "unique": _unique,
    "subset_of": _subset_of,
    "max_length": _max_length,
    "python": PythonSpec,
}
