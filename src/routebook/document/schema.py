"""The JSON Schemas of the files people write, derived from the models; `schemas/` holds them, a test compares."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ConfigDict, Field, TypeAdapter, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from .book import SECTIONS, SETTINGS
from .entry import Entry
from .invariants import Require
from .matchers import OpenMatchers
from .profiles import Settings
from .published import Schema, publish
from .rules import When
from .scripts import ScriptItem

DIALECT = "https://json-schema.org/draft/2020-12/schema"

SECTION_WORDS: dict[str, tuple[str, dict[str, Any]]] = {
    "providers": ("Where models are served: wire API, address, credential, bounds.", {"openai": {}}),
    "models": (
        "Models at providers, each by a name of your own.",
        {"luna": {"provider": "openrouter", "id": "openai/gpt-5.6-luna"}},
    ),
    "mcp_servers": (
        "Tool servers: how each is started or reached.",
        {"clock": {"command": "python", "args": ["-m", "routebook.demo.clock"]}},
    ),
    "outputs": (
        "Output contracts: a JSON Schema, checks, further tries.",
        {"title": {"schema": {"type": "object", "properties": {"title": {"type": "string"}}}}},
    ),
    "profiles": ("Quality-of-service tiers.", {"premium": {}, "max": {"extends": "premium"}}),
    "features": ("What the application asks for by name.", {"summary": {"use": {"model": "luna"}}}),
    "invariants": (
        "What must hold for every decision that the table can make.",
        {"pii-stays-in-region": {"where": {"tags": ["pii"]}, "require": {"provider": ["bedrock-eu"]}}},
    ),
    SETTINGS: ("The book's defaults; may be spread over files.", {"default_profile": "premium"}),
}
"""Of each section, what it is and an example."""

OPEN_FIELDS: dict[type[OpenMatchers], tuple[str, list[Any]]] = {
    When: ("A field of the metadata that the application puts into its Context.", ["pro", {"exists": True}]),
    Require: ("An option, as it reaches the provider.", [0, {"lte": 0.5}]),
}
"""Of each mapping with fields that are not listed, what those are and examples of a matcher."""


class _AsWritten(GenerateJsonSchema):
    """Leaves the keys of examples in the order in which they were written."""

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:
        return value


def route_file_schema() -> Schema:
    """Return the JSON Schema of one route file."""
    fields: dict[str, Any] = {
        section: (dict[str, model], Field(default=None))  # type: ignore[valid-type]
        for section, model in SECTIONS.items()
    }
    fields[SETTINGS] = (Settings, Field(default=None))
    route_file = create_model("RouteFile", __base__=Entry, __config__=None, **fields)
    route_file.model_config = ConfigDict(**route_file.model_config, title="Routebook route file")
    schema = publish(route_file.model_json_schema(by_alias=True, schema_generator=_AsWritten))
    for model, (description, examples) in OPEN_FIELDS.items():
        _open(schema["$defs"][_definition(model)], model.prefix, description, examples)
    schema["properties"] = {name: _section(name, part) for name, part in schema["properties"].items()}
    return {"$schema": DIALECT, **schema, "title": "Routebook route file", "description": "One file of a book."}


def _definition(model: type[OpenMatchers]) -> str:
    return "RuleWhen" if model is When else model.__name__


def _open(definition: Schema, prefix: str, description: str, examples: list[Any]) -> None:
    """Say in *definition* that any field may follow *prefix*, and that no other is unlisted."""
    matcher = {**definition["additionalProperties"], "description": description, "examples": examples}
    definition["patternProperties"] = {f"^{re.escape(prefix)}.": matcher}
    definition["additionalProperties"] = False


def _section(section: str, schema: Schema) -> Schema:
    description, example = SECTION_WORDS[section]
    schema = {**schema, "description": description, "examples": [example]}
    if section == SETTINGS:
        return schema
    dots = "" if section == "mcp_servers" else "."
    return {**schema, "propertyNames": {"pattern": f"^[a-z][a-z0-9_{dots}-]{{0,63}}$"}}


def script_schema() -> Schema:
    """Return the JSON Schema of a script."""
    schema = publish(TypeAdapter(list[ScriptItem]).json_schema(by_alias=True, schema_generator=_AsWritten))
    return {"$schema": DIALECT, **schema, "title": "Routebook script", "description": "A script: first match answers."}


def schemas() -> dict[str, Schema]:
    """Return every published schema by its file's name."""
    return {"route-file.schema.json": route_file_schema(), "script.schema.json": script_schema()}
