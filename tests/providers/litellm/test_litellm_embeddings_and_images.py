"""Embeddings and images of the real library, from servers on loopback."""

from __future__ import annotations

import json

from library_answers import CANDIDATE, KEY

from routebook.canonical.embedding import EmbeddingRequest
from routebook.canonical.image import ImageRequest
from routebook.canonical.part import ImagePart
from routebook.canonical.usage import Usage

PNG = "iVBORw0KGgoAAAANSUhEUg=="


async def test_texts_become_vectors(loopback, client_of):
    body = {"object": "list", "model": "e-1", "usage": {"prompt_tokens": 2, "total_tokens": 2}}
    vectors = [{"object": "embedding", "index": index, "embedding": [float(index), 0.5]} for index in (1, 0)]
    server = await loopback.start(loopback.answer(200, {**body, "data": vectors}, "content-type: application/json"))
    response = await client_of(server.url).embed(EmbeddingRequest("hosted_vllm/e-1", ("a", "b"), {"dimensions": 2}))
    assert (response.vectors, response.usage) == (((0.0, 0.5), (1.0, 0.5)), Usage(2))
    assert server.received[0].line == "POST /v1/embeddings HTTP/1.1"
    assert server.received[0].json["dimensions"] == 2


async def test_vectors_of_openai_and_headers_of_the_call(loopback, client_of):
    body = {"object": "list", "model": "e-1", "usage": {"prompt_tokens": 2, "total_tokens": 2}}
    server = await loopback.start(
        loopback.answer(
            200,
            {**body, "data": [{"object": "embedding", "index": 0, "embedding": [1.0]}]},
            "content-type: application/json",
        )
    )
    request = EmbeddingRequest(
        "openai/text-embedding-3-small", ("a",), {"dimensions": 1, "extra_headers": {"X-Title": "Demo"}}
    )
    assert (await client_of(server.url).embed(request)).vectors == ((1.0,),)
    assert server.received[0].json["dimensions"] == 1
    assert server.received[0].header("x-title") == ["Demo"]
    assert server.received[0].header("authorization") == [f"Bearer {KEY}"]


async def test_images_are_made_in_their_own_call_or_in_a_chat(loopback, client_of):
    server = await loopback.start(
        loopback.answer(200, {"created": 1, "data": [{"b64_json": PNG}]}, "content-type: application/json")
    )
    options = {"n": 1, "size": "1024x1024", "quality": "high", "extra_headers": {"X-Title": "Demo"}}
    response = await client_of(server.url).generate_image(ImageRequest("openai/gpt-image-1", "a box", options))
    assert response.images == (ImagePart(PNG, None, "image/png"),)
    assert server.received[0].line == "POST /v1/images/generations HTTP/1.1"
    sent = server.received[0].json
    assert (sent["size"], sent["quality"], server.received[0].header("x-title")) == ("1024x1024", "high", ["Demo"])

    part = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    candidate = {"content": {"role": "model", "parts": [{"text": "Here."}, part]}, "finishReason": "STOP"}
    chat = await loopback.start(loopback.answer(200, {**CANDIDATE, "candidates": [candidate]}))
    made = await client_of(chat.url).generate_image(
        ImageRequest("gemini/gemini-2.5-flash-image", "a box", by_chat=True)
    )
    assert (made.images, made.text) == ((ImagePart(PNG, None, "image/png"),), "Here.")
    assert "IMAGE" in json.dumps(chat.received[0].json["generationConfig"]["responseModalities"])
