"""Canonical types: plain data and back, immutable, comparable."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routebook import (
    ChatRequest,
    ChatResponse,
    ImagePart,
    Message,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCall,
    ToolDefinition,
    ToolResult,
    Usage,
)
from routebook.canonical.chat import OutputFormat
from routebook.canonical.frozen import EMPTY, freeze, thaw
from routebook.canonical.redact import REDACTED, redact

texts = st.text(max_size=8)
maybe = st.none() | texts
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, json_values, max_size=3)
text_parts = st.builds(TextPart, texts, aside=st.booleans())
image_parts = st.builds(ImagePart, data=maybe, url=maybe, media_type=maybe)
calls = st.builds(ToolCall, texts, maybe, st.none() | objects, maybe)
results = st.builds(
    ToolResult,
    call_id=texts,
    name=texts,
    content=st.lists(text_parts | image_parts, max_size=2).map(tuple),
    is_error=st.booleans(),
    structured=json_values,
    truncated=st.booleans(),
)
parts = st.one_of(
    text_parts,
    image_parts,
    st.builds(ReasoningPart, text=texts, signature=maybe, api=maybe),
    st.builds(RefusalPart, texts),
    calls,
    results,
)
messages = st.builds(
    Message, st.sampled_from(["system", "user", "assistant", "tool"]), st.one_of(texts, st.lists(parts, max_size=3))
)
usages = st.builds(Usage, *(st.integers(0, 99) for _ in fields(Usage)))
definitions = st.builds(ToolDefinition, texts, texts, texts, objects)
requests = st.builds(
    ChatRequest,
    model=texts,
    messages=st.lists(messages, max_size=2).map(tuple),
    tools=st.lists(definitions, max_size=2).map(tuple),
    options=objects,
    output=st.none() | st.builds(OutputFormat, texts, objects),
    feature=texts,
    target=texts,
    turn=st.integers(1, 9),
)
responses = st.builds(
    ChatResponse,
    message=messages,
    finish_reason=st.sampled_from(["stop", "length", "tool_calls", "content_filter", "refusal"]),
    raw_finish_reason=maybe,
    usage=st.none() | usages,
    request_id=maybe,
)
records = st.one_of(parts, messages, usages, definitions, requests, responses)


@given(records)
def test_a_record_comes_back_from_its_own_plain_data_through_json(record: Any):
    plain = record.to_dict()

    assert type(record).from_dict(json.loads(json.dumps(plain))) == record


@given(records)
def test_no_field_of_a_record_can_be_set(record: Any):
    for field in fields(record):
        with pytest.raises(FrozenInstanceError):
            setattr(record, field.name, None)


@given(records)
def test_plain_data_is_a_copy_that_may_be_changed_freely(record: Any):
    before = record.to_dict()
    plain = record.to_dict()

    for value in plain.values():
        if isinstance(value, dict):
            value["another"] = 1
        if isinstance(value, list):
            value.append(1)

    assert record.to_dict() == before


@given(json_values)
def test_thawing_undoes_freezing(value: Any):
    assert thaw(freeze(value)) == value


@given(objects)
def test_freezing_takes_a_copy(value: dict[str, Any]):
    frozen = freeze(value)
    before = thaw(frozen)

    value.clear()

    assert thaw(frozen) == before


@pytest.mark.parametrize(
    "other",
    [
        ToolCall("2", "a.b", {"x": 1}),
        ToolCall("1", None, {"x": 1}),
        ToolCall("1", "a.b", None, "[1]"),
        ToolCall("1", "a.b", {"x": 2}),
        TextPart("a.b"),
    ],
)
def test_records_that_differ_in_anything_are_not_equal(other: Any):
    assert ToolCall("1", "a.b", {"x": 1}) == ToolCall("1", "a.b", {"x": 1})
    assert ToolCall("1", "a.b", {"x": 1}) != other


def test_arguments_of_a_call_are_frozen_and_no_longer_the_callers():
    given_arguments = {"zones": ["UTC"]}
    call = ToolCall("1", "clock.now", given_arguments)

    given_arguments["zones"].append("CET")

    assert call.arguments == {"zones": ("UTC",)}
    with pytest.raises(TypeError):
        call.arguments["zones"] = ()


def test_a_string_as_content_is_one_text_part():
    assert Message("user", "hello").content == (TextPart("hello"),)
    assert Message.from_dict({"role": "user", "content": "hello"}) == Message("user", "hello")


def test_the_text_of_an_answer_leaves_out_asides_where_there_is_more():
    asides = TextPart("Let me see.", aside=True), TextPart(" So.", aside=True)

    assert Message("assistant", [asides[0], TextPart("No"), asides[1], TextPart("on.")]).answer_text == "Noon."
    assert Message("assistant", asides).answer_text == "Let me see. So."
    assert TextPart("a").to_dict() == {"text": "a"}


def test_a_messages_text_leaves_out_reasoning_refusals_and_tools():
    call, result = ToolCall("1", "a.b", {}), ToolResult("1", "a.b", (TextPart("x"), TextPart("y")))
    content = [ReasoningPart("hm"), TextPart("a"), RefusalPart("no"), call, TextPart("b"), result]

    message = Message("assistant", content)

    assert (message.text, message.tool_calls, message.tool_results) == ("ab", (call,), (result,))
    assert result.text == "x\ny"


def test_every_part_says_its_type_in_plain_data():
    content = [TextPart("a"), ImagePart(url="u"), ReasoningPart(), RefusalPart("r"), ToolCall("1", None, None)]

    plain = Message("assistant", content).to_dict()["content"]

    assert [part["type"] for part in plain] == ["text", "image", "reasoning", "refusal", "tool_call"]


def test_usage_adds_up_field_by_field():
    assert Usage(1, 2, 3, 4, 5) + Usage(10, 20, 30, 40, 50) == Usage(11, 22, 33, 44, 55)


def test_the_empty_mapping_equals_every_other_empty_one_and_holds_nothing():
    assert EMPTY == {} == EMPTY
    assert freeze({}) == EMPTY
    assert (len(EMPTY), list(EMPTY), "a" in EMPTY, repr(EMPTY)) == (0, [], False, "{}")
    assert (EMPTY.get("a"), EMPTY.get("a", 1)) == (None, 1)
    with pytest.raises(KeyError):
        EMPTY["a"]


def test_the_longest_secret_is_redacted_first_and_short_ones_are_left_alone():
    assert redact("key abcd-efgh and abcd, not abc", ["abc", "abcd", "abcd-efgh"]) == (
        f"key {REDACTED} and {REDACTED}, not abc"
    )
    assert redact("nothing here", []) == "nothing here"
