from __future__ import annotations

import asyncio
import json
import os
from typing import Any
from unittest.mock import patch

import pytest

from routebook.canonical.chat import ChatRequest
from routebook.canonical.embedding import EmbeddingRequest
from routebook.canonical.event import ResponseFinished, TextDelta
from routebook.canonical.image import ImageRequest
from routebook.canonical.message import Message
from routebook.canonical.part import ImagePart
from routebook.errors import ProviderError
from routebook.providers.gemini.client import GeminiClient
from routebook.providers.protocol import ClientConfig

KEY = "AIzaSyTest-0123456789"
ANSWER = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "Noon. ü😀"}]}, "finishReason": "STOP", "index": 0}
    ],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
    "modelVersion": "gemini-x-1",
    "responseId": "resp_1",
}
PIECE = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Noon. ü😀"}]}, "index": 0}]}
END = {**ANSWER, "candidates": [{"content": {"role": "model", "parts": []}, "finishReason": "STOP", "index": 0}]}
OVERLOADED = {"error": {"code": 503, "message": f"The model is overloaded ({KEY})", "status": "UNAVAILABLE"}}
INVALID = {
    "error": {
        "code": 400,
        "message": "API key not valid. Please pass a valid API key.",
        "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
    }
}
PLACE = {"project": "p-1", "location": "europe-west4"}


def ask(model: str = "gemini-x", **options: object) -> ChatRequest:
    return ChatRequest(model, (Message("user", "When?"),), options=options, target="luna")


def sse(*chunks: Any) -> bytes:
    return b"".join(f"data: {json.dumps(chunk, ensure_ascii=False)}\r\n\r\n".encode() for chunk in chunks)


@pytest.fixture
async def client_of():
    clients = []

    def make(url: str, **fields: object) -> GeminiClient:
        clients.append(GeminiClient(ClientConfig(**{"provider": "house", "base_url": url, "api_key": KEY, **fields})))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


async def error_of(call) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await call
    return caught.value


async def all_of(client: GeminiClient) -> list:
    return [event async for event in client.stream(ask())]


async def test_a_call_is_posted_with_its_key_in_a_header_and_answered(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER, "x-goog-request-id: req_1"))
    response = await client_of(server.url).complete(ask(max_output_tokens=64))
    assert (response.message.text, response.request_id) == ("Noon. ü😀", "req_1")
    (received,) = server.received
    assert received.line == "POST /v1beta/models/gemini-x:generateContent HTTP/1.1"
    assert received.header("x-goog-api-key") == [KEY]
    assert received.header("authorization") == []
    assert KEY not in received.line
    assert received.json == {
        "contents": [{"role": "user", "parts": [{"text": "When?"}]}],
        "generationConfig": {"maxOutputTokens": 64},
    }


@pytest.mark.parametrize(
    ("suffix", "fields", "path"),
    [
        ("", {}, "/v1beta/models/gemini-x"),
        ("/", {}, "/v1beta/models/gemini-x"),
        ("/v1beta", {}, "/v1beta/models/gemini-x"),
        ("/v1/", {"api_version": "v1beta"}, "/v1/models/gemini-x"),
        ("", {"api_version": "v1alpha"}, "/v1alpha/models/gemini-x"),
        ("/gemini", {}, "/gemini/v1beta/models/gemini-x"),
        ("", PLACE, "/v1beta1/projects/p-1/locations/europe-west4/publishers/google/models/gemini-x"),
        ("/v1", PLACE, "/v1/projects/p-1/locations/europe-west4/publishers/google/models/gemini-x"),
    ],
)
async def test_a_version_in_the_address_is_not_doubled(loopback, client_of, suffix: str, fields: dict, path: str):
    server = await loopback.start(loopback.answer(200, ANSWER))
    await client_of(server.url + suffix, **fields).complete(ask())
    assert server.received[0].line == f"POST {path}:generateContent HTTP/1.1"


