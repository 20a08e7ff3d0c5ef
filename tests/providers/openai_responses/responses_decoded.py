"""What a responses answer is decoded to, given as the plain data of its body."""

from __future__ import annotations

import json

from routebook.canonical.chat import ChatResponse
from routebook.providers.answer import Answer
from routebook.providers.fault import Fault
from routebook.providers.openai_responses.decode import decode


def read(body: object, **headers: str) -> ChatResponse | Fault:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode(Answer(200, headers, payload, 0.0, ("sk-secret-key",)))


def answer(*items: dict, status: str | None = "completed", **rest: object) -> dict:
    return {"status": status, "output": list(items), **rest}


def spoken(*parts: dict, **more: object) -> dict:
    return {"type": "message", "role": "assistant", "content": list(parts), **more}


def said(words: str) -> dict:
    return spoken({"type": "output_text", "text": words, "annotations": []})


def call(arguments: object = "{}", name: object = "t", **rest: object) -> dict:
    return {"type": "function_call", "name": name, "arguments": arguments, **rest}


def response_of(body: object, **headers: str) -> ChatResponse:
    response = read(body, **headers)
    assert isinstance(response, ChatResponse), response
    return response
