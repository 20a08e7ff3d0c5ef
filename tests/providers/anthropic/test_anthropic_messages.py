from __future__ import annotations

import base64
import re

import pytest

from routebook.canonical.message import Message
from routebook.canonical.part import (
    AudioPart,
    Citation,
    FilePart,
    ImagePart,
    NativePart,
    ReasoningPart,
    RefusalPart,
    TextPart,
)
from routebook.canonical.tool import ToolCall, ToolResult
from routebook.providers.anthropic.messages import encode_messages, encode_system
from routebook.providers.fault import Fault, NoPlace

HELLO = Message("user", "When?")
IMAGE = ImagePart(data="aGk=", media_type="image/png")
IMAGE_BLOCK = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
SURE = Message("user", "Sure?")


def text(words: str) -> dict:
    return {"type": "text", "text": words}


def user(*parts) -> Message:
    return Message("user", [TextPart(part) if isinstance(part, str) else part for part in parts])


def answer(*parts) -> Message:
    return Message("assistant", [TextPart(part) if isinstance(part, str) else part for part in parts])


def result(call_id: str, *parts, **fields) -> ToolResult:
    return ToolResult(
        call_id, "t", tuple(TextPart(part) if isinstance(part, str) else part for part in parts), **fields
    )


def answered(*parts) -> list | str:
    """The content of an assistant's message with *parts*, between two of a user."""
    first, given, last = encode_messages([HELLO, answer(*parts), SURE])
    assert (first["role"], given["role"], last["role"]) == ("user", "assistant", "user")
    return given["content"]


def fault_of(*messages: Message) -> Fault:
    with pytest.raises(NoPlace) as caught:
        encode_messages(messages)
    return caught.value.fault


def test_system_messages_are_hoisted_in_order_wherever_they_stand():
    messages = [Message("system", "One."), HELLO, Message("system", " \n"), Message("system", "Two."), answer("Noon.")]
    assert encode_system(messages) == [text("One."), text("Two.")]
    assert [turn["role"] for turn in encode_messages(messages)] == ["user", "assistant"]


def test_neighbours_of_one_role_are_one_turn():
    messages = [user("a"), user("b"), answer("c"), answer("d"), user("e")]
    assert encode_messages(messages) == [
        {"role": "user", "content": [text("a"), text("b")]},
        {"role": "assistant", "content": [text("c"), text("d")]},
        {"role": "user", "content": "e"},
    ]


def test_results_and_the_message_after_them_are_one_turn_the_results_first():
    calls = answer(ToolCall("a", "x", {}), ToolCall("b", "y", {}))
    results = [Message("tool", (result("a", "1"),)), Message("tool", (result("b", "2"),))]
    turns = encode_messages([HELLO, calls, results[0], user("Quick!"), results[1]])
    assert turns[2] == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "a", "content": "1"},
            {"type": "tool_result", "tool_use_id": "b", "content": "2"},
            text("Quick!"),
        ],
    }


@pytest.mark.parametrize("nothing", [(), ("",), (" \n\t",), (RefusalPart(""),), (ReasoningPart("hm", api="nobody"),)])
def test_an_answer_without_content_is_left_out(nothing: tuple):
    assert encode_messages([HELLO, answer(*nothing), SURE]) == [
        {"role": "user", "content": [text("When?"), text("Sure?")]}
    ]


def test_blank_text_beside_other_content_is_left_out():
    (turn,) = encode_messages([user("", IMAGE, "\n", "What?")])
    assert turn["content"] == [IMAGE_BLOCK, text("What?")]


@pytest.mark.parametrize("nothing", [user(), user(""), user(" ", "\n"), Message("tool", ())])
def test_a_message_of_a_user_without_content_is_refused_by_its_place(nothing: Message):
    fault = fault_of(HELLO, nothing)
    assert fault == Fault("bad_request", "messages[1]: this API takes no message without content")


@pytest.mark.parametrize("messages", [(), (Message("system", "Be brief."),), (answer("It is"),), (answer(""),)])
def test_a_conversation_in_which_nobody_asks_is_refused(messages: tuple[Message, ...]):
    fault = fault_of(*messages)
    assert (fault.kind, "wants one" in fault.message) == ("bad_request", True)


def test_an_answer_to_be_gone_on_with_does_not_end_in_blanks():
    assert encode_messages([HELLO, answer("It is \n")])[1]["content"] == "It is"
    assert encode_messages([HELLO, answer("It", " is ")])[1]["content"] == [text("It"), text(" is")]
    assert answered("It is ") == "It is "


