from __future__ import annotations

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
from routebook.providers.bedrock.messages import encode_messages, encode_system
from routebook.providers.fault import Fault, NoPlace

HELLO = Message("user", "When?")
IMAGE = ImagePart(data="aGk=", media_type="image/png")
IMAGE_BLOCK = {"image": {"format": "png", "source": {"bytes": "aGk="}}}
PDF = FilePart(data="JVBERg==", media_type="application/pdf", name="offer.pdf")
SURE = Message("user", "Sure?")


def text(words: str) -> dict:
    return {"text": words}


def user(*parts) -> Message:
    return Message("user", [TextPart(part) if isinstance(part, str) else part for part in parts])


def answer(*parts) -> Message:
    return Message("assistant", [TextPart(part) if isinstance(part, str) else part for part in parts])


def result(call_id: str, *parts, **fields) -> ToolResult:
    return ToolResult(
        call_id, "t", tuple(TextPart(part) if isinstance(part, str) else part for part in parts), **fields
    )


def shown(call_id: str, *blocks: dict, **fields) -> dict:
    return {"toolResult": {"toolUseId": call_id, "content": list(blocks), **fields}}


def use(call_id: str, name: str, given: dict) -> dict:
    return {"toolUse": {"toolUseId": call_id, "name": name, "input": given}}


def thought(words: str, signature: str) -> dict:
    return {"reasoningContent": {"reasoningText": {"text": words, "signature": signature}}}


def turns_of(*messages: Message) -> list:
    return encode_messages(messages, with_tools=True)


def answered(*parts) -> list:
    """The content of an assistant's message with *parts*, between two of a user."""
    first, given, last = turns_of(HELLO, answer(*parts), SURE)
    assert (first["role"], given["role"], last["role"]) == ("user", "assistant", "user")
    return given["content"]


def fault_of(*messages: Message) -> Fault:
    with pytest.raises(NoPlace) as caught:
        turns_of(*messages)
    return caught.value.fault


def test_system_messages_are_hoisted_in_order_wherever_they_stand():
    messages = [Message("system", "One."), HELLO, Message("system", " \n"), Message("system", "Two."), answer("Noon.")]
    assert encode_system(messages) == [text("One."), text("Two.")]
    assert [turn["role"] for turn in turns_of(*messages)] == ["user", "assistant"]


def test_neighbours_of_one_role_are_one_turn():
    assert turns_of(user("a"), user("b"), answer("c"), answer("d"), user("e")) == [
        {"role": "user", "content": [text("a"), text("b")]},
        {"role": "assistant", "content": [text("c"), text("d")]},
        {"role": "user", "content": [text("e")]},
    ]


def test_results_and_the_message_after_them_are_one_turn_the_results_first():
    calls = answer(ToolCall("a", "x", {}), ToolCall("b", "y", {}))
    results = [Message("tool", (result("a", "1"),)), Message("tool", (result("b", "2"),))]
    turns = turns_of(HELLO, calls, results[0], user("Quick!"), results[1])
    assert turns[2] == {"role": "user", "content": [shown("a", text("1")), shown("b", text("2")), text("Quick!")]}


@pytest.mark.parametrize("nothing", [(), ("",), (" \n\t",), (RefusalPart(""),), (ReasoningPart("hm", api="nobody"),)])
def test_an_answer_without_content_is_left_out(nothing: tuple):
    assert turns_of(HELLO, answer(*nothing), SURE) == [{"role": "user", "content": [text("When?"), text("Sure?")]}]


def test_blank_text_beside_other_content_is_left_out():
    (turn,) = turns_of(user("", IMAGE, "\n", "What?"))
    assert turn["content"] == [IMAGE_BLOCK, text("What?")]


@pytest.mark.parametrize("nothing", [user(), user(""), user(" ", "\n"), Message("tool", ())])
def test_a_message_of_a_user_without_content_is_refused_by_its_place(nothing: Message):
    assert fault_of(HELLO, nothing) == Fault("bad_request", "messages[1]: this API takes no message without content")


