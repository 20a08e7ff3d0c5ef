"""Embeddings: a canonical request ↔ a call of `:embedContent`, `:batchEmbedContents` or `:predict`.

Pure. One text and several are two calls. At Vertex, models that are no Gemini have a call of an older kind
(`predict`), and those of other makers (`...-maas`) take one text at a time. Every text has a vector, all of one length
and without gaps: anything else is malformed. What is extra is said of each text, however many there are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from ...canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ...canonical.usage import Usage
from ..answer import Answer
from ..body import Malformed, lacking, malformed, read_body, write_body
from ..fault import Fault
from .address import Address, model_fault
from .decode import REQUEST_ID
from .encode import option_fault
from .faults import fault_of_error
from .media import Body
from .traits import TRAITS
from .usage import read_usage
from .wire import WireUsage

ONE, SEVERAL, PREDICT = "embedContent", "batchEmbedContents", "predict"


class WireStatistics(msgspec.Struct):
    token_count: float | None = None
    truncated: bool | None = None


class WireEmbedding(msgspec.Struct):
    values: list[float] | None = None
    statistics: WireStatistics | None = None


class WirePrediction(msgspec.Struct):
    embeddings: WireEmbedding | None = None


class WireEmbeddings(msgspec.Struct, rename="camel"):
    embedding: WireEmbedding | None = None
    embeddings: list[WireEmbedding] | None = None
    predictions: list[WirePrediction] | None = None
    usage_metadata: WireUsage | None = None
    error: Any = None


_DECODER = msgspec.json.Decoder(WireEmbeddings)


def embedding_method(request: EmbeddingRequest, address: Address) -> str:
    """Return the method that *request* calls."""
    name = request.model.rpartition("/")[2]
    if address.is_vertex and "gemini" not in name and "maas" not in name:
        return PREDICT
    return ONE if len(request.inputs) == 1 else SEVERAL


def encode_embedding(request: EmbeddingRequest, address: Address) -> bytes | Fault:
    """Return the body as JSON, or what keeps *request* from being sent."""
    fault = option_fault(request.options, TRAITS.embedding_options) or model_fault(request.model)
    if fault is not None:
        return fault
    method, size = embedding_method(request, address), request.options.get("dimensions")
    if method == SEVERAL and address.is_vertex and "maas" in request.model:
        what = f"model {request.model!r} takes one text at a time, not {len(request.inputs)}"
        return Fault("unsupported_capability", what)
    extra = request.options.get("extra_body", {})
    if method == PREDICT:
        body: Body = {"instances": [{"content": text} for text in request.inputs]}
        if size is not None:
            body["parameters"] = {"outputDimensionality": size}
        return write_body({**body, **extra})
    made = [{**_content(text, request.model, size, address), **extra} for text in request.inputs]
    return write_body(made[0] if method == ONE else {"requests": made})


def decode_embedding(answer: Answer, inputs: int) -> EmbeddingResponse | Fault:
    """Return the vectors that *answer*, a success, has for so many *inputs*, or why it is none."""
    wire = read_body(_DECODER, answer)
    if isinstance(wire, Fault):
        return wire
    if wire.error:
        return fault_of_error(wire.error, answer)
    found = _found(wire)
    if not found:
        return lacking("embeddings", answer)
    try:
        vectors = _vectors(found, inputs)
    except Malformed as error:
        return malformed(str(error), answer)
    return EmbeddingResponse(
        vectors=vectors,
        usage=read_usage(wire.usage_metadata) or _counted(found),
        request_id=answer.headers.get(REQUEST_ID),
    )


def _content(text: str, model: str, size: int | None, address: Address) -> Body:
    content: Body = {"content": {"parts": [{"text": text}]}}
    sized: Body = {} if size is None else {"outputDimensionality": size}
    if not address.is_vertex:
        return {"model": address.whole_name(model), **content, **sized}
    return {**content, "embedContentConfig": sized} if sized else content


def _found(wire: WireEmbeddings) -> list[WireEmbedding]:
    if wire.embedding is not None:
        return [wire.embedding]
    if wire.predictions:
        return [prediction.embeddings or WireEmbedding() for prediction in wire.predictions]
    return wire.embeddings or []


def _vectors(found: Sequence[WireEmbedding], inputs: int) -> tuple[tuple[float, ...], ...]:
    if len(found) != inputs:
        raise Malformed(f"the answer has {len(found)} embeddings for {inputs} texts")
    vectors = tuple(tuple(item.values or ()) for item in found)
    if len({len(vector) for vector in vectors}) != 1 or not vectors[0]:
        raise Malformed("the answer's embeddings are empty, or not of one length")
    # One number that is none makes the sum none.
    if not all(math.isfinite(sum(vector)) for vector in vectors):
        raise Malformed("the answer has an embedding with a number that is none")
    return vectors


def _counted(found: Sequence[WireEmbedding]) -> Usage | None:
    """Return the tokens that each vector says were read for it, added up; None where none does."""
    counts = [item.statistics.token_count for item in found if item.statistics is not None]
    known = [count for count in counts if count is not None and count >= 0]
    return Usage(input=int(sum(known))) if known else None