async def test_a_models_name_is_quoted_and_one_that_leads_elsewhere_is_not_sent(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    await client_of(server.url).complete(ask("tunedModels/a b?c"))
    assert server.received[0].line == "POST /v1beta/tunedModels/a%20b%3Fc:generateContent HTTP/1.1"
    for model in ("../../v1/x", ""):
        error = await error_of(client_of(server.url).complete(ask(model)))
        assert (error.kind, error.sent) == ("bad_request", False)
    assert len(server.received) == 1


async def test_a_key_opens_vertex_too(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    await client_of(server.url, **PLACE).complete(ask())
    assert server.received[0].header("x-goog-api-key") == [KEY]


async def test_a_providers_authorization_replaces_its_key(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    await client_of(server.url, headers={"Authorization": "Bearer token-1"}).complete(ask())
    (received,) = server.received
    assert (received.header("authorization"), received.header("x-goog-api-key")) == (["Bearer token-1"], [])


async def test_no_variable_of_the_vendors_own_package_is_picked_up(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    names = ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GEMINI_BASE_URL")
    with patch.dict(os.environ, dict.fromkeys(names, "http://127.0.0.1:1")):
        await client_of(server.url, api_key=None).complete(ask())
    (received,) = server.received
    assert (received.header("authorization"), received.header("x-goog-api-key")) == ([], [])


@pytest.mark.parametrize("listed", [False, True])
async def test_a_refusal_has_its_kind_and_its_request_and_no_key(loopback, client_of, listed: bool):
    body = [OVERLOADED] if listed else OVERLOADED
    server = await loopback.start(loopback.answer(503, body, "x-goog-request-id: req_9", "retry-after: 3"))
    for call in (client_of(server.url).complete(ask()), all_of(client_of(server.url))):
        error = await error_of(call)
        assert (error.kind, error.status, error.request_id, error.retry_after) == ("overloaded", 503, "req_9", 3)
        assert (error.provider, error.model) == ("house", "luna")
        assert KEY not in str(error)


async def test_a_wrong_key_is_known_though_its_status_is_another(loopback, client_of):
    server = await loopback.start(loopback.answer(400, INVALID))
    error = await error_of(client_of(server.url).complete(ask()))
    assert (error.kind, error.status) == ("authentication", 400)


async def test_a_stream_yields_its_words_and_folds_to_the_response_of_a_whole_answer(loopback, client_of):
    whole = await loopback.start(loopback.answer(200, ANSWER, "x-goog-request-id: req_1"))
    streamed = await loopback.start(loopback.answer(200, sse(PIECE, END), "x-goog-request-id: req_1"))
    events = await all_of(client_of(streamed.url))
    assert events[0] == TextDelta("Noon. ü😀")
    assert events[1:] == [ResponseFinished(await client_of(whole.url).complete(ask()))]
    (received,) = streamed.received
    assert received.line == "POST /v1beta/models/gemini-x:streamGenerateContent?alt=sse HTTP/1.1"
    assert received.header("accept") == ["text/event-stream"]


async def test_parameters_of_the_provider_go_with_those_of_a_stream(loopback, client_of):
    server = await loopback.start(loopback.answer(200, sse(PIECE, END)))
    await all_of(client_of(server.url, quirks={"query": {"a": "b c"}}))
    assert server.received[0].line == "POST /v1beta/models/gemini-x:streamGenerateContent?alt=sse&a=b+c HTTP/1.1"


async def test_a_whole_answer_to_a_streamed_call_is_read(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    events = await all_of(client_of(server.url))
    assert [type(event) for event in events] == [TextDelta, ResponseFinished]


async def test_a_stream_that_comes_as_one_list_is_read(loopback, client_of):
    """So it is where `alt=sse` got lost on the way."""
    server = await loopback.start(loopback.answer(200, [PIECE, PIECE, END]))
    *words, finished = await all_of(client_of(server.url))
    assert words == [TextDelta("Noon. ü😀Noon. ü😀")]
    assert isinstance(finished, ResponseFinished)
    server = await loopback.start(loopback.answer(200, [PIECE, OVERLOADED]))
    error = await error_of(all_of(client_of(server.url)))
    assert (error.kind, KEY in str(error)) == ("overloaded", False)


async def test_an_error_in_a_stream_of_status_200_has_its_own_kind(loopback, client_of):
    server = await loopback.start(loopback.answer(200, sse(PIECE, OVERLOADED)))
    error = await error_of(all_of(client_of(server.url)))
    assert (error.kind, error.status, KEY in str(error)) == ("overloaded", 200, False)


async def test_a_stream_that_ends_before_its_reason_was_cut_off(loopback, client_of):
    server = await loopback.start(loopback.answer(200, sse(PIECE)))
    error = await error_of(all_of(client_of(server.url)))
    assert error.kind == "connection"


async def test_a_stream_may_be_cut_within_a_letter(loopback, client_of):
    """Chunks of HTTP end where they like: between the bytes of a letter here."""
    body = sse(PIECE, END)
    places = [body.index("ü".encode()) + 1, body.index("😀".encode()) + 2]

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for begin, end in zip((0, *places), (*places, len(body)), strict=True):
            writer.write(b"%x\r\n%s\r\n" % (end - begin, body[begin:end]))
            await writer.drain()
            await asyncio.sleep(0.01)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    server = await loopback.start(reply)
    events = await all_of(client_of(server.url))
    assert events[-1].response.message.text == "Noon. ü😀"


async def test_a_stream_that_is_cut_off_within_a_letter_was_cut_off(loopback, client_of):
    body = sse(PIECE, PIECE)
    server = await loopback.start(loopback.answer(200, body[: body.rindex("😀".encode()) + 2]))
    error = await error_of(all_of(client_of(server.url)))
    assert error.kind == "connection"


@pytest.mark.parametrize(
    ("model", "fields", "texts", "path", "answer"),
    [
        ("x", {}, ("a",), "/v1beta/models/x:embedContent", {"embedding": {"values": [1]}}),
        ("x", {}, ("a", "b"), "/v1beta/models/x:batchEmbedContents", {"embeddings": [{"values": [1]}] * 2}),
        (
            "text-embedding-005",
            PLACE,
            ("a",),
            "/v1beta1/projects/p-1/locations/europe-west4/publishers/google/models/text-embedding-005:predict",
            {"predictions": [{"embeddings": {"values": [1]}}]},
        ),
    ],
)
async def test_texts_become_vectors(
    loopback, client_of, model: str, fields: dict, texts: tuple, path: str, answer: dict
):
    server = await loopback.start(loopback.answer(200, answer))
    response = await client_of(server.url, **fields).embed(EmbeddingRequest(model, texts))
    assert response.vectors[0] == (1.0,)
    assert server.received[0].line == f"POST {path} HTTP/1.1"


async def test_pictures_are_made_by_a_chat_or_as_predictions(loopback, client_of):
    inline = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    chat = {"candidates": [{"content": {"role": "model", "parts": [inline]}, "finishReason": "STOP"}]}
    predicted = {"predictions": [{"bytesBase64Encoded": "iVBORw0KGgo=", "mimeType": "image/png"}]}
    picture = ImagePart(data="iVBORw0KGgo=", media_type="image/png")
    for model, answer, method in (("gemini-x-image", chat, "generateContent"), ("imagen-4", predicted, "predict")):
        server = await loopback.start(loopback.answer(200, answer))
        response = await client_of(server.url).generate_image(ImageRequest(model, "A dusk"))
        assert response.images == (picture,)
        assert server.received[0].line == f"POST /v1beta/models/{model}:{method} HTTP/1.1"
