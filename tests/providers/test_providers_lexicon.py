"""Lexicon: an API's tables make faults of its refusals, in one way for all APIs."""

from __future__ import annotations

import json

import pytest

from routebook.providers.answer import Answer
from routebook.providers.anthropic import faults as anthropic_faults
from routebook.providers.lexicon import Lexicon, Refusal
from routebook.providers.openai_chat import faults as openai_chat_faults
from routebook.providers.openai_responses import faults as openai_responses_faults

SECRET = "sk-secret-key"


def find(parsed, sentence):
    error = parsed if isinstance(parsed, dict) else {}
    error = error.get("error", error)
    names = (error.get("code"), error.get("type"))
    return Refusal(names, names, sentence, {"retry-after": "9"} if error.get("routed") else {})


LEXICON = Lexicon(
    find,
    kinds={"no_money": "quota_exceeded", "no_model": "not_found"},
    statuses={"busy": 529},
    words=(("overloaded", (400,), "too busy"), ("content_filter", (400, 403), "busy|unsafe")),
)


def read(status: int, lexicon: Lexicon = LEXICON, headers=None, **error: object):
    answer = Answer(status, headers or {}, json.dumps(error).encode(), 0.0, (SECRET,))
    return lexicon.read_fault(answer)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"code": "no_money", "type": "no_model", "message": "unsafe"}, "quota_exceeded"),
        (400, {"code": 7, "type": "NO_MODEL"}, "not_found"),
        (400, {"code": "odd", "message": "we are TOO busy"}, "overloaded"),
        (403, {"message": "we are too busy"}, "content_filter"),
        (401, {"message": "unsafe"}, "authentication"),
        (302, {"code": "no_money"}, "malformed_response"),
    ],
)
def test_names_come_first_then_words_for_statuses_that_say_little_then_the_status(status, error, kind):
    assert read(status, **error).kind == kind


@pytest.mark.parametrize(
    ("error", "unnamed", "kind"),
    [
        ({"type": "busy"}, None, "overloaded"),
        ({"code": 404}, None, "not_found"),
        ({"code": 200, "message": "unsafe"}, None, "content_filter"),
        ({"message": "unsafe"}, 500, "server_error"),
        ({}, 401, "authentication"),
    ],
)
def test_an_error_within_a_success_has_the_status_that_its_names_stand_for(error, unnamed, kind):
    lexicon = Lexicon(find, LEXICON.kinds, LEXICON.statuses, LEXICON.words, unnamed)
    assert lexicon.fault_of_error(error, Answer(200, {}, b"")).kind == kind


def test_a_message_is_the_sentence_without_secrets_and_never_empty():
    assert read(400, message=f"no such key:\n {SECRET}").message == "no such key: [redacted]"
    assert read(401).message == "the provider gave no reason (Unauthorized)"


def test_the_answers_own_wait_counts_before_one_that_was_passed_on():
    assert read(429, routed=True).retry_after == 9
    assert read(429, headers={"retry-after": "2"}, routed=True).retry_after == 2


@pytest.mark.parametrize(
    "faults",
    [openai_chat_faults, openai_responses_faults, anthropic_faults],
    ids=["openai-chat", "openai-responses", "anthropic"],
)
def test_every_api_reads_its_refusals_by_a_lexicon(faults):
    for read_one in (faults.read_fault, faults.fault_of_error):
        assert isinstance(read_one.__self__, Lexicon)
    assert all(name == name.lower() for name in faults.read_fault.__self__.kinds)
