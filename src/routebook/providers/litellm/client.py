"""Client: calls what the LiteLLM library knows, with one credential.

Joins the pure `encode`, `decode`, `events` and `faults` to an Endpoint, whose transport is the library.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from ...canonical.chat import ChatRequest, ChatResponse
from ...canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ...canonical.event import ModelEvent
from ...canonical.frozen import EMPTY
from ...canonical.image import ImageRequest, ImageResponse
from ...canonical.redact import forms_of
from ..endpoint import AnyRequest, Dialect, Endpoint
from ..fault import Fault
from ..protocol import ClientConfig
from .credentials import bearer_of, secrets_in
from .decode import decode
from .embeddings import decode_embedding, encode_embedding
from .encode import encode, encode_stream, where_of
from .events import Events
from .faults import read_fault
from .images import decode_chat_image, decode_image, encode_image, is_by_chat
from .library import Library
from .traits import KEY_HEADER

_MODULE = "litellm"
_CHAT = ".acompletion"
_EMBEDDINGS = ".aembedding"
_IMAGES = ".aimage_generation"
_DIALECT = Dialect(
    key_header=KEY_HEADER,
    key_prefix="",
    request_id_header="x-request-id",
    read_fault=read_fault,
    headers=EMPTY,
)
_FOUND = "[found by litellm in its own variables]"


class LiteLLMClient:
    """A ModelClient for every provider that the LiteLLM library knows.

    Where there is a transport, the calls are shown to it as requests: the library is not asked, nor imported.
    """

    def __init__(self, config: ClientConfig) -> None:
        self._where = where_of(config)
        self._bearers = _bearers(config.headers)
        self._has_key = not config.finds_credentials
        self._library = None if config.transport is not None else _library(config)
        key = _FOUND if config.is_shown and config.finds_credentials else config.api_key
        transport = config.transport or self._library
        called = replace(config, base_url=_MODULE, quirks=EMPTY, transport=transport, api_key=key)
        self._endpoint = Endpoint(called, _DIALECT)

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """Make one model call; see `ModelClient.complete`."""
        body = await self._fitted(_CHAT, request, encode(request, self._where))
        return await self._endpoint.call(request, _CHAT, body, decode)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Make one model call, and yield its answer while it comes; see `ModelClient.stream`."""
        body = await self._fitted(_CHAT, request, encode_stream(request, self._where))
        async with aclosing(self._endpoint.stream(request, _CHAT, body, Events, decode)) as events:
            async for event in events:
                yield event

    async def embed(self, request: EmbeddingRequest) -> EmbeddingResponse:
        """Turn texts into vectors; see `ModelClient.embed`."""
        body = await self._fitted(_EMBEDDINGS, request, encode_embedding(request, self._where))
        read = partial(decode_embedding, inputs=len(request.inputs))
        return await self._endpoint.call(request, _EMBEDDINGS, body, read)

    async def generate_image(self, request: ImageRequest) -> ImageResponse:
        """Make images; see `ModelClient.generate_image`."""
        path, read = (_CHAT, decode_chat_image) if is_by_chat(request) else (_IMAGES, decode_image)
        body = await self._fitted(path, request, encode_image(request, self._where))
        return await self._endpoint.call(request, path, body, read)

    async def close(self) -> None:
        """End every call under way; the client is not used again. The library closes its connections by itself."""
        await self._endpoint.close()

    async def _fitted(self, path: str, request: AnyRequest, body: bytes | Fault) -> bytes | Fault:
        """Return *body* as the library wants it for the provider that the model names, or why it is not sent."""
        if self._library is None or isinstance(body, Fault):
            return body
        bearers = _bearers(request.options.get("extra_headers", {})) or self._bearers
        if not all(bearers):
            return Fault("bad_request", "litellm takes an `authorization` header with `Bearer` only; set `api_key`")
        return await self._library.fitted(path.removeprefix("."), body, has_key=self._has_key or bool(bearers))


def _bearers(headers: Mapping[str, str]) -> list[bool]:
    """Tell of each `authorization` in *headers* whether it holds a key; the last one counts."""
    return [bearer_of(value) is not None for name, value in headers.items() if name.lower() == "authorization"][-1:]


def _library(config: ClientConfig) -> Library:
    secrets = frozenset().union(*map(forms_of, (config.api_key or "", *config.headers.values())))
    if config.finds_credentials:
        secrets |= secrets_in(os.environ)
    return Library(config.provider, config.limits, tuple(secrets), finds_credentials=config.finds_credentials)
