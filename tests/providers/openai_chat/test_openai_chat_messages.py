from __future__ import annotations

import json

import pytest

from routebook.canonical.chat import ChatRequest
from routebook.canonical.message import Message
from routebook.canonical.part import (
    AudioPart,
    FilePart,
    ImagePart,
    NativePart,
    ReasoningPart,
    RefusalPart,
    TextPart,
)
from routebook.canonical.tool import ToolCall, ToolResult
from routebook.providers.fault import Fault
from routebook.providers.openai_chat.encode import encode

PIXEL = ImagePart(data="iVBORw0KGgo=", media_type="image/png")
PIXEL_BODY = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
DETAILS = '[{"type":"reasoning.text","text":"hm","signature":"c2ln+/=","format":"x","index":0}]'


def messages_of(*messages: Message, **quirks: object) -> list:
    encoded = encode(ChatRequest("m", messages), quirks)
    assert isinstance(encoded, bytes), encoded
    return json.loads(encoded)["messages"]


def message_of(role: str, *parts: object, **quirks: object) -> dict:
    (encoded,) = messages_of(Message(role, parts), **quirks)
    return encoded


def test_a_tool_conversation_becomes_the_recorded_messages():
    call = ToolCall("c1", "clock__now", {"zone": "UTC"})
    assert messages_of(
        Message("user", "When?"),
        Message("assistant", [ReasoningPart("hm", api="openai-chat"), TextPart("Let me see."), call]),
        Message("tool", [ToolResult("c1", "clock.now", (TextPart("noon"),))]),
        Message("assistant", "At noon."),
    ) == [
        {"role": "user", "content": "When?"},
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "clock__now", "arguments": '{"zone":"UTC"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "noon"},
        {"role": "assistant", "content": "At noon."},
    ]


def test_a_message_of_tool_calls_alone_has_null_content():
    (encoded,) = messages_of(Message("assistant", [ToolCall("c1", "t", {})]))
    assert encoded["content"] is None


def test_an_empty_message_has_empty_text():
    assert [m["content"] for m in messages_of(Message("user", []), Message("assistant", []))] == ["", ""]


def test_several_texts_of_a_user_stay_apart_and_of_the_system_are_joined():
    system, user = messages_of(
        Message("system", [TextPart("a"), TextPart("b")]), Message("user", [TextPart("a"), TextPart("b")])
    )
    assert system["content"] == "ab"
    assert user["content"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]


def test_images_go_out_as_data_or_by_address():
    (encoded,) = messages_of(Message("user", [TextPart("See:"), PIXEL, ImagePart(url="https://x.test/a.png")]))
    assert encoded["content"] == [
        {"type": "text", "text": "See:"},
        PIXEL_BODY,
        {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
    ]


def test_how_closely_to_look_goes_out_beside_the_image():
    message = message_of("user", ImagePart(url="https://x.test/a.png", detail="low"))
    assert message["content"][0]["image_url"] == {"url": "https://x.test/a.png", "detail": "low"}


def test_a_single_image_is_a_list():
    assert messages_of(Message("user", [PIXEL]))[0]["content"] == [PIXEL_BODY]


@pytest.mark.parametrize(
    ("name", "wire"),
    [(None, "unnamed_tool"), ("", "unnamed_tool"), ("clock.now", "clock_now"), ("é!", "__"), ("x" * 70, "x" * 64)],
)
def test_a_call_goes_back_under_a_name_that_the_api_takes(name: str | None, wire: str):
    (encoded,) = messages_of(Message("assistant", [ToolCall("c1", name, {})]))
    assert encoded["tool_calls"][0]["function"]["name"] == wire


def test_a_call_whose_arguments_are_no_object_goes_back_with_an_empty_one():
    (encoded,) = messages_of(Message("assistant", [ToolCall("c1", "t", None, "{broken")]))
    assert encoded["tool_calls"][0]["function"]["arguments"] == "{}"


@pytest.mark.parametrize(("text", "sent"), [("no file", "Error: no file"), ("Error: no file", "Error: no file")])
def test_a_failed_result_says_so_once(text: str, sent: str):
    (encoded,) = messages_of(Message("tool", [ToolResult("c1", "t", (TextPart(text),), is_error=True)]))
    assert encoded["content"] == sent


def test_images_of_results_follow_all_results_of_the_turn_as_a_users_message():
    encoded = messages_of(
        Message("assistant", [ToolCall("c1", "draw", {}), ToolCall("c2", "draw", {})]),
        Message("tool", [ToolResult("c1", "pen.draw", (PIXEL,))]),
        Message("tool", [ToolResult("c2", "pen.draw", (TextPart("two"), PIXEL))]),
        Message("assistant", "Done."),
    )
    assert [message["role"] for message in encoded] == ["assistant", "tool", "tool", "user", "assistant"]
    assert encoded[1]["content"] == "The result is shown as an image below."
    assert encoded[2]["content"] == "two"
    label = {"type": "text", "text": "From the result of pen.draw:"}
    assert encoded[3]["content"] == [label, PIXEL_BODY, label, PIXEL_BODY]


def test_images_of_results_stand_in_them_where_the_preset_says_so():
    """No message of a user comes between the results and the answer to them."""
    seen = ToolResult("c1", "camera.look", (TextPart("a dot"), PIXEL))
    encoded = messages_of(Message("tool", [seen]), Message("user", "And?"), result_images=True)
    assert encoded == [
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "a dot"}, PIXEL_BODY]},
        {"role": "user", "content": "And?"},
    ]


