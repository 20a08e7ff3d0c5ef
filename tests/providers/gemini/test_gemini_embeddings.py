from __future__ import annotations

import json
from typing import Any

import pytest
from gemini_types import EmbedOne, EmbedSeveral, problems

from routebook.canonical.embedding import EmbeddingRequest, EmbeddingResponse
from routebook.canonical.usage import Usage
from routebook.providers.answer import Answer
from routebook.providers.fault import Fault
from routebook.providers.gemini.address import Address
from routebook.providers.gemini.embeddings import decode_embedding, embedding_method, encode_embedding

GOOGLE_AI = Address("/v1beta", False, "v1beta")
VERTEX = Address("/v1beta1/projects/p/locations/l", True, "v1beta1")


def ask(*texts: str, model: str = "gemini-embedding-001", **options: Any) -> EmbeddingRequest:
    return EmbeddingRequest(model, texts, options)


def sent(request: EmbeddingRequest, address: Address = GOOGLE_AI) -> dict[str, Any]:
    body = encode_embedding(request, address)
    assert isinstance(body, bytes), body
    return json.loads(body)


def read(body: Any, inputs: int = 1) -> EmbeddingResponse | Fault:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode_embedding(Answer(200, {"x-goog-request-id": "req_1"}, content, 0.0, ("sk-secret",)), inputs)


def test_one_text_is_one_call_and_several_are_a_batch():
    part = {"parts": [{"text": "a"}]}
    one = sent(ask("a", dimensions=256))
    assert one == {"model": "models/gemini-embedding-001", "content": part, "outputDimensionality": 256}
    assert problems(one, EmbedOne) == []
    several = sent(ask("a", "b", model="models/x", dimensions=256))
    assert several["requests"][0] == {"model": "models/x", "content": part, "outputDimensionality": 256}
    assert len(several["requests"]) == 2
    assert problems(several, EmbedSeveral) == []
    assert "outputDimensionality" not in sent(ask("a"))


def test_what_is_extra_is_said_of_each_text():
    extra = {"taskType": "RETRIEVAL_QUERY"}
    assert sent(ask("a", extra_body=extra))["taskType"] == "RETRIEVAL_QUERY"
    several = sent(ask("a", "b", extra_body=extra))
    assert several.keys() == {"requests"}
    assert [request["taskType"] for request in several["requests"]] == ["RETRIEVAL_QUERY"] * 2


def test_vertex_has_the_size_in_a_config_and_the_model_in_the_address_alone():
    one = sent(ask("a", dimensions=256), VERTEX)
    assert one == {"content": {"parts": [{"text": "a"}]}, "embedContentConfig": {"outputDimensionality": 256}}
    assert problems(one, EmbedOne) == []
    assert sent(ask("a", "b"), VERTEX) == {
        "requests": [{"content": {"parts": [{"text": "a"}]}}, {"content": {"parts": [{"text": "b"}]}}]
    }


def test_other_models_of_vertex_are_asked_for_predictions():
    request = ask("a", "b", model="text-embedding-005", dimensions=64)
    assert embedding_method(request, VERTEX) == "predict"
    assert sent(request, VERTEX) == {
        "instances": [{"content": "a"}, {"content": "b"}],
        "parameters": {"outputDimensionality": 64},
    }
    assert "parameters" not in sent(ask("a", model="text-embedding-005"), VERTEX)


@pytest.mark.parametrize(
    ("request_", "address", "method"),
    [
        (ask("a"), GOOGLE_AI, "embedContent"),
        (ask("a", "b"), GOOGLE_AI, "batchEmbedContents"),
        (ask("a", model="text-embedding-004"), GOOGLE_AI, "embedContent"),
        (ask("a"), VERTEX, "embedContent"),
        (ask("a", "b", model="publishers/google/models/gemini-embedding-2"), VERTEX, "batchEmbedContents"),
        (ask("a", model="publishers/google/models/text-multilingual-embedding-002"), VERTEX, "predict"),
        (ask("a", model="intfloat/multilingual-e5-small-maas"), VERTEX, "embedContent"),
    ],
)
def test_the_method_follows_the_place_the_model_and_how_many_there_are(request_: Any, address: Address, method: str):
    assert embedding_method(request_, address) == method


