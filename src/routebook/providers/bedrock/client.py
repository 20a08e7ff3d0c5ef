"""Client: calls the models of Amazon Bedrock in one region, with one credential.

Joins the pure `encode`, `decode`, `events` and `faults` to an Endpoint.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import partial

from ...canonical.chat import ChatRequest, ChatResponse
from ...canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ...canonical.event import ModelEvent
from ...canonical.frozen import EMPTY
from ...canonical.image import ImageRequest, ImageResponse
from ..endpoint import Dialect, Endpoint
from ..fault import Fault
from ..protocol import ClientConfig
from .addresses import address_of
from .decode import decode
from .embeddings import EmbeddingCall, decode_embedding, encode_embedding, joined
from .encode import encode
from .events import Events
from .faults import read_fault
from .frames import FrameReader
from .model_ids import path_to
from .signing import signer_of
from .traits import TRAITS

_MOST_AT_ONCE = 8
_DIALECT = Dialect(
    key_header="authorization",
    key_prefix="Bearer ",
    request_id_header="x-amzn-requestid",
    read_fault=read_fault,
    headers=EMPTY,
    framing=FrameReader,
    stream_type="application/vnd.amazon.eventstream",
)


class BedrockClient:
    """A ModelClient for the converse API of Amazon Bedrock, and for those of its models that make vectors."""

    def __init__(self, config: ClientConfig) -> None:
        self._endpoint = Endpoint(_addressed(config), _DIALECT, signer_of(config))

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """Make one model call; see `ModelClient.complete`."""
        return await self._endpoint.call(request, path_to(request.model, "converse"), encode(request), decode)

    def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Make one model call, and yield its answer while it comes; see `ModelClient.stream`."""
        path = path_to(request.model, "converse-stream")
        return self._endpoint.stream(request, path, encode(request), Events, decode)

    async def embed(self, request: EmbeddingRequest) -> EmbeddingResponse:
        """Turn texts into vectors, in as many calls as the model needs; see `ModelClient.embed`."""
        calls = encode_embedding(request)
        if isinstance(calls, Fault):
            return await self._endpoint.call(request, "", calls, partial(decode_embedding, inputs=0))
        turns = asyncio.Semaphore(_MOST_AT_ONCE)
        tasks = [asyncio.create_task(self._embed(request, call, turns)) for call in calls]
        try:
            return joined(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def generate_image(self, request: ImageRequest) -> ImageResponse:
        """Refuse: no call of this API makes images; see `ModelClient.generate_image`."""
        raise self._endpoint.refuse(request, f"api {TRAITS.name!r} makes no images")

    async def close(self) -> None:
        """Close every connection; the client is not used again."""
        await self._endpoint.close()

    async def _embed(
        self, request: EmbeddingRequest, call: EmbeddingCall, turns: asyncio.Semaphore
    ) -> EmbeddingResponse:
        async with turns:
            read = partial(decode_embedding, inputs=call.inputs)
            return await self._endpoint.call(request, path_to(request.model, "invoke"), call.body, read)


def _addressed(config: ClientConfig) -> ClientConfig:
    if config.base_url or not config.region:
        return config
    return replace(config, base_url=address_of(config.region))
