"""Library: the LiteLLM package as a Transport, whose other end is not a server but calls of functions in this process.

Comes in: a request whose address is the function (`litellm.acompletion`), its body the arguments as JSON, the key and
the headers to pass on among its headers. Goes out: the answer as JSON, or as events of it. What the library raises
leaves as data, and no foreign exception hangs on ours.

Bounds are kept here, around what the library is waited for: it does not tell when a connection is there, nor of the
first byte, so `connect` has none of its own, and a whole answer has to be there within `first_token`. The library's
connections are its own: they are shared by all in this process who use it, and it closes idle ones.
"""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar

import msgspec

from ...canonical.redact import redact
from ...errors import MissingExtra
from ...routing.provider_spec import Timeouts
from .. import extras
from ..body import ENCODER
from ..fault import Fault, say
from ..http.clock import Clock
from ..http.exchange import (
    ConnectionLimits,
    ExchangeFault,
    HttpRequest,
    HttpResponse,
    HttpStream,
    client_is_closed,
)
from .credentials import NO_KEY, bearer_of
from .faults import unanswered, was_sent
from .mapping import fault_of_place, fitted, setting_fault
from .quiet import Redacting
from .raised import Raised, raised
from .replies import Chunks, Whole, as_json, headers_of, named
from .traits import KEY_HEADER

T = TypeVar("T")

LAZY_DOOR = {"LIBRARY": "routebook.providers.litellm.imported"}
"""The library is imported at the first call."""

_EXTRA = "litellm"
_NOT_PASSED_ON = frozenset({"content-type", "accept", "user-agent", KEY_HEADER})
_MOST_FITTED = 256
_LIBRARYS_GRACE_S = 30.0
_ARGUMENTS = msgspec.json.Decoder(dict[str, Any])


class _Never(int):
    """No retries at all: of a plain 0 the library makes its default, two, where it embeds texts."""

    def __bool__(self) -> bool:
        return True


_NEVER = _Never(0)


def require(provider: str) -> None:
    """Look whether the library is installed, without importing it.

    Raises:
        MissingExtra: It is not.
    """
    if not extras.is_installed(_EXTRA):
        raise MissingExtra(_EXTRA, f"api 'litellm' of provider {provider!r}")


