"""Embeddings: a canonical request ↔ a call of `/embeddings`.

Pure. Vectors are asked for as base64 of floats, a quarter of the bytes; a server that sends lists all the same is
understood. They are put in the order of the texts by their index, and every text has one, all of one length and without
gaps: anything else is malformed. Quirk: `embeddings: base64_int8` asks for whole numbers of a byte each, in base64.
"""

from __future__ import annotations

import base64
import binascii
import math
import sys
from array import array
from collections.abc import Mapping
from typing import Any

import msgspec

from ...canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ...canonical.usage import Usage
from ...routing.traits import ApiTraits
from ..answer import Answer
from ..body import Malformed, lacking, malformed, read_body, write_body
from ..fault import Fault
from ..rate_limit_headers import read_rate_limits
from .fields import ELSEWHERE, Body, option_fault, place
from .refusals import LEXICON, RATE_LIMITS

_BASE64 = "base64"
_TYPECODES = {_BASE64: "f", "base64_int8": "b"}


class WireEmbedding(msgspec.Struct):
    embedding: str | list[float]
    index: int | None = None


class WireEmbeddingUsage(msgspec.Struct):
    prompt_tokens: int | None = None


class WireEmbeddings(msgspec.Struct):
    data: list[WireEmbedding] | None = None
    model: str | None = None
    usage: WireEmbeddingUsage | None = None
    error: Any = None


_DECODER = msgspec.json.Decoder(WireEmbeddings)


def encode_embedding(request: EmbeddingRequest, traits: ApiTraits, quirks: Mapping[str, Any]) -> bytes | Fault:
    """Return the body as JSON, or what keeps *request* from being sent; *traits* are those of its API."""
    fault = option_fault(request.options, traits.embedding_options, traits.name, quirks)
    if fault is not None:
        return fault
    body: Body = {"model": request.model, "input": request.inputs, "encoding_format": _format(quirks)}
    for name, value in request.options.items():
        if name not in ELSEWHERE:
            place(body, quirks.get("fields", {}).get(name, name), value)
    return write_body({**body, **request.options.get("extra_body", {})})


def decode_embedding(answer: Answer, inputs: int, quirks: Mapping[str, Any]) -> EmbeddingResponse | Fault:
    """Return the vectors that *answer*, a success, has for so many *inputs*, or why it is none."""
    wire = read_body(_DECODER, answer)
    if isinstance(wire, Fault):
        return wire
    if wire.error:
        return LEXICON.fault_of_error(wire.error, answer)
    if not wire.data:
        return lacking("embeddings", answer)
    try:
        vectors = _vectors(wire.data, inputs, _TYPECODES[_format(quirks)])
    except Malformed as error:
        return malformed(str(error), answer)
    return EmbeddingResponse(
        vectors=vectors,
        usage=_usage(wire.usage),
        request_id=answer.headers.get("x-request-id"),
        model=wire.model or None,
        rate_limits=read_rate_limits(answer.headers, RATE_LIMITS, answer.now),
    )


def _usage(usage: WireEmbeddingUsage | None) -> Usage | None:
    """Return the tokens; None where they are not said, or cannot be."""
    given = None if usage is None else usage.prompt_tokens
    return None if given is None or given < 0 else Usage(given)


def _format(quirks: Mapping[str, Any]) -> str:
    return str(quirks.get("embeddings", _BASE64))


def _vectors(found: list[WireEmbedding], inputs: int, typecode: str) -> tuple[tuple[float, ...], ...]:
    if all(item.index is None for item in found):
        indices, ordered = list(range(len(found))), found
    else:  # a server that leaves out zeros leaves out the first index
        ordered = sorted(found, key=lambda item: item.index or 0)
        indices = [item.index or 0 for item in ordered]
    if indices != list(range(inputs)):
        raise Malformed(f"the answer has embeddings {indices[:10]} for {inputs} texts")
    vectors = tuple(_vector(item.embedding, typecode) for item in ordered)
    if len({len(vector) for vector in vectors}) != 1 or not vectors[0]:
        raise Malformed("the answer's embeddings are empty, or not of one length")
    return vectors


def _vector(embedding: str | list[float], typecode: str) -> tuple[float, ...]:
    vector = _numbers(embedding, typecode) if isinstance(embedding, str) else tuple(embedding)
    # One number that is none makes the sum none.
    if not math.isfinite(sum(vector)):
        raise Malformed("the answer has an embedding with a number that is none")
    return vector


def _numbers(text: str, typecode: str) -> tuple[float, ...]:
    try:
        packed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("the answer has an embedding that is no base64") from error
    numbers = array(typecode)
    if len(packed) % numbers.itemsize:
        raise Malformed("the answer has an embedding that ends within a number")
    numbers.frombytes(packed)
    if sys.byteorder == "big":
        numbers.byteswap()
    return tuple(map(float, numbers))
