"""The vendor's own types accept what is sent, and what they say is read without loss, whole and in pieces."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from anthropic.types import (
    Message,
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawContentBlockStopEvent,
    RawMessageDeltaEvent,
    RawMessageStartEvent,
    RawMessageStopEvent,
)
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming
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
PAGE = {
    "type": "page_location",
    "cited_text": "12",
    "document_index": 0,
    "document_title": None,
    "start_page_number": 1,
    "end_page_number": 2,
    "file_id": "file_1",
}
WEB = {"type": "web_search_result_location", "cited_text": "12", "encrypted_index": "e", "title": None, "url": "u"}
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


USAGE = {"input_tokens": 25, "output_tokens": 9}
FULL_USAGE = {
    **USAGE,
    "cache_creation_input_tokens": 100,
    "cache_read_input_tokens": 2000,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 0},
    "output_tokens_details": {"thinking_tokens": 4},
    "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 2},
    "service_tier": "priority",
    "inference_geo": "eu",
    "speed": "fast",
}
TEXT = {"type": "text", "text": "It is noon in München. 😀"}
THINKING = {"type": "thinking", "thinking": "Where is the sun?\n", "signature": "EqoBCkgIAR+/=="}
OMITTED = {"type": "thinking", "thinking": "", "signature": "EqoBCkgIARABGA"}
REDACTED = {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix/"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "clock__now", "input": {"zone": "Europe/Berlin"}}
DEEP = {"type": "tool_use", "id": "toolu_2", "name": "find", "input": {"a": [1, 2.5, None, {"b": ["ü", True]}]}}
BARE = {"type": "tool_use", "id": "toolu_3", "name": "ping", "input": {}}
CHAR = {
    "type": "char_location",
    "cited_text": "noon",
    "document_index": 0,
    "document_title": "Clock",
    "start_char_index": 0,
    "end_char_index": 4,
}
BLOCK_PLACE = {
    "type": "content_block_location",
    "cited_text": "noon",
    "document_index": 1,
    "document_title": None,
    "start_block_index": 0,
    "end_block_index": 1,
}
FOUND = {
    "type": "search_result_location",
    "cited_text": "noon",
    "search_result_index": 0,
    "source": "https://a.example",
    "title": "A",
    "start_block_index": 0,
    "end_block_index": 1,
}
CALLER = {"type": "code_execution_20260120", "tool_id": "srvtoolu_1"}
SERVER = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "time"}}
WEB_RESULT = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": [{"type": "web_search_result", "title": "T", "url": "https://a.example", "encrypted_content": "e"}],
}
WEB_ERROR = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"},
}
RUN = {
    "type": "code_execution_tool_result",
    "tool_use_id": "srvtoolu_2",
    "content": {"type": "code_execution_result", "content": [], "return_code": 0, "stderr": "", "stdout": "4\n"},
}
BASH = {
    "type": "bash_code_execution_tool_result",
    "tool_use_id": "srvtoolu_3",
    "content": {"type": "bash_code_execution_result", "content": [], "return_code": 1, "stderr": "x", "stdout": ""},
}
UPLOAD = {"type": "container_upload", "file_id": "file_1"}
CONTAINER = {"id": "container_1", "expires_at": "2026-11-21T12:00:00Z"}


def refused(explanation: str | None, category: str | None = None) -> dict[str, Any]:
    return {
        "stop_reason": "refusal",
        "stop_details": {"type": "refusal", "category": category, "explanation": explanation},
    }


def cited(*citations: dict[str, Any]) -> dict[str, Any]:
    return {**TEXT, "citations": list(citations)}


ANSWERS: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "words": ([TEXT], {}),
    "nothing": ([], {}),
    "two-texts": ([TEXT, {"type": "text", "text": "Really."}], {}),
    "long": ([{"type": "text", "text": "word " * 4000}], {}),
    "any-letters": ([{"type": "text", "text": '"\\\u2028\x7f\n\t</s> {"a": 1}'}], {}),
    "json": ([{"type": "text", "text": '{"folder_id": "f-1"}'}], {}),
    "cut-short": ([TEXT], {"stop_reason": "max_tokens"}),
    "stopped": ([TEXT], {"stop_reason": "stop_sequence", "stop_sequence": "END"}),
    "window-full": ([TEXT], {"stop_reason": "model_context_window_exceeded"}),
    "paused": ([TEXT, SERVER], {"stop_reason": "pause_turn"}),
    "refused": ([], refused("I cannot help with that.", "cyber")),
    "refused-in-the-middle": ([TEXT], refused("I stop here.")),
    "refused-without-words": ([], refused(None, "bio")),
    "thought": ([THINKING, TEXT], {}),
    "thought-omitted": ([OMITTED, TEXT], {}),
    "thought-hidden": ([REDACTED, TEXT], {}),
    "thoughts-of-both-kinds": ([THINKING, REDACTED, OMITTED, TEXT], {}),
    "thought-cut-short": ([THINKING], {"stop_reason": "max_tokens"}),
    "call": ([USE], {"stop_reason": "tool_use"}),
    "call-with-nothing": ([BARE], {"stop_reason": "tool_use"}),
    "call-deep": ([DEEP], {"stop_reason": "tool_use"}),
    "words-and-call": ([TEXT, USE], {"stop_reason": "tool_use"}),
    "three-calls": ([USE, DEEP, BARE], {"stop_reason": "tool_use"}),
    "thought-and-call": ([THINKING, USE], {"stop_reason": "tool_use"}),
    "thoughts-between-calls": ([THINKING, USE, OMITTED, DEEP, REDACTED, BARE], {"stop_reason": "tool_use"}),
    "call-cut-short": ([TEXT, BARE], {"stop_reason": "max_tokens"}),
    "call-by-the-model": ([{**USE, "caller": {"type": "direct"}}], {"stop_reason": "tool_use"}),
    "call-by-code": ([{**USE, "caller": CALLER}], {"stop_reason": "tool_use"}),
    "call-of-a-set": ([{**USE, "toolset_name": "browser"}], {"stop_reason": "tool_use"}),
    "cited-by-place": ([cited(CHAR)], {}),
    "cited-by-page": ([cited(PAGE)], {}),
    "cited-by-block": ([cited(BLOCK_PLACE)], {}),
    "cited-from-a-search": ([cited(FOUND, WEB)], {}),
    "cited-in-turn": ([TEXT, cited(CHAR), TEXT, cited(PAGE, CHAR)], {}),
    "searched": ([SERVER, WEB_RESULT, cited(WEB)], {}),
    "search-failed": ([SERVER, WEB_ERROR, TEXT], {}),
    "ran-code": ([{**SERVER, "name": "code_execution", "input": {"code": "2+2"}}, RUN, TEXT], {}),
    "ran-bash": ([BASH, UPLOAD, TEXT], {"container": CONTAINER}),
    "searched-and-thought": ([THINKING, SERVER, WEB_RESULT, OMITTED, USE], {"stop_reason": "tool_use"}),
    "all-counts": ([TEXT], {"usage": FULL_USAGE}),
    "cached": ([TEXT], {"usage": {**USAGE, "cache_read_input_tokens": 500}}),
    "a-tier": ([TEXT], {"usage": {**USAGE, "service_tier": "batch"}}),
    "diagnosed": ([TEXT], {"diagnostics": {"cache_miss_reason": {"type": "unavailable"}}}),
    "no-counts": ([TEXT], {"usage": {"input_tokens": 0, "output_tokens": 0}}),
}


def vendors(name: str) -> Message:
    """The answer as the vendor's own type, which refuses what it does not know."""
    content, fields = ANSWERS[name]
    plain = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x-1",
        "content": content,
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
        **fields,
    }
    return Message.model_validate(copy.deepcopy(plain), strict=False)


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


