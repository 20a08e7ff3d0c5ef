"""Body: plain data → the bytes of a request; and the bytes of an answer → typed structures, once and strictly, or a
fault that says what they are instead.

An object that has a telling key twice, with two values, says nothing: readers would differ on which one holds. Such an
answer is malformed. To look for these keys costs about a microsecond; what looks suspicious is read a second time.
What has millions of objects would take gigabytes once it is read; it is malformed too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from ..canonical.usage import Usage
from .answer import Answer
from .fault import Fault, NoPlace, say
from .sentence import read_sentence

T = TypeVar("T")

ENCODER = msgspec.json.Encoder(enc_hook=dict)
"""Writes JSON; read-only mappings are objects."""

_MOST_PARTS = 2**22
_BEGINS_A_PART = (b"{", b"[", b'":')

_TELLING = (
    *("args", "arguments", "candidates", "choices", "content", "data", "delta", "error", "finishReason"),
    *("finish_reason", "functionCall", "input", "message", "name", "output", "partial_json", "parts", "signature"),
    *("stop_reason", "text", "thinking", "thoughtSignature", "tool_calls", "usage"),
)
_find_telling = re.compile(rb'"(%s)"\s*:' % "|".join(_TELLING).encode()).findall


class Malformed(Exception):
    """The answer has the right types and still makes no sense; its text is the message."""


class _Ambiguous(Exception):
    """An object has a key twice; the text is the key."""


def to_json(value: Any) -> bytes:
    """Return *value*, a piece of a request, as JSON; read-only mappings in it are objects.

    Raises:
        NoPlace: A text in it is none.
    """
    try:
        return ENCODER.encode(value)
    except UnicodeEncodeError:
        what = "the request holds half a surrogate pair, which is no character and no UTF-8"
        raise NoPlace("bad_request", what) from None


def write_body(body: Mapping[str, Any]) -> bytes | Fault:
    """Return *body* as JSON, or why it is none; see `to_json`."""
    try:
        return to_json(body)
    except NoPlace as none:
        return none.fault


def joined(body: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return *body* with *more*, an `extra_body`, in it: mappings are joined in depth, anything else replaces."""
    whole = dict(body)
    for name, value in more.items():
        own = whole.get(name)
        if isinstance(own, Mapping) and isinstance(value, Mapping):
            value = joined(own, value)
        whole[name] = value
    return whole


def read_body(decoder: msgspec.json.Decoder[T], answer: Answer) -> T | Fault:
    """Return the body of *answer* as *decoder* types it."""
    return read_json(decoder, answer.body, answer)


def read_json(decoder: msgspec.json.Decoder[T], text: bytes, answer: Answer) -> T | Fault:
    """Return *text*, a piece of *answer*, as *decoder* types it."""
    if len(text) > _MOST_PARTS and sum(map(text.count, _BEGINS_A_PART)) > _MOST_PARTS:
        return malformed(f"the answer has more than {_MOST_PARTS:,} objects, lists and fields", answer)
    try:
        found = decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return malformed(_unreadable(text, error), answer)
    telling = _find_telling(text)
    if len(telling) != len(set(telling)) and (key := _twice(text)):
        return malformed(f"the answer has {key!r} twice in one object, with different values", answer)
    return found


def malformed(what: str, answer: Answer, usage: Usage | None = None) -> Fault:
    """Return the fault of an answer that is none of its API's; *what* is a sentence, *usage* what it tells it took."""
    return Fault("malformed_response", say(what, answer.secrets), None, usage)


def lacking(what: str, answer: Answer, usage: Usage | None = None) -> Fault:
    """Return the fault of an answer that has no *what*, with the words that stand in it instead, and its *usage*."""
    words = read_sentence(answer.body)
    return malformed(f"the answer has no {what}" + (f": {words}" if words else ""), answer, usage)


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


def _twice(text: bytes) -> str | None:
    """Return a telling key that one object in *text* has with two values, if there is one."""
    try:
        json.loads(text, object_pairs_hook=_read_object)
    except _Ambiguous as error:
        return str(error)
    except (ValueError, RecursionError):
        return None  # it was read once, by a reader that sets other bounds to numbers and depth
    return None


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        for key, value in pairs:
            if key in _TELLING and value != read[key]:
                raise _Ambiguous(key)
    return read
