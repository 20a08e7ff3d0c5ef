"""Toolbox: the tool servers of one run, started, listed and ready to answer calls."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import lru_cache, partial
from importlib import import_module
from itertools import chain
from types import ModuleType
from typing import TYPE_CHECKING

from ..canonical.tool import ToolCall, ToolDefinition
from ..credentials import SecretUnavailable, read_secret
from ..errors import ToolError
from ..routing.secret import SecretRef
from ..routing.table import RoutingTable
from ..routing.tool_spec import ServerSpec, ToolsSpec
from ..tools.call import UNNAMED, AnsweredCall, answer_calls
from ..tools.catalog import Catalog, build_catalog
from ..tools.protocol import ServerTool
from .pool import Pool

if TYPE_CHECKING:
    from ..tools.session import ToolServer

LAZY_DOOR = {"ToolServer": "routebook.tools.session"}
"""The Model Context Protocol's package is imported by the first run that uses a tool."""

ServerPool = Pool[str, "ToolServer"]

_MOST_CATALOGS = 128
_loaded: dict[str, ModuleType] = {}


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

    def spoken_name(self, call: ToolCall) -> str:
        """Return the tool that *call* means as people say it (`clock.now`), or what the model called."""
        entry = self._catalog.find(call.name or "")
        return entry.definition.tool if entry else call.name or UNNAMED

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
    session = await _session()
    servers: dict[str, ToolServer] = {}
    failures: dict[str, str] = {}

    def go_on_without(name: str, error: ToolError) -> None:
        if table.servers[name].required:
            raise error
        failures[name] = str(error)

    for name in spec.servers:
        make = partial(_make, session.ToolServer, table.servers[name], environment)
        try:
            servers[name] = await stack.enter_async_context(pool.lease(table.digests["mcp_servers", name], make))
        except ToolError as error:
            go_on_without(name, error)
    listed = await asyncio.gather(*(server.list_tools() for server in servers.values()), return_exceptions=True)
    tools: list[_Listed] = []
    for name, outcome in zip(servers, listed, strict=True):
        if isinstance(outcome, ToolError):
            go_on_without(name, outcome)
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            tools.append(_Listed(outcome))
    return Toolbox(spec, _catalog(spec, *tools), servers, failures)


async def _session() -> ModuleType:
    """Import the session once, in a thread. While another run imports it, `sys.modules` has it half made."""
    name = LAZY_DOOR["ToolServer"]
    if name not in _loaded:
        _loaded[name] = await asyncio.to_thread(import_module, name)
    return _loaded[name]


class _Listed:
    """What a server listed, told from other lists by identity: it lists the same object until it starts anew."""

    def __init__(self, tools: tuple[ServerTool, ...]) -> None:
        self.tools = tools

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Listed) and self.tools is other.tools

    def __hash__(self) -> int:
        return id(self.tools)


@lru_cache(_MOST_CATALOGS)
def _catalog(spec: ToolsSpec, *listed: _Listed) -> Catalog:
    return build_catalog(chain.from_iterable(one.tools for one in listed), spec)


def _make(kind: type[ToolServer], server: ServerSpec, environment: Mapping[str, str]) -> ToolServer:
    return kind(server, _values(server, environment))


def _values(server: ServerSpec, environment: Mapping[str, str]) -> dict[str, str]:
    try:
        return {
            name: read_secret(value, environment) if isinstance(value, SecretRef) else value
            for name, value in server.env.items()
        }
    except SecretUnavailable as error:
        raise ToolError(f"tool server {server.name!r} cannot start: {error}", server.name) from error
