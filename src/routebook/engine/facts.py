"""Facts of a request, counted once a run; and the caller's options, checked before anything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..canonical.chat import ChatRequest
from ..canonical.embedding import EmbeddingRequest
from ..canonical.frozen import EMPTY
from ..canonical.image import ImageRequest
from ..canonical.message import Message
from ..canonical.part import ImagePart, TextPart
from ..canonical.plain import NotPlain, freeze_plain
from ..canonical.tool import ToolResult
from ..document.options import check_options
from ..errors import RequestError
from ..routing.context import Facts
from ..routing.given import check_named
from ..routing.spec import FeatureSpec

_BYTES_PER_TOKEN = 4

AnyRequest = ChatRequest | EmbeddingRequest | ImageRequest


def has_tools(feature: FeatureSpec) -> bool:
    """Tell whether a run of *feature* offers tools."""
    return feature.tools is not None and feature.tools.allow != ()


def facts_of(
    messages: Sequence[Message],
    offers_tools: bool,
    options: Mapping[str, Any] | None,
    model: str | None,
    stream: bool = False,
) -> Facts:
    """Derive the facts of a request; `input_tokens` is the UTF-8 bytes of its text divided by four, rounded up.

    Raises:
        RequestError: The options are no mapping, one is unknown, or its value does not fit; a text cannot be encoded.
    """
    parts = [part for message in messages for part in message.content]
    return Facts(
        input_tokens=_counted((part.text for part in parts if isinstance(part, TextPart)), "messages"),
        has_images=any(isinstance(part, ImagePart) for part in parts),
        has_tools=offers_tools,
        stream=stream,
        model=model,
        options=EMPTY if options is None else _checked(options),
    )


def facts_of_texts(texts: Iterable[str], field: str, options: Mapping[str, Any] | None, model: str | None) -> Facts:
    """Derive the facts of a request for embeddings or images, its texts from the argument *field*; see `facts_of`."""
    return Facts(
        input_tokens=_counted(texts, field),
        model=model,
        options=EMPTY if options is None else _checked(options),
    )


def tokens_of(request: AnyRequest) -> int:
    """Estimate the tokens that a call takes: its texts, and the longest answer that it asks for, if it says."""
    if isinstance(request, EmbeddingRequest):
        return _tokens(request.inputs)
    if isinstance(request, ImageRequest):
        return _tokens((request.prompt,))
    texts = (text for message in request.messages for text in _texts(message))
    return _tokens(texts) + (request.options.get("max_output_tokens") or 0)


def _texts(message: Message) -> Iterator[str]:
    for part in message.content:
        if isinstance(part, (TextPart, ToolResult)):
            yield part.text


def _counted(texts: Iterable[str], field: str) -> int:
    """Estimate the tokens of *texts*, the argument *field*.

    Raises:
        RequestError: One of them is no Unicode text.
    """
    try:
        return -(-sum(len(text.encode()) for text in texts) // _BYTES_PER_TOKEN)
    except UnicodeEncodeError as error:
        at = error.object[error.start]
        message = f"{field}: {at!r} is half of a surrogate pair, which is no character and cannot be sent; take it out"
        raise RequestError(message, field) from error


def _tokens(texts: Iterable[str]) -> int:
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    return -(-size // _BYTES_PER_TOKEN)


def _checked(options: Mapping[str, Any]) -> Mapping[str, Any]:
    layer, problems = check_options(check_named(options))
    if problems:
        raise RequestError(f"the caller's options do not fit: {'; '.join(problems)}", "options")
    try:
        freeze_plain(layer.get("extra_body") or EMPTY)
    except NotPlain as error:
        raise RequestError(f"the caller's option extra_body{error.place} {error.why}", "options") from error
    return layer
