"""Messages as callers give them: what OpenAI's clients send, mixed with our own, and refusals by position."""

from __future__ import annotations

import json

import pytest

from routebook import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    ReasoningPart,
    RefusalPart,
    RequestError,
    TextPart,
    ToolCall,
    ToolResult,
)
from routebook.engine.facts import facts_of
from routebook.engine.messages import read_messages

PIXEL = "iVBORw0KGgo="


def call(arguments="{}", **changes):
    return {"id": "c1", "type": "function", "function": {"name": "clock__now", "arguments": arguments}, **changes}


def test_a_string_is_one_user_message():
    assert read_messages("hello") == (Message("user", "hello"),)
    assert read_messages("") == (Message("user", ""),)


def test_dicts_of_every_role_become_messages_and_mix_with_our_own():
    given = [
        {"role": "developer", "content": "Be brief."},
        {"role": "system", "content": [{"type": "text", "text": "Be kind."}]},
        Message("user", "What time is it?"),
        {"role": "assistant", "content": "I look.", "tool_calls": [call('{"zone": "UTC"}')]},
        {"role": "tool", "tool_call_id": "c1", "content": "nine"},
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
    ]

    assert read_messages(given) == (
        Message("system", "Be brief."),
        Message("system", "Be kind."),
        Message("user", "What time is it?"),
        Message("assistant", [TextPart("I look."), ToolCall("c1", "clock__now", {"zone": "UTC"})]),
        Message("tool", [ToolResult("c1", "clock__now", (TextPart("nine"),))]),
        Message("assistant", [RefusalPart("No.")]),
        Message("user", [TextPart("a"), TextPart("b")]),
    )
    assert read_messages(tuple(given)) == read_messages(given)


@pytest.mark.parametrize(
    ("url", "part"),
    [
        (f"data:image/png;base64,{PIXEL}", ImagePart(data=PIXEL, media_type="image/png")),
        ("https://example.com/a.png", ImagePart(url="https://example.com/a.png")),
    ],
)
def test_an_image_is_its_data_or_an_address_that_nobody_fetches(url, part):
    [message] = read_messages([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}])

    assert message == Message("user", [part])


