"""Sentence: the human words in the body of a refusal, whatever its shape.

Comes in: bytes that may be JSON of any dialect, HTML, plain text, or rubbish. Goes out: the sentence a person should
read, or None where there is none. Never a raw JSON dump.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

import msgspec

# The keys under which APIs put their words, the more telling first: `{"error": "invalid_request",
# "error_description": "..."}` is read by its description.
_KEYS = ("message", "msg", "detail", "error_description", "error_message", "error", "errors", "title", "reason")
_DEEPEST = 6
_MOST_ITEMS = 5
_LONGEST_PAGE_BYTES = 64 * 1024
# No refusal is longer. As plain data, a body of nothing but brackets takes fifty times its own size.
_LONGEST_JSON = 1024 * 1024
# None of these looks further than the next `<`, so that a page of nothing but tags takes no longer than another.
_TITLE = re.compile(r"<title[^<>]*>([^<]*)</title", re.I)
_UNSEEN = re.compile(r"<(/?)(script|style|head)\b", re.I)
_TAG = re.compile(r"<[^<>]*>")


def read_sentence(body: bytes) -> str | None:
    """Return the human sentence of *body*, unredacted and of any length, or None."""
    parsed, is_json = parse_json(body)
    if is_json:
        return sentence_of(parsed)
    text = body[:_LONGEST_PAGE_BYTES].decode("utf-8", "replace").strip()
    if text.startswith("<"):
        return _page_sentence(text)
    return None if text.startswith(("{", "[")) else _unwrapped(text, _DEEPEST)


def parse_json(body: bytes | str) -> tuple[Any, bool]:
    """Return *body* as plain data and True, or None and False where it is no JSON, or too much to be a refusal."""
    if len(body) > _LONGEST_JSON:
        return None, False
    try:
        return msgspec.json.decode(body), True
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None, False


def sentence_of(value: Any, depth: int = _DEEPEST) -> str | None:
    """Return the words in *value*, plain data: text, a mapping that holds some, or a list joined with `; `."""
    if depth == 0:
        return None
    if isinstance(value, str):
        return _unwrapped(value.strip(), depth)
    if isinstance(value, list):
        found = [sentence for item in value[:_MOST_ITEMS] if (sentence := sentence_of(item, depth - 1))]
        return "; ".join(found) or None
    if isinstance(value, Mapping):
        return _mapping_sentence(value, depth)
    return None


def _mapping_sentence(value: Mapping[str, Any], depth: int) -> str | None:
    for key in _KEYS:
        sentence = sentence_of(value.get(key), depth - 1)
        if sentence:
            return _located(value, sentence)
    return None


def _located(value: Mapping[str, Any], sentence: str) -> str:
    """Put the place before the words, as FastAPI's `{"loc": ["body", "stop"], "msg": ...}` has it."""
    place = value.get("loc")
    return f"{'.'.join(map(str, place))}: {sentence}" if isinstance(place, list) and place else sentence


def _unwrapped(text: str, depth: int) -> str | None:
    """Replace a JSON object inside *text*, as proxies quote them, by its own sentence."""
    start = text.find("{")
    if start < 0:
        return text or None
    inner, is_json = parse_json(text[start : text.rfind("}") + 1])
    if not is_json:
        return text
    words = text[:start].rstrip(" -:\n")
    sentence = sentence_of(inner, depth - 1)
    return ": ".join(part for part in (words, sentence) if part) or None


def _page_sentence(page: str) -> str | None:
    title = _TITLE.search(page)
    text = title[1] if title and title[1].strip() else _TAG.sub(" ", _seen(page))
    return " ".join(_unescaped(text).split()) or None


def _unescaped(text: str) -> str:
    try:
        return html.unescape(text)
    except ValueError:
        return text  # a character by a number of thousands of digits


def _seen(page: str) -> str:
    """Leave out what a reader does not see: scripts, styles and the head, where they end."""
    seen, begins, within = [], 0, ""
    for tag in _UNSEEN.finditer(page):
        is_end, name = tag[1], tag[2].lower()
        if not within and not is_end:
            seen.append(page[begins : tag.start()])
            begins, within = tag.start(), name
        elif is_end and name == within:
            begins, within = tag.start(), ""
    return "".join((*seen, page[begins:]))
