from __future__ import annotations

from typing import Any

import pytest

from routebook.canonical.message import Message
from routebook.canonical.part import AudioPart, FilePart, ImagePart, NativePart, ReasoningPart, RefusalPart, TextPart
from routebook.canonical.tool import ToolCall, ToolResult
from routebook.providers.fault import NoPlace
from routebook.providers.gemini.messages import UNSIGNED, encode_messages, encode_system, wire_name

HELLO = Message("user", "When?")
CALL = ToolCall("fc_1", "clock__now", {"zone": "UTC"})
OTHER = ToolCall("fc_2", "find", {})
NOON = ToolResult("fc_1", "clock.now", (TextPart("12:00"),))
PICTURE = ImagePart(data="iVBORw0KGgo=", media_type="image/png")
INLINE = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}


def contents(*messages: Message, model: str = "gemini-2.5-pro", has_ids: bool = True) -> list[dict[str, Any]]:
    return encode_messages(messages, model, has_ids=has_ids)


def answer(*parts: Any) -> Message:
    return Message("assistant", [TextPart(part) if isinstance(part, str) else part for part in parts])


def answered(*parts: Any, model: str = "gemini-2.5-pro") -> list[dict[str, Any]]:
    """The parts of an answer that stands between two questions."""
    found = contents(HELLO, answer(*parts), HELLO, model=model)
    return found[1]["parts"] if len(found) > 1 else []


def refused(*messages: Message) -> tuple[str, str]:
    with pytest.raises(NoPlace) as caught:
        contents(*messages)
    return caught.value.fault.kind, caught.value.fault.message


def test_system_messages_are_hoisted_in_order_wherever_they_stand():
    messages = (Message("system", "Be brief."), HELLO, Message("system", ""), Message("system", "In German."))
    assert encode_system(messages) == {"parts": [{"text": "Be brief."}, {"text": "In German."}]}
    assert contents(*messages) == [{"role": "user", "parts": [{"text": "When?"}]}]
    assert encode_system((HELLO,)) is None


def test_neighbours_of_one_role_are_merged_and_what_is_empty_is_left_out():
    found = contents(HELLO, answer(""), HELLO, answer("A"), answer("B", ""), HELLO)
    assert [(turn["role"], [part["text"] for part in turn["parts"]]) for turn in found] == [
        ("user", ["When?", "When?"]),
        ("model", ["A", "B"]),
        ("user", ["When?"]),
    ]


def test_calls_and_results_are_joined_by_the_name_that_the_model_was_given():
    results = Message("tool", (NOON, ToolResult("fc_2", "anything", (TextPart("a"), TextPart("b")))))
    found = contents(HELLO, answer("Let me see.", CALL, OTHER), results)
    assert found[1]["parts"][1:] == [
        {"functionCall": {"id": "fc_1", "name": "clock__now", "args": {"zone": "UTC"}}},
        {"functionCall": {"id": "fc_2", "name": "find", "args": {}}},
    ]
    assert found[2] == {
        "role": "user",
        "parts": [
            {"functionResponse": {"id": "fc_1", "name": "clock__now", "response": {"output": "12:00"}}},
            {"functionResponse": {"id": "fc_2", "name": "find", "response": {"output": "a\nb"}}},
        ],
    }


def test_where_calls_have_no_ids_none_is_sent():
    found = contents(HELLO, answer(CALL), Message("tool", (NOON,)), has_ids=False)
    assert found[1]["parts"] == [{"functionCall": {"name": "clock__now", "args": {"zone": "UTC"}}}]
    assert found[2]["parts"] == [{"functionResponse": {"name": "clock__now", "response": {"output": "12:00"}}}]


def test_a_failed_call_is_answered_as_an_error_and_an_unknown_one_by_its_own_name():
    failed = ToolResult("gone", "clock now", (TextPart("no such zone"),), is_error=True)
    found = contents(HELLO, Message("tool", (failed,)))
    assert found[1]["parts"][0]["functionResponse"] == {
        "id": "gone",
        "name": "clock_now",
        "response": {"error": "no such zone"},
    }


