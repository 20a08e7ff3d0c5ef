"""The JSON Schemas of the files people write, derived from the models; `schemas/` holds them, a test compares."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field, TypeAdapter, create_model

from .book import SECTIONS, SETTINGS
from .entry import Entry
from .profiles import Settings
from .scripts import ScriptItem

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SECTION_WORDS = {
    "providers": "Where models are served.",
    "models": "Models at providers.",
    "mcp_servers": "Tool servers.",
    "outputs": "Output contracts.",
    "profiles": "Quality-of-service tiers.",
    "features": "What the application asks for by name.",
}


def _described(section: str) -> str:
    return f"{_SECTION_WORDS[section]} A mapping from a name to a definition."


# pydantic keeps its own words for bounds on scalars that may also be read from the environment.
_BOUNDS = {"ge": "minimum", "le": "maximum"}


def _standard(schema: Any) -> Any:
    """Return *schema* with the standard's words only."""
    if isinstance(schema, list):
        return [_standard(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        _BOUNDS.get(key, key) if isinstance(value, (int, float)) else key: _standard(value)
        for key, value in schema.items()
    }


def route_file_schema() -> dict[str, Any]:
    """Return the JSON Schema of one route file."""
    fields: dict[str, Any] = {
        section: (dict[str, model], Field(default=None, description=_described(section)))  # type: ignore[valid-type]
        for section, model in SECTIONS.items()
    }
    fields[SETTINGS] = (Settings, Field(default=None, description="The book's defaults."))
    route_file = create_model("RouteFile", __base__=Entry, __config__=None, **fields)
    route_file.model_config = ConfigDict(**route_file.model_config, title="Routebook route file")
    schema = _standard(route_file.model_json_schema(by_alias=True))
    schema["properties"] = {name: _named(name, part) for name, part in schema["properties"].items()}
    return {"$schema": DIALECT, **schema, "title": "Routebook route file", "description": "One file of a book."}


def _named(section: str, schema: dict[str, Any]) -> dict[str, Any]:
    schema = {key: value for key, value in schema.items() if key != "default"}
    if section == SETTINGS:
        return schema
    dots = "" if section == "mcp_servers" else "."
    return {**schema, "propertyNames": {"pattern": f"^[a-z][a-z0-9_{dots}-]{{0,63}}$"}}


def script_schema() -> dict[str, Any]:
    """Return the JSON Schema of a script."""
    schema = _standard(TypeAdapter(list[ScriptItem]).json_schema(by_alias=True))
    return {"$schema": DIALECT, **schema, "title": "Routebook script", "description": "A script: first match answers."}


def schemas() -> dict[str, dict[str, Any]]:
    """Return every published schema by its file's name."""
    return {"route-file.schema.json": route_file_schema(), "script.schema.json": script_schema()}