@pytest.mark.parametrize(
    "messages", [(), (Message("system", "Be brief."),), (answer("It is"),), (answer(""),), (answer("Hi."), HELLO)]
)
def test_a_conversation_that_no_user_begins_is_refused(messages: tuple[Message, ...]):
    fault = fault_of(*messages)
    assert (fault.kind, "wants one" in fault.message) == ("bad_request", True)


def test_an_answer_to_be_gone_on_with_does_not_end_in_blanks():
    assert turns_of(HELLO, answer("It is \n"))[1]["content"] == [text("It is")]
    assert turns_of(HELLO, answer("It", " is "))[1]["content"] == [text("It"), text(" is")]
    assert answered("It is ") == [text("It is ")]


def test_thoughts_go_back_with_their_signatures_in_the_order_they_came():
    signature = "EqoB+/=\u00e9\n"
    first = ReasoningPart("hm", signature, api="bedrock")
    hidden = ReasoningPart("", "b64==", redacted=True, api="bedrock")
    between = ReasoningPart("", "c2ln", api="bedrock")
    calls = ToolCall("a", "x", {}), ToolCall("b", "y", {"z": [1]})
    assert answered(first, hidden, "So.", calls[0], between, calls[1]) == [
        thought("hm", signature),
        {"reasoningContent": {"redactedContent": "b64=="}},
        text("So."),
        use("a", "x", {}),
        thought("", "c2ln"),
        use("b", "y", {"z": (1,)}),
    ]


@pytest.mark.parametrize("api", ["anthropic", None])
def test_thoughts_and_pieces_of_another_api_are_left_out(api: str | None):
    foreign = NativePart(api or "gemini", {"type": "code"})
    assert answered(ReasoningPart("hm", "c2ln", api=api), foreign, "Noon.") == [text("Noon.")]


def test_a_thought_without_a_signature_is_left_out():
    assert answered(ReasoningPart("hm", api="bedrock"), "Noon.") == [text("Noon.")]


def test_an_answer_that_was_cut_short_in_a_thought_ends_before_it():
    cut = ReasoningPart("hm", "c2ln", api="bedrock")
    assert answered(cut, "Noon.", cut) == [thought("hm", "c2ln"), text("Noon.")]
    assert len(turns_of(HELLO, answer(cut), SURE)) == 1


def test_pieces_that_only_this_api_knows_go_back_whole():
    data = {"toolResult": {"toolUseId": "s", "content": [{"json": {"a": 1}}]}}
    assert answered(NativePart("bedrock", data), "Noon.") == [
        {"toolResult": {"toolUseId": "s", "content": ({"json": {"a": 1}},)}},
        text("Noon."),
    ]


def test_a_refusal_goes_back_as_words():
    assert answered(RefusalPart("I cannot say.")) == [text("I cannot say.")]


def test_citations_go_back_with_their_words():
    given = {"title": "Clock", "location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}}}
    citations = (Citation("bedrock", given), Citation("openai-chat", {"type": "x"}))
    assert answered(TextPart("Noon.", citations)) == [
        {"citationsContent": {"content": [text("Noon.")], "citations": [given]}}
    ]
    assert answered(TextPart("Noon.", citations[1:])) == [text("Noon.")]


def test_only_an_answer_has_citations():
    cited = TextPart("Noon.", (Citation("bedrock", {"title": "x"}),))
    assert turns_of(Message("user", (cited,)))[0]["content"] == [text("Noon.")]


def test_a_call_without_a_name_or_an_object_goes_back_under_a_stand_in():
    calls = ToolCall("a", None, None, "[1]"), ToolCall("b", "clock.now", {}), ToolCall("c", "n" * 200, {})
    assert answered(*calls) == [use("a", "unnamed_tool", {}), use("b", "clock_now", {}), use("c", "n" * 64, {})]


def test_calls_and_results_are_told_in_words_where_no_tools_are_offered():
    calls = answer(ToolCall("a", "x", {"z": [1]}), ToolCall("b", None, None, "[1]"), ToolCall("c", "y", None, ""))
    results = Message("tool", (result("a", "1", IMAGE), result("b", "no", is_error=True), result("c")))
    _, given, found = encode_messages([HELLO, calls, results], with_tools=False)
    assert given["content"] == [
        text('[call of tool x: {"z":[1]}]'),
        text("[call of tool unnamed_tool: [1]]"),
        text("[call of tool y: {}]"),
    ]
    assert found["content"] == [
        text("[result of tool t]"),
        text("1"),
        IMAGE_BLOCK,
        text("[error of tool t]"),
        text("no"),
        text("[result of tool t]"),
    ]


def test_ids_of_another_api_become_valid_ones_that_differ_and_stay_the_same():
    ids = ("tool:1", "tool/1", "tool_1", "", "ü", "\ud83d", "x" * 99, "x" * 98)
    calls = answer(*(ToolCall(name, "x", {}) for name in ids))
    results = Message("tool", tuple(result(name, "1") for name in ids))
    _, given, found = turns_of(HELLO, calls, results)
    sent = [block["toolUse"]["toolUseId"] for block in given["content"]]
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in sent)
    assert len(set(sent)) == len(ids)
    assert sent[2] == "tool_1"
    assert [block["toolResult"]["toolUseId"] for block in found["content"]] == sent
    assert answered(ToolCall("ü", "y", {}))[0]["toolUse"]["toolUseId"] == sent[4]