def test_images_of_the_last_results_are_not_lost():
    encoded = messages_of(Message("tool", [ToolResult("c1", "pen.draw", (PIXEL,))]))
    assert [message["role"] for message in encoded] == ["tool", "user"]


def test_a_refusal_goes_back_as_a_refusal():
    (encoded,) = messages_of(Message("assistant", [RefusalPart("I will not.")]))
    assert encoded == {"role": "assistant", "content": "", "refusal": "I will not."}


def test_reasoning_goes_back_only_where_the_preset_asks_and_only_the_apis_own():
    own, foreign = ReasoningPart("mine", api="openai-chat"), ReasoningPart("theirs", api="anthropic")
    message = Message("assistant", [own, foreign, TextPart("x")])
    assert messages_of(message) == [{"role": "assistant", "content": "x"}]
    assert messages_of(message, reasoning_field="reasoning_content") == [
        {"role": "assistant", "content": "x", "reasoning_content": "mine"}
    ]


@pytest.mark.parametrize(
    ("media_type", "audio_format"), [("audio/wav", "wav"), ("audio/x-wav", "wav"), ("audio/mpeg", "mp3")]
)
def test_sound_goes_out_as_data_in_one_of_two_formats(media_type: str, audio_format: str):
    encoded = message_of("user", TextPart("What?"), AudioPart("UklG", media_type))
    assert encoded["content"][1] == {"type": "input_audio", "input_audio": {"data": "UklG", "format": audio_format}}


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (FilePart(data="JVBE", media_type="application/pdf", name="offer.pdf"), "offer.pdf"),
        (FilePart(data="JVBE", media_type="application/pdf"), "file.pdf"),
        (FilePart(data="JVBE", media_type="text/plain"), "file.txt"),
    ],
)
def test_a_file_goes_out_as_data_under_a_name(part: FilePart, name: str):
    data = f"data:{part.media_type};base64,JVBE"
    assert message_of("user", part)["content"] == [{"type": "file", "file": {"filename": name, "file_data": data}}]


def test_what_a_model_spoke_goes_back_by_its_id():
    spoken = AudioPart("AAAA", "audio/wav", transcript="Noon.", id="audio_1")
    assert message_of("assistant", spoken) == {"role": "assistant", "content": None, "audio": {"id": "audio_1"}}


def test_a_piece_that_only_this_api_knows_goes_back_where_it_stood_and_anothers_is_left_out():
    reference = {"type": "reference", "reference_ids": [1, 2]}
    own, foreign = NativePart("openai-chat", reference), NativePart("anthropic", {"type": "x"})
    encoded = message_of("assistant", TextPart("See"), own, foreign, TextPart("."))
    assert encoded["content"] == [{"type": "text", "text": "See"}, reference, {"type": "text", "text": "."}]
    assert message_of("assistant", TextPart("See"), foreign)["content"] == "See"


def test_images_of_a_model_go_back_where_they_come_in_chats():
    assert message_of("assistant", TextPart("Here:"), PIXEL, images="chat") == {
        "role": "assistant",
        "content": "Here:",
        "images": [PIXEL_BODY],
    }


