"""Client: calls one provider that speaks the messages API, with one credential.

Joins the pure `encode`, `decode`, `events` and `faults` to an Endpoint.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator

from ...canonical.chat import ChatRequest, ChatResponse
from ...canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ...canonical.event import ModelEvent
from ...canonical.image import ImageRequest, ImageResponse
from ..endpoint import Dialect, Endpoint
from ..protocol import ClientConfig
from .decode import decode
from .encode import encode, encode_stream
from .events import Events
from .faults import read_fault
from .traits import TRAITS

_VERSIONED = re.compile(r"/v[0-9]+[a-z0-9]*/*\Z")


class AnthropicClient:
    """A ModelClient for the messages API of Anthropic and of those who copy it."""

    def __init__(self, config: ClientConfig) -> None:
        self._version = config.api_version or TRAITS.api_version or ""
        self._endpoint = Endpoint(config, _dialect(self._version))
        self._path = "/messages" if _VERSIONED.search(config.base_url or "") else "/v1/messages"

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """Make one model call; see `ModelClient.complete`."""
        return await self._endpoint.call(request, self._path, encode(request, self._version), decode)

    def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Make one model call, and yield its answer while it comes; see `ModelClient.stream`."""
        return self._endpoint.stream(request, self._path, encode_stream(request, self._version), Events, decode)

    async def embed(self, request: EmbeddingRequest) -> EmbeddingResponse:
        """Refuse: there are no embeddings; see `ModelClient.embed`."""
        raise self._endpoint.refuse(request, f"api {TRAITS.name!r} has no embeddings")

    async def generate_image(self, request: ImageRequest) -> ImageResponse:
        """Refuse: no model makes images; see `ModelClient.generate_image`."""
        raise self._endpoint.refuse(request, f"api {TRAITS.name!r} makes no images")

    async def close(self) -> None:
        """Close every connection; the client is not used again."""
        await self._endpoint.close()


def _dialect(version: str) -> Dialect:
    return Dialect(
        key_header="x-api-key",
        key_prefix="",
        request_id_header="request-id",
        read_fault=read_fault,
        headers={"anthropic-version": version},
    )
