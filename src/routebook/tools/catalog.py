"""Catalog: the tools of a feature's servers, filtered and named for the wire.

Pure: the same tools and the same spec give the same names, in whatever order the servers list them. A wire name is
known exactly or not at all; it leads to its tool by a mapping.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from ..canonical.tool import ToolDefinition
from ..routing.tool_names import wire_names
from ..routing.tool_spec import ToolsSpec
from .protocol import ServerTool


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A tool on offer: as the model sees it, and where a call of it goes.

    `parameters` is the server's own object, the same in every run, so that it is compiled once. `needs_approval` tells
    that no call of it is made unless the host says so.
    """

    definition: ToolDefinition
    server: str
    name: str
    parameters: Mapping[str, Any]
    needs_approval: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """The tools on offer: servers in the feature's order, then each server's own order."""

    entries: Mapping[str, CatalogEntry]

    @property
    def definitions(self) -> tuple[ToolDefinition, ...]:
        """What the model is offered."""
        return tuple(entry.definition for entry in self.entries.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The wire names."""
        return tuple(self.entries)

    def find(self, wire_name: str) -> CatalogEntry | None:
        """Return the tool that the model was offered under exactly *wire_name*, or None."""
        return self.entries.get(wire_name)


def build_catalog(tools: Iterable[ServerTool], spec: ToolsSpec) -> Catalog:
    """Choose from *tools* what *spec* allows, and name it.

    `allow` and `deny` are shell-style patterns over `server.tool`, case-sensitive; no `allow` is all, an empty one is
    none, and `deny` wins. Of two tools that a server lists under one name, the first counts: see `twice_listed`.
    """
    order = {server: place for place, server in enumerate(spec.servers)}
    offered = sorted((tool for tool in tools if tool.server in order), key=lambda tool: order[tool.server])
    chosen: dict[str, ServerTool] = {}
    for tool in offered:
        spoken = f"{tool.server}.{tool.name}"
        if _allowed(spoken, spec):
            chosen.setdefault(spoken, tool)
    names = wire_names(chosen)
    return Catalog(
        MappingProxyType({names[spoken]: _entry(names[spoken], spoken, tool, spec) for spoken, tool in chosen.items()})
    )


def twice_listed(tools: Iterable[ServerTool]) -> tuple[str, ...]:
    """Return the tools, as people say them, that their server lists more than once."""
    uses = Counter(f"{tool.server}.{tool.name}" for tool in tools)
    return tuple(spoken for spoken, times in uses.items() if times > 1)


def idle_patterns(tools: Iterable[ServerTool], spec: ToolsSpec, missing: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return each key and pattern of *spec* that fits none of *tools*, and none that a *missing* server may have."""
    spoken = [f"{tool.server}.{tool.name}" for tool in tools]
    lost = tuple(missing)
    written = (("allow", spec.allow or ()), ("deny", spec.deny), ("approve", spec.approve))
    return tuple(
        (key, pattern)
        for key, patterns in written
        for pattern in patterns
        if not _fits(pattern, spoken) and not any(fnmatchcase(name, pattern.partition(".")[0]) for name in lost)
    )


def _fits(pattern: str, spoken: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in spoken)


def _entry(wire_name: str, spoken: str, tool: ServerTool, spec: ToolsSpec) -> CatalogEntry:
    definition = ToolDefinition(wire_name, spoken, tool.description, tool.parameters)
    return CatalogEntry(definition, tool.server, tool.name, tool.parameters, _matches(spoken, spec.approve))


def _allowed(spoken: str, spec: ToolsSpec) -> bool:
    return (spec.allow is None or _matches(spoken, spec.allow)) and not _matches(spoken, spec.deny)


def _matches(spoken: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(spoken, pattern) for pattern in patterns)
