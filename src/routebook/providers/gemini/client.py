"""Client: calls one provider that speaks generateContent, with one credential. One of the lazy doors.

Joins the pure `encode`, `decode`, `events` and `faults` to an Endpoint. Without a key, at Vertex, the platform's
credentials are found by a library that is imported then.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial
from importlib import import_module
from typing import cast

from ...canonical.chat import ChatRequest, ChatResponse
from ...canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ...canonical.event import ModelEvent
from ...canonical.frozen import EMPTY
from ...canonical.image import ImageRequest, ImageResponse
from ...errors import MissingExtra
from ..endpoint import Dialect, Endpoint
from ..protocol import ClientConfig
from ..signer import Signer
from .address import address_of
from .decode import REQUEST_ID, decode
from .embeddings import decode_embedding, embedding_method, encode_embedding
from .encode import encode
from .events import Events, decode_streamed
from .faults import read_fault
from .images import decode_chat_image, decode_image, encode_image, is_by_predict

_WHOLE = "generateContent"
_STREAM = "streamGenerateContent"
# extra → the module that finds credentials by it, and what makes a signer there.
_SIGNERS: dict[str, tuple[str, str]] = {
    "vertex": ("routebook.providers.gemini.vertex", "VertexSigner"),
}


class GeminiClient:
    """A ModelClient for the generateContent API, at Google AI and at Vertex."""

    def __init__(self, config: ClientConfig) -> None:
        self._address = address_of(config)
        signer = _signer(config) if config.finds_credentials else None
        self._endpoint = Endpoint(config, _dialect(signer), signer)

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """Make one model call; see `ModelClient.complete`."""
        path = self._address.path(request.model, _WHOLE)
        return await self._endpoint.call(request, path, encode(request, self._address), decode)

    def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Make one model call, and yield its answer while it comes; see `ModelClient.stream`."""
        path = self._address.path(request.model, _STREAM) + "?alt=sse"
        return self._endpoint.stream(request, path, encode(request, self._address), Events, decode_streamed)

    async def embed(self, request: EmbeddingRequest) -> EmbeddingResponse:
        """Turn texts into vectors; see `ModelClient.embed`."""
        path = self._address.path(request.model, embedding_method(request, self._address))
        read = partial(decode_embedding, inputs=len(request.inputs))
        return await self._endpoint.call(request, path, encode_embedding(request, self._address), read)

    async def generate_image(self, request: ImageRequest) -> ImageResponse:
        """Make images; see `ModelClient.generate_image`."""
        method, read = ("predict", decode_image) if is_by_predict(request) else (_WHOLE, decode_chat_image)
        path = self._address.path(request.model, method)
        return await self._endpoint.call(request, path, encode_image(request), read)

    async def close(self) -> None:
        """Close every connection; the client is not used again."""
        await self._endpoint.close()


def _dialect(signer: Signer | None) -> Dialect:
    header, prefix = ("x-goog-api-key", "") if signer is None else ("authorization", "Bearer ")
    return Dialect(
        key_header=header,
        key_prefix=prefix,
        request_id_header=REQUEST_ID,
        read_fault=read_fault,
        headers=EMPTY,
    )


def _signer(config: ClientConfig) -> Signer:
    module, name = _SIGNERS["vertex"]
    try:
        found = import_module(module)
    except ImportError as error:
        raise MissingExtra("vertex", f"finding the credentials of provider {config.provider!r}") from error
    return cast(Signer, getattr(found, name)(config))
