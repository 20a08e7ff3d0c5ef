"""Session: a configured tool server goes in; its tools and their answers come out.

One task owns each connection: it starts the process, shakes hands, and takes both down again, so that callers in
other tasks may come, go and be cancelled. A server starts with its first use, once for all who wait for it; one that
was lost starts anew with its next use, and no call is ever sent twice. A failed start is remembered for a few
seconds, so that a server which hangs does not cost every run its whole `start_timeout`.

This is the one place that uses the Model Context Protocol's package; its exceptions end here.
"""

from __future__ import annotations

import asyncio
import logging
import shlex
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Self

from mcp import Client, MCPError
from mcp.client.session import ClientSession
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp.types import (
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    Implementation,
    InputRequiredResult,
    JSONRPCResponse,
    ListToolsRequest,
    ListToolsResult,
    PaginatedRequestParams,
    jsonrpc_message_adapter,
)
from pydantic import TypeAdapter, ValidationError

from ..canonical.frozen import thaw
from ..canonical.redact import redact
from ..errors import ToolError
from ..routing.tool_spec import ServerSpec
from .decode import decode_answer, usable_tools
from .process import ServerProcess, find_program
from .protocol import ServerTool, ToolAnswer, ToolFailure

FAILURE_KEPT_S = 5.0
"""How long after a failed start its error answers every use at once, before another start is tried."""

_MOST_PAGES = 100
_SHOWN_LENGTH = 200
_ANSWER: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(CallToolResult | InputRequiredResult)

