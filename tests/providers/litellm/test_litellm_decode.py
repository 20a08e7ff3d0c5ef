from __future__ import annotations

import json

import pytest

from routebook.canonical.chat import ChatResponse
from routebook.canonical.part import ImagePart
from routebook.canonical.usage import Usage
from routebook.providers.answer import Answer
from routebook.providers.fault import Fault
from routebook.providers.litellm.decode import decode
from routebook.providers.litellm.embeddings import decode_embedding
from routebook.providers.litellm.images import decode_chat_image, decode_image


def answer(body: object, **headers: str) -> Answer:
    return Answer(200, headers, body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode())


def read(message: dict, **rest: object) -> ChatResponse:
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], **rest}
    response = decode(answer(body, **{"x-request-id": "req_1"}))
    assert isinstance(response, ChatResponse), response
    return response


def test_an_answer_is_read_with_its_usage():
    usage = {
        "prompt_tokens": 8,
        "completion_tokens": 7,
        "total_tokens": 15,
        "completion_tokens_details": {"reasoning_tokens": 3, "text_tokens": 4},
        "prompt_tokens_details": {"cached_tokens": 2, "cache_creation_tokens": 1},
        "cache_creation_input_tokens": 1,
        "cache_read_input_tokens": 2,
    }
    response = read({"content": "Noon."}, id="c1", model="m", usage=usage)
    assert (response.message.text, response.id, response.model, response.request_id) == ("Noon.", "c1", "m", "req_1")
    assert response.usage == Usage(8, 7, cached_input=2, cache_write=1, reasoning=3)


@pytest.mark.parametrize("counts", [{"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, {}])
def test_usage_that_nobody_counted_is_none(counts: dict):
    assert read({"content": "Noon."}, usage=counts).usage is None


def test_other_choices_are_this_apis_too():
    choices = [
        {"index": index, "message": {"content": "x", "reasoning_content": "hm"}, "finish_reason": "stop"}
        for index in (0, 1)
    ]
    response = decode(answer({"choices": choices}))
    assert isinstance(response, ChatResponse)
    assert [choice.message.content[0].api for choice in response.choices] == ["litellm", "litellm"]


def test_images_in_an_answer_are_parts():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}, "index": 0}
    assert read({"content": None, "images": [image]}).message.content == (ImagePart("iVBORw0KGgo=", None, "image/png"),)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the answer is empty"),
        (b'{"thinking_blocks', "the answer is no JSON"),
        (b'{"provider_specific_fields": {}}', "the answer has no choices"),
        (b'{"choices": [7], "thinking_blocks": 1}', "does not fit this API"),
    ],
)
def test_what_is_no_answer_is_malformed(body: bytes, words: str):
    fault = decode(answer(body))
    assert isinstance(fault, Fault)
    assert (fault.kind, words in fault.message) == ("malformed_response", True)


def test_vectors_are_read_in_the_order_of_the_texts():
    body = {"data": [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}], "usage": {"prompt_tokens": 2}}
    response = decode_embedding(answer(body), 2)
    assert not isinstance(response, Fault)
    assert (response.vectors, response.usage) == (((1.0,), (2.0,)), Usage(2))


def test_images_are_read_from_their_own_call_and_from_a_chat():
    own = decode_image(answer({"data": [{"b64_json": "iVBORw0KGgo="}]}))
    image = {"image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    message = {"content": "Here.", "images": [image], "thinking_blocks": [{"type": "redacted_thinking", "data": "x"}]}
    chat = decode_chat_image(answer({"choices": [{"index": 0, "finish_reason": "stop", "message": message}]}))
    assert not isinstance(own, Fault)
    assert not isinstance(chat, Fault)
    assert own.images == chat.images == (ImagePart("iVBORw0KGgo=", None, "image/png"),)
    assert chat.text == "Here."