@pytest.mark.parametrize(
    ("request_", "address", "kind", "words"),
    [
        (ask("a", temperature=1), GOOGLE_AI, "unsupported_option", "option 'temperature' has no place"),
        (ask("a", model="a/../b"), GOOGLE_AI, "bad_request", "cannot stand in an address"),
        (ask("a", "b", model="intfloat/e5-maas"), VERTEX, "unsupported_capability", "one text at a time, not 2"),
    ],
)
def test_what_has_no_place_is_refused(request_: Any, address: Address, kind: str, words: str):
    fault = encode_embedding(request_, address)
    assert isinstance(fault, Fault)
    assert (fault.kind, words in fault.message) == (kind, True)


def test_what_is_extra_is_merged():
    assert sent(ask("a", extra_body={"taskType": "RETRIEVAL_QUERY"}))["taskType"] == "RETRIEVAL_QUERY"


@pytest.mark.parametrize(
    ("body", "inputs", "vectors", "usage"),
    [
        ({"embedding": {"values": [0.5, -1]}}, 1, ((0.5, -1.0),), None),
        (
            {"embedding": {"values": [0.5]}, "usageMetadata": {"promptTokenCount": 4}, "truncated": False},
            1,
            ((0.5,),),
            Usage(input=4),
        ),
        ({"embeddings": [{"values": [1, 2]}, {"values": [3, 4]}]}, 2, ((1.0, 2.0), (3.0, 4.0)), None),
        (
            {
                "predictions": [
                    {"embeddings": {"values": [1], "statistics": {"token_count": 6, "truncated": False}}},
                    {"embeddings": {"values": [2], "statistics": {"token_count": 3.0}}},
                ],
                "metadata": {"billableCharacterCount": 9},
            },
            2,
            ((1.0,), (2.0,)),
            Usage(input=9),
        ),
    ],
)
def test_vectors_are_read_in_the_order_of_the_texts(body: Any, inputs: int, vectors: Any, usage: Usage | None):
    response = read(body, inputs)
    assert isinstance(response, EmbeddingResponse), response
    assert (response.vectors, response.usage, response.request_id) == (vectors, usage, "req_1")


@pytest.mark.parametrize(
    ("body", "inputs", "words"),
    [
        (b"", 1, "the answer is empty"),
        ({}, 1, "the answer has no embeddings"),
        ({"embeddings": []}, 1, "the answer has no embeddings"),
        ({"embeddings": [{"values": [1]}]}, 2, "the answer has 1 embeddings for 2 texts"),
        ({"embedding": {"values": [1]}}, 2, "the answer has 1 embeddings for 2 texts"),
        ({"embeddings": [{"values": [1]}, {"values": [1, 2]}]}, 2, "empty, or not of one length"),
        ({"embedding": {"values": []}}, 1, "empty, or not of one length"),
        ({"predictions": [{}]}, 1, "empty, or not of one length"),
        (b'{"embedding": {"values": [1e308, 1e308]}}', 1, "a number that is none"),
        ({"embedding": {"values": ["x"]}}, 1, "the answer does not fit this API"),
        ({"embedding": [1]}, 1, "the answer does not fit this API"),
    ],
)
def test_what_is_no_answer_of_this_api_is_malformed(body: Any, inputs: int, words: str):
    fault = read(body, inputs)
    assert isinstance(fault, Fault)
    assert (fault.kind, words in fault.message) == ("malformed_response", True), fault.message


def test_an_error_in_an_answer_of_success_has_its_own_kind():
    fault = read({"error": {"code": 429, "message": "No, sk-secret.", "status": "RESOURCE_EXHAUSTED"}})
    assert (fault.kind, fault.message) == ("rate_limit", "No, [redacted].")