def test_results_of_several_messages_stand_in_one_turn_and_a_question_after_them_in_another():
    found = contents(
        HELLO,
        answer(CALL, OTHER),
        Message("tool", (NOON,)),
        Message("tool", (ToolResult("fc_2", "find", ()),)),
        Message("user", "And?"),
    )
    assert [turn["role"] for turn in found] == ["user", "model", "user", "user"]
    assert [part["functionResponse"]["response"] for part in found[2]["parts"]] == [{"output": "12:00"}, {"output": ""}]
    assert found[3]["parts"] == [{"text": "And?"}]


def test_newer_models_are_shown_pictures_within_their_results():
    shown = Message("tool", (ToolResult("fc_1", "clock.now", (TextPart("A dial:"), PICTURE)),))
    result = contents(HELLO, answer(CALL), shown, model="gemini-3-pro")[2]["parts"][0]["functionResponse"]
    assert (result["response"], result["parts"]) == ({"output": "A dial:"}, [INLINE])


def test_older_models_are_shown_pictures_after_all_results():
    shown = Message("tool", (ToolResult("fc_1", "clock.now", (TextPart("A dial:"), PICTURE)),))
    other = Message("tool", (ToolResult("fc_2", "find", (TextPart("none"),)),))
    found = contents(HELLO, answer(CALL, OTHER), shown, other)
    assert [len(turn["parts"]) for turn in found[2:]] == [2, 2]
    assert found[3] == {"role": "user", "parts": [{"text": "From the result of clock.now:"}, INLINE]}
    assert contents(HELLO, answer(CALL, OTHER), shown, other, answer("So."))[3:] == [
        found[3],
        {"role": "model", "parts": [{"text": "So."}]},
    ]


@pytest.mark.parametrize(
    ("detail", "level"),
    [
        ("low", "MEDIA_RESOLUTION_LOW"),
        ("high", "MEDIA_RESOLUTION_HIGH"),
        ("ultra_high", "MEDIA_RESOLUTION_ULTRA_HIGH"),
        ("auto", None),
        (None, None),
    ],
)
def test_newer_models_are_told_how_closely_to_look_at_a_picture(detail: str | None, level: str | None):
    asked = Message("user", [ImagePart(data=PICTURE.data, media_type="image/png", detail=detail)])
    told = {"mediaResolution": {"level": level}} if level else {}
    assert contents(asked, model="gemini-3-pro-preview")[0]["parts"] == [{**INLINE, **told}]
    assert contents(asked, model="gemini-2.5-pro")[0]["parts"] == [INLINE]


def test_a_signature_goes_back_on_the_part_behind_it():
    signature = ReasoningPart("", "U2ln", api="gemini")
    call = {"functionCall": {"id": "fc_1", "name": "clock__now", "args": {"zone": "UTC"}}}
    assert answered("A", signature, "B") == [{"text": "A"}, {"text": "B", "thoughtSignature": "U2ln"}]
    assert answered(signature, CALL) == [{**call, "thoughtSignature": "U2ln"}]
    assert answered(signature, PICTURE) == [{**INLINE, "thoughtSignature": "U2ln"}]
    assert answered(signature, RefusalPart("No.")) == [{"text": "No.", "thoughtSignature": "U2ln"}]


def test_a_signature_of_nothing_else_goes_back_alone():
    alone = ReasoningPart("", "U2ln", redacted=True, api="gemini")
    call = {"functionCall": {"id": "fc_1", "name": "clock__now", "args": {"zone": "UTC"}}}
    assert answered("A", alone, CALL) == [{"text": "A"}, {"text": "", "thoughtSignature": "U2ln"}, call]
    assert answered("A", ReasoningPart("", "U2ln", api="gemini")) == [
        {"text": "A"},
        {"text": "", "thoughtSignature": "U2ln"},
    ]


def test_thoughts_and_native_pieces_keep_their_own_signatures():
    signature = ReasoningPart("", "U2ln", api="gemini")
    thought = ReasoningPart("hm", "dGhv", api="gemini")
    code = {"executableCode": {"code": "1"}, "thoughtSignature": "Y29k"}
    assert answered(signature, thought, signature, NativePart("gemini", code), "A") == [
        {"text": "", "thoughtSignature": "U2ln"},
        {"text": "hm", "thought": True, "thoughtSignature": "dGhv"},
        {"text": "", "thoughtSignature": "U2ln"},
        code,
        {"text": "A"},
    ]


