"""What is sent is what OpenAI's own types allow; what they can say is read without loss, whole and in events."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from conversations import CLOCK, CONVERSATIONS, IMAGE, PDF, PNG, Conversation
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import Response
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from responses_answers import ANSWERS, FILE, NATIVE, PAGE, as_stream, cut, dumped
from vendor_types import problems
from wire_options import open_fields

from routebook.canonical.chat import ChatRequest, ChatResponse, OutputFormat
from routebook.canonical.message import Message, Part
from routebook.canonical.part import Citation, FilePart, ImagePart, NativePart, ReasoningPart, RefusalPart, TextPart
from routebook.canonical.tool import ToolCall, ToolDefinition, ToolResult
from routebook.providers.answer import Answer
from routebook.providers.arguments import read_arguments
from routebook.providers.openai_responses.decode import decode
from routebook.providers.openai_responses.encode import encode, encode_stream
from routebook.providers.openai_responses.events import Events
from routebook.providers.openai_responses.traits import TRAITS
from routebook.providers.sse import EventReader

API = "openai-responses"
HEADERS = {"x-request-id": "req_1", "x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-requests": "1s"}
ECHOES = ("instructions", "tools", "text")
"""What an answer repeats of its request at length."""
HELLO, SURE = Message("user", "When?"), Message("user", "Sure?")
THOUGHT = ReasoningPart("Hm.", '{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"gAAAAB+/="}', api=API)
CALL = ToolCall("call_1", "clock__now", {"zone": "UTC"})
RESULT = Message("tool", (ToolResult("call_1", "clock.now", (TextPart("12:00"),)),))
SHOWN = Message("tool", (ToolResult("call_1", "clock.now", (TextPart("A dial:"), IMAGE, TextPart("See?"))),))
FAILED = Message("tool", (ToolResult("call_1", "clock.now", (IMAGE,), is_error=True),))
CLOSED = {
    "type": "object",
    "properties": {"zone": {"type": "string"}},
    "required": ["zone"],
    "additionalProperties": False,
}


def ask(*messages: Message, tools: tuple = (), output: OutputFormat | None = None, **options: Any) -> ChatRequest:
    return ChatRequest("gpt-x", messages, tools, options, output)


def answer(*parts: Any) -> Message:
    return Message("assistant", [TextPart(part) if isinstance(part, str) else part for part in parts])


def user(*parts: Any) -> Message:
    return Message("user", [TextPart(part) if isinstance(part, str) else part for part in parts])


OWN = tuple(
    Conversation(name, request)
    for name, request in (
        ("thought-before-a-call", ask(HELLO, answer(THOUGHT, CALL), RESULT, tools=(CLOCK,))),
        ("thought-and-words", ask(HELLO, answer(THOUGHT, "Noon."), SURE)),
        ("thought-at-the-end", ask(HELLO, answer("Noon.", THOUGHT), SURE)),
        ("thinking-in-a-loop", ask(HELLO, answer(THOUGHT, CALL), RESULT, tools=(CLOCK,), reasoning={"effort": "max"})),
        ("phases", ask(HELLO, answer(NativePart(API, {"type": "message", "phase": "commentary"}), "Well."), SURE)),
        ("citations", ask(HELLO, answer(TextPart("Noon.", (Citation(API, PAGE), Citation(API, FILE)))), SURE)),
        ("words-and-a-refusal", ask(HELLO, answer("Well.", RefusalPart("No.")), SURE)),
        ("two-texts-in-a-row", ask(HELLO, answer("It is", "noon."), SURE)),
        ("native-items", ask(HELLO, answer(*(NativePart(API, item) for item in NATIVE.values()), "Noon."), SURE)),
        ("images-in-a-result", ask(HELLO, answer(CALL), SHOWN, tools=(CLOCK,))),
        ("failed-with-an-image", ask(HELLO, answer(CALL), FAILED, tools=(CLOCK,))),
        ("text-file", ask(user(FilePart(data="QQ==", media_type="text/plain", name="a.txt"), "What?"))),
        ("file-by-address", ask(user(FilePart(url="https://a.example/a.pdf"), "What?"))),
        ("two-documents", ask(user(FilePart(data=PDF, media_type="application/pdf"), IMAGE, "What?"))),
        ("how-closely-to-look", ask(user(ImagePart(data=PNG, media_type="image/png", detail="original"), "What?"))),
        ("strict-tool", ask(HELLO, tools=(ToolDefinition("now", "clock.now", "The time.", CLOSED),))),
        ("probabilities-and-effort", ask(HELLO, logprobs=3, reasoning={"effort": "low"})),
        ("cache-for-12-hours", ask(HELLO, prompt_cache={"key": "agent", "retention": 43200.0})),
        ("stored", ask(HELLO, extra_body={"store": True, "metadata": {"team": "a"}})),
        ("calls-and-no-tools", ask(HELLO, answer(CALL), RESULT)),
        ("an-answer-to-go-on-with", ask(HELLO, answer("It is "))),
    )
)
CARRIED = tuple(item for item in CONVERSATIONS if item.carried_by(TRAITS)) + OWN


def test_there_are_enough_of_both():
    assert len([item for item in CARRIED if item not in OWN]) >= 40
    assert len({item.name for item in CARRIED}) == len(CARRIED)
    assert len(ANSWERS) >= 40


@pytest.mark.parametrize("conversation", CARRIED, ids=lambda conversation: conversation.name)
def test_a_conversation_is_sent_as_openais_types_want_it(conversation: Conversation):
    whole, streamed = encode(conversation.request, {}), encode_stream(conversation.request, {})
    assert isinstance(whole, bytes), whole
    assert isinstance(streamed, bytes), streamed
    assert problems(json.loads(whole), ResponseCreateParamsNonStreaming) == []
    assert problems(json.loads(streamed), ResponseCreateParamsStreaming) == []


@pytest.mark.parametrize("conversation", CARRIED, ids=lambda conversation: conversation.name)
def test_every_field_of_a_conversation_is_closed_to_extra_body_but_for_what_is_kept(conversation: Conversation):
    sent = encode_stream(conversation.request, {})
    assert isinstance(sent, bytes)
    own = conversation.request.options.get("extra_body", {}).keys()
    assert open_fields(json.loads(sent), TRAITS.body_fields) - own <= {"store"}


@pytest.mark.parametrize("conversation", CARRIED, ids=lambda conversation: conversation.name)
def test_what_is_sent_is_what_the_api_accepts_beyond_its_types(conversation: Conversation):
    """A thought is followed by what was thought of, no id stands twice, an output answers a call, ids are short."""
    items = json.loads(encode(conversation.request, {}))["input"]
    kinds = [item.get("type", "message") for item in items]
    assert all(kinds[at + 1 : at + 2] != [] for at, kind in enumerate(kinds) if kind == "reasoning")
    assert all(items[at + 1].get("role") != "user" for at, kind in enumerate(kinds) if kind == "reasoning")
    ids = [item["id"] for item in items if "id" in item]
    assert len(set(ids)) == len(ids)
    calls = [item["call_id"] for item in items if item.get("type") == "function_call"]
    assert [item["call_id"] for item in items if item.get("type") == "function_call_output"] == calls
    assert all(0 < len(call_id) <= 64 for call_id in calls)
    assert all("status" not in item for item in items if item.get("type") == "reasoning")


def read(answer: Response) -> ChatResponse:
    response = decode(Answer(200, HEADERS, json.dumps(dumped(answer)).encode()))
    assert isinstance(response, ChatResponse), response
    return response


def folded(*pieces: bytes) -> ChatResponse:
    """What a stream adds up to, that comes in *pieces*."""
    events, reader = Events(Answer(200, HEADERS, b"")), EventReader()
    for piece in pieces:
        for data in reader.feed(piece):
            assert not events.is_finished
            found = events.read(data)
            assert not hasattr(found, "kind"), found
    response = events.response()
    assert isinstance(response, ChatResponse), response
    return response


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_read_without_loss(name: str):
    assert told(read(ANSWERS[name])) == said(ANSWERS[name])


@pytest.mark.parametrize("name", ANSWERS)
def test_a_stream_folds_to_exactly_the_whole_answer(name: str):
    assert folded(*(as_stream([event]) for event in cut(ANSWERS[name]))) == read(ANSWERS[name])


@pytest.mark.parametrize("name", ANSWERS)
def test_a_stream_whose_last_event_has_no_items_folds_to_the_same_by_its_pieces(name: str):
    """So it is with copies of the API."""
    whole = read(ANSWERS[name])
    events = cut(ANSWERS[name])
    events[-1]["response"]["output"] = []
    assert folded(as_stream(events)) == whole


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("name", ["any-letters", "two-calls", "thoughts-between-calls", "sources-of-every-kind"])
def test_a_stream_that_comes_byte_by_byte_folds_to_the_same(name: str, line_end: bytes):
    body = as_stream(cut(ANSWERS[name]), line_end)
    assert folded(*(body[at : at + 1] for at in range(len(body)))) == read(ANSWERS[name])


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(sorted(name for name in ANSWERS if name != "long")),
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
    st.lists(st.integers(0, 4000), max_size=6),
)
def test_a_stream_cut_anywhere_folds_to_the_same(name: str, sizes: list[int], places: list[int]):
    body = as_stream(cut(ANSWERS[name], sizes))
    bounds = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    pieces = (body[start:end] for start, end in pairwise(bounds))
    assert folded(*pieces) == read(ANSWERS[name])


@pytest.mark.parametrize(
    "name",
    [
        *("phases", "thoughts-between-calls", "a-thought-in-parts", "sources-of-every-kind", "refused-after-words"),
        *("every-native-item", "a-raw-thought", "two-texts"),
    ],
)
def test_an_answer_that_goes_back_is_what_came(name: str):
    """The next turn of the conversation holds the items of the last answer, byte for byte."""
    given = read(ANSWERS[name]).message
    results = tuple(ToolResult(call.id, "t", (TextPart("ok"),)) for call in given.tool_calls)
    following = Message("tool", results) if results else SURE
    body = json.loads(encode(ask(HELLO, given, following), {}))
    assert problems(body, ResponseCreateParamsNonStreaming) == []
    items = body["input"][1 : -len(results) or -1]
    assert [plainly(item) for item in items] == [plainly(item) for item in dumped(ANSWERS[name])["output"]]


def plainly(item: dict[str, Any]) -> dict[str, Any]:
    """An item without what the API gives and does not want back: ids that point into its store, and probabilities."""
    kind = item.get("type", "message")
    if kind in ("message", "function_call"):
        item = {name: value for name, value in {"type": kind, **item}.items() if name not in ("id", "status")}
    if kind == "message":
        content = item["content"]
        parts = [{"type": "output_text", "text": content}] if isinstance(content, str) else content
        item["content"] = [{k: v for k, v in part.items() if v != [] and k != "logprobs"} for part in parts]
    return item


def said(answer: Response) -> dict[str, Any]:
    """What OpenAI said, in a plain form: nulls, zeros in details and ids into its own store say nothing."""
    body = dumped(answer)
    for name in ("object", *ECHOES):
        body.pop(name, None)
    items = body.pop("output")
    body["parts"] = [part for item in items for part in _said_item(item)]
    body["logprobs"] = [
        token for item in items for part in item.get("content") or () for token in part.get("logprobs") or ()
    ]
    details = (body.pop("incomplete_details", None) or {}).get("reason")
    body["finish"] = details or body["status"]
    del body["status"]
    counts = body.get("usage") or {}
    for name in ("input_tokens_details", "output_tokens_details"):
        counts.update({key: count for key, count in counts.pop(name, {}).items() if count})
    return _without_nothing(body)


def _said_item(item: dict[str, Any]) -> list[dict[str, Any]]:
    if item["type"] == "message":
        head = [{"type": "message", "phase": item["phase"]}] if item.get("phase") else []
        return head + [{k: v for k, v in part.items() if k != "logprobs"} for part in item["content"] if _says(part)]
    if item["type"] == "function_call":
        arguments, raw = read_arguments(item["arguments"])
        kept = {key: item.get(key) for key in ("call_id", "name", "namespace", "caller")}
        return [{"type": "function_call", **kept, "arguments": arguments, "raw": raw}]
    return [item]


def _says(part: dict[str, Any]) -> bool:
    return bool(part.get("text") or part.get("refusal") or part.get("annotations"))


def told(response: ChatResponse) -> dict[str, Any]:
    """What a response tells, in the same form."""
    extra = response.to_dict()["extra"]
    counts, calls = extra.pop("usage", {}), extra.pop("function_call", {})
    body = {
        "id": response.id,
        "model": response.model,
        "service_tier": response.service_tier,
        "parts": [_told_part(part, calls) for part in response.message.content],
        "logprobs": [_told_token(token.to_dict()) for token in response.logprobs],
        "finish": response.raw_finish_reason,
        **extra,
    }
    if response.usage is not None:
        usage = response.usage
        body["usage"] = {
            "input_tokens": usage.input,
            "output_tokens": usage.output,
            "total_tokens": usage.input + usage.output,
            "cached_tokens": usage.cached_input or None,
            "cache_write_tokens": usage.cache_write or None,
            "reasoning_tokens": usage.reasoning or None,
            **{name: count for details in counts.values() for name, count in details.items()},
        }
    return _without_nothing(body)


def _told_part(part: Part, calls: dict[str, Any]) -> dict[str, Any]:
    match part:
        case TextPart():
            annotations = [citation.to_dict()["data"] for citation in part.citations]
            return {"type": "output_text", "text": part.text, "annotations": annotations}
        case RefusalPart():
            return {"type": "refusal", "refusal": part.text}
        case ReasoningPart():
            item = json.loads(part.signature or "")
            texts = [piece["text"] for piece in (*item["summary"], *(item.get("content") or ()))]
            assert part.text == "\n\n".join(texts)
            return item
        case ToolCall():
            arguments = None if part.arguments is None else part.to_dict()["arguments"]
            named = {"type": "function_call", "call_id": part.id, "name": part.name, **calls.get(part.id, {})}
            return {**named, "arguments": arguments, "raw": part.arguments_json}
        case NativePart():
            return part.to_dict()["data"]
    raise AssertionError(f"OpenAI said no {part!r}")


def _told_token(token: dict[str, Any]) -> dict[str, Any]:
    top = token.pop("top", [])
    return {**token, "top_logprobs": top}


def _without_nothing(value: Any) -> Any:
    """Leave out what says nothing, in depth: null, empty text, empty lists and mappings."""
    if isinstance(value, dict):
        items = {key: _without_nothing(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item not in (None, "", [], {})}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value
