"""Wire names: tools whose names no API takes as they are, and what the model sees instead (RB513)."""

from __future__ import annotations

from ...document.entry import Definition
from ...document.features import Feature
from ...routing.tool_names import NAME_LIMIT, plain_wire_name, wire_names
from ..build import Build

_OF_A_PATTERN = frozenset("*?[")


def note_tool_names(build: Build, definition: Definition[Feature]) -> None:
    """Note each tool that the feature allows by its full name, and that the model sees by another.

    Which tools a pattern fits, only their servers know.
    """
    tools = definition.value.tools
    allowed = () if tools is None or tools.allow is None else tools.allow
    named = {
        name: index
        for index, name in enumerate(allowed)
        if "." in name and name.partition(".")[0] in build.servers and _OF_A_PATTERN.isdisjoint(name)
    }
    for name, wire_name in wire_names(named).items():
        if wire_name != plain_wire_name(name):
            place = definition.span("tools", "allow", named[name])
            message = f"the model sees tool {name!r} as {wire_name!r}"
            note = f"names on the wire have up to {NAME_LIMIT} letters, digits, `_` and `-`, and are unique"
            build.report("RB513", place, message, notes=(note,))
