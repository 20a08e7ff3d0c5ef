"""Endpoint: one provider's address with one credential; where every adapter's requests go through.

Comes in: a body, already encoded, and what its API makes of answers. Goes out: what the API made of the answer, or a
ProviderError that names provider and model. No message holds the key or the value of a secret header.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar
from urllib.parse import urlencode

from ..canonical.chat import ChatRequest, ChatResponse
from ..canonical.embedding import EmbeddingRequest
from ..canonical.event import ModelEvent, ResponseFinished, at_once
from ..canonical.image import ImageRequest
from ..canonical.redact import forms_of, redact
from ..errors import ProviderError
from ..routing.provider_spec import Timeouts
from .answer import Answer, Framing, Read, StreamReader
from .fault import Fault, say
from .http.choice import make_transport
from .http.exchange import ExchangeFault, HttpRequest, HttpResponse, HttpStream, Transport
from .protocol import ClientConfig
from .reading import Reading, drain, first_words, is_whole, whole_body
from .signer import Signer, Unsigned
from .sse import EventReader

T = TypeVar("T")
AnyRequest = ChatRequest | EmbeddingRequest | ImageRequest


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the endpoints of one API have in common: the header of the key, with what stands before the key in it, the
    header that carries the id of a request, the reading of refusals, and how a stream of events comes.
    """

    key_header: str
    key_prefix: str
    request_id_header: str
    read_fault: Callable[[Answer], Fault]
    headers: Mapping[str, str]
    framing: Callable[[], Framing] = EventReader
    stream_type: str = "text/event-stream"