_log = logging.getLogger(__name__)
# What the package logs goes to hosts that set up logging, not to the terminal of those that did not. Its session logs
# under the bare name `client`; a null handler takes nothing from a host that uses this name too and set up logging.
for _name in ("mcp", "client"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


class ToolServer:
    """A tool server, started when it is first used. Belongs to one event loop; any of its tasks may use it."""

    def __init__(self, spec: ServerSpec, env: Mapping[str, str]) -> None:
        """Describe the server; *env* are the values of `spec.env`, none of which an error ever shows."""
        self._spec = spec
        self._env = dict(env)
        self._connection: _Connection | None = None
        self._closed = False

    async def list_tools(self) -> tuple[ServerTool, ...]:
        """Return the server's tools in its own order, as they were when it started; starts it if need be.

        Whoever waits for the same start shares its outcome, and so does who comes up to 5 seconds after it failed.

        Raises:
            ToolError: It cannot start; names the server, its command and the end of its standard error.
        """
        return (await self._connected()).tools

    async def call(self, name: str, arguments: Mapping[str, Any], timeout_s: float) -> ToolAnswer:
        """Call the tool *name*; starts the server if need be, which *timeout_s* does not count.

        Raises:
            ToolFailure: There is no answer, or none within *timeout_s* seconds. The server is told to stop the call.
        """
        try:
            connection = await self._connected()
        except ToolError as error:
            raise ToolFailure(str(error)) from error
        return await connection.call(name, arguments, timeout_s)

    async def close(self) -> None:
        """End the server, its children and every call under way; it is not used again."""
        self._closed = True
        if self._connection is not None:
            await self._connection.close()

    async def _connected(self) -> _Connection:
        if self._closed:
            raise ToolError(f"tool server {self._spec.name!r} was closed", self._spec.name)
        if self._connection is None or (self._connection.lost and not self._connection.failed_lately):
            self._connection = _Connection(self._spec, self._env, self._connection)
        connection = self._connection
        await connection.ready.wait()
        if connection.session is None:
            raise ToolError(connection.failure, self._spec.name)
        return connection


class _Connection:
    """One life of a server: from its start to its end. `session` is set if it came to life, `failure` if not."""

    def __init__(self, spec: ServerSpec, env: Mapping[str, str], earlier: _Connection | None) -> None:
        self.ready = asyncio.Event()
        self.session: ClientSession | None = None
        self.tools: tuple[ServerTool, ...] = ()
        self.failure = ""
        self._spec = spec
        self._env = env
        self._process: ServerProcess | None = None
        self._closed = False
        self._ready_at = 0.0
        self._owner = asyncio.create_task(self._own(earlier), name=f"tool server {spec.name}")
        self._owner.add_done_callback(self._log_error)

    @property
    def lost(self) -> bool:
        """Whether another life is needed."""
        return self.ready.is_set() and (self.session is None or self._process is None or self._process.ended.is_set())

    @property
    def failed_lately(self) -> bool:
        """Whether it did not come to life, too short a while ago to try again."""
        failed = self.ready.is_set() and self.session is None
        return failed and asyncio.get_running_loop().time() - self._ready_at < FAILURE_KEPT_S

    async def close(self) -> None:
        """End this life and wait for its end, whatever it was: an error of it was logged when it happened."""
        self._closed = True
        if self._process is not None:
            self._process.hang_up("was closed")
        await asyncio.wait([self._owner])

    def _log_error(self, owner: asyncio.Task[None]) -> None:
        error = None if owner.cancelled() else owner.exception()
        if error is not None:
            _log.error("tool server %r: its connection broke", self._spec.name, exc_info=error)

    async def call(self, name: str, arguments: Mapping[str, Any], timeout_s: float) -> ToolAnswer:
        """Call a tool in this life."""
        if self.session is None or self._process is None:
            raise ToolFailure(self.failure)
        request = CallToolRequest(params=CallToolRequestParams(name=name, arguments=thaw(arguments)))
        tool = f"{self._spec.name}.{name}"
        try:
            async with asyncio.timeout(timeout_s):
                # Not `Client.call_tool`: it loses a result that does not keep the tool's output schema.
                result = await self.session.send_request(request, _ANSWER)
        except TimeoutError as error:
            raise ToolFailure(f"{tool} did not answer within {timeout_s:g} s") from error
        except MCPError as error:
            raise ToolFailure(await self._why_unanswered(tool, error, self._process)) from error
        except ValidationError as error:
            raise ToolFailure(f"{tool} answered with something that is no tool result") from error
        except ValueError as error:
            raise ToolFailure(f"{tool} cannot be called with these arguments: {error}") from error
        if isinstance(result, InputRequiredResult):
            raise ToolFailure(f"{tool} asks for input that this run cannot give")
        return decode_answer(result.model_dump(by_alias=True, mode="json"))

    async def _why_unanswered(self, tool: str, error: MCPError, process: ServerProcess) -> str:
        if not process.ended.is_set():
            return f"{tool} was refused by its server: {error.message}"
        how = await process.ending()
        return f"tool server {self._spec.name!r} {how} during the call of {tool}; whether it took effect is unknown"

    async def _own(self, earlier: _Connection | None) -> None:
        """Live: the one task that opens and closes."""
        try:
            if earlier is not None:
                await earlier.close()
            if not self._closed:
                await self._live()
        finally:
            self.failure = self.failure or f"tool server {self._spec.name!r} was ended before it had started"
            self._ready_at = asyncio.get_running_loop().time()
            self.ready.set()

    async def _live(self) -> None:
        env = {**get_default_environment(), **self._env}
        try:
            program = find_program(self._spec.command, env.get("PATH"))
            process = await ServerProcess.start([program, *self._spec.args], env, self._spec.cwd)
        except (OSError, ValueError) as error:
            self._fail(f"cannot be run: {_cause(error)}")
            return
        self._process = process
        wire, problem = _Wire(process, self._spec.name), ""
        try:
            await self._converse(process, wire)
        except (MCPError, ToolFailure, RuntimeError, ValueError, ExceptionGroup) as error:
            if self.session is not None:
                raise
            problem = await process.ending() if process.ended.is_set() else f"speaks no MCP: {_cause(error)}"
        finally:
            # One that never came to life has had its time.
            await (process.stop(0) if self.session is None else process.stop())
        if problem:
            self._fail(f"{problem}{self._overheard(wire)}{self._errors(process)}")

    async def _converse(self, process: ServerProcess, wire: _Wire) -> None:
        """Shake hands, list the tools, and stay until the process has ended."""
        seconds = self._spec.start_timeout_s
        if self._closed:
            process.hang_up("was closed")
        missing = "spoke no MCP"

        def give_up() -> None:
            process.hang_up(f"{missing} within {seconds:g} s")

        too_late = asyncio.get_running_loop().call_later(seconds, give_up)
        try:
            client_info = Implementation(name="routebook", version=version("routebook"))
            async with Client(wire.open(), client_info=client_info, cache=None) as client:
                missing = "listed no tools"
                self.tools = await self._list_tools(client.session)
                too_late.cancel()
                self.session = client.session
                self.ready.set()
                await process.ended.wait()
        finally:
            too_late.cancel()

    async def _list_tools(self, session: ClientSession) -> tuple[ServerTool, ...]:
        tools: list[ServerTool] = []
        cursors: set[str] = set()
        params = None
        while len(cursors) < _MOST_PAGES:
            page = await session.send_request(ListToolsRequest(params=params), ListToolsResult)
            tools += [
                ServerTool(self._spec.name, tool.name, tool.description or "", tool.input_schema) for tool in page.tools
            ]
            cursor = page.next_cursor
            if not cursor:
                return tuple(tools)
            if cursor in cursors:
                raise ToolFailure("its list of tools comes round to the same page again")
            cursors.add(cursor)
            params = PaginatedRequestParams(cursor=cursor)
        raise ToolFailure(f"its list of tools has more than {_MOST_PAGES} pages")

    def _fail(self, problem: str) -> None:
        command = shlex.join([self._spec.command, *self._spec.args])
        detail = redact(f"`{_shortened(command)}` {problem}", self._env.values())
        self.failure = f"tool server {self._spec.name!r} cannot start: {detail}"

    def _overheard(self, wire: _Wire) -> str:
        text = _shortened(redact(wire.overheard, self._env.values()))
        return f"; it wrote what is no MCP message: {text!r}" if text else ""

    def _errors(self, process: ServerProcess) -> str:
        tail = process.errors_tail(self._env.values())
        return f"; its standard error ends with:\n{tail}" if tail else "; it wrote nothing to its standard error"


class _Wire:
    """A process's lines as the package's streams: one object to read from and to write to.

    Lists of tools are reduced to the usable ones before the package sees them, since it refuses a whole list for one
    bad tool.
    """

    def __init__(self, process: ServerProcess, server: str) -> None:
        self.overheard = ""
        self._process = process
        self._server = server

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[tuple[Self, Self], None]:
        """Be a transport; the process is somebody else's to stop."""
        yield self, self

    async def receive(self) -> SessionMessage | Exception:
        """Return the next message, or the exception of a line that is none."""
        line = await self._process.read_line()
        if line is None:
            raise StopAsyncIteration
        text = line.decode("utf-8", "replace")
        try:
            message = jsonrpc_message_adapter.validate_json(text, by_name=False)
        except ValueError as error:
            self.overheard = text
            return error
        if isinstance(message, JSONRPCResponse) and isinstance(message.result.get("tools"), list):
            message.result["tools"] = self._usable(message.result["tools"])
        return SessionMessage(message)

    async def send(self, item: SessionMessage, /) -> None:
        """Write a message."""
        self._process.write_line(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode())

    async def aclose(self) -> None:
        """Do nothing: the process is stopped, not the stream closed."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        return await self.receive()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _usable(self, listed: list[Any]) -> list[dict[str, Any]]:
        usable, others = usable_tools(listed)
        for other in others:
            _log.warning("tool server %r lists a tool that cannot be used: %s", self._server, _shortened(repr(other)))
        return usable


def _cause(error: BaseException) -> str:
    """Return the first exception inside groups, in words."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, ValidationError):
        return f"{error.title} is malformed"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename!r}"
    return str(error)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}..."
