"""Stdio: a tool server that is a process, spoken to in lines of JSON."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from mcp import MCPError
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from ...canonical.redact import redact
from ...routing.tool_spec import ServerSpec
from ..process import GRACE_S, ServerProcess, find_program
from ..protocol import ServerSecrets
from .peer import Inbox, shortened


class StdioPeer:
    """A process; see `Peer`."""

    def __init__(self, spec: ServerSpec, secrets: ServerSecrets, process: ServerProcess) -> None:
        self.ended = process.ended
        self.unusable: list[str] = []
        self._process = process
        self._secrets = secrets.values
        self._wire = _Wire(self, spec.name, process)

    @classmethod
    async def start(cls, spec: ServerSpec, secrets: ServerSecrets) -> StdioPeer:
        """Start the process of *spec*.

        Raises:
            OSError: The program cannot be found or executed.
            ValueError: The command or a variable holds a null byte.
        """
        env = {**get_default_environment(), **secrets.env}
        program = find_program(spec.command or "", env.get("PATH"))
        return cls(spec, secrets, await ServerProcess.start([program, *spec.args], env, spec.cwd))

    @asynccontextmanager
    async def transport(self) -> AsyncGenerator[tuple[_Wire, _Wire], None]:
        """Be open inside the block; the process is stopped by `stop` alone."""
        yield self._wire, self._wire

    def hang_up(self, reason: str | None = None) -> None:
        """Let there be no more messages."""
        self._process.hang_up(reason)

    async def ending(self) -> str:
        """Say how the process ended."""
        return await self._process.ending()

    async def stop(self, *, came_to_life: bool) -> None:
        """End the process and its children; one that never came to life has had its time."""
        await self._process.stop(GRACE_S if came_to_life else 0)

    def last_words(self) -> str:
        """Quote what it wrote that is no message, and the end of its standard error."""
        text = shortened(redact(self._wire.overheard, self._secrets))
        overheard = f"; it wrote what is no MCP message: {text!r}" if text else ""
        tail = self._process.errors_tail(self._secrets)
        said = f"; its standard error ends with:\n{tail}" if tail else "; it wrote nothing to its standard error"
        return overheard + said

    def refusal(self, error: MCPError) -> str:
        """Say why a request was refused."""
        return redact(error.message, self._secrets)


class _Wire(Inbox):
    """A process's lines as the package's streams: one object to read from and to write to."""

    def __init__(self, peer: StdioPeer, server: str, process: ServerProcess) -> None:
        super().__init__(peer, server)
        self.overheard = ""
        self._process = process

    async def next_message(self) -> SessionMessage | Exception | None:
        """Return the next line as a message, or the exception of a line that is none."""
        line = await self._process.read_line()
        if line is None:
            return None
        text = line.decode("utf-8", "replace")
        try:
            return SessionMessage(jsonrpc_message_adapter.validate_json(text, by_name=False))
        except ValueError as error:
            self.overheard = text
            return error

    async def send(self, item: SessionMessage, /) -> None:
        """Write a message."""
        self._process.write_line(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode())