class Endpoint:
    """Sends what an adapter encoded to one provider. Clock and transport may be handed in, and a signer, which then
    has the credentials: there is no key.
    """

    def __init__(
        self,
        config: ClientConfig,
        dialect: Dialect,
        signer: Signer | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not config.base_url:
            raise ValueError(f"provider {config.provider!r} has no base_url")
        self._provider = config.provider
        self._base = config.base_url.rstrip("/")
        self._query = urlencode(config.quirks.get("query", {}))
        self._timeout = config.timeout
        self._dialect = dialect
        self._key_header = config.quirks.get("key_header") or dialect.key_header
        self._headers = _headers(config, dialect)
        if signer is not None and config.is_shown:
            self._headers = {**self._headers, self._key_header: signer.shown}
        self._own_secrets = _secrets(config)
        self._signer = None if config.is_shown else signer
        self._clock = clock
        self._transport: Transport = config.transport or make_transport(config.http, config.limits)

    async def call(self, request: AnyRequest, path: str, body: bytes | Fault, read: Read[T]) -> T:
        """Post *body* to *path* and return what *read* makes of the answer.

        Raises:
            ProviderError: *body* is a Fault, the exchange failed, or the provider refused.
        """
        sent = await self._request(request, path, body)
        try:
            response = await self._transport.send(sent, self._timeouts(request))
        except ExchangeFault as fault:
            raise self._unanswered(request, fault) from fault
        return self._read(request, response, read)

    async def stream(
        self,
        request: ChatRequest,
        path: str,
        body: bytes | Fault,
        make: Callable[[Answer], StreamReader],
        read: Read[ChatResponse],
    ) -> AsyncGenerator[ModelEvent, None]:
        """Post *body* to *path* and yield what the reader made by *make* makes of the answer's events.

        An answer that is no stream of events is read whole, by *read*.

        Raises:
            ProviderError: As `call`, at any event.
        """
        sent = await self._request(request, path, body, accept=self._dialect.stream_type)
        reading: Reading | None = None
        try:
            async with self._transport.stream(sent, self._timeouts(request)) as http:
                first = await first_words(http)
                if not 200 <= http.status < 300 or is_whole(first):
                    whole = HttpResponse(http.status, http.headers, await whole_body(first, http))
                    for event in at_once(self._read(request, whole, read)):
                        yield event
                    return
                reader = make(self._answer(HttpResponse(http.status, http.headers, b"")))
                reading = Reading(reader, self._dialect.framing())
                piece: bytes | None = first
                while piece is not None and not reading.is_over:
                    events = reading.take(piece)
                    if events:
                        http.begin_content()
                    for event in events:
                        yield event
                    if not reading.is_over:
                        piece = await http.next_piece()
                answer = reading.end()
                if isinstance(answer, Fault):
                    raise self._error(request, answer, http)
                yield ResponseFinished(answer)
                await drain(http)
        except ExchangeFault as fault:
            error = self._unanswered(request, fault)
            error.usage = None if reading is None else reading.usage
            raise error from fault

    def refuse(self, request: AnyRequest, what: str) -> ProviderError:
        """Return the error of a call that this API does not have; *what* is a sentence."""
        return self._error(request, Fault("unsupported_capability", what), sent=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.close()

    async def _request(
        self, request: AnyRequest, path: str, body: bytes | Fault, accept: str = "application/json"
    ) -> HttpRequest:
        if isinstance(body, Fault):
            raise self._error(request, body, sent=False)
        extra = request.options.get("extra_headers")
        headers = {**self._headers, "accept": accept}
        if extra:
            given = {name.lower(): value for name, value in extra.items()}
            if "authorization" in given:
                headers.pop(self._key_header, None)
            headers |= given
        sent = HttpRequest("POST", self._url(path), headers, body)
        if self._signer is None or "authorization" in headers:
            return sent
        most_s = self._timeouts(request).total
        try:
            # The signer knows the provider's own bound, and says more where that is reached.
            async with asyncio.timeout(most_s if most_s < self._timeout.total else None):
                return await self._signer.sign(sent)
        except Unsigned as unsigned:
            raise self._error(request, unsigned.fault, sent=False) from unsigned
        except TimeoutError as late:
            fault = Fault("timeout", f"no credentials within {most_s:g} s")
            raise self._error(request, fault, sent=False) from late

    def _url(self, path: str) -> str:
        if not self._query:
            return self._base + path
        return f"{self._base}{path}{'&' if '?' in path else '?'}{self._query}"

    def _timeouts(self, request: AnyRequest) -> Timeouts:
        """Return the bounds as the option `timeout` changes them: seconds in all, or a mapping of bounds in seconds."""
        option = request.options.get("timeout")
        if option is None:
            return self._timeout
        return replace(self._timeout, **option) if isinstance(option, Mapping) else replace(self._timeout, total=option)

    def _read(self, request: AnyRequest, response: HttpResponse, read: Read[T]) -> T:
        answer = self._answer(response)
        found = read(answer) if 200 <= response.status < 300 else self._dialect.read_fault(answer)
        if isinstance(found, Fault):
            raise self._error(request, found, response)
        return found

    @property
    def _secrets(self) -> tuple[str, ...]:
        return self._own_secrets if self._signer is None else (*self._own_secrets, *self._signer.secrets)

    def _answer(self, response: HttpResponse) -> Answer:
        """Return what an API reads; the id of the request, which it passes on as it stands, is without secrets."""
        headers, request_id = response.headers, self._request_id(response)
        if request_id is not None:
            headers = {**headers, self._dialect.request_id_header: request_id}
        return Answer(response.status, headers, response.body, self._clock(), self._secrets)

    def _request_id(self, response: HttpResponse | HttpStream) -> str | None:
        request_id = response.headers.get(self._dialect.request_id_header)
        return None if request_id is None else redact(request_id, self._secrets)

    def _unanswered(self, request: AnyRequest, fault: ExchangeFault) -> ProviderError:
        """Return the error of an answer that cannot be read; a refusal is told by its head, whatever became of it."""
        head, words = fault.head, say(fault.message, self._secrets)
        if head is None or 200 <= head.status < 300:
            return self._error(request, Fault(fault.kind, words), head, sent=fault.sent)
        refusal = self._dialect.read_fault(self._answer(head))
        return self._error(request, replace(refusal, message=f"{refusal.message}; {words}"), head)

    def _error(
        self, request: AnyRequest, fault: Fault, response: HttpResponse | HttpStream | None = None, *, sent: bool = True
    ) -> ProviderError:
        if fault.kind == "authentication" and sent and self._signer is not None:
            self._signer.refused()
        return ProviderError(
            fault.message,
            fault.kind,
            provider=self._provider,
            model=request.target or request.model,
            status=None if response is None else response.status,
            retry_after=fault.retry_after,
            request_id=None if response is None else self._request_id(response),
            sent=sent,
            usage=fault.usage,
        )


def _headers(config: ClientConfig, dialect: Dialect) -> Mapping[str, str]:
    headers = {"content-type": "application/json", "user-agent": _USER_AGENT, **dialect.headers}
    given = {name.lower(): value for name, value in config.headers.items()}
    if config.api_key is not None and "authorization" not in given:
        own = config.quirks.get("key_header")
        name, prefix = (own, "") if own else (dialect.key_header, dialect.key_prefix)
        headers[name] = prefix + config.api_key
    return {**headers, **given}


def _secrets(config: ClientConfig) -> tuple[str, ...]:
    """Return what must not show: the key and the secret headers' values, in all their forms."""
    return tuple(frozenset().union(*map(forms_of, (config.api_key or "", *config.headers.values()))))


def _user_agent() -> str:
    try:
        return f"routebook/{version('routebook')}"
    except PackageNotFoundError:
        return "routebook"


_USER_AGENT = _user_agent()
