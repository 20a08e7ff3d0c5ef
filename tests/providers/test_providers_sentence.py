from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routebook.providers.sentence import read_sentence

FASTAPI = {"detail": [{"loc": ["body", "n"], "msg": "too small"}, {"loc": ["body", "x"], "msg": "required"}]}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"error": {"message": "Bad key", "type": "t", "code": "c"}}, "Bad key"),
        ({"error": "Bad key"}, "Bad key"),
        ({"error": "invalid_request", "error_description": "No such grant"}, "No such grant"),
        ({"error": "Unauthorized", "message": "Bad key"}, "Bad key"),
        ({"message": "Bad key"}, "Bad key"),
        ({"detail": "Bad key"}, "Bad key"),
        (FASTAPI, "body.n: too small; body.x: required"),
        ({"object": "error", "message": FASTAPI}, "body.n: too small; body.x: required"),
        ([{"error": {"code": 400, "message": "Bad key"}}], "Bad key"),
        ({"errors": [{"message": "one"}, {"message": "two"}]}, "one; two"),
        ([f"word {number}" for number in range(9)], "word 0; word 1; word 2; word 3; word 4"),
        ({"error": {"message": json.dumps({"error": {"message": "Bad key"}})}}, "Bad key"),
        ({"error": {"message": 'openai - {"error": {"message": "Bad key"}}'}}, "openai: Bad key"),
        ({"error": {"message": "use {name} in braces"}}, "use {name} in braces"),
        ({"error": {"message": ""}, "code": 7}, None),
        ({"a": {"b": "c"}}, None),
        ({}, None),
        (None, None),
        (7, None),
    ],
)
def test_the_words_are_found_in_json_of_any_shape(body: object, sentence: str | None):
    assert read_sentence(json.dumps(body).encode()) == sentence


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"<html><head><title>502 Bad\n Gateway</title></head><body><h1>x</h1></body></html>", "502 Bad Gateway"),
        (b"<!doctype html><style>p{}</style><p>Sorry &amp; bye</p>", "Sorry & bye"),
        (b"<html></html>", None),
        (b"upstream connect error", "upstream connect error"),
        (b'{"error": {"message": "half', None),
        (b"", None),
        (b"  \n", None),
        (b"caf\xe9", "caf\ufffd"),
        (b"[" * 100_000, None),
    ],
)
def test_the_words_are_found_in_what_is_no_json(body: bytes, sentence: str | None):
    assert read_sentence(body) == sentence


def test_deep_nesting_is_given_up():
    assert read_sentence(b'{"error":' * 50 + b'"x"' + b"}" * 50) is None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,<>title/eror mesg', max_size=200).map(str.encode))
def test_any_bytes_give_words_or_nothing(body: bytes):
    sentence = read_sentence(body)
    assert sentence is None or sentence


@pytest.mark.parametrize("tag", [b"<script ", b"<title>", b"<head>", b"<", b"<a <title", b"</head", b"<style></head>"])
def test_a_page_of_nothing_but_tags_takes_no_time(tag: bytes):
    began = time.process_time()
    read_sentence(tag * 20_000)
    assert time.process_time() - began < 10


def test_a_page_is_read_without_its_scripts_styles_and_head_where_they_end():
    page = b"<html><HEAD><style>a{}</style><meta></Head><script>x<y</script >Come <b>back</b> <style>b{}</style>later"
    assert read_sentence(page) == "Come back later"
    assert read_sentence(b"<html><head><p>No end") == "No end"


def test_a_character_by_an_endless_number_stays_as_it_stands():
    page = b"<p>Sorry &#" + b"9" * 5000 + b";"
    assert (read_sentence(page) or "").startswith("Sorry &#999")


def test_what_is_too_long_for_a_refusal_is_not_read():
    assert read_sentence(b'{"error":"' + b"x" * 2**20 + b'"}') is None
