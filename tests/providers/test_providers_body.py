from __future__ import annotations

import json

import msgspec
import pytest

from routebook.providers.answer import Answer
from routebook.providers.body import joined, read_body
from routebook.providers.fault import Fault


class Wire(msgspec.Struct):
    choices: list[dict] | None = None
    usage: dict | None = None


DECODER = msgspec.json.Decoder(Wire)


def read(body: bytes) -> Wire | Fault:
    return read_body(DECODER, Answer(200, {}, body, secrets=("sk-very-secret",)))


def test_bodies_are_joined_in_depth_and_neither_is_changed():
    body, more = {"a": {"b": {"c": 1}}, "d": {"e": 1}, "f": [1]}, {"a": {"b": {"x": 2}}, "d": 3, "f": [2], "g": {}}
    kept = json.dumps([body, more])
    assert joined(body, more) == {"a": {"b": {"c": 1, "x": 2}}, "d": 3, "f": [2], "g": {}}
    assert json.dumps([body, more]) == kept


def test_a_good_body_is_read_as_its_type():
    assert read(b'{"choices": [], "more": 1}') == Wire([])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the answer is empty"),
        (b" \n", "the answer is empty"),
        (b"<html><title>Sorry sk-very-secret</title></html>", "the answer is a web page, no JSON: Sorry [redacted]"),
        (b"<html></html>", "the answer is a web page, no JSON: without text"),
        (b'{"choices": [', "the answer is no JSON: "),
        (b"Good day", "the answer is no JSON: "),
        (b'{"choices": 1}', "the answer does not fit this API: "),
        (b'{"choices": [{"a": "\xff"}]}', "the answer is not valid UTF-8"),
        (b'{"a": ' + b"[" * 100_000, "the answer is nested too deeply"),
    ],
)
def test_what_is_no_answer_is_said(body: bytes, words: str):
    fault = read(body)
    assert isinstance(fault, Fault)
    assert fault.kind == "malformed_response"
    assert fault.message.startswith(words)


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"choices": [], "choices": [{}]}', "choices"),
        (b'{"choices": [{"message": {"content": "a", "content" : "b"}}]}', "content"),
        (b'{"usage": {}, "usage": null}', "usage"),
        (b'{"candidates": [], "candidates": [{}]}', "candidates"),
        (b'{"candidates": [{"finishReason": "STOP", "finishReason": "SAFETY"}]}', "finishReason"),
        (b'{"functionCall": {"args": {"path": "a"}, "args": {"path": "b"}}}', "args"),
        (b'{"text": "", "thoughtSignature": "YQ==", "thoughtSignature": "Yg=="}', "thoughtSignature"),
        (b'{"choices": [{"arguments":"{}","arguments":"{\\"a\\": 1}"}]}', "arguments"),
    ],
)
def test_a_telling_key_with_two_values_is_ambiguous(body: bytes, key: str):
    assert read(body) == Fault(
        "malformed_response", f"the answer has {key!r} twice in one object, with different values"
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices": [{"content": "a"}, {"content": "b"}]}',
        b'{"choices": [{"content": "a", "content": "a"}]}',
        b'{"x": 1, "x": 2, "choices": []}',
        json.dumps({"choices": [{"content": '{"content": "a", "content": "b"}'}]}).encode(),
        b'{"choices": [{"content": 1, "inner": {"content": 2}}]}',
        b'{"choices": [{"content": 1}, {"content": 2}], "x": ' + b"9" * 5000 + b"}",
    ],
)
def test_an_answer_that_says_one_thing_is_never_refused(body: bytes):
    assert isinstance(read(body), Wire)


@pytest.mark.parametrize("piece", [b"{}", b"[]", b'{"a":0}'])
def test_an_answer_of_millions_of_objects_is_malformed(piece: bytes):
    body = b'{"x":[' + b",".join([piece] * 2**22) + b"]}"
    assert read(body) == Fault("malformed_response", "the answer has more than 4,194,304 objects, lists and fields")


def test_a_long_text_is_no_reason_to_refuse_an_answer():
    assert isinstance(read(b'{"usage": {"x": "' + b"A" * 2**23 + b'"}}'), Wire)
