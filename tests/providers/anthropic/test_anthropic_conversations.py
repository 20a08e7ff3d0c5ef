"""The vendor's own types accept what is sent, and what they say is read without loss, whole and in pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types import (
    Message,
)
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming
from anthropic_answers import ANSWERS, PAGE, WEB, sse, stream_of, vendors
from conversations import CLOCK, CONVERSATIONS, IMAGE, PDF, PNG, SEARCH, Conversation
from hypothesis import given, settings
from hypothesis import strategies as st
from vendor_types import problems

from routebook.canonical.chat import ChatRequest, ChatResponse, OutputFormat
from routebook.canonical.message import Message as CanonicalMessage
from routebook.canonical.part import Citation, FilePart, ImagePart, NativePart, ReasoningPart, RefusalPart, TextPart
from routebook.canonical.tool import ToolCall, ToolResult
from routebook.providers.answer import Answer
from routebook.providers.anthropic.decode import decode
from routebook.providers.anthropic.encode import encode, encode_stream
from routebook.providers.anthropic.events import Events
from routebook.providers.anthropic.traits import TRAITS
from routebook.providers.fault import Fault
from routebook.providers.sse import EventReader

OLDER = "2023-06-01"
DROPPED = {"temperature", "top_p", "top_k"}
HELLO = CanonicalMessage("user", "When?")
SURE = CanonicalMessage("user", "Sure?")


def ask(*messages: CanonicalMessage, tools: tuple = (), output: OutputFormat | None = None, **options: Any):
    return ChatRequest("claude-x", messages, tools, options, output)


def answer(*parts: Any) -> CanonicalMessage:
    return CanonicalMessage("assistant", [TextPart(part) if isinstance(part, str) else part for part in parts])


def user(*parts: Any) -> CanonicalMessage:
    return CanonicalMessage("user", [TextPart(part) if isinstance(part, str) else part for part in parts])


THOUGHT = ReasoningPart("hm", "EqoB+/=", api="anthropic")
HIDDEN = ReasoningPart("", "b64==", redacted=True, api="anthropic")
CALL = ToolCall("toolu_1", "clock__now", {"zone": "UTC"})
RESULT = CanonicalMessage("tool", (ToolResult("toolu_1", "clock.now", (TextPart("12:00"),)),))
FAILED = CanonicalMessage("tool", (ToolResult("toolu_1", "clock.now", (TextPart("no"), IMAGE), is_error=True),))
SEARCHED = (
    NativePart("anthropic", {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "time"}}),
    NativePart(
        "anthropic",
        {
            "type": "web_search_tool_result",
            "tool_use_id": "s",
            "content": [{"type": "web_search_result", "encrypted_content": "e", "title": "T", "url": "u"}],
        },
    ),
)
FREE = {"type": "object", "additionalProperties": {"type": "number"}}
BOUNDED = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
OWN = tuple(
    Conversation(name, request)
    for name, request in (
        ("thought-before-a-call", ask(HELLO, answer(THOUGHT, CALL), RESULT, tools=(CLOCK,))),
        ("hidden-thought", ask(HELLO, answer(HIDDEN, "Noon."), SURE)),
        ("thoughts-between-calls", ask(HELLO, answer(THOUGHT, CALL, THOUGHT, "So:"), RESULT, SURE, tools=(CLOCK,))),
        ("thought-alone", ask(HELLO, answer(THOUGHT), SURE)),
        ("thinking-in-a-loop", ask(HELLO, answer(THOUGHT, CALL), RESULT, tools=(CLOCK,), reasoning={"effort": "high"})),
        ("budget-and-effort", ask(HELLO, reasoning={"budget_tokens": 2048, "effort": "low"})),
        ("forced-call-and-effort", ask(HELLO, tools=(CLOCK,), tool_choice="required", reasoning={"effort": "low"})),
        ("citations", ask(HELLO, answer(TextPart("Noon.", (Citation("anthropic", PAGE),))), SURE)),
        ("citation-of-a-search", ask(HELLO, answer(TextPart("Noon.", (Citation("anthropic", WEB),))), SURE)),
        ("own-tools", ask(HELLO, answer(*SEARCHED, "Noon."), SURE)),
        ("failed-with-an-image", ask(HELLO, answer(CALL), FAILED, tools=(CLOCK,))),
        ("text-file", ask(user(FilePart(data="QQ==", media_type="text/plain", name="a.txt"), "What?"))),
        ("file-by-address", ask(user(FilePart(url="https://a.example/a.pdf"), "What?"))),
        ("two-documents", ask(user(FilePart(data=PDF, media_type="application/pdf"), IMAGE, "What?"))),
        ("inline-address", ask(user(ImagePart(url=f"data:image/png;base64,{PNG}"), "What?"))),
        ("schema-in-words", ask(HELLO, output=OutputFormat("free", FREE))),
        ("schema-with-bounds", ask(HELLO, output=OutputFormat("bounded", BOUNDED), reasoning={"effort": "max"})),
        ("a-call-forced-alone", ask(HELLO, tools=(CLOCK, SEARCH), tool_choice="clock.now", parallel_tool_calls=False)),
        ("calls-and-no-tools", ask(HELLO, answer(CALL), RESULT)),
        ("refused-before", ask(HELLO, answer(RefusalPart("No.")), SURE)),
        ("an-answer-to-go-on-with", ask(HELLO, answer("It is "))),
    )
)
CARRIED = tuple(item for item in CONVERSATIONS if item.carried_by(TRAITS)) + OWN


def test_there_are_forty_conversations_and_more():
    assert len(CARRIED) >= 40
    assert len({item.name for item in CARRIED}) == len(CARRIED)


@pytest.mark.parametrize("item", CARRIED, ids=lambda item: item.name)
def test_the_vendors_types_accept_what_is_sent(item: Conversation):
    whole = encode(item.request, TRAITS.api_version)
    streamed = encode_stream(item.request, TRAITS.api_version)
    assert isinstance(whole, bytes), whole
    assert problems(json.loads(whole), MessageCreateParamsNonStreaming) == []
    assert problems(json.loads(streamed), MessageCreateParamsStreaming) == []


@pytest.mark.parametrize("name", ["sampling", "top-k"])
def test_what_the_newest_version_dropped_the_older_one_accepts_beside_the_rest(name: str):
    (item,) = (item for item in CONVERSATIONS if item.name == name)
    assert encode(item.request, TRAITS.api_version).kind == "unsupported_option"
    body = json.loads(encode(item.request, OLDER))
    assert body.keys() & DROPPED
    rest = {key: value for key, value in body.items() if key not in DROPPED}
    assert problems(rest, MessageCreateParamsNonStreaming) == []


@pytest.mark.parametrize("item", CARRIED, ids=lambda item: item.name)
def test_what_is_sent_is_what_the_api_accepts_beyond_its_types(item: Conversation):
    """Roles take turns, results stand first and answer a call, no text is blank, no content empty."""
    messages = json.loads(encode(item.request, TRAITS.api_version))["messages"]
    roles = [message["role"] for message in messages]
    assert roles == [("user", "assistant")[index % 2] for index in range(len(roles))]
    asked: list[str] = []
    for message in messages:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        assert blocks
        assert all(block["text"].strip() for block in blocks if block["type"] == "text")
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        assert [block["type"] for block in blocks[: len(results)]] == ["tool_result"] * len(results)
        assert results == (asked if message["role"] == "user" else [])
        asked = [block["id"] for block in blocks if block["type"] == "tool_use"]
        assert blocks[-1]["type"] not in ("thinking", "redacted_thinking")


def read_whole(message: Message) -> ChatResponse:
    response = decode(Answer(200, {"request-id": "req_1"}, message.model_dump_json(exclude_unset=True).encode()))
    assert isinstance(response, ChatResponse), response
    return response


def test_there_are_forty_answers_and_more():
    assert len(ANSWERS) >= 40


@pytest.mark.parametrize("name", ANSWERS)
def test_nothing_that_the_vendors_answer_holds_is_lost(name: str):
    message = vendors(name)
    assert given_back(read_whole(message)) == without_nulls(message.model_dump(mode="json"))


def given_back(response: ChatResponse) -> dict[str, Any]:
    """Build the vendor's answer anew from what was read of it."""
    extra = response.to_dict()["extra"]
    about_calls, usage_beside = extra.pop("tool_use", {}), extra.pop("usage", {})
    content = []
    for part in response.message.content:
        if isinstance(part, NativePart):
            content.append(part.to_dict()["data"])
        elif isinstance(part, ReasoningPart) and part.redacted:
            content.append({"type": "redacted_thinking", "data": part.signature})
        elif isinstance(part, ReasoningPart):
            content.append({"type": "thinking", "thinking": part.text, "signature": part.signature})
        elif isinstance(part, ToolCall):
            call = part.to_dict()
            about = about_calls.get(part.id, {})
            content.append(
                {"type": "tool_use", "id": call["id"], "name": call["name"], "input": call["arguments"], **about}
            )
        elif isinstance(part, RefusalPart):
            assert part.text == extra["stop_details"]["explanation"]
        elif isinstance(part, TextPart):
            citations = [citation.to_dict()["data"] for citation in part.citations]
            content.append({"type": "text", "text": part.text, "citations": citations or None})
    usage = response.usage
    return without_nulls(
        {
            "id": response.id,
            "type": "message",
            "role": response.message.role,
            "model": response.model,
            "content": content,
            "stop_reason": response.raw_finish_reason,
            "usage": {
                "input_tokens": usage.input - usage.cached_input - usage.cache_write,
                "output_tokens": usage.output,
                "cache_read_input_tokens": usage.cached_input or None,
                "cache_creation_input_tokens": usage.cache_write or None,
                "output_tokens_details": {"thinking_tokens": usage.reasoning} if usage.reasoning else None,
                "service_tier": response.service_tier,
                **usage_beside,
            },
            **extra,
        }
    )


