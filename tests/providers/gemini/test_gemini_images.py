from __future__ import annotations

import json
from typing import Any

import pytest
from gemini_types import problems

from routebook.canonical.image import ImageRequest, ImageResponse
from routebook.canonical.part import ImagePart
from routebook.canonical.usage import Usage
from routebook.providers.answer import Answer
from routebook.providers.fault import Fault
from routebook.providers.gemini.images import decode_chat_image, decode_image, encode_image, is_by_predict

GEMINI, IMAGEN = "gemini-3-pro-image", "imagen-4.0-generate-001"
PNG = "iVBORw0KGgo="


def ask(model: str = GEMINI, **options: Any) -> ImageRequest:
    return ImageRequest(model, "A cat", options)


def sent(request: ImageRequest) -> dict[str, Any]:
    body = encode_image(request)
    assert isinstance(body, bytes), body
    return json.loads(body)


def answer_of(body: Any) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(200, {"x-goog-request-id": "req_1"}, content, 0.0, ("sk-secret",))


def chat(*parts: dict[str, Any], finish: str = "STOP", **fields: Any) -> dict[str, Any]:
    content = {"role": "model", "parts": list(parts)}
    counts = {"promptTokenCount": 3, "candidatesTokenCount": 1290}
    return {
        "candidates": [{"content": content, "finishReason": finish, **fields}],
        "usageMetadata": counts,
        "modelVersion": "gemini-x",
    }


def inline(data: str = PNG, kind: str = "image/png") -> dict[str, Any]:
    return {"inlineData": {"mimeType": kind, "data": data}}


@pytest.mark.parametrize(
    ("model", "by_predict"),
    [
        (GEMINI, False),
        (IMAGEN, True),
        ("models/imagen-4.0-fast-generate-001", True),
        ("publishers/google/models/imagen-4.0", True),
        ("publishers/google/models/gemini-2.5-flash-image", False),
    ],
)
def test_the_models_name_says_how_it_is_asked(model: str, by_predict: bool):
    assert is_by_predict(ask(model)) is by_predict


def test_gemini_is_asked_in_a_chat_for_words_and_pictures():
    body = sent(ask(n=2, size="16:9 2K"))
    assert body == {
        "contents": [{"role": "user", "parts": [{"text": "A cat"}]}],
        "generationConfig": {
            "responseModalities": ["TEXT", "IMAGE"],
            "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
            "candidateCount": 2,
        },
    }
    assert problems(body) == []
    assert sent(ask())["generationConfig"] == {"responseModalities": ["TEXT", "IMAGE"]}


def test_imagen_is_asked_for_predictions():
    assert sent(ask(IMAGEN)) == {"instances": [{"prompt": "A cat"}]}
    assert sent(ask(IMAGEN, n=2, size="2560x1792", extra_body={"labels": {"a": "b"}})) == {
        "instances": [{"prompt": "A cat"}],
        "parameters": {"aspectRatio": "4:3", "sampleImageSize": "2K", "sampleCount": 2},
        "labels": {"a": "b"},
    }


@pytest.mark.parametrize(
    ("size", "config"),
    [
        ("1:1", {"aspectRatio": "1:1"}),
        ("8:1", {"aspectRatio": "8:1"}),
        ("4K", {"imageSize": "4K"}),
        ("512", {"imageSize": "512"}),
        ("1024x1024", {"aspectRatio": "1:1"}),
        ("2048x2048", {"aspectRatio": "1:1", "imageSize": "2K"}),
        ("4096x4096", {"aspectRatio": "1:1", "imageSize": "4K"}),
        ("1344x768", {"aspectRatio": "16:9"}),
        ("1376x768", {"aspectRatio": "16:9"}),
        ("2752x1536", {"aspectRatio": "16:9", "imageSize": "2K"}),
        ("768x1376", {"aspectRatio": "9:16"}),
    ],
)
def test_a_size_is_a_ratio_and_how_much_of_it(size: str, config: dict[str, Any]):
    assert sent(ask(size=size))["generationConfig"]["imageConfig"] == config


@pytest.mark.parametrize("size", ["1536x1024", "1000x1000", "auto", "large", "16:9 3K", "", "x", "1K 1:1", "1024X1024"])
@pytest.mark.parametrize("model", [GEMINI, IMAGEN])
def test_a_size_that_no_picture_has_is_refused(size: str, model: str):
    fault = encode_image(ask(model, size=size))
    assert isinstance(fault, Fault)
    assert (fault.kind, repr(size) in fault.message) == ("unsupported_option", True)