def stream_of(message: Message, size: int = 7) -> list[Any]:
    """Cut *message* into the vendor's own events, its text in pieces of *size* letters."""
    whole = message.model_dump(mode="json", exclude_unset=True)
    usage = whole["usage"]
    counted_late = ("output_tokens", "output_tokens_details", "server_tool_use")
    before = {
        **whole,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": {**usage, **dict.fromkeys(counted_late), "output_tokens": 1},
    }
    events: list[Any] = [RawMessageStartEvent.model_validate({"type": "message_start", "message": before})]
    for index, block in enumerate(whole["content"]):
        start, deltas = cut(block, size)
        begun = {"type": "content_block_start", "index": index, "content_block": start}
        events.append(RawContentBlockStartEvent.model_validate(begun))
        for delta in deltas:
            piece = {"type": "content_block_delta", "index": index, "delta": delta}
            events.append(RawContentBlockDeltaEvent.model_validate(piece))
        events.append(RawContentBlockStopEvent(type="content_block_stop", index=index))
    ended = {key: whole.get(key) for key in ("stop_reason", "stop_sequence", "stop_details", "container")}
    counts = {key: usage.get(key) for key in counted_late}
    last = {"type": "message_delta", "delta": ended, "usage": counts}
    return [*events, RawMessageDeltaEvent.model_validate(last), RawMessageStopEvent(type="message_stop")]


def cut(block: dict[str, Any], size: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return how a block begins, and its pieces."""
    kind = block["type"]
    if kind == "text":
        cited_here = [{"type": "citations_delta", "citation": item} for item in block.get("citations", ())]
        texts = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"], size)]
        return {**block, "text": "", "citations": None}, [*cited_here, *texts]
    if kind == "thinking":
        thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"], size)]
        signature = {"type": "signature_delta", "signature": block["signature"]}
        return {**block, "thinking": "", "signature": ""}, [*thoughts, signature]
    if kind in ("tool_use", "server_tool_use") and block["input"]:
        text = json.dumps(block["input"], ensure_ascii=False)
        inputs = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces(text, size)]
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": ""}, *inputs]
    return block, []


def pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def sse(events: list[Any]) -> bytes:
    lines = (f"event: {event.type}\ndata: {event.model_dump_json(exclude_unset=True)}\n\n" for event in events)
    return 'event: ping\ndata: {"type": "ping"}\n\n: keep-alive\n\n'.join(lines).encode()


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