class Library:
    """A Transport into the library. With *finds_credentials* a call without a key has those that the library finds."""

    def __init__(
        self, provider: str, limits: ConnectionLimits, secrets: tuple[str, ...], *, finds_credentials: bool
    ) -> None:
        require(provider)
        self._provider = provider
        self._turns = asyncio.Semaphore(limits.most)
        self._queue_timeout_s = limits.queue_timeout_s
        self._finds_credentials = finds_credentials
        self._secrets = secrets
        self._waits: set[asyncio.Timeout] = set()
        self._fitted: OrderedDict[tuple[str, bytes], bytes | Fault] = OrderedDict()
        self._redacting = Redacting(secrets)
        self._redacting.begin()
        self._closed = False

    async def fitted(self, call: str, body: bytes, *, has_key: bool) -> bytes | Fault:
        """Return the arguments of *call* as the library wants them, or why it must not be made; see `mapping`."""
        library = await self._import()
        fault = setting_fault(library)
        if fault is not None:
            return fault
        content = _ARGUMENTS.decode(body)
        kept = {name: content.pop(name) for name in ("messages", "input", "prompt") if name in content}
        key = (f"{call} {has_key}", ENCODER.encode(content))
        found = self._fitted.get(key)
        if found is None:
            found = await asyncio.to_thread(fitted, library, call, key[1], has_key=has_key)
            self._fitted[key] = found
        self._fitted.move_to_end(key)
        while len(self._fitted) > _MOST_FITTED:
            self._fitted.popitem(last=False)
        if isinstance(found, Fault):
            return found
        arguments = _ARGUMENTS.decode(found)
        # The environment may have changed.
        return fault_of_place(arguments, has_key=has_key) or ENCODER.encode({**arguments, **kept})

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse:
        """Make the call and return its whole answer; see `Transport.send`."""
        async with self._turn(timeouts) as clock:
            answer = await self._call(request, timeouts, clock)
            if isinstance(answer, Raised):
                return self._refusal(answer, timeouts)
            return HttpResponse(200, headers_of(answer), self._as_json(answer))

    @asynccontextmanager
    async def stream(self, request: HttpRequest, timeouts: Timeouts) -> AsyncGenerator[HttpStream, None]:
        """Make the call, and return its answer while it comes; see `Transport.stream`."""
        async with self._turn(timeouts) as clock:
            answer = await self._call(request, timeouts, clock)
            if isinstance(answer, Raised):
                yield Whole(self._refusal(answer, timeouts))
            elif not hasattr(answer, "__anext__"):
                yield Whole(HttpResponse(200, headers_of(answer), self._as_json(answer)))
            else:
                chunks = Chunks(self, answer, clock, timeouts)
                try:
                    # Of some providers the library asks only now.
                    refused = await chunks.begin()
                    yield chunks if refused is None else Whole(self._refusal(refused, timeouts))
                finally:
                    await chunks.close()

    async def close(self) -> None:
        """End every call under way; later ones are refused. The library's connections stay its own."""
        self._closed = True
        self._redacting.end()
        now = asyncio.get_running_loop().time()
        for wait in self._waits:
            wait.reschedule(now)

    async def _waited(self, call: Awaitable[T], clock: Clock) -> T | Raised:
        """Return what *call* comes to, or what it raised.

        Raises:
            ExchangeFault: A bound was crossed meanwhile, or the client was closed.
        """
        outcome: T | Raised | None = None
        try:
            async with asyncio.timeout_at(clock.deadline()) as wait:
                self._waits.add(wait)
                try:
                    return await call
                except StopAsyncIteration:
                    raise
                except Exception as error:  # noqa: BLE001, whatever the library raises leaves as data
                    if not wait.expired():
                        outcome = raised(error)
                finally:
                    self._waits.discard(wait)
        except TimeoutError:
            outcome = None
        if outcome is not None:
            return outcome
        raise self._ended(clock)

    async def next_of(self, chunks: Any, clock: Clock) -> Any:
        """Return the next of *chunks*; see `Waiting`."""
        return await self._waited(anext(chunks), clock)

    def fault_of(self, error: Raised, timeouts: Timeouts) -> ExchangeFault:
        """Return the fault of what was *raised* without an answer of the provider's."""
        fault = unanswered(error, timeouts, self._secrets)
        return ExchangeFault(fault.kind, fault.message, sent=was_sent(error))

    def _ended(self, clock: Clock) -> ExchangeFault:
        if self._closed:
            return ExchangeFault("connection", "the client is closed")
        return ExchangeFault("timeout", clock.sentence)

    @asynccontextmanager
    async def _turn(self, timeouts: Timeouts) -> AsyncGenerator[Clock, None]:
        """Wait until a call may be made; its clock runs from then on."""
        if self._closed:
            raise client_is_closed()
        clock = Clock(timeouts)
        wait_s = min(self._queue_timeout_s, timeouts.total)
        try:
            async with asyncio.timeout(wait_s):
                await self._turns.acquire()
        except TimeoutError:
            has_turn = False
        else:
            has_turn = True
        if not has_turn:
            message = f"as many calls of provider {self._provider!r} as it may have went on for {wait_s:g} s"
            raise ExchangeFault("queue_timeout", message, sent=False)
        try:
            clock.begin()
            yield clock
        finally:
            self._turns.release()

    async def _call(self, request: HttpRequest, timeouts: Timeouts, clock: Clock) -> Any:
        library = await self._import()
        function = getattr(library, request.url.rpartition(".")[2])
        return await self._waited(function(**self._arguments(request, timeouts)), clock)

    def _arguments(self, request: HttpRequest, timeouts: Timeouts) -> dict[str, Any]:
        arguments = _ARGUMENTS.decode(request.body)
        given = request.headers.get("authorization")
        # Some providers' parts overwrite a header with their own: it is made of the key then.
        key = request.headers.get(KEY_HEADER) if given is None else bearer_of(given)
        if key is not None or not self._finds_credentials:
            arguments["api_key"] = key or NO_KEY
        headers = {name: value for name, value in request.headers.items() if name not in _NOT_PASSED_ON}
        if given is not None:
            headers["Authorization"] = headers.pop("authorization")
        if headers:
            arguments["extra_headers"] = headers
        if "max_retries" in arguments:
            arguments["max_retries"] = _NEVER
        # Ours are kept by us, and hold first; the library's own would be ten minutes.
        return {**arguments, "timeout": timeouts.total + _LIBRARYS_GRACE_S}

    def _refusal(self, error: Raised, timeouts: Timeouts) -> HttpResponse:
        """Return a refusal of the provider's as an answer.

        Raises:
            ExchangeFault: The provider gave none.
        """
        if error.status is None or error.status < 300:
            raise self.fault_of(error, timeouts)
        headers = {name: redact(value, self._secrets) for name, value in named(error.headers).items()}
        # Whoever reads the answer does not know of the credentials that the library found.
        said = redact(ENCODER.encode({"error": error.to_dict()}).decode(), self._secrets)
        return HttpResponse(error.status, headers, said.encode())

    def _as_json(self, answer: Any) -> bytes:
        found = as_json(answer)
        if isinstance(found, bytes):
            return found
        raise ExchangeFault("malformed_response", say(f"the library's answer is no JSON: {found}", self._secrets))

    async def _import(self) -> Any:
        """Return the library, which takes seconds to import: in a thread, so that nobody else has to wait."""
        library = sys.modules.get(_EXTRA)
        if library is None or getattr(library.__spec__, "_initializing", False):
            require(self._provider)
            try:
                library = await asyncio.to_thread(_imported)
            except ImportError as error:
                raise MissingExtra(_EXTRA, f"api 'litellm' of provider {self._provider!r}") from error
        vars(library)["suppress_debug_info"] = True
        return library


def _imported() -> ModuleType:
    library: ModuleType = import_module(LAZY_DOOR["LIBRARY"]).LIBRARY
    return library
