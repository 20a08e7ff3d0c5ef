"""Dump: the very request that a call would put on the wire, with its secrets masked; nothing is sent.

The first attempt's client is the real one, on a transport that takes the request and goes no further. No fallback, no
shadow and no model call follows. Since nothing is sent, no secret is needed: where one cannot be read, the request
shows why in its place.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote

from ..canonical.chat import ChatRequest, ChatResponse
from ..canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ..canonical.event import ModelEvent
from ..canonical.image import ImageRequest, ImageResponse
from ..canonical.redact import REDACTED, forms_of, redact
from ..credentials import SecretUnavailable, read_secret
from ..errors import ProviderError, RequestError, RoutebookError
from ..providers.http.exchange import HttpRequest, HttpResponse, HttpStream
from ..providers.protocol import ModelClient
from ..routing.context import Context
from ..routing.decision import PlannedAttempt
from ..routing.provider_spec import ProviderSpec, Timeouts
from ..routing.secret import SecretRef
from ..routing.table import RoutingTable
from .attempt import ClientOf

T = TypeVar("T")

_SECRET_NAMES = re.compile(r"authorization|cookie|token|secret|(^|-)key$", re.IGNORECASE)
_SCHEME = re.compile(r"(?:Basic|Bearer|Digest|Token) +", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request as it would go over the wire, secrets masked; what HTTP itself adds (`host`, `content-length`,
    `accept-encoding`) is not in `headers`. `body` is the text exactly as it would be sent.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: str

    def to_dict(self) -> dict[str, Any]:
        """Return the request as plain data."""
        return {"method": self.method, "url": self.url, "headers": dict(self.headers), "body": self.body}


class RequestTaken(Exception):
    """Ends a call where its request would have gone out."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        super().__init__("the request was taken, and nothing was sent")


class Taking:
    """A Transport that takes every request and sends none."""

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse:
        """Take *request*."""
        raise RequestTaken(request)

    def stream(self, request: HttpRequest, timeouts: Timeouts) -> AbstractAsyncContextManager[HttpStream]:
        """Take *request*."""
        raise RequestTaken(request)

    async def close(self) -> None:
        """Return at once: nothing is open."""


def secret_or_why(reference: SecretRef, environment: Mapping[str, str]) -> str:
    """Return the secret's value, or in brackets why there is none."""
    try:
        return read_secret(reference, environment)
    except SecretUnavailable as error:
        return _why(error)


class Dumping:
    """Hands a call its clients, and ends it at the first request. Its attempt's secrets are masked; what stands in
    place of those that cannot be read is shown.
    """

    def __init__(
        self, table: RoutingTable, context: Context, environment: Mapping[str, str], client_of: ClientOf
    ) -> None:
        self._table = table
        self._environment = environment
        self._client_of = client_of
        self._secrets = list(context.credentials.values())
        self._shown: set[str] = set()

    async def client_of(self, planned: PlannedAttempt) -> ModelClient:
        """Return a client that makes *planned*'s first request, whatever is asked of it, and no other."""
        if planned.api == "scripted":
            raise _Ended(
                RequestError(f"provider {planned.provider!r} plays a script: nothing goes over the wire", "dump")
            )
        for reference in _references(self._table.providers[planned.provider]):
            try:
                self._secrets.append(read_secret(reference, self._environment))
            except SecretUnavailable as error:
                self._shown.add(_why(error))
        return _OneRequest(await _ended_by_faults(self._client_of(planned)))

    async def request_of(self, call: Awaitable[object]) -> WireRequest:
        """Return the first request that *call* would send.

        Raises:
            RequestError: It would send none.
            RoutebookError: It cannot be made.
        """
        try:
            await call
        except RequestTaken as taken:
            return masked(taken.request, self._secrets, self._shown)
        except _Ended as ended:
            raise ended.error from ended.error.__cause__
        raise RequestError("this call is answered without a model: nothing goes over the wire", "dump")


class _Ended(Exception):
    """Ends a call with *error*; as a foreign exception it starts no fallback, and no check stands in for it."""

    def __init__(self, error: RoutebookError) -> None:
        self.error = error
        super().__init__(str(error))


class _OneRequest:
    """A ModelClient whose every call ends with its request, or with what keeps it from being made."""

    def __init__(self, client: ModelClient) -> None:
        self._client = client

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """Make the request."""
        return _unsent(await _ended_by_faults(self._client.complete(request)))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Make the request."""
        events = self._client.stream(request)
        yield _unsent(await _ended_by_faults(anext(events)))

    async def embed(self, request: EmbeddingRequest) -> EmbeddingResponse:
        """Make the request."""
        return _unsent(await _ended_by_faults(self._client.embed(request)))

    async def generate_image(self, request: ImageRequest) -> ImageResponse:
        """Make the request."""
        return _unsent(await _ended_by_faults(self._client.generate_image(request)))

    async def close(self) -> None:
        """Return at once: whoever lent the client closes it."""


async def _ended_by_faults(work: Awaitable[T]) -> T:
    try:
        return await work
    except ProviderError as error:
        raise _Ended(error) from error


def _unsent(_: object) -> NoReturn:
    raise _Ended(RequestError("this provider's adapter answers without a request over HTTP", "dump"))


def masked(request: HttpRequest, secrets: Iterable[str], shown: Collection[str] = ()) -> WireRequest:
    """Return *request* without any of *secrets*, and without the values of headers that are secret by their names,
    unless they are among *shown*.
    """
    values = {form for secret in secrets if secret for form in (*forms_of(secret), quote(secret, safe=""))}
    headers = {name: _masked_header(name, redact(value, values), shown) for name, value in request.headers.items()}
    body = redact(request.body.decode("utf-8", "replace"), values)
    return WireRequest(request.method, redact(request.url, values), headers, body)


def _masked_header(name: str, value: str, shown: Collection[str]) -> str:
    match = _SCHEME.match(value)
    scheme = match[0] if match else ""
    if value.removeprefix(scheme) in shown or not _SECRET_NAMES.search(name):
        return value
    return f"{scheme}{REDACTED}"


def _references(provider: ProviderSpec) -> list[SecretRef]:
    credential = () if provider.credential is None else (provider.credential,)
    return [*credential, *provider.headers.values()]


def _why(error: SecretUnavailable) -> str:
    return f"[{str(error).removeprefix('environment variable ')}]"
