"""ModelClient, the seam that every provider adapter implements, and what a client is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..canonical.chat import ChatRequest, ChatResponse
from ..canonical.frozen import EMPTY
from ..routing.provider_spec import Timeouts
from ..routing.script import Script


class ModelClient(Protocol):
    """Calls the models of one provider with one credential."""

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """Make one model call.

        Raises:
            ProviderError: The provider refused, failed or could not be reached; `kind` says which.
        """
        ...

    async def close(self) -> None:
        """Close every connection; the client is not used again."""
        ...


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """All that a client needs: where to call, as whom, within which bounds. Secrets never show in its repr.

    `headers` go with every request and are secret; `quirks` are the provider's departures from its API, as the
    preset lists them.
    """

    provider: str
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default=EMPTY, repr=False)
    quirks: Mapping[str, Any] = EMPTY
    timeout: Timeouts = field(default_factory=Timeouts)
    script: Script = ()
