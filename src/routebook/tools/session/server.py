"""ToolServer: a tool server that is there when it is needed.

A server starts with its first use, once for all who wait for it; one that was lost starts anew with its next use, and
no call is ever sent twice. A failed start is remembered for a few seconds, so that a server which hangs does not cost
every run its whole `start_timeout`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from ...errors import ToolError
from ...routing.tool_spec import ServerSpec
from ..protocol import NO_SECRETS, ServerSecrets, ServerTool, ToolAnswer, ToolFailure
from .connection import Connection


class ToolServer:
    """A tool server, started when it is first used. Belongs to one event loop; any of its tasks may use it."""

    def __init__(self, spec: ServerSpec, secrets: ServerSecrets = NO_SECRETS) -> None:
        """Describe the server; no error ever shows one of *secrets*."""
        self._spec = spec
        self._secrets = secrets
        self._connection: Connection | None = None
        self._closed = False
        self._room: AbstractAsyncContextManager[Any] = (
            nullcontext() if spec.parallel is None else asyncio.Semaphore(spec.parallel)
        )

    @property
    def unusable(self) -> tuple[str, ...]:
        """What it lists that is no usable tool, each shortened to be shown."""
        return () if self._connection is None else tuple(self._connection.unusable)

    async def list_tools(self) -> tuple[ServerTool, ...]:
        """Return the server's tools in its own order, as they were when it started; starts it if need be.

        Whoever waits for the same start shares its outcome, and so does who comes up to 5 seconds after it failed.

        Raises:
            ToolError: It cannot start; names the server, where it is, and what it said in its last moments.
        """
        return (await self._connected()).tools

    async def call(self, name: str, arguments: Mapping[str, Any], timeout_s: float) -> ToolAnswer:
        """Call the tool *name*; starts the server if need be, which *timeout_s* does not count, nor does waiting for
        the server's other calls where it takes only so many at once.

        Raises:
            ToolFailure: There is no answer, or none within *timeout_s* seconds or the server's own bound. The server
                is told to stop the call.
        """
        try:
            connection = await self._connected()
        except ToolError as error:
            raise ToolFailure(str(error)) from error
        bound = timeout_s if self._spec.timeout_s is None else min(timeout_s, self._spec.timeout_s)
        async with self._room:
            return await connection.call(name, arguments, bound)

    async def close(self) -> None:
        """End the server, its children and every call under way; it is not used again."""
        self._closed = True
        if self._connection is not None:
            await self._connection.close()

    async def _connected(self) -> Connection:
        if self._closed:
            raise ToolError(f"tool server {self._spec.name!r} was closed", self._spec.name)
        if self._connection is None or (self._connection.lost and not self._connection.failed_lately):
            self._connection = Connection(self._spec, self._secrets, self._connection)
        connection = self._connection
        await connection.ready.wait()
        if connection.session is None:
            raise ToolError(connection.failure, self._spec.name)
        return connection