def test_an_unusual_image_detail_is_kept():
    part = {"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "low"}}
    [message] = read_messages([{"role": "user", "content": [part]}])
    assert message.content == (ImagePart(url="https://a/b.png", detail="low"),)


@pytest.mark.parametrize("detail", [{}, {"detail": "auto"}, {"detail": None}])
def test_the_usual_image_detail_is_none(detail):
    part = {"type": "image_url", "image_url": {"url": "https://a/b.png", **detail}}

    assert read_messages([{"role": "user", "content": [part]}]) == (
        Message("user", [ImagePart(url="https://a/b.png")]),
    )


@pytest.mark.parametrize(
    ("part", "read"),
    [
        ({"input_audio": {"data": "UklG", "format": "wav"}}, AudioPart("UklG", "audio/wav")),
        ({"input_audio": {"data": "SUQz", "format": "mp3"}}, AudioPart("SUQz", "audio/mpeg")),
        (
            {"file": {"file_data": "data:text/plain;base64,YQ==", "filename": "a.txt"}},
            FilePart("YQ==", None, "text/plain", "a.txt"),
        ),
        ({"file": {"file_data": "JVBE"}}, FilePart("JVBE", None, "application/pdf")),
        ({"file": {"file_data": "https://a/b.pdf"}}, FilePart(url="https://a/b.pdf")),
    ],
)
def test_sound_and_files_become_parts(part, read):
    [message] = read_messages([{"role": "user", "content": [{"type": next(iter(part)), **part}]}])

    assert message == Message("user", [read])


def test_what_a_model_thought_and_spoke_goes_back_to_where_it_came_from():
    details = [{"type": "reasoning.text", "text": "hm", "signature": "s"}]
    given = [
        {"role": "assistant", "content": "a", "reasoning_content": "hm"},
        {"role": "assistant", "content": "b", "reasoning": "hm", "reasoning_details": details},
        {"role": "assistant", "audio": {"id": "audio_1", "data": "UklG", "transcript": "hi", "expires_at": 9}},
        {"role": "assistant", "content": None, "audio": {"id": "audio_2"}},
    ]

    one, two, three, four = read_messages(given)
    assert one == Message("assistant", [ReasoningPart("hm", api="openai-chat"), TextPart("a")])
    assert json.loads(two.content[0].signature) == details
    assert (two.content[0].text, two.content[0].api) == ("hm", "openai-chat")
    assert three == Message("assistant", [AudioPart("UklG", "audio/pcm", "hi", "audio_1")])
    assert four == Message("assistant", [AudioPart("", "audio/pcm", None, "audio_2")])


def test_only_images_are_the_fact_that_there_are_images():
    def has_images(part):
        return facts_of(read_messages([{"role": "user", "content": [part]}]), False, None, None).has_images

    assert has_images({"type": "image_url", "image_url": {"url": "https://a/b.png"}})
    assert not has_images({"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}})
    assert not has_images({"type": "file", "file": {"file_data": "JVBE"}})


@pytest.mark.parametrize(
    ("raw", "arguments"),
    [("", {}), (" ", {}), ("null", {}), ('{"a": 1}', {"a": 1}), ("[1]", None), ('{"a"', None), ("NaN", None)],
)
def test_arguments_that_are_no_object_keep_their_text(raw, arguments):
    [message] = read_messages([{"role": "assistant", "tool_calls": [call(raw)]}])

    assert message.tool_calls == (ToolCall("c1", "clock__now", arguments, raw if arguments is None else None),)


def test_arguments_nested_without_end_are_no_crash():
    [message] = read_messages([{"role": "assistant", "tool_calls": [call("[" * 100_000)]}])

    assert message.tool_calls[0].arguments is None


@pytest.mark.parametrize("nothing", [[], (), None, 7, {"role": "user", "content": "a"}, b"", iter(["a"])])
def test_what_is_no_list_of_messages_is_refused(nothing):
    with pytest.raises(RequestError, match="a string or a list with at least one message") as caught:
        read_messages(nothing)

    assert caught.value.field == "messages"


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("hello", "neither a Message nor a mapping"),
        ({"content": "a"}, "has the role None; roles are system, developer, user, assistant, tool"),
        ({"role": "narrator", "content": "a"}, "has the role 'narrator'"),
        (Message("bogus", "a"), "has the role 'bogus'; roles are system, user, assistant, tool"),
        (Message("developer", "a"), "has the role 'developer'; roles are system, user, assistant, tool"),
        (Message("user", [ImagePart(b"png", media_type="image/png")]), "has data of type 'bytes' in its image; give"),
        (Message("user", [FilePart(b"%PDF", media_type="application/pdf")]), "has data of type 'bytes' in its file"),
        (Message("user", [AudioPart(b"RIFF", "audio/wav")]), "has data of type 'bytes' in its audio; give base64"),
        (Message("user", ["hello"]), "has a part of type 'str'"),
        (Message("user", [TextPart(7)]), "has a text of type 'int'"),
        ({"role": ["user"], "content": "a"}, "has the role"),
        ({"role": "user"}, "has no content"),
        ({"role": "user", "content": []}, "has no content"),
        ({"role": "user", "content": 7}, "neither text nor a list of parts"),
        ({"role": "user", "content": {"text": "a"}}, "neither text nor a list of parts"),
        ({"role": "user", "content": ["a"]}, "a part of type 'str'"),
        ({"role": "user", "content": [{"type": "input_audio"}]}, "a part of type 'input_audio'"),
        ({"role": "user", "content": [{"type": "image_url", "image_url": "https://a"}]}, "image_url: {url: ...}"),
        ({"role": "user", "content": [{"type": "file", "file": {"file_id": "f-1"}}]}, "names a file by its file_id"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a", "detail": 1}}]},
            "an image whose detail is no text",
        ),
        ({"role": "assistant", "function_call": {"name": "f"}}, "has a function_call"),
        ({"role": "assistant", "content": "a", "audio": {"data": "UklG"}}, "has audio without an id"),
        ({"role": "assistant", "content": "a", "reasoning_details": "hm"}, "reasoning_details that are no list"),
        ({"role": "user", "content": [{"type": "text", "text": None}]}, "a part of type 'text'"),
        ({"role": "user", "content": "a", "tool_calls": [call()]}, "only an assistant's message may"),
        ({"role": "assistant", "tool_calls": 7}, "tool_calls that are no list"),
        ({"role": "assistant", "tool_calls": {"id": "c1"}}, "tool_calls that are no list"),
        ({"role": "assistant", "tool_calls": [{}]}, "a tool call without id"),
        ({"role": "assistant", "tool_calls": [call(id=None)]}, "a tool call without id"),
        ({"role": "assistant", "tool_calls": [call({"a": 1})]}, "function.arguments, each of them text"),
        ({"role": "tool", "content": "a"}, "has no tool_call_id"),
        ({"role": "tool", "tool_call_id": "c1"}, "content must be text or images"),
        (
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "refusal", "refusal": "No."}]},
            "content must be text or images",
        ),
    ],
)
def test_a_malformed_message_is_refused_by_its_position(bad, says):
    with pytest.raises(RequestError) as caught:
        read_messages([{"role": "user", "content": "first"}, bad])

    assert caught.value.field == "messages"
    assert str(caught.value).startswith("message 1 ")
    assert says in str(caught.value)
