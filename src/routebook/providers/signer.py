"""Signer: what an API asks of credentials that are not simply a key: finding them, keeping them fresh, signing."""

from __future__ import annotations

from typing import Protocol

from .fault import Fault
from .http.exchange import HttpRequest


class Signer(Protocol):
    """Signs the requests of one client with the platform's credentials, found as the vendor's own tools find them."""

    shown: str
    """What a request that is only shown has in place of its signature."""

    async def sign(self, request: HttpRequest) -> HttpRequest:
        """Return *request* with its credentials, which are found at the first call, and anew before they expire.

        The event loop never waits for files, processes or other servers.

        Raises:
            Unsigned: There are no credentials, or they cannot be had now.
        """
        ...

    def refused(self) -> None:
        """Take note that the provider did not accept the credentials: the next request has fresh ones."""
        ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must stand in no message, in all its forms."""
        ...


class Unsigned(Exception):
    """A request cannot be signed; `fault` says why, without a secret."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.message)