def without_nulls(value: Any) -> Any:
    """Leave out what says nothing: null, and that the model itself made a call."""
    if isinstance(value, dict):
        said = {key: without_nulls(item) for key, item in value.items() if item is not None}
        return {key: item for key, item in said.items() if (key, item) != ("caller", {"type": "direct"})}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def read_stream(stream: bytes, size: int) -> ChatResponse | Fault:
    """Read *stream* in pieces of *size* bytes."""
    reader, events = EventReader(), Events(Answer(200, {"request-id": "req_1"}, b""))
    for start in range(0, len(stream), size):
        for data in reader.feed(stream[start : start + size]):
            found = events.read(data)
            assert not isinstance(found, Fault), found
    return events.response()


@pytest.mark.parametrize("name", ANSWERS)
def test_a_stream_folds_to_the_response_of_the_whole_answer(name: str):
    message = vendors(name)
    assert read_stream(sse(stream_of(message, 100)), 1 << 20) == read_whole(message)


@pytest.mark.parametrize("name", ["thoughts-between-calls", "searched", "any-letters", "refused", "ran-bash"])
def test_a_stream_may_come_one_byte_at_a_time(name: str):
    message = vendors(name)
    assert read_stream(sse(stream_of(message)), 1) == read_whole(message)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(name for name in ANSWERS if name != "long")),
    letters=st.integers(1, 40),
    size=st.integers(1, 200),
)
def test_a_stream_may_be_cut_anywhere(name: str, letters: int, size: int):
    message = vendors(name)
    assert read_stream(sse(stream_of(message, letters)), size) == read_whole(message)


@pytest.mark.parametrize(
    "name", ["thoughts-between-calls", "thoughts-of-both-kinds", "cited-in-turn", "searched", "ran-bash"]
)
def test_an_answer_that_goes_back_is_what_came(name: str):
    """The next turn of the conversation holds the blocks of the last answer, byte for byte."""
    message = vendors(name)
    given = read_whole(message).message
    calls = [ToolResult(call.id, "t", (TextPart("ok"),)) for call in given.tool_calls]
    following = CanonicalMessage("tool", tuple(calls)) if calls else SURE
    body = json.loads(encode(ask(HELLO, given, following), TRAITS.api_version))
    assert problems(body, MessageCreateParamsNonStreaming) == []
    came = without_nulls(message.model_dump(mode="json")["content"])
    assert without_file_ids(without_nulls(body["messages"][1]["content"])) == without_file_ids(came)


def without_file_ids(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out the one thing in a citation that a request has no place for."""
    for block in blocks:
        for citation in block.get("citations", ()):
            citation.pop("file_id", None)
    return blocks