def test_results_hold_text_and_images_or_nothing():
    results = (result("a", "1", IMAGE), result("b"), result("c", " "), result("d", "x", "y"))
    calls = answer(*(ToolCall(name, "x", {}) for name in "abcd"))
    assert turns_of(HELLO, calls, Message("tool", results))[2]["content"] == [
        shown("a", text("1"), IMAGE_BLOCK),
        shown("b"),
        shown("c"),
        shown("d", text("x"), text("y")),
    ]


def test_a_failed_result_says_something_and_its_pictures_come_after_all_results():
    results = (result("a", "no", IMAGE, is_error=True), result("b", is_error=True), result("c", "3"))
    calls = answer(*(ToolCall(name, "x", {}) for name in "abc"))
    assert turns_of(HELLO, calls, Message("tool", results))[2]["content"] == [
        shown("a", text("no"), status="error"),
        shown("b", text("The tool failed, and said nothing."), status="error"),
        shown("c", text("3")),
        IMAGE_BLOCK,
    ]


@pytest.mark.parametrize(
    ("part", "kind", "source"),
    [
        (ImagePart(url="s3://house/a", media_type="image/png"), "png", {"s3Location": {"uri": "s3://house/a"}}),
        (ImagePart(url="data:image/gif;base64,R0lG"), "gif", {"bytes": "R0lG"}),
        (ImagePart(data="/9j/", media_type="image/jpg"), "jpeg", {"bytes": "/9j/"}),
        (ImagePart(url="DATA:IMAGE/PNG;name=a.png;base64,aGk=", detail="low"), "png", {"bytes": "aGk="}),
        (ImagePart(data="aGk=", media_type="Image/WebP; q=1"), "webp", {"bytes": "aGk="}),
    ],
)
def test_a_picture_is_sent_as_data_or_by_its_place_in_store(part: ImagePart, kind: str, source: dict):
    assert turns_of(user(part))[0]["content"] == [{"image": {"format": kind, "source": source}}]


