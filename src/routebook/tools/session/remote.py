"""Remote: a tool server at an address, spoken to over HTTP, as the protocol's streamable HTTP or its older SSE.

Waiting for an answer is bounded by whoever asks, not here. A network failure ends the connection, and the next use
makes a new one. No message holds a header's value or a token; redirects to other hosts are not followed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from mcp import MCPError
from mcp.client.auth import TokenStorage
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from mcp.shared.message import SessionMessage
from mcp.types import CONNECTION_CLOSED

from ...canonical.redact import redact
from ...routing.tool_spec import ServerSpec
from ..protocol import ServerSecrets, ToolFailure
from .peer import Inbox, cause

_CONNECT_S = 30.0
_FAREWELL_S = 2.0
_FORGOTTEN = "Session terminated"


class RemotePeer:
    """An address; see `Peer`. Nothing is connected before `transport`."""

    def __init__(self, spec: ServerSpec, secrets: ServerSecrets) -> None:
        self.ended = asyncio.Event()
        self.unusable: list[str] = []
        self._spec = spec
        self._secrets = secrets
        self._reason: str | None = None
        self._status: int | None = None
        self._inbox = _Queue(self, spec.name)
        self._http: Any = None

    @asynccontextmanager
    async def transport(self) -> AsyncGenerator[tuple[_Queue, Any], None]:
        """Be connected inside the block.

        Raises:
            ToolFailure: The network failed, or nobody is there; the peer has hung up.
        """
        try:
            async with self._streams() as (incoming, outgoing):
                pump = asyncio.create_task(self._inbox.fill_from(incoming))
                try:
                    yield self._inbox, outgoing
                finally:
                    pump.cancel()
                    await asyncio.wait([pump])
        except (MCPError, ToolFailure):
            raise
        except Exception as error:
            words = cause(error).partition("\n")[0]
            self.hang_up(f"cannot be reached: {redact(words, self._secrets.values)}")
            raise ToolFailure(await self.ending()) from error

    def hang_up(self, reason: str | None = None) -> None:
        """Let there be no more messages."""
        self._reason = self._reason or reason
        if not self.ended.is_set():
            self.ended.set()
            self._inbox.end()
            if self._http is not None:
                self._http.timeout = _FAREWELL_S

    async def ending(self) -> str:
        """Say how it ended."""
        return self._reason or "closed the connection"

    async def stop(self, *, came_to_life: bool) -> None:
        """Do nothing more: leaving `transport` has closed every connection."""
        self.hang_up("was closed")

    def last_words(self) -> str:
        """Tell the last refusal's status, if there was one."""
        return "" if self._status is None else f"; it answered with HTTP status {self._status}"

    def refusal(self, error: MCPError) -> str:
        """Say why a request was refused; a session that the server knows no more is at its end."""
        if error.code == CONNECTION_CLOSED or error.message == _FORGOTTEN:
            self.hang_up("lost the connection")
        return redact(f"{error.message}{self._with_status()}", self._secrets.values)

    def _with_status(self) -> str:
        return "" if self._status is None else f" (HTTP {self._status})"

    def _streams(self) -> AbstractAsyncContextManager[tuple[Any, Any]]:
        url = self._spec.url or ""
        if self._spec.transport == "sse":
            return sse_client(url, headers=self._headers(), auth=self._auth(), httpx_client_factory=self._client)
        return self._streamable(url)

    @asynccontextmanager
    async def _streamable(self, url: str) -> AsyncGenerator[tuple[Any, Any], None]:
        async with (
            self._client(self._headers(), auth=self._auth()) as client,
            streamable_http_client(url, http_client=client) as streams,
        ):
            yield streams

    def _client(self, headers: dict[str, str] | None = None, timeout: Any = None, auth: Any = None) -> Any:
        """Make the client of one connection; the bounds of the package's own are not taken."""
        client = create_mcp_http_client(headers, auth=auth)
        client.timeout = type(client.timeout)(_CONNECT_S, read=None)
        client.event_hooks = {"response": [self._note_status]}
        self._http = client
        return client

    async def _note_status(self, response: Any) -> None:
        self._status = response.status_code if response.status_code >= 400 else None

    def _headers(self) -> dict[str, str]:
        token = self._secrets.token
        return {**self._secrets.headers, **({} if token is None else {"authorization": f"Bearer {token}"})}

    def _auth(self) -> Any:
        oauth = self._spec.oauth
        if oauth is None:
            return None
        return ClientCredentialsOAuthProvider(
            self._spec.url or "",
            _Tokens(),
            oauth.client_id,
            self._secrets.client_secret or "",
            scope=" ".join(oauth.scopes) or None,
            issuer=oauth.issuer,
        )


class _Queue(Inbox):
    """What comes in, up to the moment somebody hangs up."""

    def __init__(self, peer: RemotePeer, server: str) -> None:
        super().__init__(peer, server)
        self._messages: asyncio.Queue[SessionMessage | Exception | None] = asyncio.Queue()

    async def next_message(self) -> SessionMessage | Exception | None:
        """Return the next message, or None after the last."""
        return await self._messages.get()

    async def fill_from(self, incoming: Any) -> None:
        """Take in all messages of a stream of the package."""
        async for message in incoming:
            self._messages.put_nowait(message)
        self._peer.hang_up()

    def end(self) -> None:
        """Let there be no more messages."""
        self._messages.put_nowait(None)


class _Tokens(TokenStorage):
    """Keeps a token for as long as the connection lasts."""

    def __init__(self) -> None:
        self._token: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self._token

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self._token = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep nothing: the client is the one that the route file names."""