def test_reasoning_in_pieces_goes_back_unchanged_where_the_preset_asks_for_it():
    parts = (
        ReasoningPart("hm", DETAILS, api="openai-chat"),
        ReasoningPart("ha", '[{"type":"reasoning.encrypted","data":"xyz"}]', api="openai-chat"),
        ReasoningPart("not mine", "c2ln", api="anthropic"),
        TextPart("x"),
    )
    encoded = encode(ChatRequest("m", (Message("assistant", parts),)), {"reasoning_details": True})
    assert isinstance(encoded, bytes)
    assert f'"reasoning_details":{DETAILS[:-1]},{{"type":"reasoning.encrypted","data":"xyz"}}]'.encode() in encoded
    assert b"not mine" not in encoded
    assert message_of("assistant", *parts) == {"role": "assistant", "content": "x"}


def test_plain_reasoning_goes_back_where_no_pieces_of_it_were_given():
    quirks = {"reasoning_details": True, "reasoning_field": "reasoning"}
    assert message_of("assistant", ReasoningPart("hm", api="openai-chat"), **quirks)["reasoning"] == "hm"


@pytest.mark.parametrize(
    ("call_id", "quirks", "is_kept"),
    [
        ("call_" + "x" * 35, {}, True),
        ("functions.now:0", {}, True),
        ("call_" + "x" * 36, {}, False),
        ("", {}, False),
        ("call_1", {"call_ids": "[a-zA-Z0-9]{9}"}, False),
        ("D681PevKs", {"call_ids": "[a-zA-Z0-9]{9}"}, True),
        ("call_1__thought__" + "x" * 500, {"call_ids": ".+"}, True),
    ],
)
def test_an_id_that_the_provider_does_not_take_is_replaced_the_same_in_call_and_result(
    call_id: str, quirks: dict, is_kept: bool
):
    call, result = messages_of(
        Message("assistant", [ToolCall(call_id, "t", {})]),
        Message("tool", [ToolResult(call_id, "t", (TextPart("x"),))]),
        **quirks,
    )
    sent = call["tool_calls"][0]["id"]
    assert sent == result["tool_call_id"]
    assert (sent == call_id) is is_kept
    assert is_kept or (len(sent) == 9 and sent.isalnum())


@pytest.mark.parametrize(
    ("message", "kind", "words"),
    [
        (Message("user", [AudioPart("x", "audio/ogg")]), "unsupported_capability", "not as 'audio/ogg'"),
        (
            Message("user", [FilePart(url="https://x.test/a.pdf")]),
            "unsupported_capability",
            "files as data, not by url",
        ),
        (Message("user", [FilePart(data="x")]), "bad_request", "a file needs data and its media_type"),
        (Message("system", [AudioPart("x", "audio/wav")]), "unsupported_capability", "sound from users only"),
        (Message("assistant", [AudioPart("x", "audio/wav")]), "unsupported_capability", "goes back by its id"),
        (Message("assistant", [PIXEL]), "unsupported_capability", "images from users only"),
        (Message("assistant", [FilePart(data="x")]), "unsupported_capability", "files from users only"),
        (Message("user", [NativePart("openai-chat", {})]), "bad_request", "'user' cannot hold a NativePart"),
        (Message("system", [PIXEL]), "unsupported_capability", "messages[1]: this API takes images from users only"),
        (Message("user", [ImagePart(data="x")]), "bad_request", "an image needs a url"),
        (Message("user", [ImagePart()]), "bad_request", "an image needs a url"),
        (Message("tool", [ToolResult("c", "t", (ImagePart(data="x"),))]), "bad_request", "an image needs a url"),
        (Message("user", [ToolCall("c", "t", {})]), "bad_request", "'user' cannot hold a ToolCall"),
        (Message("tool", "text"), "bad_request", "'tool' cannot hold a TextPart"),
        (Message("user", "\ud800"), "bad_request", "surrogate"),
        (Message("assistant", [ToolCall("c", "t", {"q": "\ud800"})]), "bad_request", "surrogate"),
    ],
)
def test_what_the_api_has_no_place_for_is_a_fault(message: Message, kind: str, words: str):
    fault = encode(ChatRequest("m", (Message("user", "x"), message)), {})
    assert isinstance(fault, Fault)
    assert (fault.kind, words in fault.message) == (kind, True)


@pytest.mark.parametrize("signature", ["c2ln", '["\ud800"]'])
def test_a_signature_that_this_api_did_not_give_is_a_fault_where_it_would_go_back(signature: str):
    message = Message("assistant", [ReasoningPart("hm", signature, api="openai-chat")])
    fault = encode(ChatRequest("m", (message,)), {"reasoning_details": True})
    assert isinstance(fault, Fault)
    assert (fault.kind, "messages[0]: the signature" in fault.message) == ("bad_request", True)
