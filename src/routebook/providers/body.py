"""Body: the bytes of an answer → typed structures, once and strictly, or a fault that says what they are instead."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from .answer import Answer
from .fault import Fault, say
from .sentence import read_sentence

T = TypeVar("T")


def read_body(decoder: msgspec.json.Decoder[T], answer: Answer) -> T | Fault:
    """Return the body of *answer* as *decoder* types it."""
    return read_json(decoder, answer.body, answer)


def read_json(decoder: msgspec.json.Decoder[T], text: bytes, answer: Answer) -> T | Fault:
    """Return *text*, a piece of *answer*, as *decoder* types it."""
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return malformed(_unreadable(text, error), answer)


def malformed(what: str, answer: Answer) -> Fault:
    """Return the fault of an answer that is none of its API's; *what* is a sentence."""
    return Fault("malformed_response", say(what, answer.secrets))


def _unreadable(text: bytes, error: Exception) -> str:
    if not text.strip():
        return "the answer is empty"
    if text.lstrip()[:1] == b"<":
        return f"the answer is a web page, no JSON: {read_sentence(text) or 'without text'}"
    if isinstance(error, msgspec.ValidationError):
        return f"the answer does not fit this API: {error}"
    if isinstance(error, UnicodeError):
        return "the answer is not valid UTF-8"
    if isinstance(error, RecursionError):
        return "the answer is nested too deeply"
    return f"the answer is no JSON: {error}"
