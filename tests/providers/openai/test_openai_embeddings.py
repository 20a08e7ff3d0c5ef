from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import CreateEmbeddingResponse
from openai.types.embedding_create_params import EmbeddingCreateParams
from vendor_types import problems

from routebook.canonical.embedding import EmbeddingRequest, EmbeddingResponse
from routebook.canonical.rate_limits import RateLimits
from routebook.canonical.usage import Usage
from routebook.providers.answer import Answer
from routebook.providers.fault import Fault
from routebook.providers.openai.embeddings import decode_embedding, encode_embedding
from routebook.providers.openai_chat.traits import TRAITS as CHAT
from routebook.providers.openai_responses.traits import TRAITS as RESPONSES
from routebook.routing.traits import ApiTraits

FLOATS = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=9)


def packed(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def item(embedding: object, index: int | None = None) -> dict[str, Any]:
    return {"object": "embedding", "embedding": embedding, **({} if index is None else {"index": index})}


def read(body: object, inputs: int = 1, **headers: str) -> EmbeddingResponse | Fault:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode_embedding(Answer(200, headers, payload, 0.0, ("sk-secret-key",)), inputs, {})


def vectors_of(*data: dict) -> tuple[tuple[float, ...], ...]:
    response = read({"data": list(data)}, len(data))
    assert isinstance(response, EmbeddingResponse), response
    return response.vectors


def body_of(options: dict, traits: ApiTraits = CHAT, **quirks: object) -> dict:
    encoded = encode_embedding(EmbeddingRequest("e-1", ("a", "b"), options), traits, quirks)
    assert isinstance(encoded, bytes), encoded
    return json.loads(encoded)


@pytest.mark.parametrize("traits", [CHAT, RESPONSES], ids=lambda traits: traits.name)
@pytest.mark.parametrize("options", [{}, {"dimensions": 256}, {"extra_headers": {"a": "b"}, "timeout": 5.0}])
def test_texts_are_sent_as_openais_types_want_it(options: dict, traits: ApiTraits):
    body = body_of(options, traits)
    dimensions = {"dimensions": 256} if "dimensions" in options else {}
    assert body == {"model": "e-1", "input": ["a", "b"], "encoding_format": "base64", **dimensions}
    assert problems(body, EmbeddingCreateParams) == []
    assert body.keys() <= traits.body_fields


def test_a_preset_says_where_an_option_stands_and_extra_body_is_added():
    options = {"dimensions": 256, "extra_body": {"input_type": "query"}}
    body = body_of(options, fields={"dimensions": "output_dimension"})
    assert (body["output_dimension"], body["input_type"]) == (256, "query")
    assert "dimensions" not in body


@pytest.mark.parametrize("traits", [CHAT, RESPONSES], ids=lambda traits: traits.name)
@pytest.mark.parametrize(
    ("options", "quirks"),
    [
        ({"temperature": 1}, {}),
        ({"top_k": 1}, {"fields": {"top_k": "top_k"}}),
        ({"dimensions": 256}, {"lacks": ["dimensions"]}),
    ],
)
def test_an_option_without_a_place_is_a_fault(options: dict, quirks: dict, traits: ApiTraits):
    fault = encode_embedding(EmbeddingRequest("e-1", ("a",), options), traits, quirks)
    assert isinstance(fault, Fault)
    assert fault.kind == "unsupported_option"


def test_half_a_character_is_a_fault():
    fault = encode_embedding(EmbeddingRequest("e-1", ("\ud800",)), CHAT, {})
    assert isinstance(fault, Fault)
    assert fault.kind == "bad_request"


def test_a_recorded_answer_is_read_whole():
    body = {
        "object": "list",
        "data": [item(packed(0.5, -1.0), 0)],
        "model": "e-1-2026",
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    }
    headers = {"x-request-id": "req_1", "x-ratelimit-remaining-requests": "9"}
    assert read(body, **headers) == EmbeddingResponse(
        ((0.5, -1.0),), Usage(8), "req_1", "e-1-2026", RateLimits(requests_remaining=9)
    )


def test_an_answer_of_openais_own_types_is_read():
    body = CreateEmbeddingResponse.model_validate(
        {
            "object": "list",
            "data": [item([0.5, -1.0], 0), item([1.5, 2.0], 1)],
            "model": "e-1",
            "usage": {"prompt_tokens": 8, "total_tokens": 8},
        }
    )
    assert read(body.model_dump_json().encode(), 2) == EmbeddingResponse(
        ((0.5, -1.0), (1.5, 2.0)), Usage(8), None, "e-1"
    )


@given(FLOATS)
def test_floats_survive_base64(numbers: list[float]):
    assert vectors_of(item(packed(*numbers), 0)) == (tuple(numbers),)


def test_lists_are_taken_though_base64_was_asked_for():
    assert vectors_of(item([1, 2.5], 0)) == ((1.0, 2.5),)


def test_the_order_of_the_texts_is_restored():
    assert vectors_of(item([2.0], 2), item([0.0], 0), item([1.0], 1)) == ((0.0,), (1.0,), (2.0,))


def test_a_server_that_leaves_out_zeros_leaves_out_the_first_index():
    assert vectors_of(item([0.0]), item([1.0], 1)) == ((0.0,), (1.0,))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the answer is empty"),
        (b"<html>no</html>", "a web page"),
        (b'{"data": [{"embedding": [NaN]}]}', "no JSON"),
        ({}, "the answer has no embeddings"),
        ({"data": []}, "the answer has no embeddings"),
        ({"detail": "Not here"}, "the answer has no embeddings: Not here"),
        ({"data": [item([1.0], 0)]}, "embeddings [0] for 2 texts"),
        ({"data": [item([1.0], 0), item([1.0], 0)]}, "embeddings [0, 0] for 2 texts"),
        ({"data": [item([1.0], n) for n in (1, 0, 1)]}, "embeddings [0, 1, 1] for 2 texts"),
        ({"data": [item([1.0], 0), item([1.0], 2)]}, "embeddings [0, 2] for 2 texts"),
        ({"data": [item([1.0]), item([1.0]), item([1.0])]}, "embeddings [0, 1, 2] for 2 texts"),
        ({"data": [item([1.0]), item([1.0]), item([1.0], 1)]}, "embeddings [0, 0, 1] for 2 texts"),
        ({"data": [item([1.0], n) for n in range(3)]}, "embeddings [0, 1, 2] for 2 texts"),
        ({"data": [item([1.0], 0), item([1.0, 2.0], 1)]}, "not of one length"),
        ({"data": [item([], 0), item([], 1)]}, "are empty"),
        ({"data": [item(packed(float("nan")), 0), item([1.0], 1)]}, "a number that is none"),
        ({"data": [item(packed(float("inf"), float("-inf")), 0), item([1.0, 2.0], 1)]}, "a number that is none"),
        ({"data": [item("!!!", 0), item([1.0], 1)]}, "no base64"),
        ({"data": [item("AAAAAAA=", 0), item([1.0], 1)]}, "ends within a number"),
        ({"data": [item(None, 0), item([1.0], 1)]}, "does not fit this API"),
    ],
)
def test_what_is_no_answer_for_the_texts_is_malformed(body: object, words: str):
    fault = read(body, 2)
    assert isinstance(fault, Fault), fault
    assert (fault.kind, words in fault.message) == ("malformed_response", True), fault.message


def test_an_error_under_a_status_of_success_is_a_fault():
    fault = read({"error": {"message": "Slow down sk-secret-key", "code": 429}})
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.message) == ("rate_limit", "Slow down [redacted]")


def test_a_preset_says_that_vectors_are_whole_numbers_of_a_byte():
    quirks = {"embeddings": "base64_int8"}
    body = json.dumps({"data": [item(base64.b64encode(bytes([0, 1, 127, 128, 255])).decode(), 0)]}).encode()

    response = decode_embedding(Answer(200, {}, body), 1, quirks)

    assert body_of({}, **quirks)["encoding_format"] == "base64_int8"
    assert isinstance(response, EmbeddingResponse)
    assert response.vectors == ((0.0, 1.0, 127.0, -128.0, -1.0),)


def test_vectors_that_no_index_numbers_are_in_the_order_of_the_texts():
    answer = read({"data": [item([2.0]), item([1.0])]}, 2)
    assert isinstance(answer, EmbeddingResponse)
    assert answer.vectors == ((2.0,), (1.0,))
