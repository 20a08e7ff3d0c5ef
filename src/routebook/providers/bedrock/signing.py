"""Signing: requests with the platform's AWS credentials, which are found, and kept fresh, beside the event loop.

The package that finds them is optional, and imported when it first looks. A key of Amazon Bedrock's own in the
environment (`AWS_BEARER_TOKEN_BEDROCK`) is found without it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from ...canonical.redact import forms_of
from ...errors import MissingExtra
from ..extras import is_installed
from ..fault import Fault
from ..http.exchange import HttpRequest
from ..one_look import OneLook
from ..protocol import ClientConfig
from ..signer import Unsigned
from .credentials import BearerKey, Found

if TYPE_CHECKING:
    from .chain import Chain

LAZY_DOOR = {"Chain": "routebook.providers.bedrock.chain"}
"""The package of AWS is imported by the first call that has to find credentials."""

BEARER = "AWS_BEARER_TOKEN_BEDROCK"
_SECRET_VARIABLES = (
    *(BEARER, "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
)
_LONGEST_S = 60.0
_REFUSALS_APART_S = 1.0
_MOST_KEPT = 24

Outcome = Found | Fault


class AwsSigner:
    """Signs the requests of one client; see `Signer`. A clock may be handed in."""

    shown = "AWS4-HMAC-SHA256 (signed as it is sent, with the credentials that are found then)"

    def __init__(
        self,
        environment: Mapping[str, str],
        region: str,
        clock: Callable[[], float] = time.time,
        wait_s: float = _LONGEST_S,
    ) -> None:
        self._environment = environment
        self._region = region
        self._clock = clock
        self._wait_s = min(wait_s, _LONGEST_S)
        self._chain: Chain | None = None
        self._found: Found | None = None
        self._found_at = 0.0
        self._finding = OneLook(self._look, self._take, "routebook-aws-credentials")
        self._secrets = _forms(environment.get(name, "") for name in _SECRET_VARIABLES)

    async def sign(self, request: HttpRequest) -> HttpRequest:
        """Return *request* with its credentials; see `Signer.sign`."""
        found, now = self._found, self._clock()
        if found is None or (found.late is not None and found.late <= now):
            found = await self._wait()
        elif found.due is not None and found.due <= now:
            self._finding.begin()
        return found.credentials.sign(request)

    def refused(self) -> None:
        """Take note that the provider did not accept the credentials; see `Signer.refused`.

        Those that were found just now are kept: the calls that had the ones before them are refused one by one, and
        where none are accepted they are not looked for at every call.
        """
        if self._clock() - self._found_at >= _REFUSALS_APART_S:
            self._found = self._chain = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must stand in no message; see `Signer.secrets`."""
        return self._secrets

    async def _wait(self) -> Found:
        """Wait for credentials, one look for all who wait; where none are found, the old ones hold to their end."""
        finding = self._finding.begin()
        outcome: Outcome = Fault("timeout", f"AWS credentials were not found within {self._wait_s:g} s")
        with suppress(TimeoutError):
            async with asyncio.timeout(self._wait_s):
                outcome = await asyncio.shield(finding)
        if isinstance(outcome, Found):
            return outcome
        held = self._found
        if held is None or (held.expires is not None and held.expires <= self._clock()):
            raise Unsigned(outcome)
        return held

    def _look(self) -> Outcome:
        """Look for credentials. In a thread."""
        bearer = _bearer(self._environment)
        if bearer:
            return Found(BearerKey(bearer))
        try:
            chain = self._chain
            if chain is None:
                made: type[Chain] = import_module(LAZY_DOOR["Chain"]).Chain
                chain = self._chain = made(self._environment, self._region, self._secrets)
            return chain.fresh()
        except Unsigned as unsigned:
            return unsigned.fault
        except ImportError as error:
            return Fault("authentication", f"AWS credentials cannot be looked for: {error.name} cannot be imported")

    def _take(self, outcome: Outcome) -> None:
        """Use what was found. Where nothing was, what there is goes on to be used while it holds."""
        if isinstance(outcome, Found):
            self._found, self._found_at = outcome, self._clock()
            self._secrets = _forms((*outcome.credentials.secrets, *self._secrets[:_MOST_KEPT]))
        elif self._found is not None:
            self._found = self._found.after_failure(self._clock())


def signer_of(config: ClientConfig) -> AwsSigner | None:
    """Return what signs the requests of a client, None where it has a key, or needs none.

    Raises:
        MissingExtra: Credentials have to be found, and the package that finds them is not installed.
        ValueError: The client has no region.
    """
    if not config.finds_credentials or config.api_key is not None:
        return None
    if not config.region:
        raise ValueError(f"provider {config.provider!r} has no region")
    if not config.is_shown and not _bearer(config.environment) and not is_installed("bedrock"):
        raise MissingExtra("bedrock", f"provider {config.provider!r} has no `api_key`; to find AWS credentials")
    return AwsSigner(config.environment, config.region, wait_s=config.timeout.total)


def _bearer(environment: Mapping[str, str]) -> str:
    """Return the key without blanks around it, as that of a route file; blanks alone are none."""
    return environment.get(BEARER, "").strip()


def _forms(secrets: Iterable[str]) -> tuple[str, ...]:
    """Return *secrets* in all their forms, each once, in their order."""
    return tuple(dict.fromkeys(form for secret in secrets if secret for form in sorted(forms_of(secret))))
