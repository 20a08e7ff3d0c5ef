"""Toolbox: the tool servers of one run, started, listed and ready to answer calls."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
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
from ..tools.call import UNNAMED, AnsweredCall, CutOff, Finished, answer_calls
from ..tools.catalog import Catalog, build_catalog, idle_patterns, twice_listed
from ..tools.protocol import ServerSecrets, ServerTool
from .pool import Leases, Pool
from .result import RunWarning

if TYPE_CHECKING:
    from ..tools.session import ToolServer

LAZY_DOOR = {"ToolServer": "routebook.tools.session"}
"""The Model Context Protocol's package is imported by the first run that uses a tool."""

ServerPool = Pool[str, "ToolServer"]

_MOST_CATALOGS = 128
_loaded: dict[str, ModuleType] = {}


class Toolbox:
    """The tools of one run. `failures` names the optional servers that did not start, with the reason; `warnings` say
    which tools cannot be used or are listed twice, and which patterns fit no tool.
    """

    def __init__(
        self,
        spec: ToolsSpec,
        catalog: Catalog,
        servers: Mapping[str, ToolServer],
        failures: Mapping[str, str],
        warnings: tuple[RunWarning, ...] = (),
    ) -> None:
        self.spec = spec
        self.failures = failures
        self.warnings = warnings
        self._catalog = catalog
        self._servers = servers
        self._made: Counter[str] = Counter()

    @property
    def definitions(self) -> tuple[ToolDefinition, ...]:
        """What the model is offered."""
        return self._catalog.definitions

    def spoken_name(self, call: ToolCall) -> str:
        """Return the tool that *call* means as people say it (`clock.now`), or what the model called."""
        entry = self._catalog.find(call.name or "")
        return entry.definition.tool if entry else call.name or UNNAMED

    async def answer(
        self,
        calls: Sequence[ToolCall],
        most: int,
        finished: Finished | None = None,
        cut_off: CutOff | None = None,
    ) -> tuple[AnsweredCall, ...]:
        """Answer *calls* in their order, sending at most *most* of them to a server; see `answer_calls`."""
        return await answer_calls(calls, self._catalog, self._servers, self.spec, most, self._made, finished, cut_off)


async def open_toolbox(
    spec: ToolsSpec, table: RoutingTable, pool: ServerPool, environment: Mapping[str, str], leases: Leases
) -> Toolbox:
    """Start the servers of *spec*, all at once, and list their tools; *leases* gives them back.

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
            servers[name] = pool.lease(table.digests["mcp_servers", name], make, leases)
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
    warnings = _warnings(spec, tools, servers, failures)
    return Toolbox(spec, _catalog(spec, *tools), servers, failures, warnings)


def _warnings(
    spec: ToolsSpec, listed: Sequence[_Listed], servers: Mapping[str, ToolServer], failures: Mapping[str, str]
) -> tuple[RunWarning, ...]:
    idle, twice = _oddities(spec, tuple(failures), *listed)
    unusable = ((name, shown) for name in servers if name not in failures for shown in servers[name].unusable)
    return (
        *(
            RunWarning("tool_unusable", name, f"it lists a tool that cannot be used: {shown}")
            for name, shown in unusable
        ),
        *(
            RunWarning("tool_listed_twice", tool, "its server lists it more than once; the first counts")
            for tool in twice
        ),
        *(RunWarning("tool_pattern_unused", glob, f"it stands in `{key}`, and fits no tool") for key, glob in idle),
    )


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


@lru_cache(_MOST_CATALOGS)
def _oddities(
    spec: ToolsSpec, missing: tuple[str, ...], *listed: _Listed
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return the patterns that fit nothing, and the tools that are listed twice."""
    tools = list(chain.from_iterable(one.tools for one in listed))
    return idle_patterns(tools, spec, missing), twice_listed(tools)


def _make(kind: type[ToolServer], server: ServerSpec, environment: Mapping[str, str]) -> ToolServer:
    try:
        return kind(server, _secrets(server, environment))
    except SecretUnavailable as error:
        raise ToolError(f"tool server {server.name!r} cannot start: {error}", server.name) from error


def _secrets(server: ServerSpec, environment: Mapping[str, str]) -> ServerSecrets:
    return ServerSecrets(
        env=_values(server.env, environment),
        headers=_values(server.headers, environment),
        token=None if server.token is None else read_secret(server.token, environment),
        client_secret=None if server.oauth is None else read_secret(server.oauth.client_secret, environment),
    )


def _values(written: Mapping[str, str | SecretRef], environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: read_secret(value, environment) if isinstance(value, SecretRef) else value
        for name, value in written.items()
    }
