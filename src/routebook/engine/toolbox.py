"""Toolbox: the tool servers of one run, started, listed and ready to answer calls."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from importlib import import_module
from typing import TYPE_CHECKING

from ..canonical.tool import ToolCall, ToolDefinition
from ..credentials import SecretUnavailable, read_secret
from ..errors import ToolError
from ..routing.spec import SecretRef, ServerSpec, ToolsSpec
from ..routing.table import RoutingTable
from ..tools.call import AnsweredCall, answer_calls
from ..tools.catalog import Catalog, build_catalog
from ..tools.protocol import ServerTool
from .pool import Pool

if TYPE_CHECKING:
    from ..tools.session import ToolServer

LAZY_DOOR = {"ToolServer": "routebook.tools.session"}
"""The Model Context Protocol's package is imported by the first run that uses a tool."""

ServerPool = Pool[str, "ToolServer"]


class Toolbox:
    """The tools of one run. `failures` names the optional servers that did not start, with the reason."""

    def __init__(self, spec: ToolsSpec, catalog: Catalog, servers: Mapping[str, ToolServer], failures: dict[str, str]):
        self.spec = spec
        self.failures = failures
        self._catalog = catalog
        self._servers = servers

    @property
    def definitions(self) -> tuple[ToolDefinition, ...]:
        """What the model is offered."""
        return self._catalog.definitions

    async def answer(self, calls: Sequence[ToolCall], most: int) -> tuple[AnsweredCall, ...]:
        """Answer *calls* in their order, sending at most *most* of them to a server."""
        return await answer_calls(calls, self._catalog, self._servers, self.spec, most)


async def open_toolbox(
    spec: ToolsSpec, table: RoutingTable, pool: ServerPool, environment: Mapping[str, str], stack: AsyncExitStack
) -> Toolbox:
    """Start the servers of *spec*, all at once, and list their tools; *stack* gives them back.

    Raises:
        ToolError: A required server cannot start; names it, with what it wrote to its standard error.
    """
    session = await asyncio.to_thread(import_module, LAZY_DOOR["ToolServer"])
    servers: dict[str, ToolServer] = {}
    for name in spec.servers:
        server, digest = table.servers[name], table.digests["mcp_servers", name]
        env = _values(server, environment)
        servers[name] = await stack.enter_async_context(
            pool.lease(digest, lambda server=server, env=env: session.ToolServer(server, env))  # type: ignore[misc]
        )
    listed = await asyncio.gather(*(servers[name].list_tools() for name in spec.servers), return_exceptions=True)
    tools: list[ServerTool] = []
    failures: dict[str, str] = {}
    for name, outcome in zip(spec.servers, listed, strict=True):
        if isinstance(outcome, ToolError) and not table.servers[name].required:
            failures[name] = str(outcome)
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            tools.extend(outcome)
    return Toolbox(spec, build_catalog(tools, spec), servers, failures)


def _values(server: ServerSpec, environment: Mapping[str, str]) -> dict[str, str]:
    try:
        return {
            name: read_secret(value, environment) if isinstance(value, SecretRef) else value
            for name, value in server.env.items()
        }
    except SecretUnavailable as error:
        raise ToolError(f"tool server {server.name!r} cannot start: {error}", server.name) from error
