"""Prompts: templates that can be rendered, whose variables the feature's inputs declare (RB404, RB411)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..canonical.frozen import freeze_mapping
from ..diagnostics.span import Span
from ..diagnostics.suggest import did_you_mean
from ..document.entry import Definition
from ..document.features import Feature
from ..document.scalars import ContentFile, content_file
from ..outputs.inputs import candidate_inputs_of, inputs_of
from ..outputs.schema import check_schema
from ..prompts.inputs import declared_inputs
from ..prompts.template import TemplateProblem, variables_of
from ..routing.spec import PromptSpec
from ..source.node import locate, to_plain
from .build import Build

LIMIT_TEMPLATE = 100_000
LIMIT_UNDECLARED = 20
THE_MESSAGE = "text"
"""The variable that a string passed to a run becomes."""

Schema = Mapping[str, Any]


def link_input(build: Build, definition: Definition[Feature]) -> Schema | None:
    """Link the JSON Schema of a feature's inputs; None where it has none, or one that is not valid."""
    if definition.value.input is None:
        return None
    reference = content_file(definition.value.input)
    node = definition.subnode("input") if reference is None else build.materials.contents.get(reference.path)
    if node is None:
        return None
    schema = to_plain(node)
    key = ("input", json.dumps(schema, sort_keys=True))  # many features take the same inputs
    if key not in build.known:
        problems = check_schema(schema)
        for problem in problems:
            message = f"the input schema of feature {definition.name!r} is not valid: {problem.message}"
            build.report("RB404", locate(node, problem.path), message)
        if problems:
            return None
        build.known[key] = freeze_mapping(schema)
    frozen: Schema = build.known[key]
    return frozen


def link_prompt(build: Build, definition: Definition[Feature], schema: Schema | None) -> PromptSpec | None:
    """Link the templates of a feature, and check what they read against its inputs."""
    prompt = definition.value.prompt
    if prompt is None:
        return None
    system = _template(build, definition, "system", prompt.system)
    user = _template(build, definition, "user", prompt.user)
    known = None if schema is None else _known_inputs(build, definition, schema)
    spec = PromptSpec(system, user)
    if system is not None:
        spec = replace(spec, system_variables=_variables(build, definition, "system", system, known))
    if user is not None:
        known = None if known is None else known | {THE_MESSAGE}
        spec = replace(spec, user_variables=_variables(build, definition, "user", user, known))
    _check_candidates(build, definition, spec.system_variables | spec.user_variables)
    return spec


def _template(
    build: Build, definition: Definition[Feature], part: str, written: str | ContentFile | None
) -> str | None:
    if isinstance(written, ContentFile):
        text = build.materials.prompts.get(written.path)
        return None if text is None else text.removesuffix("\n")
    return written


def _known_inputs(build: Build, definition: Definition[Feature], schema: Schema) -> frozenset[str] | None:
    """Return the inputs that the schema declares, and those that the checks of the output read."""
    declared, output = declared_inputs(schema), build.outputs.get(definition.value.output or "")
    return declared if declared is None or output is None else declared | inputs_of(output)


def _variables(
    build: Build, definition: Definition[Feature], part: str, template: str, known: frozenset[str] | None
) -> frozenset[str]:
    if len(template) > LIMIT_TEMPLATE:
        message = f"the {part} prompt of feature {definition.name!r} is longer than {LIMIT_TEMPLATE:,} characters"
        build.report("RB411", _place(definition, part, None), message, help="pass what is long as an input")
        return frozenset()
    try:
        names = variables_of(template)
    except TemplateProblem as problem:
        message = f"the {part} prompt of feature {definition.name!r} is no template: {problem.message}"
        place = _place(definition, part, problem.line)
        build.report("RB411", place, message, help="templates are Jinja: {{ name }}, {% if name %}...{% endif %}")
        return frozenset()
    for name in sorted(names - known)[:LIMIT_UNDECLARED] if known is not None else ():
        line = next((n for n, text in enumerate(template.split("\n"), 1) if name in text), None)
        message = f"the {part} prompt of feature {definition.name!r} reads {name!r}, which its `input` does not declare"
        mend = did_you_mean(name, known or ()) or f"declare it under `input`: `properties: {{{name}: ...}}`"
        build.report("RB411", _place(definition, part, line), message, help=mend)
    return names


def _check_candidates(build: Build, definition: Definition[Feature], read: frozenset[str]) -> None:
    output = build.outputs.get(definition.value.output or "")
    for name in sorted(candidate_inputs_of(output) - read) if output is not None else ():
        message = f"the prompt of feature {definition.name!r} never names {name!r}, which its output chooses from"
        mend = f"write {{{{ {name} }}}} where the model is to see the candidates"
        build.report("RB411", definition.key_span("prompt"), message, help=mend)


def _place(definition: Definition[Feature], part: str, line: int | None) -> Span:
    """Return the place of line *line* of a template: in its content file, or in the text block of the route file."""
    written = getattr(definition.value.prompt, part)
    if isinstance(written, ContentFile):
        return Span(written.path, line or 1)
    place = definition.span("prompt", part)
    first = definition.key_span("prompt", part)
    is_block = written is not None and "\n" in written
    return replace(place, line=first.line + (line or 0), column=1, width=1) if is_block and line else place