def test_a_size_that_only_the_other_makes_is_refused():
    assert isinstance(encode_image(ask(IMAGEN, size="1344x768")), Fault)
    assert isinstance(encode_image(ask(GEMINI, size="1408x768")), Fault)


@pytest.mark.parametrize(("options", "word"), [({"quality": "high"}, "quality"), ({"seed": 1}, "seed")])
def test_what_has_no_place_is_refused(options: dict[str, Any], word: str):
    fault = encode_image(ask(**options))
    assert isinstance(fault, Fault)
    assert (fault.kind, word in fault.message) == ("unsupported_option", True)
    assert encode_image(ask("..")).kind == "bad_request"


def test_pictures_of_a_chat_are_read_with_the_words_beside():
    response = decode_chat_image(answer_of(chat({"text": "Here:"}, {**inline(), "thoughtSignature": "c2ln"})))
    assert isinstance(response, ImageResponse), response
    assert response.images == (ImagePart(data=PNG, media_type="image/png"),)
    assert (response.text, response.usage, response.model) == ("Here:", Usage(3, 1290), "gemini-x")


def test_a_picture_that_was_only_thought_of_is_none():
    drafted = {**inline("AAAA"), "thought": True}
    response = decode_chat_image(answer_of(chat(drafted, inline())))
    assert response.images == (ImagePart(data=PNG, media_type="image/png"),)
    assert decode_chat_image(answer_of(chat(drafted))).kind == "malformed_response"


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (chat({"text": "I cannot draw sk-secret."}), "malformed_response", "only words: I cannot draw [redacted]."),
        (chat(finish="IMAGE_SAFETY"), "content_filter", "the answer has no image"),
        (chat(finish="NO_IMAGE"), "malformed_response", "the model made no image"),
        (chat(finish="IMAGE_OTHER"), "malformed_response", "the model made no image"),
        (chat(inline("")), "malformed_response", "the answer has no image"),
        (chat(inline("no base64!")), "malformed_response", "an image that is no base64"),
        ({"promptFeedback": {"blockReason": "SAFETY"}}, "content_filter", "refuses the request"),
        (b"", "malformed_response", "the answer is empty"),
    ],
)
def test_a_chat_without_a_picture_is_a_fault(body: Any, kind: str, words: str):
    fault = decode_chat_image(answer_of(body))
    assert isinstance(fault, Fault)
    assert (fault.kind, words in fault.message) == (kind, True), fault


def test_predictions_are_read_those_that_were_filtered_left_out():
    body = {
        "predictions": [
            {"bytesBase64Encoded": PNG, "mimeType": "image/jpeg", "prompt": "A fine cat"},
            {"raiFilteredReason": "filtered"},
            {"gcsUri": "gs://house/a.png", "mimeType": "image/png"},
            {"bytesBase64Encoded": PNG},
        ]
    }
    response = decode_image(answer_of(body))
    assert isinstance(response, ImageResponse), response
    assert response.images == (
        ImagePart(data=PNG, media_type="image/jpeg"),
        ImagePart(url="gs://house/a.png", media_type="image/png"),
        ImagePart(data=PNG, media_type="image/png"),
    )
    assert (response.text, response.usage, response.request_id) == ("A fine cat", None, "req_1")


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ({"predictions": [{"raiFilteredReason": "Blocked, sk-secret."}]}, "content_filter", "Blocked, [redacted]."),
        ({"predictions": []}, "content_filter", "it gave no reason"),
        ({}, "malformed_response", "the answer has no image"),
        ({"predictions": [{}]}, "malformed_response", "the answer has no image"),
        ({"predictions": [{"bytesBase64Encoded": "no base64!"}]}, "malformed_response", "no base64"),
        ({"predictions": "x"}, "malformed_response", "does not fit this API"),
        ({"error": {"code": 403, "message": "No.", "status": "PERMISSION_DENIED"}}, "permission_denied", "No."),
    ],
)
def test_predictions_without_a_picture_are_a_fault(body: Any, kind: str, words: str):
    fault = decode_image(answer_of(body))
    assert isinstance(fault, Fault)
    assert (fault.kind, words in fault.message) == (kind, True), fault