@pytest.mark.parametrize(
    ("part", "kind", "block"),
    [
        (PDF, "document", {"format": "pdf", "name": "offer", "source": {"bytes": "JVBERg=="}}),
        (
            FilePart(url="s3://house/a.pdf", media_type="application/pdf"),
            "document",
            {"format": "pdf", "name": "document", "source": {"s3Location": {"uri": "s3://house/a.pdf"}}},
        ),
        (
            FilePart(data="QQ==", media_type="text/csv", name="Zahlen_2026 (neu) [1] \u2013 ü.csv"),
            "document",
            {"format": "csv", "name": "Zahlen 2026 (neu) [1]", "source": {"bytes": "QQ=="}},
        ),
        (
            FilePart(data="QQ==", media_type="text/x-python", name="../a.py"),
            "document",
            {"format": "txt", "name": "a", "source": {"bytes": "QQ=="}},
        ),
        (
            FilePart(data="QQ==", media_type="application/vnd.ms-excel", name="a" * 300),
            "document",
            {"format": "xls", "name": "a" * 190, "source": {"bytes": "QQ=="}},
        ),
        (
            FilePart(url="data:text/markdown;base64,QQ==", name="?!"),
            "document",
            {"format": "md", "name": "document", "source": {"bytes": "QQ=="}},
        ),
        (
            FilePart(data="AAAA", media_type="video/quicktime", name="a.mov"),
            "video",
            {"format": "mov", "source": {"bytes": "AAAA"}},
        ),
        (FilePart(data="AAAA", media_type="audio/ogg"), "audio", {"format": "ogg", "source": {"bytes": "AAAA"}}),
        (AudioPart("UklG", "audio/wav; codecs=1"), "audio", {"format": "wav", "source": {"bytes": "UklG"}}),
        (AudioPart("SUQz", "audio/mpeg"), "audio", {"format": "mp3", "source": {"bytes": "SUQz"}}),
    ],
)
def test_a_document_a_film_and_sound_are_sent_as_what_they_are(part: FilePart | AudioPart, kind: str, block: dict):
    assert turns_of(user(part, "What?"))[0]["content"] == [{kind: block}, text("What?")]


def test_documents_have_names_of_their_own():
    other = FilePart(data="QQ==", media_type="text/plain", name="offer (2).txt")
    turns = turns_of(user(PDF, other, "And?"), answer("So."), user(PDF, PDF, "And?"))
    names = [block["document"]["name"] for turn in turns for block in turn["content"] if "document" in block]
    assert names == ["offer", "offer (2)", "offer (3)", "offer (4)"]


def test_a_document_stands_beside_words_of_its_turn():
    assert turns_of(user(PDF), user("What?"))[0]["content"][1] == text("What?")
    fault = fault_of(user(PDF, IMAGE), answer("So."), user("What?"))
    assert (fault.kind, "without words" in fault.message) == ("bad_request", True)


@pytest.mark.parametrize(
    ("message", "kind", "words"),
    [
        (user(AudioPart("UklG", "audio/midi")), "unsupported_capability", "not as 'audio/midi'"),
        (user(AudioPart("", "audio/wav")), "unsupported_capability", "takes sound as data"),
        (answer(AudioPart("UklG", "audio/wav")), "unsupported_capability", "takes sound from users only"),
        (answer(IMAGE), "unsupported_capability", "takes images from users only"),
        (answer(PDF), "unsupported_capability", "takes files from users only"),
        (user(ImagePart(data="Qk0=", media_type="image/bmp")), "unsupported_capability", "not as 'image/bmp'"),
        (user(ImagePart(url="https://a.example/a.png")), "unsupported_capability", "by an s3:// address"),
        (user(ImagePart(url="s3://house/a.png")), "bad_request", "needs its media_type"),
        (user(ImagePart(url="data:image/png,%89PNG")), "bad_request", "holds it as base64 only"),
        (user(ImagePart(data="Qk0=")), "bad_request", "an image needs an s3:// url, or data, and its media_type"),
        (user(ImagePart()), "bad_request", "an image needs"),
        (
            user(FilePart(data="UEs=", media_type="application/zip")),
            "unsupported_capability",
            "no file as 'application/zip'",
        ),
        (user(FilePart(url="https://a", media_type="text/plain")), "unsupported_capability", "fetches no other"),
        (user(FilePart(data="UEs=")), "bad_request", "a file needs"),
        (Message("tool", (result("a", ImagePart(data="Qk0=")),)), "bad_request", "an image needs"),
        (user(ToolCall("a", "x", {})), "bad_request", "a message of role 'user' cannot hold a ToolCall"),
        (Message("system", (IMAGE,)), "unsupported_capability", "takes images from users only"),
    ],
)
def test_what_has_no_place_is_refused_by_its_message(message: Message, kind: str, words: str):
    fault = fault_of(HELLO, message)
    assert (fault.kind, fault.message.startswith("messages[1]: "), words in fault.message) == (kind, True, True)
