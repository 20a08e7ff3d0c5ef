"""Peer: how a tool server is reached, whatever it is: what a connection needs to know of a process or an address.

Once `ended` is set there are no more messages. Lists of tools are reduced to the usable ones before the package sees
them, since it refuses a whole list for one bad tool; what was left out is in `unusable`.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, Self

from mcp import MCPError
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCMessage, JSONRPCResponse

from ..decode import usable_tools

_SHOWN_LENGTH = 200

_log = logging.getLogger(__name__)
# What the package logs goes to hosts that set up logging, not to the terminal of those that did not. Its session logs
# under the bare name `client`; a null handler takes nothing from a host that uses this name too and set up logging.
for _name in ("mcp", "client"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


class Peer(Protocol):
    """The other end of a connection."""

    ended: asyncio.Event
    unusable: list[str]

    def transport(self) -> AbstractAsyncContextManager[tuple[Any, Any]]:
        """Be open inside the block, as the package's two streams."""
        ...

    def hang_up(self, reason: str | None = None) -> None:
        """Let there be no more messages. The first *reason* given is how it `ending` is told."""
        ...

    async def ending(self) -> str:
        """Say how it ended, to be read after the server's name."""
        ...

    async def stop(self, *, came_to_life: bool) -> None:
        """Take it down, and wait until it is."""
        ...

    def last_words(self) -> str:
        """Return what else is to be said of a failed start, to be read after how it ended."""
        ...

    def refusal(self, error: MCPError) -> str:
        """Say why a request was refused; hangs up where there is no talking to it any more."""
        ...


class Inbox:
    """What a peer says, as the package's stream: read until it is None."""

    def __init__(self, peer: Peer, server: str) -> None:
        self._peer = peer
        self._server = server

    async def next_message(self) -> SessionMessage | Exception | None:
        """Return the next message, the exception of something that is none, or None after the last."""
        raise NotImplementedError

    async def receive(self) -> SessionMessage | Exception:
        """Return the next message, or the exception of something that is none."""
        message = await self.next_message()
        if message is None:
            raise StopAsyncIteration
        if isinstance(message, SessionMessage):
            self._keep_usable(message.message)
        return message

    async def aclose(self) -> None:
        """Do nothing: the peer is stopped, not the stream closed."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        return await self.receive()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _keep_usable(self, message: JSONRPCMessage) -> None:
        if not isinstance(message, JSONRPCResponse) or not isinstance(message.result.get("tools"), list):
            return
        message.result["tools"], others = usable_tools(message.result["tools"])
        for other in others:
            self._peer.unusable.append(shortened(repr(other)))
            _log.warning("tool server %r lists a tool that cannot be used: %s", self._server, shortened(repr(other)))


def shortened(text: str) -> str:
    """Return *text*, or its beginning where it is long."""
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}..."


def cause(error: BaseException) -> str:
    """Return the first exception inside groups, in words."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, ValueError) and hasattr(error, "title"):
        return f"{error.title} is malformed"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename!r}" if error.filename else error.strerror
    return str(error) or type(error).__name__
