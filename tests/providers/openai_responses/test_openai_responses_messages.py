from __future__ import annotations

import json

import pytest

from routebook.canonical.chat import ChatRequest
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
from routebook.providers.fault import Fault
from routebook.providers.openai_responses.encode import encode

API = "openai-responses"
PIXEL = ImagePart(data="iVBORw0KGgo=", media_type="image/png")
PIXEL_BODY = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "auto"}
PAGE = {"type": "url_citation", "url": "https://a.test/", "title": "A", "start_index": 0, "end_index": 4}
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}}
COMMENTARY = NativePart(API, {"type": "message", "phase": "commentary"})


def thought(number: int = 1, **item: object) -> ReasoningPart:
    kept = {"id": f"rs_{number}", "type": "reasoning", "summary": [], **item}
    return ReasoningPart("hm", json.dumps(kept), api=API)


OWN = thought(encrypted_content="gAAAAB+/=\u2028", status="completed", content=None)
OWN_BODY = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAAAB+/=\u2028"}


def items_of(*messages: Message, **extra_body: object) -> list:
    encoded = encode(ChatRequest("m", messages, options={"extra_body": extra_body}), {})
    assert isinstance(encoded, bytes), encoded
    return json.loads(encoded)["input"]


def items_in(role: str, *parts: object, **extra_body: object) -> list:
    return items_of(Message(role, parts), **extra_body)


def item_of(role: str, *parts: object) -> dict:
    (item,) = items_in(role, *parts)
    return item


def test_a_tool_conversation_becomes_the_recorded_items():
    call = ToolCall("c1", "clock__now", {"zone": "UTC"})
    assert items_of(
        Message("user", "When?"),
        Message("assistant", [OWN, TextPart("Let me see."), call]),
        Message("tool", [ToolResult("c1", "clock.now", (TextPart("noon"),))]),
        Message("assistant", "At noon."),
    ) == [
        {"role": "user", "content": "When?"},
        OWN_BODY,
        {"role": "assistant", "content": "Let me see."},
        {"type": "function_call", "call_id": "c1", "name": "clock__now", "arguments": '{"zone":"UTC"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "noon"},
        {"role": "assistant", "content": "At noon."},
    ]


def test_system_messages_stay_where_they_stand():
    items = items_of(Message("system", "A."), Message("user", "x"), Message("system", [TextPart("B"), TextPart("C")]))
    assert [(item["role"], item["content"]) for item in items] == [("system", "A."), ("user", "x"), ("system", "BC")]


def test_an_answer_without_content_is_no_item_and_an_empty_question_is_one():
    assert items_of(Message("user", []), Message("assistant", []), Message("assistant", "")) == [
        {"role": "user", "content": ""}
    ]


def test_several_texts_stay_apart():
    assert item_of("user", TextPart("a"), TextPart("b"))["content"] == [
        {"type": "input_text", "text": "a"},
        {"type": "input_text", "text": "b"},
    ]
    spoken = item_of("assistant", TextPart("a"), TextPart("b"))
    assert spoken == {
        "type": "message",
        "id": "msg_0_0",
        "role": "assistant",
        "status": "completed",
        "content": [
            {"type": "output_text", "text": "a", "annotations": []},
            {"type": "output_text", "text": "b", "annotations": []},
        ],
    }


def test_images_go_out_as_data_or_by_address():
    item = item_of("user", TextPart("See:"), PIXEL, ImagePart(url="https://x.test/a.png", detail="low"))
    assert item["content"] == [
        {"type": "input_text", "text": "See:"},
        PIXEL_BODY,
        {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "low"},
    ]


def test_a_single_image_is_a_list():
    assert item_of("user", PIXEL)["content"] == [PIXEL_BODY]


@pytest.mark.parametrize(
    ("part", "sent"),
    [
        (
            FilePart(data="JVBE", media_type="application/pdf", name="offer.pdf"),
            {"filename": "offer.pdf", "file_data": "data:application/pdf;base64,JVBE"},
        ),
        (
            FilePart(data="JVBE", media_type="text/markdown"),
            {"filename": "file.md", "file_data": "data:text/markdown;base64,JVBE"},
        ),
        (FilePart(url="https://x.test/a.pdf"), {"file_url": "https://x.test/a.pdf"}),
        (
            FilePart(url="data:application/pdf;base64,JVBE", name="offer.pdf"),
            {"filename": "offer.pdf", "file_data": "data:application/pdf;base64,JVBE"},
        ),
    ],
)
def test_a_file_goes_out_as_data_under_a_name_or_by_address(part: FilePart, sent: dict):
    assert item_of("user", part)["content"] == [{"type": "input_file", **sent}]


@pytest.mark.parametrize(
    ("name", "wire"),
    [(None, "unnamed_tool"), ("", "unnamed_tool"), ("clock.now", "clock_now"), ("é!", "__"), ("x" * 70, "x" * 64)],
)
def test_a_call_goes_back_under_a_name_that_the_api_takes(name: str | None, wire: str):
    assert item_of("assistant", ToolCall("c1", name, {}))["name"] == wire


def test_a_call_whose_arguments_are_no_object_goes_back_with_an_empty_one():
    assert item_of("assistant", ToolCall("c1", "t", None, "{broken"))["arguments"] == "{}"


@pytest.mark.parametrize(("text", "sent"), [("no file", "Error: no file"), ("Error: no file", "Error: no file")])
def test_a_failed_result_says_so_once(text: str, sent: str):
    assert item_of("tool", ToolResult("c1", "t", (TextPart(text),), is_error=True))["output"] == sent


def test_images_of_results_stand_in_them():
    seen = ToolResult("c1", "camera.look", (TextPart("a dot:"), PIXEL, TextPart("here")))
    assert items_of(Message("tool", [seen]), Message("user", "And?")) == [
        {
            "type": "function_call_output",
            "call_id": "c1",
            "output": [
                {"type": "input_text", "text": "a dot:"},
                PIXEL_BODY,
                {"type": "input_text", "text": "here"},
            ],
        },
        {"role": "user", "content": "And?"},
    ]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ((), ["Error: the tool failed, and shows this"]),
        ((TextPart("dark"),), ["Error: the tool failed, and shows this", "dark"]),
        ((TextPart("Error: dark"),), ["Error: dark"]),
    ],
)
def test_a_failed_result_with_an_image_says_so_once(said: tuple, told: list):
    output = item_of("tool", ToolResult("c1", "camera.look", (*said, PIXEL), is_error=True))["output"]
    assert [part["text"] for part in output if part["type"] == "input_text"] == told
    assert PIXEL_BODY in output


