"""Google tokens: the exchanges that Google's library for credentials makes, over httpx2; for use in threads.

It is imported only where that library is installed. An exchange is bounded as a whole; the environment's proxies are
used, except for loopback. What the library sends to prove who it is can be asked for, so that no sentence repeats it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
from google.auth import exceptions
from google.auth.transport import Request

from .proxies import proxy_for

_LARGEST_ANSWER_BYTES = 1024 * 1024
_PROOFS = frozenset({"assertion", "refresh_token", "client_secret", "subject_token", "actor_token"})


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """An answer as the library wants it: header names in lower case."""

    status: int
    headers: Mapping[str, str]
    data: bytes = field(repr=False)


class TokenRequests(Request):
    """Makes the library's requests; seconds to connect, and for a whole exchange unless it asks for less."""

    def __init__(self, connect_s: float, total_s: float) -> None:
        self._connect_s = connect_s
        self._total_s = total_s
        self._proofs: set[str] = set()

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> TokenResponse:
        """Make a request, and read the whole answer.

        Raises:
            google.auth.exceptions.TransportError: There is no answer.
        """
        self._note_proofs(body)
        total_s = min(timeout or self._total_s, self._total_s)
        host = "its host"
        try:
            host = urlsplit(url).hostname or host
            return self._exchange(url, method, body, headers, total_s)
        except TimeoutError as error:
            raise _failed(f"no answer from {host} within {total_s:g} s", error) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise _failed(f"no answer from {host} ({_cause(error)})", error) from error

    def take_secrets(self) -> tuple[str, ...]:
        """Return what was sent as proof until now."""
        return tuple(self._proofs)

    def _note_proofs(self, body: bytes | None) -> None:
        pairs = parse_qsl((body or b"").decode("utf-8", "replace"))
        self._proofs = {value for name, value in pairs if name in _PROOFS} or self._proofs

    def _exchange(
        self, url: str, method: str, body: bytes | None, headers: Mapping[str, str] | None, total_s: float
    ) -> TokenResponse:
        deadline = time.monotonic() + total_s
        address = httpx2.URL(url)
        bounds = httpx2.Timeout(total_s, connect=min(self._connect_s, total_s))
        with (
            httpx2.Client(proxy=proxy_for(address.scheme, address.host), trust_env=False, timeout=bounds) as client,
            client.stream(method, address, content=body, headers=dict(headers or {})) as response,
        ):
            content = bytearray()
            for piece in response.iter_bytes():
                content += piece
                if time.monotonic() > deadline:
                    raise TimeoutError
                if len(content) > _LARGEST_ANSWER_BYTES:
                    raise ValueError("more than 1 MiB")
            return TokenResponse(response.status_code, dict(response.headers), bytes(content))


def _failed(message: str, error: Exception) -> Exception:
    failed: type[Exception] = exceptions.TransportError
    return failed(message, error)


def _cause(error: Exception) -> str:
    """Return why, in the library's words, without the address, which may hold a secret."""
    return {
        "ConnectError": "no connection",
        "ConnectTimeout": "no connection in time",
        "ReadTimeout": "it is too slow",
        "ProxyError": "the proxy refused",
    }.get(type(error).__name__, type(error).__name__)
