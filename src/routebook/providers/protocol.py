"""ModelClient, the seam that every provider adapter implements, and what a client is made from."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..canonical.chat import ChatRequest, ChatResponse
from ..canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ..canonical.event import ModelEvent
from ..canonical.frozen import EMPTY
from ..canonical.image import ImageRequest, ImageResponse
from ..routing.provider_spec import Timeouts
from ..routing.script import Script
from ..routing.traits import ApiTraits
from .http.choice import TransportName
from .http.exchange import DEFAULT_CONNECTIONS, ConnectionLimits, Transport


class ModelClient(Protocol):
    """Calls the models of one provider with one credential."""

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """Make one model call.

        Raises:
            ProviderError: The provider refused, failed or could not be reached; `kind` says which.
        """
        ...

    def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Make one model call, and yield its answer while it comes; a `ResponseFinished` with the whole is the last.

        Closing the generator closes the connection at once.

        Raises:
            ProviderError: As `complete`, at any event; what was yielded until then is all there is.
        """
        ...

    async def embed(self, request: EmbeddingRequest) -> EmbeddingResponse:
        """Turn texts into vectors, in the order of the texts.

        Raises:
            ProviderError: As `complete`; `unsupported_capability` where the API has no such call.
        """
        ...

    async def generate_image(self, request: ImageRequest) -> ImageResponse:
        """Make images, at least one.

        Raises:
            ProviderError: As `complete`; `unsupported_capability` where the API has no such call.
        """
        ...

    async def close(self) -> None:
        """Close every connection; the client is not used again."""
        ...


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """All that a client needs: where to call, as whom, within which bounds. Secrets never show in its repr.

    `headers` go with every request and are secret; `quirks` are the provider's departures from its API, as the
    preset lists them; `region`, `project` and `location` say where at the vendor it is. With `finds_credentials` there
    is no key: the platform's credentials are found as the vendor's own tools find them, variables in `environment`.
    `limits` say how many connections there may be at a time, and how many of them stay open idle, `http` what carries
    requests. With a `transport` they go there, and nowhere else. `is_shown` tells that it sends nothing: credentials
    that would have to be found are not, and the request says so in their place.
    """

    provider: str
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default=EMPTY, repr=False)
    api_version: str | None = None
    quirks: Mapping[str, Any] = EMPTY
    region: str | None = None
    project: str | None = None
    location: str | None = None
    finds_credentials: bool = False
    environment: Mapping[str, str] = field(default=EMPTY, repr=False)
    is_shown: bool = False
    timeout: Timeouts = field(default_factory=Timeouts)
    limits: ConnectionLimits = DEFAULT_CONNECTIONS
    http: TransportName = "httpx2"
    transport: Transport | None = None
    script: Script = ()


@dataclass(frozen=True, slots=True)
class Api:
    """A wire API that another package adds, under the entry point group `routebook.providers`.

    `client` makes a client of a provider that speaks it. Where the configuration has a `transport`, the client sends
    its requests there, so that they can be shown without being sent.
    """

    name: str
    traits: ApiTraits
    client: Callable[[ClientConfig], ModelClient]