def test_a_refusal_goes_back_as_a_refusal():
    item = item_of("assistant", TextPart("Well."), RefusalPart("I will not."))
    assert [part["type"] for part in item["content"]] == ["output_text", "refusal"]
    assert item["content"][1] == {"type": "refusal", "refusal": "I will not."}


def test_sources_go_back_only_if_they_are_this_apis():
    cited = (Citation(API, PAGE), Citation("anthropic", {"type": "web_search_result_location"}))
    item = item_of("assistant", TextPart("Noon.", cited))
    assert item["content"] == [{"type": "output_text", "text": "Noon.", "annotations": [PAGE]}]
    assert item_of("assistant", TextPart("Noon.", cited[1:])) == {"role": "assistant", "content": "Noon."}


def test_the_phase_of_a_message_goes_back_with_it_and_with_no_other():
    assert items_in("assistant", COMMENTARY, TextPart("Let me see."), ToolCall("c", "t", {}), TextPart("Noon.")) == [
        {"role": "assistant", "content": "Let me see.", "phase": "commentary"},
        {"type": "function_call", "call_id": "c", "name": "t", "arguments": "{}"},
        {"role": "assistant", "content": "Noon."},
    ]


def test_a_phase_parts_two_messages():
    final = NativePart(API, {"type": "message", "phase": "final_answer"})
    items = items_in("assistant", COMMENTARY, TextPart("a"), final, TextPart("b"), RefusalPart("c"))
    assert [(item.get("phase"), item.get("id")) for item in items] == [
        ("commentary", None),
        ("final_answer", "msg_0_1"),
    ]


