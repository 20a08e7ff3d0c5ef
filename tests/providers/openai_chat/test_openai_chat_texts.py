from __future__ import annotations

import json
import time

import pytest
from decoded import answer, response_of

from routebook.canonical.chat import ChatRequest
from routebook.canonical.message import Message
from routebook.canonical.part import ImagePart, NativePart, ReasoningPart, RefusalPart, TextPart
from routebook.providers.openai_chat.encode import encode


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (None, ()),
        ("", ()),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], (TextPart("ab"),)),
        (
            [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "a"}],
            (ReasoningPart("hm", api="openai-chat"), TextPart("a")),
        ),
        ([{"type": "refusal", "refusal": "no"}], (RefusalPart("no"),)),
    ],
)
def test_content_may_be_null_text_or_a_list_of_parts(content: object, parts: tuple):
    assert response_of(answer({"content": content})).message.content == parts


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_beside_the_content_is_a_reasoning_part(field: str):
    content = response_of(answer({"content": "x", field: "hm"})).message.content
    assert content == (ReasoningPart("hm", api="openai-chat"), TextPart("x"))


@pytest.mark.parametrize(
    ("field", "source", "citation"),
    [
        (
            "annotations",
            {"type": "url_citation", "url_citation": {"url": "https://a.test", "title": "A", "content": "cited"}},
            ("https://a.test", "A", "cited"),
        ),
        ("annotations", {"type": "file", "file": {"hash": "x"}}, (None, None, None)),
        ("citations", "https://a.test", ("https://a.test", None, None)),
        ("search_results", {"url": "https://a.test", "title": "A", "snippet": "s"}, ("https://a.test", "A", "s")),
    ],
)
def test_what_a_text_rests_on_is_cited_by_it(field: str, source: object, citation: tuple):
    message = {"content": "Noon."}
    body = answer({**message, field: [source]}) if field == "annotations" else answer(message, **{field: [source]})
    (text,) = response_of(body).message.content
    assert isinstance(text, TextPart)
    assert [(found.url, found.title, found.text) for found in text.citations] == [citation]
    assert text.citations[0].to_dict()["data"] == (source if isinstance(source, dict) else {"url": source})


def test_search_results_say_more_than_the_bare_addresses_beside_them():
    body = answer(
        {"content": "x"}, citations=["https://a.test"], search_results=[{"url": "https://a.test", "title": "A"}]
    )
    (text,) = response_of(body).message.content
    assert [citation.title for citation in text.citations] == ["A"]


def test_images_and_references_within_the_content_keep_their_places():
    content = [
        {"type": "text", "text": "See "},
        {"type": "reference", "reference_ids": [3]},
        {"type": "tool_reference", "tool": "web_search", "url": "https://a.test"},
        {"type": "text", "text": "and "},
        {"type": "text", "text": "look:"},
        {"type": "image_url", "image_url": "https://a.test/a.png"},
    ]
    assert response_of(answer({"content": content})).message.content == (
        TextPart("See "),
        NativePart("openai-chat", {"type": "reference", "reference_ids": [3]}),
        NativePart("openai-chat", {"type": "tool_reference", "tool": "web_search", "url": "https://a.test"}),
        TextPart("and look:"),
        ImagePart(url="https://a.test/a.png"),
    )


def test_reasoning_in_pieces_is_one_part_that_goes_back_unchanged():
    details = [
        {"type": "reasoning.text", "text": "h\u00fcm", "signature": "c2ln+/==", "format": "x", "index": 0},
        {"type": "reasoning.encrypted", "data": "ZGF0YQ==", "id": "rs_1", "index": 1},
    ]
    (part,) = response_of(answer({"content": "", "reasoning": "hum", "reasoning_details": details})).message.content
    assert isinstance(part, ReasoningPart)
    assert (part.text, part.redacted, part.api) == ("hum", False, "openai-chat")
    assert json.loads(part.signature) == details
    request = ChatRequest("m", (Message("assistant", [part]),))
    sent = encode(request, {"reasoning_details": True})
    assert json.loads(sent)["messages"][0]["reasoning_details"] == details


def test_reasoning_that_is_withheld_has_no_text():
    details = [{"type": "reasoning.encrypted", "data": "ZGF0YQ=="}]
    (part,) = response_of(answer({"content": "", "reasoning_details": details})).message.content
    assert (part.text, part.redacted) == ("", True)


@pytest.mark.parametrize("field", ["text", "summary"])
def test_reasoning_that_stands_in_pieces_alone_has_their_text(field: str):
    details = [{"type": f"reasoning.{field}", field: "hm"}, {"type": f"reasoning.{field}", field: "!"}]
    (part,) = response_of(answer({"content": "", "reasoning_details": details})).message.content
    assert (part.text, part.redacted) == ("hm!", False)


def test_a_text_in_many_parts_is_one_and_takes_no_time():
    began = time.process_time()
    parts = [{"type": "text", "text": "x" * 500}, {"type": "thinking", "thinking": ""}] * 20_000
    message = response_of(answer({"content": [*parts, {"type": "reference", "id": 1}, {"type": "text"}]})).message
    assert [len(part.text) for part in message.content if isinstance(part, TextPart)] == [10_000_000]
    assert time.process_time() - began < 10
