"""Connection: one life of a tool server, from its start to its end.

One task owns each connection: it opens the peer, shakes hands, and takes both down again, so that callers in other
tasks may come, go and be cancelled.
"""

from __future__ import annotations

import asyncio
import logging
import shlex
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mcp import Client, MCPError
from mcp.client.session import ClientSession
from mcp.types import (
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    Implementation,
    InputRequiredResult,
    ListRootsResult,
    ListToolsRequest,
    ListToolsResult,
    PaginatedRequestParams,
    Root,
)
from pydantic import FileUrl, TypeAdapter, ValidationError

from ...canonical.frozen import thaw
from ...canonical.redact import redact
from ...routing.tool_spec import ServerSpec
from ..decode import decode_answer
from ..protocol import ServerSecrets, ServerTool, ToolAnswer, ToolFailure
from .peer import Peer, cause, shortened
from .remote import RemotePeer
from .stdio import StdioPeer

FAILURE_KEPT_S = 5.0
"""How long after a failed start its error answers every use at once, before another start is tried."""

_MOST_PAGES = 100
_ANSWER: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(CallToolResult | InputRequiredResult)

_log = logging.getLogger(__name__)


class Connection:
    """One life of a server: from its start to its end. `session` is set if it came to life, `failure` if not."""

    def __init__(self, spec: ServerSpec, secrets: ServerSecrets, earlier: Connection | None) -> None:
        self.ready = asyncio.Event()
        self.session: ClientSession | None = None
        self.tools: tuple[ServerTool, ...] = ()
        self.failure = ""
        self._spec = spec
        self._secrets = secrets
        self._peer: Peer | None = None
        self._closed = False
        self._ready_at = 0.0
        self._owner = asyncio.create_task(self._own(earlier), name=f"tool server {spec.name}")
        self._owner.add_done_callback(self._log_error)

    @property
    def lost(self) -> bool:
        """Whether another life is needed."""
        return self.ready.is_set() and (self.session is None or self._peer is None or self._peer.ended.is_set())

    @property
    def failed_lately(self) -> bool:
        """Whether it did not come to life, too short a while ago to try again."""
        failed = self.ready.is_set() and self.session is None
        return failed and asyncio.get_running_loop().time() - self._ready_at < FAILURE_KEPT_S

    @property
    def unusable(self) -> Sequence[str]:
        """What the server lists that is no usable tool."""
        return () if self._peer is None else self._peer.unusable

    async def close(self) -> None:
        """End this life and wait for its end, whatever it was: an error of it was logged when it happened."""
        self._closed = True
        if self._peer is not None:
            self._peer.hang_up("was closed")
        await asyncio.wait([self._owner])

    def _log_error(self, owner: asyncio.Task[None]) -> None:
        error = None if owner.cancelled() else owner.exception()
        if error is not None:
            _log.error("tool server %r: its connection broke", self._spec.name, exc_info=error)

    async def call(self, name: str, arguments: Mapping[str, Any], timeout_s: float) -> ToolAnswer:
        """Call a tool in this life."""
        if self.session is None or self._peer is None:
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
            raise ToolFailure(await self._why_unanswered(tool, error, self._peer)) from error
        except ValidationError as error:
            raise ToolFailure(f"{tool} answered with something that is no tool result") from error
        except ValueError as error:
            raise ToolFailure(f"{tool} cannot be called with these arguments: {error}") from error
        if isinstance(result, InputRequiredResult):
            raise ToolFailure(f"{tool} asks for input that this run cannot give")
        return decode_answer(result.model_dump(by_alias=True, mode="json"))

    async def _why_unanswered(self, tool: str, error: MCPError, peer: Peer) -> str:
        refusal = peer.refusal(error)
        if not peer.ended.is_set():
            return f"{tool} was refused by its server: {refusal}"
        how = await peer.ending()
        return f"tool server {self._spec.name!r} {how} during the call of {tool}; whether it took effect is unknown"

    async def _own(self, earlier: Connection | None) -> None:
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
        try:
            peer = await self._open_peer()
        except (OSError, ValueError) as error:
            self._fail(f"cannot be run: {cause(error)}")
            return
        self._peer, problem = peer, ""
        try:
            await self._converse(peer)
        except (MCPError, ToolFailure, RuntimeError, ValueError, OSError, ExceptionGroup) as error:
            if self.session is not None and isinstance(error, ToolFailure):
                _log.warning("tool server %r %s", self._spec.name, error)
                return
            if self.session is not None:
                raise
            problem = await peer.ending() if peer.ended.is_set() else f"speaks no MCP: {cause(error)}"
        finally:
            await peer.stop(came_to_life=self.session is not None)
        if problem:
            self._fail(f"{problem}{peer.last_words()}")

    async def _open_peer(self) -> Peer:
        if self._spec.url is not None:
            return RemotePeer(self._spec, self._secrets)
        return await StdioPeer.start(self._spec, self._secrets)

    async def _converse(self, peer: Peer) -> None:
        """Shake hands, list the tools, and stay until the peer has ended."""
        seconds = self._spec.start_timeout_s
        if self._closed:
            peer.hang_up("was closed")
        missing = "spoke no MCP"

        def give_up() -> None:
            peer.hang_up(f"{missing} within {seconds:g} s")

        too_late = asyncio.get_running_loop().call_later(seconds, give_up)
        try:
            async with self._client(peer) as client:
                missing = "listed no tools"
                self.tools = await self._list_tools(client.session)
                too_late.cancel()
                self.session = client.session
                self.ready.set()
                await peer.ended.wait()
        finally:
            too_late.cancel()

    def _client(self, peer: Peer) -> Client:
        client_info = Implementation(name="routebook", version=version("routebook"))
        roots = self._list_roots if self._spec.roots else None
        return Client(peer.transport(), client_info=client_info, cache=None, list_roots_callback=roots)

    async def _list_roots(self, context: Any) -> ListRootsResult:
        return ListRootsResult(roots=[Root(uri=FileUrl(folder)) for folder in _addresses(self._spec.roots)])

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
        where = self._spec.url or shlex.join([self._spec.command or "", *self._spec.args])
        detail = redact(f"`{shortened(where)}` {problem}", self._secrets.values)
        self.failure = f"tool server {self._spec.name!r} cannot start: {detail}"


def _addresses(folders: Sequence[str]) -> list[str]:
    return [Path(folder).absolute().as_uri() for folder in folders]
