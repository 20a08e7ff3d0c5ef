"""Expressible: output contracts that a model cannot be held to as they are written, and what is done instead (RB513).

Whatever a model is asked, answers are checked here; so these are notes. Each is said once for an output and an API, not
once for every feature, and names the first target that it is about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...diagnostics.span import Span
from ...document.scalars import content_file
from ...outputs.strategy import choose_strategy
from ...outputs.wrapper import VALUE, wrapped
from ...routing.decision import PlannedAttempt
from ...routing.output_spec import OutputSpec
from ...routing.traits import SchemaGap
from ...source.node import locate
from ..build import Build

Oddity = tuple[str, str]
"""What becomes of an output: `schema`, `prompt`, `json_object` or `name`, and of the first the API."""

_INSIDE = ("properties", VALUE)


def oddities_of(build: Build, output: OutputSpec, attempt: PlannedAttempt) -> tuple[Oddity, ...]:
    """Return what becomes of *output* on its way to the model of *attempt*; mostly nothing."""
    key = ("oddities", output.name, attempt.model)
    known: tuple[Oddity, ...] | None = build.known.get(key)
    if known is None:
        known = build.known[key] = tuple(_oddities(build, output, attempt))
    return known


def note_inexact(build: Build) -> None:
    """Note what of each output is not sent as it is written to a model that some feature can reach."""
    if build.found.is_good:  # what is sent of a book that does not compile, nobody asks
        for (name, oddity, _), (attempt, where) in build.found.inexact.items():
            _NOTES[oddity](build, build.outputs[name], attempt, where())


def _oddities(build: Build, output: OutputSpec, attempt: PlannedAttempt) -> Iterator[Oddity]:
    model = build.models.get(attempt.model)
    means = choose_strategy(output, None if model is None else model.capabilities)
    native = build.materials.apis[attempt.api].native_schemas
    if means == "native" and native is not None and _gap(build, output, attempt) is not None:
        yield "schema", attempt.api
    if means == "json_object" or (means == "prompt" and output.strategy == "auto"):
        yield means, ""
    if "." in output.name and (means == "tool" or (means == "native" and native is not None)):
        yield "name", ""


def _gap(build: Build, output: OutputSpec, attempt: PlannedAttempt) -> SchemaGap | None:
    """Return what in the schema the API of *attempt* cannot hold a model to; its path is that in the file."""
    native = build.materials.apis[attempt.api].native_schemas
    if native is None:
        return None
    if output.schema.get("type") == "object":
        return native.gap(output.schema)
    gap = native.gap(wrapped(output.schema))
    if gap is not None and gap.path[: len(_INSIDE)] == _INSIDE:
        return SchemaGap(gap.path[len(_INSIDE) :], gap.why)
    return gap


def _note_schema(build: Build, output: OutputSpec, attempt: PlannedAttempt, place: Span) -> None:
    api = attempt.api
    native, gap = build.materials.apis[api].native_schemas, _gap(build, output, attempt)
    if native is None or gap is None:
        return
    definition = build.document.outputs[output.name]
    message = f"api {api!r} cannot hold a model to the schema of output {output.name!r}; it is sent {native.instead}"
    notes = (f"{_place_in_schema(build, output, gap)}: {gap.why}", _sent_to(attempt, place))
    build.report("RB513", definition.key_span("schema"), message, notes=notes)


def _place_in_schema(build: Build, output: OutputSpec, gap: SchemaGap) -> Span:
    definition = build.document.outputs[output.name]
    reference = content_file(definition.value.schema_)
    node: Any = definition.subnode("schema") if reference is None else build.materials.contents[reference.path]
    return locate(node, gap.path)


def _note_prompt(build: Build, output: OutputSpec, attempt: PlannedAttempt, place: Span) -> None:
    definition, model = build.document.outputs[output.name], attempt.model
    message = f"output {output.name!r} is asked for in the prompt alone of model {model!r}, which nothing holds to it"
    declared = build.models[model].span
    notes = (f"the model declares neither 'json_schema' nor 'tools', at {declared}", _sent_to(attempt, place))
    build.report("RB513", definition.key_span("schema"), message, notes=notes)


def _note_json_object(build: Build, output: OutputSpec, attempt: PlannedAttempt, place: Span) -> None:
    definition, model = build.document.outputs[output.name], attempt.model
    message = f"output {output.name!r} is asked for in the prompt of model {model!r}, which is held to JSON alone"
    declared = build.models[model].span
    notes = (f"the model declares 'json_object' alone, at {declared}", _sent_to(attempt, place))
    build.report("RB513", definition.key_span("schema"), message, notes=notes)


def _note_name(build: Build, output: OutputSpec, attempt: PlannedAttempt, place: Span) -> None:
    message = f"the model sees output {output.name!r} as {output.name.replace('.', '_')!r}"
    notes = ("names on the wire have no dots", _sent_to(attempt, place))
    build.report("RB513", build.document.outputs[output.name].key, message, notes=notes)


def _sent_to(attempt: PlannedAttempt, place: Span) -> str:
    return f"model {attempt.model!r} is asked for it at {place}"


_NOTES = {"schema": _note_schema, "prompt": _note_prompt, "json_object": _note_json_object, "name": _note_name}
