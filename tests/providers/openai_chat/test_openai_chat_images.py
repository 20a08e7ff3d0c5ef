from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from openai.types import ImagesResponse
from openai.types.image_generate_params import ImageGenerateParamsNonStreaming
from vendor_types import problems

from routebook.canonical.image import ImageRequest, ImageResponse
from routebook.canonical.part import ImagePart
from routebook.canonical.usage import Usage
from routebook.providers.answer import Answer
from routebook.providers.fault import Fault
from routebook.providers.openai.images import decode_image
from routebook.providers.openai_chat.images import decode_chat_image, encode_image, is_by_chat
from routebook.providers.openai_chat.traits import TRAITS

CHAT = {"images": "chat"}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


def based(first: bytes) -> str:
    return base64.b64encode(first).decode()


def body_of(
    model: str = "gpt-image-2", by_chat: bool | None = None, quirks: dict | None = None, **options: Any
) -> dict:
    request = ImageRequest(model, "a signal box", options, by_chat)
    encoded = encode_image(request, quirks or {})
    assert isinstance(encoded, bytes), encoded
    return json.loads(encoded)


def answer(body: object, **headers: str) -> Answer:
    return Answer(200, headers, body if isinstance(body, bytes) else json.dumps(body).encode(), 0.0, ("sk-secret-key",))


def images_of(body: object) -> tuple[ImagePart, ...]:
    response = decode_image(answer(body))
    assert isinstance(response, ImageResponse), response
    return response.images


def said(finish_reason: str = "stop", **message: object) -> dict[str, Any]:
    usage = {"prompt_tokens": 9, "completion_tokens": 1290}
    return {"choices": [{"message": message, "finish_reason": finish_reason}], "model": "m", "usage": usage}


@pytest.mark.parametrize("options", [{}, {"n": 2, "size": "1024x1024", "quality": "high"}])
def test_an_image_is_asked_for_as_openais_types_want_it(options: dict):
    body = body_of(**options)
    assert body == {"model": "gpt-image-2", "prompt": "a signal box", **options}
    assert problems(body, ImageGenerateParamsNonStreaming) == []
    assert body.keys() <= TRAITS.body_fields


def test_a_provider_that_answers_with_an_address_is_asked_for_data():
    body = body_of(quirks={"image_format": "b64_json"})
    assert body["response_format"] == "b64_json"
    assert problems(body, ImageGenerateParamsNonStreaming) == []


def test_an_image_may_be_asked_for_in_a_chat():
    assert body_of("m", quirks=CHAT, n=1, extra_body={"image_config": {"aspect_ratio": "16:9"}}) == {
        "model": "m",
        "messages": [{"role": "user", "content": "a signal box"}],
        "modalities": ["image", "text"],
        "n": 1,
        "image_config": {"aspect_ratio": "16:9"},
    }


def test_a_preset_says_where_an_option_stands_in_a_chat():
    body = body_of("m", quirks={**CHAT, "fields": {"size": "image_config.image_size"}}, size="2K")
    assert body["image_config"] == {"image_size": "2K"}


def test_extra_body_may_ask_for_images_alone():
    assert body_of("m", True, extra_body={"modalities": ["image"]})["modalities"] == ["image"]


@pytest.mark.parametrize(
    ("by_chat", "quirks", "expected"),
    [(None, {}, False), (None, CHAT, True), (True, {}, True), (False, CHAT, False)],
)
def test_the_request_says_whether_it_is_a_chat_else_the_preset(by_chat: bool | None, quirks: dict, expected: bool):
    assert is_by_chat(ImageRequest("m", "x", by_chat=by_chat), quirks) is expected


@pytest.mark.parametrize(
    ("options", "quirks"),
    [
        ({"temperature": 1}, {}),
        ({"top_k": 1}, {**CHAT, "fields": {"top_k": "top_k"}}),
        ({"size": "1024x1024"}, CHAT),
        ({"quality": "high"}, CHAT),
        ({"size": "1024x1024"}, {"lacks": ["size"]}),
    ],
)
def test_an_option_without_a_place_is_a_fault(options: dict, quirks: dict):
    fault = encode_image(ImageRequest("m", "x", options), quirks)
    assert isinstance(fault, Fault)
    assert fault.kind == "unsupported_option"


