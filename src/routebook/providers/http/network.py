"""Network: the library's sockets, closed also when a TLS handshake is cancelled, which the library forgets."""

from __future__ import annotations

import ssl
from collections.abc import Iterable

from httpcore2 import SOCKET_OPTION, AnyIOBackend, AsyncNetworkStream


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
        self.read = inner.read  # type: ignore[method-assign]
        self.write = inner.write  # type: ignore[method-assign]
        self.aclose = inner.aclose  # type: ignore[method-assign]
        self.get_extra_info = inner.get_extra_info  # type: ignore[method-assign]
        self._inner = inner

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 (the library's)
    ) -> AsyncNetworkStream:
        try:
            return await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._inner.aclose()
            raise
