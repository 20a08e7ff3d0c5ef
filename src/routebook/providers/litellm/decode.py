"""Decode: what `litellm.acompletion` answered, as JSON → a canonical response.

Pure. The library answers as chat completions do, and so it is read; see `..openai_chat.decode`. What is to be given
back with the answer is kept; see `kept`. Usage of nothing but zeros is the library's own, where a provider said none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from ...canonical.chat import ChatResponse, Choice
from ..answer import Answer
from ..body import ENCODER
from ..fault import Fault
from ..openai_chat import decode as chat
from .kept import FIELDS, kept_of
from .messages import renamed

_NO_USAGE = (b'"prompt_tokens":0,', b'"prompt_tokens":0}')
_PLAIN = msgspec.json.Decoder(dict[str, Any])


def decode(answer: Answer) -> ChatResponse | Fault:
    """Return what *answer*, a success, says, or why it is none."""
    response = chat.decode(replace(answer, body=with_kept(answer.body)))
    return response if isinstance(response, Fault) else as_own(response)


def as_own(response: ChatResponse) -> ChatResponse:
    """Return *response*, read as one of chat completions, as this API's."""
    others = tuple(_own_choice(choice) for choice in response.alternatives)
    return replace(response, message=renamed(response.message), alternatives=others)


def with_kept(body: bytes) -> bytes:
    """Return *body*, an answer, with what is kept of each message as its `reasoning_details`, and without usage that
    nobody counted. What is no answer stays as it is.
    """
    if not any(field in body for field in (*FIELDS, *_NO_USAGE)):
        return body
    try:
        plain = _PLAIN.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return body
    if is_no_usage(plain.get("usage")):
        del plain["usage"]
    for message in _messages(plain):
        kept = kept_of(message)
        message["reasoning_details"] = [kept] if kept else []
    return ENCODER.encode(plain)


def is_no_usage(usage: Any) -> bool:
    """Tell whether *usage* counts nothing at all."""
    return isinstance(usage, Mapping) and not usage.get("prompt_tokens") and not usage.get("completion_tokens")


def _messages(plain: Mapping[str, Any]) -> list[dict[str, Any]]:
    choices = plain.get("choices")
    found = (
        [choice.get("message") for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
    )
    return [message for message in found if isinstance(message, dict)]


def _own_choice(choice: Choice) -> Choice:
    return replace(choice, message=renamed(choice.message))
