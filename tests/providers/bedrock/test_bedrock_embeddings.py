from __future__ import annotations

import json
from typing import Any

import pytest

from routebook.canonical.embedding import EmbeddingRequest, EmbeddingResponse
from routebook.canonical.usage import Usage
from routebook.providers.answer import Answer
from routebook.providers.bedrock.embeddings import decode_embedding, encode_embedding, joined
from routebook.providers.bedrock.traits import TRAITS
from routebook.providers.fault import Fault

TITAN = "amazon.titan-embed-text-v2:0"
COHERE = "cohere.embed-v4:0"
NOVA = "amazon.nova-2-multimodal-embeddings-v1:0"
TOKENS = {"x-amzn-bedrock-input-token-count": "7"}
SINGLE = {"schemaVersion": "nova-multimodal-embed-v1", "taskType": "SINGLE_EMBEDDING"}


def bodies_of(model: str, *texts: str, **options: Any) -> list[dict[str, Any]]:
    calls = encode_embedding(EmbeddingRequest(model, texts, options))
    assert isinstance(calls, tuple), calls
    return [json.loads(call.body) for call in calls]


def fault_of(model: str, *texts: str, **options: Any) -> Fault:
    fault = encode_embedding(EmbeddingRequest(model, texts, options))
    assert isinstance(fault, Fault)
    return fault


def read(body: object, inputs: int = 1, **headers: str) -> EmbeddingResponse | Fault:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return decode_embedding(Answer(200, named, payload, 0.0, ("sk-secret-key",)), inputs)


@pytest.mark.parametrize(
    ("model", "options", "bodies"),
    [
        ("amazon.titan-embed-text-v1", {}, [{"inputText": "a"}, {"inputText": "b"}]),
        ("amazon.titan-embed-g1-text-02", {}, [{"inputText": "a"}, {"inputText": "b"}]),
        (
            TITAN,
            {"dimensions": 256, "extra_body": {"normalize": False}},
            [{"inputText": text, "dimensions": 256, "normalize": False, "embeddingTypes": ["float"]} for text in "ab"],
        ),
        (
            "cohere.embed-english-v3",
            {},
            [{"texts": ["a", "b"], "input_type": "search_document", "embedding_types": ["float"]}],
        ),
        (
            "cohere.embed-multilingual-v3",
            {"extra_body": {"input_type": "search_query", "truncate": "END"}},
            [{"texts": ["a", "b"], "input_type": "search_query", "truncate": "END", "embedding_types": ["float"]}],
        ),
        (
            COHERE,
            {"dimensions": 512},
            [
                {
                    "texts": ["a", "b"],
                    "input_type": "search_document",
                    "output_dimension": 512,
                    "embedding_types": ["float"],
                }
            ],
        ),
        (
            NOVA,
            {"dimensions": 256, "extra_body": {"singleEmbeddingParams": {"embeddingPurpose": "TEXT_RETRIEVAL"}}},
            [
                {
                    **SINGLE,
                    "singleEmbeddingParams": {
                        "embeddingPurpose": "TEXT_RETRIEVAL",
                        "embeddingDimension": 256,
                        "text": {"truncationMode": "NONE", "value": text},
                    },
                }
                for text in "ab"
            ],
        ),
    ],
)
def test_each_family_is_asked_in_its_own_words(model: str, options: dict, bodies: list):
    assert bodies_of(model, "a", "b", **options) == bodies


@pytest.mark.parametrize(
    "model",
    [
        f"us.{TITAN}",
        f"global.{COHERE}",
        f"arn:aws:bedrock:us-east-1::foundation-model/{TITAN}",
        f"arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.{COHERE}",
    ],
)
def test_profiles_and_arns_of_a_family_are_known(model: str):
    assert len(bodies_of(model, "a")) == 1


@pytest.mark.parametrize(
    "model", ["vendor/model-1", "amazon.nova-pro-v1:0", "arn:aws:bedrock:r:1:application-inference-profile/x", ""]
)
def test_a_model_of_no_family_is_refused_with_those_that_there_are(model: str):
    fault = fault_of(model, "a")
    assert fault.kind == "unsupported_capability"
    for known in ("amazon.titan-embed-text-v2", "cohere.embed-v4", "amazon.nova-2-multimodal-embeddings"):
        assert known in fault.message


@pytest.mark.parametrize(
    ("model", "options", "kind", "words"),
    [
        (TITAN, {"temperature": 1}, "unsupported_option", "'temperature' has no place in embeddings"),
        ("amazon.titan-embed-text-v1", {"dimensions": 256}, "unsupported_option", "one length only"),
        ("cohere.embed-english-v3", {"dimensions": 256}, "unsupported_option", "one length only"),
        (TITAN, {"extra_body": {"inputText": "x"}}, "bad_request", "'inputText'"),
        (COHERE, {"extra_body": {"embedding_types": ["int8"]}}, "bad_request", "'embedding_types'"),
        (
            NOVA,
            {"extra_body": {"singleEmbeddingParams": {"text": {"value": "x"}}}},
            "bad_request",
            "'singleEmbeddingParams.text.value'",
        ),
        (NOVA, {"extra_body": {"singleEmbeddingParams": 7}}, "bad_request", "'singleEmbeddingParams'"),
    ],
)
def test_what_has_no_place_is_refused(model: str, options: dict, kind: str, words: str):
    fault = fault_of(model, "a", **options)
    assert (fault.kind, words in fault.message) == (kind, True), fault.message


