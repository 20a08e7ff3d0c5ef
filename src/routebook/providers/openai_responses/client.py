"""Client: calls one provider that speaks the responses API, with one credential.

Joins the pure `encode`, `decode`, `events` and `faults` to an Endpoint.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial

from ...canonical.chat import ChatRequest, ChatResponse
from ...canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ...canonical.event import ModelEvent
from ...canonical.frozen import EMPTY
from ...canonical.image import ImageRequest, ImageResponse
from ..endpoint import Dialect, Endpoint
from ..openai.embeddings import decode_embedding, encode_embedding
from ..openai.images import decode_image, encode_image
from ..protocol import ClientConfig
from .decode import decode
from .encode import encode, encode_stream
from .events import Events
from .faults import read_fault
from .traits import TRAITS

_RESPONSES = "/responses"
_EMBEDDINGS = "/embeddings"
_IMAGES = "/images/generations"
_DIALECT = Dialect(
    key_header="authorization",
    key_prefix="Bearer ",
    request_id_header="x-request-id",
    read_fault=read_fault,
    headers=EMPTY,
)


class OpenAIResponsesClient:
    """A ModelClient for the responses API of OpenAI and of all who copy it."""

    def __init__(self, config: ClientConfig) -> None:
        self._quirks = config.quirks
        self._endpoint = Endpoint(config, _DIALECT)

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """Make one model call; see `ModelClient.complete`."""
        return await self._endpoint.call(request, _RESPONSES, encode(request, self._quirks), decode)

    def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Make one model call, and yield its answer while it comes; see `ModelClient.stream`."""
        return self._endpoint.stream(request, _RESPONSES, encode_stream(request, self._quirks), Events, decode)

    async def embed(self, request: EmbeddingRequest) -> EmbeddingResponse:
        """Turn texts into vectors; see `ModelClient.embed`."""
        read = partial(decode_embedding, inputs=len(request.inputs), quirks=self._quirks)
        return await self._endpoint.call(request, _EMBEDDINGS, encode_embedding(request, TRAITS, self._quirks), read)

    async def generate_image(self, request: ImageRequest) -> ImageResponse:
        """Make images, whatever else the model can do; see `ModelClient.generate_image`."""
        return await self._endpoint.call(request, _IMAGES, encode_image(request, TRAITS, self._quirks), decode_image)

    async def close(self) -> None:
        """Close every connection; the client is not used again."""
        await self._endpoint.close()