def test_thoughts_go_back_with_their_signatures_in_the_order_they_came():
    signature = "EqoB+/=\u00e9\n"
    thought = ReasoningPart("hm", signature, api="anthropic")
    hidden = ReasoningPart("", "b64==", redacted=True, api="anthropic")
    between = ReasoningPart("", "c2ln", api="anthropic")
    calls = ToolCall("a", "x", {}), ToolCall("b", "y", {"z": [1]})
    assert answered(thought, hidden, "So.", calls[0], between, calls[1]) == [
        {"type": "thinking", "thinking": "hm", "signature": signature},
        {"type": "redacted_thinking", "data": "b64=="},
        text("So."),
        {"type": "tool_use", "id": "a", "name": "x", "input": {}},
        {"type": "thinking", "thinking": "", "signature": "c2ln"},
        {"type": "tool_use", "id": "b", "name": "y", "input": {"z": (1,)}},
    ]


@pytest.mark.parametrize("api", ["openai-chat", None])
def test_thoughts_and_pieces_of_another_api_are_left_out(api: str | None):
    foreign = NativePart(api or "gemini", {"type": "code"})
    assert answered(ReasoningPart("hm", "c2ln", api=api), foreign, "Noon.") == "Noon."


def test_a_thought_without_a_signature_is_left_out():
    assert answered(ReasoningPart("hm", api="anthropic"), "Noon.") == "Noon."


def test_an_answer_that_was_cut_short_in_a_thought_ends_before_it():
    thought = ReasoningPart("hm", "c2ln", api="anthropic")
    assert answered(thought, "Noon.", thought) == [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        text("Noon."),
    ]
    assert len(encode_messages([HELLO, answer(thought), SURE])) == 1


def test_pieces_that_only_this_api_knows_go_back_whole():
    data = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "time"}}
    assert answered(NativePart("anthropic", data), "Noon.") == [data, text("Noon.")]


def test_a_refusal_goes_back_as_words():
    assert answered(RefusalPart("I cannot say.")) == "I cannot say."


def test_citations_go_back_with_what_a_request_takes_of_them():
    given = {
        "type": "char_location",
        "cited_text": "12",
        "document_index": 0,
        "start_char_index": 0,
        "end_char_index": 2,
        "file_id": "f",
    }
    odd = {"type": "star_location", "star": 7}
    citations = (Citation("anthropic", given), Citation("anthropic", odd), Citation("openai-chat", {"type": "x"}))
    (block,) = answered(TextPart("Noon.", citations))
    sent = {key: value for key, value in given.items() if key != "file_id"}
    assert block == {**text("Noon."), "citations": [{**sent, "document_title": None}, odd]}


def test_only_an_answer_has_citations():
    cited = TextPart("Noon.", (Citation("anthropic", {"type": "x"}),))
    assert encode_messages([Message("user", (cited,))])[0]["content"] == "Noon."


def test_a_call_without_a_name_or_an_object_goes_back_under_a_stand_in():
    assert answered(ToolCall("a", None, None, "[1]"), ToolCall("b", "clock.now", {}), ToolCall("c", "n" * 200, {})) == [
        {"type": "tool_use", "id": "a", "name": "unnamed_tool", "input": {}},
        {"type": "tool_use", "id": "b", "name": "clock_now", "input": {}},
        {"type": "tool_use", "id": "c", "name": "n" * 128, "input": {}},
    ]


def test_ids_of_another_api_become_valid_ones_that_differ_and_stay_the_same():
    ids = ("tool:1", "tool/1", "tool_1", "", "ü", "\ud83d")
    calls = answer(*(ToolCall(name, "x", {}) for name in ids))
    results = Message("tool", tuple(result(name, "1") for name in ids))
    _, given, found = encode_messages([HELLO, calls, results])
    sent = [block["id"] for block in given["content"]]
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]+", name) for name in sent)
    assert len(set(sent)) == len(ids)
    assert sent[2] == "tool_1"
    assert [block["tool_use_id"] for block in found["content"]] == sent
    assert encode_messages([HELLO, answer(ToolCall("ü", "y", {})), SURE])[1]["content"][0]["id"] == sent[4]


def test_results_hold_text_and_images_or_nothing():
    results = (result("a", "1", IMAGE), result("b"), result("c", " "), result("d", "x", "y"))
    calls = answer(*(ToolCall(name, "x", {}) for name in "abcd"))
    assert encode_messages([HELLO, calls, Message("tool", results)])[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": [text("1"), IMAGE_BLOCK]},
        {"type": "tool_result", "tool_use_id": "b"},
        {"type": "tool_result", "tool_use_id": "c"},
        {"type": "tool_result", "tool_use_id": "d", "content": [text("x"), text("y")]},
    ]


