"""A feature's tools: servers that exist (RB301), patterns that fit one of them (RB409)."""

from __future__ import annotations

from fnmatch import fnmatchcase

from ..diagnostics.suggest import did_you_mean
from ..document.entry import Definition
from ..document.features import Feature
from ..routing.tool_spec import ToolsSpec
from .build import Build


def link_tools(build: Build, definition: Definition[Feature]) -> ToolsSpec | None:
    """Link the tools of a feature, if it has any."""
    tools = definition.value.tools
    if tools is None:
        return None
    known = [
        build.refer("mcp_servers", server, definition.span("tools", "servers", index), f"feature {definition.name!r}")
        for index, server in enumerate(tools.servers)
    ]
    if all(known):  # a pattern may mean the server whose name is misspelt
        for key, patterns in (("allow", tools.allow), ("deny", tools.deny), ("approve", tools.approve)):
            for index, pattern in enumerate(patterns or ()):
                _check_pattern(build, definition, tools.servers, (key, index), pattern)
    return ToolsSpec(
        servers=tuple(dict.fromkeys(tools.servers)),
        allow=None if tools.allow is None else tuple(tools.allow),
        deny=tuple(tools.deny or ()),
        approve=tuple(tools.approve or ()),
        max_turns=tools.max_turns,
        max_calls=tools.max_calls,
        parallel=tools.parallel,
        timeout_s=tools.timeout,
        result_limit_bytes=tools.result_limit,
        on_error=tools.on_error,
        on_limit=tools.on_limit,
        repeat_limit=tools.repeat_limit,
        span=definition.key_span("tools"),
    )


def _check_pattern(
    build: Build, definition: Definition[Feature], servers: list[str], where: tuple[str, int], pattern: str
) -> None:
    server, dot, _ = pattern.partition(".")
    if any(fnmatchcase(name, server) for name in servers) and (dot or "*" in server):
        return
    key, index = where
    message = f"{pattern!r} in `{key}` fits no tool of the servers {', '.join(map(repr, servers))}"
    mend = did_you_mean(server, servers) if dot else None
    place = definition.span("tools", key, index)
    build.report("RB409", place, message, help=mend or "patterns look like 'server.tool', with `*` for any")
