"""Vertex: access tokens by the platform's application default credentials, found as Google's own tools find them.

The library asks files and servers, and waits for them; that is done in a thread of its own, one exchange at a time
however many calls wait for it, and no program waits for it at its end. A token is used until shortly before it expires,
or until the provider refuses it. Nothing foreign passes: neither the library's exceptions nor a secret in a sentence.
"""

from __future__ import annotations

import asyncio
import re
import time
import warnings
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import google.auth
from google.auth import exceptions

from ...canonical.redact import forms_of
from ...errors import FaultKind
from ..fault import Fault, say
from ..http.exchange import HttpRequest
from ..http.google_tokens import TokenRequests
from ..one_look import OneLook
from ..protocol import ClientConfig
from ..sentence import read_sentence
from ..signer import Unsigned

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
_PAYER = "GOOGLE_CLOUD_QUOTA_PROJECT"
_LONGEST_WAIT_S = 30.0
_MARGIN_S = 225.0
_MARGIN_OF_LIFETIME = 0.2
"""A token is renewed so long before its end, in seconds or as a part of its life, whichever is shorter. Calls wait for
the new one in the second half of that time only.
"""
_UNSAID_LIFETIME_S = 3600.0
_MOST_SECRETS = 16
_TOKEN = re.compile("[!-~]+")  # what a header can carry
_HOW = (
    "run `gcloud auth application-default login`, let GOOGLE_APPLICATION_CREDENTIALS name a file of credentials, or "
    "give the provider an `api_key`"
)


@dataclass(frozen=True, slots=True)
class _Token:
    """The headers that carry a token, from when on it is renewed, and waited for, and until when it may be used.

    The times are seconds of `time.monotonic`.
    """

    headers: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    due: float
    late: float
    valid_until: float


class VertexSigner:
    """A Signer by the application default credentials; see `Signer`."""

    shown = "Bearer (application default credentials)"

    def __init__(self, config: ClientConfig) -> None:
        self._environment = config.environment
        self._wait_s = min(_LONGEST_WAIT_S, config.timeout.total)
        self._requests = TokenRequests(config.timeout.connect, self._wait_s)
        self._credentials: Any = None
        self._token: _Token | None = None
        self._secrets: deque[str] = deque(maxlen=_MOST_SECRETS)
        self._exchange = OneLook(self._fetch, self._take, "routebook-vertex-token")

    async def sign(self, request: HttpRequest) -> HttpRequest:
        """Return *request* with a token; see `Signer.sign`."""
        token, now = self._token, time.monotonic()
        if token is None or now >= token.late:
            token = await self._renewed()
        elif now >= token.due:
            self._exchange.begin()
        return replace(request, headers={**request.headers, **token.headers})

    def refused(self) -> None:
        """Take note that the token was not accepted: the next request has another."""
        self._token = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must stand in no message: the tokens of late; calls with an older one may still be under way."""
        return tuple(self._secrets)

    async def _renewed(self) -> _Token:
        """Return a new token, or the old one if that is still valid and there is no other."""
        found = await self._exchanged()
        if isinstance(found, _Token):
            return found
        if self._token is not None and time.monotonic() < self._token.valid_until:
            return self._token
        raise Unsigned(found)

    async def _exchanged(self) -> _Token | Fault:
        """Wait for the one exchange that is under way, or begin it. A call that is cancelled does not stop it."""
        exchange = self._exchange.begin()
        try:
            async with asyncio.timeout(self._wait_s):
                return await asyncio.shield(exchange)
        except TimeoutError:
            return Fault("timeout", f"no access token for Vertex within {self._wait_s:g} s")

    def _take(self, found: _Token | Fault) -> None:
        if isinstance(found, _Token):
            self._token = found
            self._secrets.extend(found.secrets)

    def _fetch(self) -> _Token | Fault:
        """Find the credentials, once, and exchange them for a token. In a thread."""
        try:
            if self._credentials is None:
                self._credentials = self._found()
            self._credentials.refresh(self._requests)
            return _token_of(self._credentials)
        except Exception as error:  # noqa: BLE001, what a library raises that reads what others wrote is not foreseen
            self._credentials = None
            return _fault_of(error, self._requests.take_secrets())

    def _found(self) -> Any:
        """Return credentials: those in the file that the platform's environment names, else where Google looks."""
        name = self._environment.get(_FILE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if name:
                load: Any = google.auth.load_credentials_from_file
                found, _ = load(name, scopes=_SCOPES, request=self._requests)
            else:
                found, _ = google.auth.default(scopes=_SCOPES, request=self._requests)
        payer = self._environment.get(_PAYER)
        return found.with_quota_project(payer) if payer and hasattr(found, "with_quota_project") else found


def _token_of(credentials: Any) -> _Token:
    if not isinstance(credentials.token, str) or not _TOKEN.fullmatch(credentials.token):
        raise exceptions.RefreshError("no access token in the answer")  # type: ignore[no-untyped-call]
    headers: dict[str, str] = {}
    credentials.apply(headers)
    lifetime = _UNSAID_LIFETIME_S
    if credentials.expiry is not None:  # in UTC, and does not say so
        lifetime = (credentials.expiry.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()
    end, margin = time.monotonic() + lifetime, min(_MARGIN_S, lifetime * _MARGIN_OF_LIFETIME)
    return _Token(
        headers={name.lower(): value for name, value in headers.items()},
        secrets=tuple(forms_of(credentials.token)),
        due=end - margin,
        late=end - margin / 2,
        valid_until=end,
    )


def _fault_of(error: Exception, secrets: tuple[str, ...]) -> Fault:
    """Return what keeps a token from being had; *secrets* were sent on the way."""
    if isinstance(error, exceptions.DefaultCredentialsError):
        return Fault("authentication", say(f"no credentials for Vertex: {_words(error)}; {_HOW}", secrets))
    if isinstance(error, exceptions.TransportError):
        return Fault("connection", say(f"no access token for Vertex: {_words(error)}", secrets))
    if isinstance(error, exceptions.RefreshError):
        kind: FaultKind = "server_error" if error.retryable else "authentication"
        help_words = "" if error.retryable else f"; {_HOW}"
        return Fault(kind, say(f"no access token for Vertex: {_words(error)}{help_words}", secrets))
    what = type(error).__name__
    return Fault("authentication", say(f"no access token for Vertex: the credentials cannot be used ({what}); {_HOW}"))


def _words(error: Exception) -> str:
    """Return the words of *error*, without the data that the library puts beside them."""
    first = error.args[0] if error.args and isinstance(error.args[0], str) else ""
    words = read_sentence(first.encode("utf-8", "replace")) or "the server gave no reason"
    words = words.partition(" To set up Application Default Credentials")[0]
    return words[:1].lower() + words[1:].rstrip(". ")