def test_an_item_that_only_this_api_knows_goes_back_where_it_stood_and_anothers_is_left_out():
    own, foreign = NativePart(API, SEARCH), NativePart("anthropic", {"type": "x"})
    assert items_in("assistant", TextPart("See"), own, foreign, TextPart("there")) == [
        {"role": "assistant", "content": "See"},
        SEARCH,
        {"role": "assistant", "content": "there"},
    ]


def test_a_thought_goes_back_byte_for_byte_without_its_status_and_only_the_apis_own():
    foreign, bare = ReasoningPart("theirs", "c2ln", api="anthropic"), ReasoningPart("mine", api=API)
    items = items_in("assistant", OWN, foreign, bare, TextPart("x"))
    assert items == [OWN_BODY, {"role": "assistant", "content": "x"}]


@pytest.mark.parametrize(
    ("item", "extra", "is_sent"),
    [
        ({"encrypted_content": "gAAA"}, {}, True),
        ({"encrypted_content": None}, {}, False),
        ({"summary": [{"type": "summary_text", "text": "hm"}]}, {}, False),
        ({"content": []}, {}, False),
        ({"content": [{"type": "reasoning_text", "text": "hm"}]}, {}, True),
        ({}, {"store": False}, False),
        ({}, {"store": True}, True),
    ],
)
def test_a_thought_that_is_only_a_reference_goes_back_where_the_api_has_kept_it(item: dict, extra: dict, is_sent: bool):
    items = items_in("assistant", thought(**item), TextPart("x"), **extra)
    assert [item["id"] for item in items if item.get("type") == "reasoning"] == (["rs_1"] if is_sent else [])


def test_an_empty_content_of_a_thought_is_left_out():
    (item, _) = items_in("assistant", thought(content=[], encrypted_content="gAAA"), TextPart("x"))
    assert "content" not in item


def test_a_thought_that_nothing_follows_is_left_out():
    two = [thought(1, encrypted_content="a"), thought(2, encrypted_content="b")]
    assert items_in("assistant", *two) == []
    assert items_in("assistant", TextPart("x"), *two) == [{"role": "assistant", "content": "x"}]
    assert [item["type"] for item in items_in("assistant", *two, ToolCall("c", "t", {}))] == [
        "reasoning",
        "reasoning",
        "function_call",
    ]


@pytest.mark.parametrize(
    ("call_id", "is_kept"),
    [
        ("call_" + "x" * 59, True),
        ("functions.now:0", True),
        ("call_" + "x" * 60, False),
        ("", False),
        ("\ud800" * 99, False),
    ],
)
def test_an_id_that_the_api_does_not_take_is_replaced_the_same_in_call_and_result(call_id: str, is_kept: bool):
    call, result = items_of(
        Message("assistant", [ToolCall(call_id, "t", {})]),
        Message("tool", [ToolResult(call_id, "t", (TextPart("x"),))]),
    )
    assert call["call_id"] == result["call_id"]
    assert (call["call_id"] == call_id) is is_kept
    assert 0 < len(call["call_id"]) <= 64


@pytest.mark.parametrize(
    ("message", "kind", "words"),
    [
        (Message("user", [AudioPart("x", "audio/wav")]), "unsupported_capability", "takes no sound"),
        (Message("assistant", [AudioPart("x", "audio/wav", id="a")]), "unsupported_capability", "takes no sound"),
        (Message("user", [FilePart(data="x")]), "bad_request", "a file needs data and its media_type"),
        (Message("assistant", [PIXEL]), "unsupported_capability", "images from users only"),
        (Message("assistant", [FilePart(data="x")]), "unsupported_capability", "files from users only"),
        (Message("user", [NativePart(API, {})]), "bad_request", "'user' cannot hold a NativePart"),
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


@pytest.mark.parametrize("signature", ["c2ln", "[]", '{"id": "\ud800"}', "[" * 100_000])
def test_a_signature_that_this_api_did_not_give_is_a_fault(signature: str):
    fault = encode(ChatRequest("m", (Message("assistant", [ReasoningPart("hm", signature, api=API)]),)), {})
    assert isinstance(fault, Fault)
    assert (fault.kind, "messages[0]: the signature" in fault.message) == ("bad_request", True)