def test_what_another_api_thought_is_left_out_and_thoughts_alone_are_no_answer():
    assert answered(ReasoningPart("hm", "x", api="anthropic"), NativePart("anthropic", {"type": "x"}), "A") == [
        {"text": "A"}
    ]
    assert answered(ReasoningPart("", "x", redacted=True, api="anthropic"), "A") == [{"text": "A"}]
    assert answered(ReasoningPart("hm", "x", api="gemini")) == []


@pytest.mark.parametrize(
    ("model", "is_signed"),
    [
        ("gemini-3-pro-preview", True),
        ("gemini-3.5-flash", True),
        ("models/gemini-10-pro", True),
        ("publishers/google/models/gemini-3-pro", True),
        ("gemini-flash-latest", True),
        ("gemini-2.5-flash", False),
        ("gemini-2.0-flash-001", False),
        ("models/gemini-1.5-pro", False),
        ("gemma-3-27b-it", False),
        ("tunedModels/mine", False),
    ],
)
def test_newer_models_get_a_word_for_a_call_that_has_no_signature(model: str, is_signed: bool):
    found = contents(HELLO, answer(CALL, OTHER), Message("tool", (NOON,)), model=model)
    signatures = [part.get("thoughtSignature") for part in found[1]["parts"]]
    assert signatures == [UNSIGNED if is_signed else None, None]


def test_only_calls_of_the_present_turn_get_the_word_and_never_in_place_of_a_signature():
    signature = ReasoningPart("", "U2ln", api="gemini")
    found = contents(
        HELLO,
        answer(CALL),
        Message("tool", (NOON,)),
        Message("user", "Again."),
        answer(signature, CALL),
        Message("tool", (NOON,)),
        answer("Hm.", OTHER),
        Message("tool", (ToolResult("fc_2", "find", ()),)),
        model="gemini-3-pro",
    )
    signed = [part.get("thoughtSignature") for turn in found for part in turn["parts"] if "functionCall" in part]
    assert signed == [None, "U2ln", UNSIGNED]


def test_a_conversation_that_a_model_begins_gets_a_word_of_the_user():
    found = contents(answer("Hello!"), HELLO)
    assert [(turn["role"], turn["parts"][0]["text"]) for turn in found] == [
        ("user", "Begin."),
        ("model", "Hello!"),
        ("user", "When?"),
    ]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("clock__now", "clock__now"),
        ("clock.now:v2-x", "clock.now:v2-x"),
        ("ünï code", "_n__code"),
        ("2nd", "_2nd"),
        (".dot", "_.dot"),
        ("x" * 200, "x" * 128),
        ("", "unnamed_tool"),
        (None, "unnamed_tool"),
    ],
)
def test_names_are_such_as_the_api_takes(name: str | None, sent: str):
    assert wire_name(name) == sent


def test_a_call_without_a_name_or_an_object_goes_back_as_one_with_both():
    assert answered(ToolCall("", None, None, "[1]")) == [{"functionCall": {"name": "unnamed_tool", "args": {}}}]


@pytest.mark.parametrize(
    ("messages", "kind", "words"),
    [
        ((), "bad_request", "no message of a user"),
        ((answer("Hello!"),), "bad_request", "no message of a user"),
        ((Message("user", ""),), "bad_request", r"messages[0]: this API takes no message without content"),
        ((HELLO, answer(FilePart(data="QQ==", media_type="a/b"))), "unsupported_capability", "files from users only"),
        ((Message("system", (PICTURE,)), HELLO), "unsupported_capability", "images from users and models only"),
        ((Message("system", (AudioPart("A", "audio/wav"),)), HELLO), "unsupported_capability", "sound from users"),
        ((Message("user", (CALL,)),), "bad_request", "a message of role 'user' cannot hold a ToolCall"),
    ],
)
def test_what_has_no_place_is_refused(messages: tuple[Message, ...], kind: str, words: str):
    found = refused(*messages)
    assert (found[0], words in found[1]) == (kind, True), found