def test_no_text_and_half_a_character_are_faults():
    assert fault_of(TITAN).kind == "bad_request"
    assert fault_of(TITAN, "\ud800").kind == "bad_request"


def test_texts_of_cohere_are_cut_into_calls_of_ninety_six_in_order():
    texts = tuple(map(str, range(97)))
    assert [body["texts"] for body in bodies_of(COHERE, *texts)] == [list(texts[:96]), ["96"]]


@pytest.mark.parametrize(
    ("body", "inputs", "headers", "vectors", "usage"),
    [
        ({"embedding": [0.5, -1], "inputTextTokenCount": 4}, 1, {}, ((0.5, -1.0),), Usage(4)),
        (
            {"embedding": [0.5], "embeddingsByType": {"float": [0.5]}, "inputTextTokenCount": 4},
            1,
            TOKENS,
            ((0.5,),),
            Usage(4),
        ),
        ({"embeddings": [[1, 2], [3, 4]], "id": "x"}, 2, TOKENS, ((1.0, 2.0), (3.0, 4.0)), Usage(7)),
        ({"embeddings": {"float": [[1], [2]]}}, 2, {}, ((1.0,), (2.0,)), None),
        ({"embeddings": [{"embeddingType": "TEXT", "embedding": [1.5]}]}, 1, TOKENS, ((1.5,),), Usage(7)),
        ({"embedding": [1]}, 1, {"x-amzn-bedrock-input-token-count": "-1"}, ((1.0,),), None),
        ({"embedding": [1], "inputTextTokenCount": -1}, 1, TOKENS, ((1.0,),), None),
    ],
)
def test_the_answer_of_each_family_is_read(body: dict, inputs: int, headers: dict, vectors: tuple, usage: Usage | None):
    found = read(body, inputs, x_amzn_requestid="req_1", **headers)
    assert found == EmbeddingResponse(vectors, usage, "req_1")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the answer is empty"),
        (b"<html>no</html>", "a web page"),
        (b'{"embedding": [NaN]}', "no JSON"),
        ({}, "the answer has no embeddings"),
        ({"embeddings": []}, "the answer has no embeddings"),
        ({"embeddings": {"int8": [[1]]}}, "the answer has no embeddings"),
        ({"detail": "Not here"}, "the answer has no embeddings: Not here"),
        ({"embedding": [1.0]}, "1 embeddings for 2 texts"),
        ({"embeddings": [[1.0], [1.0], [1.0]]}, "3 embeddings for 2 texts"),
        ({"embeddings": [[1.0], [1.0, 2.0]]}, "not of one length"),
        ({"embeddings": [[], []]}, "are empty"),
        ({"embeddings": [[1e308, 1e308], [1.0, 2.0]]}, "a number that is none"),
        ({"embeddings": [["a"], ["b"]]}, "does not fit this API"),
        ({"embeddings": "x"}, "does not fit this API"),
        ({"embeddings": [{"vector": [1]}, {}]}, "does not fit this API"),
    ],
)
def test_what_is_no_answer_for_the_texts_is_malformed(body: object, words: str):
    fault = read(body, 2)
    assert isinstance(fault, Fault), fault
    assert (fault.kind, words in fault.message) == ("malformed_response", True), fault.message


def test_an_error_under_a_status_of_success_is_a_fault():
    fault = read({"__type": "ThrottlingException", "message": "Slow down sk-secret-key"})
    assert (fault.kind, fault.message) == ("rate_limit", "Slow down [redacted]")


def test_several_answers_are_one_and_their_tokens_are_added_where_all_are_known():
    first, second = EmbeddingResponse(((1.0,),), Usage(3), "a"), EmbeddingResponse(((2.0,),), Usage(4), "b")
    assert joined([first]) is first
    assert joined([first, second]) == EmbeddingResponse(((1.0,), (2.0,)), Usage(7), "a")
    assert joined([first, EmbeddingResponse(((2.0,),))]).usage is None


def test_what_is_set_from_the_request_is_for_no_extra_body_to_name():
    for model in (TITAN, "amazon.titan-embed-text-v1", COHERE, NOVA):
        (body,) = bodies_of(model, "a", **({} if model.endswith("v1") else {"dimensions": 256}))
        assert body.keys() - TRAITS.body_fields <= {"input_type", "singleEmbeddingParams"}