def test_an_answer_of_openais_own_types_is_read_whole():
    body = ImagesResponse.model_validate(
        {
            "created": 1,
            "data": [{"b64_json": PNG}, {"b64_json": "AAAA"}],
            "output_format": "webp",
            "usage": {
                "input_tokens": 9,
                "output_tokens": 1290,
                "total_tokens": 1299,
                "input_tokens_details": {"image_tokens": 0, "text_tokens": 9},
            },
        }
    )
    response = decode_image(answer(body.model_dump_json().encode(), **{"x-request-id": "req_1"}))
    assert response == ImageResponse(
        (ImagePart(data=PNG, media_type="image/webp"), ImagePart(data="AAAA", media_type="image/webp")),
        usage=Usage(9, 1290),
        request_id="req_1",
    )


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PNG, "image/png"),
        (based(b"\xff\xd8\xff\xe0JFIF"), "image/jpeg"),
        (based(b"RIFF\x00\x00\x00\x00WEBPVP8 "), "image/webp"),
        (based(b"GIF89a"), "image/gif"),
        (based(b"<svg xmlns="), "image/svg+xml"),
        (based(b"????"), "image/png"),
    ],
)
def test_an_image_is_told_by_its_first_bytes(data: str, media_type: str):
    assert images_of({"data": [{"b64_json": data}]}) == (ImagePart(data=data, media_type=media_type),)


@pytest.mark.parametrize(
    ("image", "rest", "part"),
    [
        ({"url": "https://a.test/a.png"}, {}, ImagePart(url="https://a.test/a.png")),
        ({"b64_json": f"data:image/gif;base64,{PNG}"}, {}, ImagePart(data=PNG, media_type="image/gif")),
        ({"b64_json": PNG}, {"output_format": "svg"}, ImagePart(data=PNG, media_type="image/svg+xml")),
        ({"b64_json": PNG, "mime_type": "image/jpeg"}, {}, ImagePart(data=PNG, media_type="image/jpeg")),
    ],
)
def test_an_image_is_data_or_an_address(image: dict, rest: dict, part: ImagePart):
    assert images_of({"data": [image], **rest}) == (part,)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ({"data": [{"b64_json": "@@@"}]}, "malformed_response", "an image that is no base64"),
        (b"", "malformed_response", "the answer is empty"),
        ({}, "malformed_response", "the answer has no image"),
        ({"data": []}, "malformed_response", "the answer has no image"),
        ({"data": [{}]}, "malformed_response", "the answer has no image"),
        ({"data": [{"b64_json": "", "url": None}]}, "malformed_response", "the answer has no image"),
        ({"detail": "no sk-secret-key"}, "malformed_response", "the answer has no image: no [redacted]"),
        ({"data": [{"respect_moderation": False}]}, "content_filter", "withholds the image"),
        (
            {"data": [{"content_filter_results": {"violence": {"filtered": True, "severity": "high"}}}]},
            "content_filter",
            "withholds the image",
        ),
        ({"data": [{"content_filter_results": {"hate": {"filtered": False}}}]}, "malformed_response", "no image"),
        ({"error": {"message": "Blocked", "code": "moderation_blocked"}}, "content_filter", "Blocked"),
    ],
)
def test_an_answer_without_an_image_is_a_fault(body: object, kind: str, words: str):
    fault = decode_image(answer(body))
    assert isinstance(fault, Fault), fault
    assert (fault.kind, words in fault.message) == (kind, True), fault.message


def test_what_an_image_cost_that_never_came_is_in_the_fault():
    fault = decode_image(answer({"data": [], "usage": {"input_tokens": 9, "output_tokens": 3}}))
    assert isinstance(fault, Fault)
    assert fault.usage == Usage(9, 3)


def test_the_images_of_a_chat_are_read_with_what_was_said_beside_them():
    images = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]
    response = decode_chat_image(answer(said(content="Here:", images=images)))
    assert response == ImageResponse((ImagePart(data=PNG, media_type="image/png"),), "Here:", Usage(9, 1290), model="m")


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (
            said(content="I would draw a box."),
            "malformed_response",
            "the answer has no image, only words: I would draw a box.",
        ),
        (said(content=""), "malformed_response", "the answer has no image"),
        (said("content_filter", content=""), "content_filter", "the answer has no image"),
        (said(refusal="Not sk-secret-key."), "refusal", "the answer has no image, only words: Not [redacted]."),
    ],
)
def test_a_chat_without_an_image_is_a_fault_that_says_what_it_cost(body: dict, kind: str, message: str):
    fault = decode_chat_image(answer(body))
    assert isinstance(fault, Fault), fault
    assert (fault.kind, fault.message, fault.usage) == (kind, message, Usage(9, 1290))


def test_an_error_in_a_chat_is_a_fault():
    fault = decode_chat_image(answer({"error": {"message": "Slow down", "code": 429}}))
    assert isinstance(fault, Fault)
    assert fault.kind == "rate_limit"


def test_what_a_model_made_of_the_prompt_is_what_it_says_beside_the_image():
    body = {"data": [{"url": "https://example.org/a.png", "revised_prompt": "A tabby cat"}, {"b64_json": "aGk="}]}
    response = decode_image(Answer(200, {}, json.dumps(body).encode()))
    assert isinstance(response, ImageResponse)
    assert response.text == "A tabby cat"
