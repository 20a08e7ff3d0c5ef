"""What a chat completions answer is decoded to, given as the plain data of its body."""

from __future__ import annotations

import json

from routebook.canonical.chat import ChatResponse
from routebook.providers.answer import Answer
from routebook.providers.fault import Fault
from routebook.providers.openai_chat.decode import decode


def read(body: object, **headers: str) -> ChatResponse | Fault:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode(Answer(200, headers, payload, 0.0, ("sk-secret-key",)))


def answer(message: dict, finish_reason: str | None = "stop", **rest: object) -> dict:
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}], **rest}


def response_of(body: object, **headers: str) -> ChatResponse:
    response = read(body, **headers)
    assert isinstance(response, ChatResponse), response
    return response
