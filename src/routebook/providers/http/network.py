"""Network: the library's sockets, closed also when a TLS handshake is cancelled, which the library forgets.

The head of a request goes out together with its body: the library writes them one by one, and each write takes a turn
of the event loop and a call of the system.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

from httpcore2 import SOCKET_OPTION, AnyIOBackend, AsyncNetworkStream

from .news import has_news

_HEAD_ENDS = b"\r\n\r\n"
_MOST_JOINED_BYTES = 256 * 1024


class Network(AnyIOBackend):
    """Opens sockets."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the library's)
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Connect to *host*."""
        return _Socket(await super().connect_tcp(host, port, timeout, local_address, socket_options))


class _Socket(AsyncNetworkStream):
    """An open socket of the library's."""

    def __init__(self, inner: AsyncNetworkStream) -> None:
        self.aclose = inner.aclose  # type: ignore[method-assign]
        self._inner = inner
        self._socket = inner.get_extra_info("socket")
        self._head = b""

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the library's)
    ) -> bytes:
        if self._head:
            await self.write(b"", timeout)
        return await self._inner.read(max_bytes, timeout)

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 (the library's)
    ) -> None:
        """Write *buffer*, but the head of a request with what comes next: its body, or that there is none."""
        head, self._head = self._head, b""
        if not head and buffer.endswith(_HEAD_ENDS):
            self._head = buffer
        elif len(buffer) <= _MOST_JOINED_BYTES:
            await self._inner.write(head + buffer, timeout)
        else:
            await self._inner.write(head, timeout)
            await self._inner.write(buffer, timeout)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # which is asked before every request; the library takes long to find the socket
            return self._socket is None or has_news(self._socket.fileno())
        return self._inner.get_extra_info(info)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 (the library's)
    ) -> AsyncNetworkStream:
        try:
            return _Socket(await self._inner.start_tls(ssl_context, server_hostname, timeout))
        except BaseException:
            await self._inner.aclose()
            raise
