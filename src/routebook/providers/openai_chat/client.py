"""Client: calls one provider that speaks chat completions, with one credential.

Joins the pure `encode`, `decode` and `faults` to a Transport. Every failure is a ProviderError that names provider
and model; no message holds the key or the value of a secret header.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlencode

from ...canonical.chat import ChatRequest, ChatResponse
from ...canonical.redact import redact
from ...errors import ProviderError
from ...routing.provider_spec import Timeouts
from ..fault import Fault, say
from ..http.exchange import ExchangeFault, HttpRequest, HttpResponse, Transport
from ..http.over_httpx2 import HttpxTransport
from ..protocol import ClientConfig
from .decode import decode
from .encode import encode
from .faults import read_fault


class OpenAIChatClient:
    """A ModelClient for the chat completions API of OpenAI and of all who copy it."""

    def __init__(self, config: ClientConfig, transport: Transport | None = None) -> None:
        if not config.base_url:
            raise ValueError(f"provider {config.provider!r} has no base_url")
        self._config = config
        self._transport = HttpxTransport() if transport is None else transport
        self._url = config.base_url.rstrip("/") + "/chat/completions" + _query(config)
        self._headers = _headers(config)
        self._secrets = _secrets(config)

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """Make one model call; see `ModelClient.complete`."""
        body = encode(request, self._config.quirks)
        if isinstance(body, Fault):
            raise self._error(request, body, sent=False)
        headers = _merge(self._headers, request.options.get("extra_headers", {}))
        timeouts = _timeouts(self._config.timeout, request.options.get("timeout"))
        try:
            response = await self._transport.send(HttpRequest("POST", self._url, headers, body), timeouts)
        except ExchangeFault as fault:
            raise self._error(request, Fault(fault.kind, say(fault.message, self._secrets))) from fault
        read = decode if 200 <= response.status < 300 else read_fault
        answer = read(response.status, response.headers, response.body, time.time(), self._secrets)
        if isinstance(answer, Fault):
            raise self._error(request, answer, response)
        return answer

    async def close(self) -> None:
        """Close every connection; the client is not used again."""
        await self._transport.close()

    def _error(
        self, request: ChatRequest, fault: Fault, response: HttpResponse | None = None, *, sent: bool = True
    ) -> ProviderError:
        request_id = None if response is None else response.headers.get("x-request-id")
        return ProviderError(
            fault.message,
            fault.kind,
            provider=self._config.provider,
            model=request.target or request.model,
            status=None if response is None else response.status,
            retry_after=fault.retry_after,
            request_id=None if request_id is None else redact(request_id, self._secrets),
            sent=sent,
        )


def _headers(config: ClientConfig) -> Mapping[str, str]:
    headers = {"content-type": "application/json", "accept": "application/json", "user-agent": _USER_AGENT}
    if config.api_key is not None and "key_header" in config.quirks:
        headers[config.quirks["key_header"]] = config.api_key
    elif config.api_key is not None:
        headers["authorization"] = f"Bearer {config.api_key}"
    return _merge(headers, config.headers)


def _query(config: ClientConfig) -> str:
    query = config.quirks.get("query")
    return f"?{urlencode(query)}" if query else ""


def _merge(headers: Mapping[str, str], later: Mapping[str, str]) -> Mapping[str, str]:
    """Return *headers* with *later* ones in their place; names in lower case, so that none is sent twice."""
    return {**headers, **{name.lower(): value for name, value in later.items()}} if later else headers


def _secrets(config: ClientConfig) -> tuple[str, ...]:
    """Return what must not show: the key, the secret headers' values, and what follows a scheme (`Bearer ...`)."""
    values = [config.api_key or "", *config.headers.values()]
    return tuple({part for value in values for part in (value, value.strip(), value.strip().rpartition(" ")[2])})


def _timeouts(timeouts: Timeouts, option: Any) -> Timeouts:
    """Return *timeouts* as the option `timeout` changes them: seconds in all, or a mapping of bounds in seconds."""
    if option is None:
        return timeouts
    return replace(timeouts, **option) if isinstance(option, Mapping) else replace(timeouts, total=option)


def _user_agent() -> str:
    try:
        return f"routebook/{version('routebook')}"
    except PackageNotFoundError:
        return "routebook"


_USER_AGENT = _user_agent()
