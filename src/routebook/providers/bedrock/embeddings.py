"""Embeddings: a canonical request ↔ calls of the models that make vectors, each family in its own words.

Pure. There is no one API for them: a model's own body is posted to it. Titan and Nova take one text a call, Cohere
up to 96; so one request may be several calls, in the order of its texts. A model of no known family is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ...canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ...canonical.frozen import EMPTY
from ...canonical.options import option_paths
from ...canonical.usage import Usage
from ..answer import Answer
from ..body import Malformed, lacking, malformed, read_body, to_json
from ..fault import Fault, NoPlace
from .faults import fault_of_error
from .media import Body
from .model_ids import is_of
from .traits import TRAITS

_TOKENS_HEADER = "x-amzn-bedrock-input-token-count"
_MOST_COHERE = 96


@dataclass(frozen=True, slots=True)
class _Family:
    """Models that are asked in the same words: how their ids begin, how many texts a call takes, where the texts and
    the length of their vectors stand (None: it is fixed), what is sent always, and what where nobody says otherwise.
    """

    begins: tuple[str, ...]
    most_texts: int
    texts: str
    dimensions: str | None = None
    fixed: Mapping[str, Any] = EMPTY
    unless_said: Mapping[str, Any] = EMPTY


_FAMILIES = (
    _Family(("amazon.titan-embed-text-v1", "amazon.titan-embed-g1-text-02"), 1, "inputText"),
    _Family(("amazon.titan-embed-text-v2",), 1, "inputText", "dimensions", fixed={"embeddingTypes": ["float"]}),
    _Family(
        ("cohere.embed-english-v3", "cohere.embed-multilingual-v3"),
        _MOST_COHERE,
        "texts",
        fixed={"embedding_types": ["float"]},
        unless_said={"input_type": "search_document"},
    ),
    _Family(
        ("cohere.embed-v4",),
        _MOST_COHERE,
        "texts",
        "output_dimension",
        fixed={"embedding_types": ["float"]},
        unless_said={"input_type": "search_document"},
    ),
    _Family(
        ("amazon.nova-2-multimodal-embeddings",),
        1,
        "singleEmbeddingParams.text.value",
        "singleEmbeddingParams.embeddingDimension",
        fixed={"schemaVersion": "nova-multimodal-embed-v1", "taskType": "SINGLE_EMBEDDING"},
        unless_said={
            "singleEmbeddingParams": {"embeddingPurpose": "GENERIC_INDEX", "text": {"truncationMode": "NONE"}}
        },
    ),
)


class WireVector(msgspec.Struct):
    embedding: list[float]


class WireVectors(msgspec.Struct):
    """What the families answer: a vector under `embedding`, several under `embeddings`, or those by type."""

    embedding: list[float] | None = None
    embeddings: list[list[float] | WireVector] | dict[str, list[list[float]]] | None = None
    tokens: int | None = msgspec.field(name="inputTextTokenCount", default=None)
    error: str | None = msgspec.field(name="__type", default=None)
    message: Any = None


_DECODER = msgspec.json.Decoder(WireVectors)


@dataclass(frozen=True, slots=True)
class EmbeddingCall:
    """One call: its body, and how many texts it has."""

    body: bytes
    inputs: int


def encode_embedding(request: EmbeddingRequest) -> tuple[EmbeddingCall, ...] | Fault:
    """Return the calls that make the vectors, in the order of the texts, or what keeps *request* from being sent."""
    family = next((each for each in _FAMILIES if any(is_of(request.model, begin) for begin in each.begins)), None)
    if family is None:
        known = ", ".join(begin for each in _FAMILIES for begin in each.begins)
        words = f"{request.model!r} is no model whose embeddings api {TRAITS.name!r} knows how to ask for: {known}"
        return Fault(
            "unsupported_capability", f"{words}; the ARN of an application's own profile does not tell its model"
        )
    fault = _option_fault(request, family)
    if fault is not None:
        return fault
    try:
        body = _body(request.options, family)
        begins = range(0, len(request.inputs), family.most_texts)
        batches = (request.inputs[begin : begin + family.most_texts] for begin in begins)
        return tuple(EmbeddingCall(_encoded(body, family, texts), len(texts)) for texts in batches)
    except NoPlace as none:
        return none.fault


def decode_embedding(answer: Answer, inputs: int) -> EmbeddingResponse | Fault:
    """Return the vectors that *answer*, a success, has for so many *inputs*, or why it is none."""
    wire = read_body(_DECODER, answer)
    if isinstance(wire, Fault):
        return wire
    if wire.error:
        return fault_of_error({"__type": wire.error, "message": wire.message}, answer)
    try:
        vectors = _vectors(wire)
        if not vectors:
            return lacking("embeddings", answer)
        _check(vectors, inputs)
    except Malformed as error:
        return malformed(str(error), answer)
    tokens = _tokens(wire, answer)
    return EmbeddingResponse(
        vectors=vectors,
        usage=None if tokens is None else Usage(tokens),
        request_id=answer.headers.get("x-amzn-requestid"),
    )


def joined(responses: Sequence[EmbeddingResponse]) -> EmbeddingResponse:
    """Return the answers of several calls as one. Tokens are known where every call told its own."""
    if len(responses) == 1:
        return responses[0]
    told = [response.usage for response in responses if response.usage is not None]
    return EmbeddingResponse(
        vectors=tuple(vector for response in responses for vector in response.vectors),
        usage=sum(told, Usage()) if len(told) == len(responses) else None,
        request_id=responses[0].request_id if responses else None,
    )


def _option_fault(request: EmbeddingRequest, family: _Family) -> Fault | None:
    if not request.inputs:
        return Fault("bad_request", "there is no text to make a vector of")
    for path in option_paths(request.options):
        if path not in TRAITS.embedding_options:
            words = f"option {path!r} has no place in embeddings of api {TRAITS.name!r}"
            return Fault("unsupported_option", words)
    if "dimensions" in request.options and family.dimensions is None:
        return Fault("unsupported_option", f"option 'dimensions' has no place: {request.model!r} has one length only")
    return None


def _body(options: Mapping[str, Any], family: _Family) -> Body:
    """Return the body without its texts.

    Raises:
        NoPlace: `extra_body` says what is said already.
    """
    own: Body = dict(family.fixed)
    if "dimensions" in options:
        _place(own, str(family.dimensions), options["dimensions"])
    _place(own, family.texts, None)
    extra = options.get("extra_body", {})
    _check_apart(own, extra, "")
    return _over(_over(family.unless_said, extra), own)


def _encoded(body: Body, family: _Family, texts: Sequence[str]) -> bytes:
    whole = _over(body, {})
    _place(whole, family.texts, texts if family.most_texts > 1 else texts[0])
    return to_json(whole)


def _place(body: Body, path: str, value: Any) -> None:
    """Set the value at *path*, names joined by dots."""
    *outer, name = path.split(".")
    for key in outer:
        body = body.setdefault(key, {})
    body[name] = value


def _check_apart(own: Mapping[str, Any], extra: Mapping[str, Any], place: str) -> None:
    for key, value in extra.items():
        if isinstance(value, Mapping) and isinstance(own.get(key), Mapping):
            _check_apart(own[key], value, f"{place}{key}.")
        elif key in own:
            raise NoPlace("bad_request", f"`extra_body` names {place + key!r}, which is set from the request")


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> Body:
    """Return *below* with *above* over it, in depth; neither is changed."""
    made: Body = {key: _over(value, {}) if isinstance(value, Mapping) else value for key, value in below.items()}
    for key, value in above.items():
        before = made.get(key)
        made[key] = _over(before if isinstance(before, Mapping) else {}, value) if isinstance(value, Mapping) else value
    return made


def _vectors(wire: WireVectors) -> tuple[tuple[float, ...], ...]:
    found = wire.embeddings
    if found is None:
        return () if wire.embedding is None else (tuple(wire.embedding),)
    if isinstance(found, dict):
        return tuple(map(tuple, found.get("float", ())))
    return tuple(tuple(item.embedding if isinstance(item, WireVector) else item) for item in found)


def _check(vectors: Sequence[Sequence[float]], inputs: int) -> None:
    if len(vectors) != inputs:
        raise Malformed(f"the answer has {len(vectors)} embeddings for {inputs} texts")
    if len({len(vector) for vector in vectors}) != 1 or not vectors[0]:
        raise Malformed("the answer's embeddings are empty, or not of one length")
    # One number that is none makes the sum none.
    if not all(math.isfinite(sum(vector)) for vector in vectors):
        raise Malformed("the answer has an embedding with a number that is none")


def _tokens(wire: WireVectors, answer: Answer) -> int | None:
    if wire.tokens is not None:
        return wire.tokens if wire.tokens >= 0 else None
    told = answer.headers.get(_TOKENS_HEADER, "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else None