def test_a_failed_result_says_something_and_its_pictures_come_after_all_results():
    results = (result("a", "no", IMAGE, is_error=True), result("b", is_error=True), result("c", "3"))
    calls = answer(*(ToolCall(name, "x", {}) for name in "abc"))
    assert encode_messages([HELLO, calls, Message("tool", results)])[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": "no", "is_error": True},
        {
            "type": "tool_result",
            "tool_use_id": "b",
            "content": "The tool failed, and said nothing.",
            "is_error": True,
        },
        {"type": "tool_result", "tool_use_id": "c", "content": "3"},
        IMAGE_BLOCK,
    ]


@pytest.mark.parametrize(
    ("part", "source"),
    [
        (ImagePart(url="https://a.example/a.png"), {"type": "url", "url": "https://a.example/a.png"}),
        (
            ImagePart(url="data:image/gif;base64,R0lG"),
            {"type": "base64", "media_type": "image/gif", "data": "R0lG"},
        ),
        (
            ImagePart(data="/9j/", media_type="image/jpg"),
            {"type": "base64", "media_type": "image/jpeg", "data": "/9j/"},
        ),
        (
            ImagePart(url="DATA:IMAGE/PNG;name=a.png;base64,aGk=", detail="low"),
            {"type": "base64", "media_type": "image/png", "data": "aGk="},
        ),
        (
            ImagePart(data="aGk=", media_type="Image/WebP; q=1"),
            {"type": "base64", "media_type": "image/webp", "data": "aGk="},
        ),
    ],
)
def test_a_picture_is_sent_as_data_or_by_its_address(part: ImagePart, source: dict):
    assert encode_messages([user(part)])[0]["content"] == [{"type": "image", "source": source}]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            FilePart(data="JVBERg==", media_type="application/pdf", name="offer.pdf"),
            {"source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}, "title": "offer.pdf"},
        ),
        (FilePart(url="https://a.example/a.pdf"), {"source": {"type": "url", "url": "https://a.example/a.pdf"}}),
        (
            FilePart(data=base64.b64encode("é, b".encode()).decode(), media_type="text/csv", name="a.csv"),
            {"source": {"type": "text", "media_type": "text/plain", "data": "é, b"}, "title": "a.csv"},
        ),
        (
            FilePart(data=base64.b64encode(b"\xef\xbb\xbfa mark before it").decode(), media_type="text/plain"),
            {"source": {"type": "text", "media_type": "text/plain", "data": "a mark before it"}},
        ),
        (
            FilePart(url="data:application/pdf;base64,JVBERg=="),
            {"source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}},
        ),
    ],
)
def test_a_document_is_sent_as_a_pdf_or_as_text_under_its_name(part: FilePart, block: dict):
    assert encode_messages([user(part)])[0]["content"] == [{"type": "document", **block}]


@pytest.mark.parametrize(
    ("message", "kind", "words"),
    [
        (user(AudioPart("UklG", "audio/wav")), "unsupported_capability", "takes no sound"),
        (answer(IMAGE), "unsupported_capability", "takes images from users only"),
        (answer(FilePart(url="https://a.example")), "unsupported_capability", "takes files from users only"),
        (user(ImagePart(data="Qk0=", media_type="image/bmp")), "unsupported_capability", "not as 'image/bmp'"),
        (user(ImagePart(url="data:image/png,%89PNG")), "bad_request", "holds it as base64 only"),
        (user(ImagePart(data="Qk0=")), "bad_request", "an image needs a url, or data and its media_type"),
        (user(ImagePart()), "bad_request", "an image needs"),
        (
            user(FilePart(data="UEs=", media_type="application/zip")),
            "unsupported_capability",
            "not as 'application/zip'",
        ),
        (user(FilePart(url="https://a", media_type="text/plain")), "unsupported_capability", "as PDF only"),
        (user(FilePart(data="UEs=")), "bad_request", "a file needs"),
        (user(FilePart(data="/w==", media_type="text/plain")), "bad_request", "no text in UTF-8"),
        (user(FilePart(data="%%%", media_type="text/plain")), "bad_request", "no base64"),
        (user(FilePart(data="IA==", media_type="text/plain")), "bad_request", "holds no text"),
        (Message("tool", (result("a", ImagePart(data="Qk0=")),)), "bad_request", "an image needs"),
        (user(ToolCall("a", "x", {})), "bad_request", "a message of role 'user' cannot hold a ToolCall"),
        (Message("system", (IMAGE,)), "unsupported_capability", "takes images from users only"),
    ],
)
def test_what_has_no_place_is_refused_by_its_message(message: Message, kind: str, words: str):
    fault = fault_of(HELLO, message)
    assert (fault.kind, fault.message.startswith("messages[1]: "), words in fault.message) == (kind, True, True)
