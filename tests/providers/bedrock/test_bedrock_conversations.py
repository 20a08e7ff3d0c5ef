"""The service's own description accepts what is sent, and what it says is read without loss, whole and in pieces."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from bedrock_answers import ANSWERS, CHAR, DATA, ONLY_WHOLE, WEB, answer, events_of, stream_of
from bedrock_types import answer_problems, event_problems, read_answer, read_events, request_problems
from conversations import CLOCK, CONVERSATIONS, IMAGE, PDF, PNG, SEARCH, WAV, Conversation
from hypothesis import given, settings
from hypothesis import strategies as st

from routebook.canonical.chat import ChatRequest, ChatResponse, OutputFormat
from routebook.canonical.message import Message
from routebook.canonical.part import (
    AudioPart,
    Citation,
    FilePart,
    ImagePart,
    NativePart,
    ReasoningPart,
    TextPart,
)
from routebook.canonical.tool import ToolCall, ToolResult
from routebook.providers.answer import Answer
from routebook.providers.bedrock.decode import decode
from routebook.providers.bedrock.encode import encode
from routebook.providers.bedrock.events import Events
from routebook.providers.bedrock.frames import FrameReader
from routebook.providers.bedrock.traits import TRAITS
from routebook.providers.fault import Fault

HELLO = Message("user", "When?")
SURE = Message("user", "Sure?")


def ask(*messages: Message, tools: tuple = (), output: OutputFormat | None = None, **options: Any):
    return ChatRequest("anthropic.claude-x", messages, tools, options, output)


def said(*parts: Any) -> Message:
    return Message("assistant", [TextPart(part) if isinstance(part, str) else part for part in parts])


def user(*parts: Any) -> Message:
    return Message("user", [TextPart(part) if isinstance(part, str) else part for part in parts])


THOUGHT = ReasoningPart("hm", "EqoB+/=", api="bedrock")
HIDDEN = ReasoningPart("", DATA, redacted=True, api="bedrock")
CALL = ToolCall("tooluse_1", "clock__now", {"zone": "UTC"})
RESULT = Message("tool", (ToolResult("tooluse_1", "clock.now", (TextPart("12:00"),)),))
FAILED = Message("tool", (ToolResult("tooluse_1", "clock.now", (TextPart("no"), IMAGE), is_error=True),))
BOUNDED = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
FREE = {"type": "object", "additionalProperties": {"type": "number"}}
HEARD = Message("tool", (ToolResult("tooluse_1", "clock.now", (TextPart("dong"), AudioPart(WAV, "audio/mp3"))),))
OFFER = FilePart(data=PDF, media_type="application/pdf", name="offer.pdf")
OWN = tuple(
    Conversation(name, request)
    for name, request in (
        ("thought-before-a-call", ask(HELLO, said(THOUGHT, CALL), RESULT, tools=(CLOCK,))),
        ("hidden-thought", ask(HELLO, said(HIDDEN, "Noon."), SURE)),
        ("thoughts-between-calls", ask(HELLO, said(THOUGHT, CALL, THOUGHT, "So:"), RESULT, SURE, tools=(CLOCK,))),
        ("thought-alone", ask(HELLO, said(THOUGHT), SURE)),
        ("effort-and-tools", ask(HELLO, tools=(CLOCK,), tool_choice="required", reasoning={"effort": "low"})),
        ("citations", ask(HELLO, said(TextPart("Noon.", (Citation("bedrock", CHAR), Citation("bedrock", WEB)))), SURE)),
        ("own-content", ask(HELLO, said(NativePart("bedrock", {"guardContent": {"text": {"text": "x"}}})), SURE)),
        ("failed-with-an-image", ask(HELLO, said(CALL), FAILED, tools=(CLOCK,))),
        ("a-sound-in-a-result", ask(HELLO, said(CALL), HEARD, tools=(CLOCK,))),
        ("text-file", ask(user(FilePart(data="QQ==", media_type="text/plain", name="a.txt"), "What?"))),
        ("file-in-store", ask(user(FilePart(url="s3://house/a.pdf", media_type="application/pdf"), "What?"))),
        ("two-documents-of-one-name", ask(user(OFFER, OFFER, "What?"), said("Both."), user(OFFER, "And?"))),
        ("a-film", ask(user(FilePart(data="AAAA", media_type="video/mp4"), "What?"))),
        ("sound-in-a-file", ask(user(FilePart(data=WAV, media_type="audio/wav"), AudioPart(WAV, "audio/mp3")))),
        ("inline-address", ask(user(ImagePart(url=f"data:image/png;base64,{PNG}"), "What?"))),
        ("picture-in-store", ask(user(ImagePart(url="s3://house/a.png", media_type="image/png"), "What?"))),
        ("schema-in-words", ask(HELLO, output=OutputFormat("free", FREE))),
        ("schema-with-bounds", ask(HELLO, output=OutputFormat("a b", BOUNDED), reasoning={"effort": "max"})),
        ("an-answer-to-go-on-with", ask(HELLO, said("It is "))),
        ("two-tools-one-chosen", ask(HELLO, tools=(CLOCK, SEARCH), tool_choice="clock.now")),
        ("told-calls", ask(HELLO, said(THOUGHT, CALL), FAILED)),
        ("no-tool-shall-be-called", ask(HELLO, said(CALL), RESULT, tools=(CLOCK,), tool_choice="none")),
        ("all-cache-points", ask(Message("system", "a"), Message("system", "b"), HELLO, tools=(CLOCK,),
                                 prompt_cache={"retention": 3600.0})),
        ("cache-behind-a-result", ask(HELLO, said(CALL), RESULT, tools=(CLOCK,), prompt_cache={"retention": 300.0})),
        ("a-tier", ask(HELLO, service_tier="flex")),
        ("a-guardrail", ask(HELLO, extra_body={"guardrailConfig": {"guardrailIdentifier": "g",
                                                                   "guardrailVersion": "1"}})),
        ("fields-of-a-model", ask(HELLO, extra_body={"additionalModelRequestFields": {"top_k": 5}})),
        ("latency", ask(HELLO, extra_body={"performanceConfig": {"latency": "optimized"}})),
        ("metadata", ask(HELLO, extra_body={"requestMetadata": {"team": "a"}})),
        ("long-call-id", ask(HELLO, said(ToolCall("x" * 99, "n" * 99, {})), Message("tool", (
            ToolResult("x" * 99, "n", ()),)), tools=(CLOCK,))),
    )
)  # fmt: skip
BY_ADDRESS = "an-image-by-address"
CARRIED = tuple(item for item in CONVERSATIONS if item.carried_by(TRAITS) and item.name != BY_ADDRESS) + OWN


def test_there_are_forty_conversations_and_more():
    assert len(CARRIED) >= 40
    assert len({item.name for item in CARRIED}) == len(CARRIED)


@pytest.mark.parametrize("item", CARRIED, ids=lambda item: item.name)
def test_the_vendors_types_accept_what_is_sent(item: Conversation):
    body = encode(item.request)
    assert isinstance(body, bytes), body
    assert request_problems(json.loads(body), "Converse") == ""
    assert request_problems(json.loads(body), "ConverseStream") == ""


def test_what_the_vendors_types_do_not_know_is_told():
    body = {"messages": [{"role": "user", "content": [{"text": "a", "image": {}}, {"picture": {}}]}]}
    report = request_problems({**body, "max_tokens": 3})
    for words in ("max_tokens", "picture"):
        assert words in report


def test_no_address_is_fetched():
    (item,) = (item for item in CONVERSATIONS if item.name == BY_ADDRESS)
    fault = encode(item.request)
    assert (fault.kind, "s3://" in fault.message) == ("unsupported_capability", True)


@pytest.mark.parametrize("item", CARRIED, ids=lambda item: item.name)
def test_what_is_sent_is_what_the_api_accepts_beyond_its_types(item: Conversation):
    """Roles take turns, results stand first and answer a call, no text is blank, no content empty, names are valid."""
    body = json.loads(encode(item.request))
    roles = [message["role"] for message in body["messages"]]
    assert roles == [("user", "assistant")[index % 2] for index in range(len(roles))]
    asked: list[str] = []
    documents: list[str] = []
    for message in body["messages"]:
        blocks = [block for block in message["content"] if "cachePoint" not in block]
        assert blocks
        assert all(block["text"].strip() for block in blocks if "text" in block)
        results = [block["toolResult"]["toolUseId"] for block in blocks if "toolResult" in block]
        assert all("toolResult" in block for block in blocks[: len(results)])
        assert results == (asked if message["role"] == "user" else [])
        asked = [block["toolUse"]["toolUseId"] for block in blocks if "toolUse" in block]
        assert all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", each) for each in asked)
        assert "reasoningContent" not in blocks[-1]
        documents += [block["document"]["name"] for block in blocks if "document" in block]
        assert "toolConfig" in body or not (asked or results)
    assert len(set(documents)) == len(documents)
    assert all(re.fullmatch(r"[0-9A-Za-z()\[\]-]+( [0-9A-Za-z()\[\]-]+)*", name) for name in documents)
    assert str(body).count("cachePoint") <= 4


def read_whole(whole: dict[str, Any]) -> ChatResponse:
    response = decode(Answer(200, {"x-amzn-requestid": "req_1"}, json.dumps(whole).encode()))
    assert isinstance(response, ChatResponse), response
    return response


def test_there_are_forty_answers_and_more():
    assert len(ANSWERS) >= 40


@pytest.mark.parametrize("name", [*ANSWERS, *ONLY_WHOLE])
def test_the_vendors_types_allow_the_answers(name: str):
    assert answer_problems(answer(name)) == ""


@pytest.mark.parametrize("name", ANSWERS)
def test_the_vendors_types_allow_the_events(name: str):
    assert [event_problems(kind, payload) for kind, payload in events_of(answer(name), 100)] == [""] * len(
        events_of(answer(name), 100)
    )


@pytest.mark.parametrize("name", [*ANSWERS, *ONLY_WHOLE])
def test_nothing_that_the_vendors_answer_holds_is_lost(name: str):
    assert given_back(read_whole(answer(name))) == answer(name)


@pytest.mark.parametrize("name", ANSWERS)
def test_botocore_reads_the_same_words_calls_and_counts(name: str):
    theirs, ours = read_answer(json.dumps(answer(name)).encode()), read_whole(answer(name))
    content = theirs["output"]["message"]["content"]
    texts = [block.get("text") or block.get("citationsContent", {}).get("content") for block in content]
    words = [text if isinstance(text, str) else "".join(each["text"] for each in text) for text in texts if text]
    assert ours.message.text == "".join(words)
    calls = [block["toolUse"] for block in content if "toolUse" in block and "type" not in block["toolUse"]]
    assert [call.to_dict()["arguments"] for call in ours.message.tool_calls] == [call["input"] for call in calls]
    assert ours.usage.output == theirs["usage"]["outputTokens"]


@pytest.mark.parametrize("name", ANSWERS)
def test_botocore_reads_the_same_stream(name: str):
    kinds = [kind for event in read_events(stream_of(answer(name), 100)) for kind in event]
    assert [kind for kind in kinds if kind != "SDK_UNKNOWN_MEMBER"] == [
        kind for kind, _ in events_of(answer(name), 100)
    ]


def given_back(response: ChatResponse) -> dict[str, Any]:
    """Build the vendor's answer anew from what was read of it."""
    extra = response.to_dict()["extra"]
    beside = extra.pop("usage", {})
    content = []
    for part in response.message.content:
        if isinstance(part, NativePart):
            content.append(part.to_dict()["data"])
        elif isinstance(part, ReasoningPart) and part.redacted:
            content.append({"reasoningContent": {"redactedContent": part.signature}})
        elif isinstance(part, ReasoningPart):
            signed = {} if part.signature is None else {"signature": part.signature}
            content.append({"reasoningContent": {"reasoningText": {"text": part.text, **signed}}})
        elif isinstance(part, ToolCall):
            call = part.to_dict()
            use = {"toolUseId": call["id"], "name": call["name"], "input": call["arguments"]}
            content.append({"toolUse": use})
        elif isinstance(part, ImagePart):
            kind = part.media_type.partition("/")[2]
            content.append({"image": {"format": kind, "source": {"bytes": part.data}}})
        elif part.citations:
            citations = [citation.to_dict()["data"] for citation in part.citations]
            content.append({"citationsContent": {"content": [{"text": part.text}], "citations": citations}})
        else:
            content.append({"text": part.text})
    usage = response.usage
    counts = {"inputTokens": usage.input - usage.cached_input - usage.cache_write, "outputTokens": usage.output}
    cache = {"cacheReadInputTokens": usage.cached_input, "cacheWriteInputTokens": usage.cache_write}
    tier = {} if response.service_tier is None else {"serviceTier": {"type": response.service_tier}}
    return {
        "output": {"message": {"role": response.message.role, "content": content}},
        "stopReason": response.raw_finish_reason,
        "usage": {
            **counts,
            "totalTokens": usage.input + usage.output,
            **{name: count for name, count in cache.items() if count},
            **beside,
        },
        **tier,
        **extra,
    }


def read_stream(stream: bytes, size: int) -> ChatResponse | Fault:
    """Read *stream* in pieces of *size* bytes."""
    reader, events = FrameReader(), Events(Answer(200, {"x-amzn-requestid": "req_1"}, b""))
    for start in range(0, len(stream), size):
        for data in reader.feed(stream[start : start + size]):
            assert not isinstance(data, Fault), data
            found = events.read(data)
            assert not isinstance(found, Fault), found
    assert events.is_finished
    return events.response()


@pytest.mark.parametrize("name", ANSWERS)
def test_a_stream_folds_to_the_response_of_the_whole_answer(name: str):
    assert read_stream(stream_of(answer(name), 100), 1 << 20) == read_whole(answer(name))


@pytest.mark.parametrize("name", ["thoughts-between-calls", "grounded", "any-letters", "guarded", "a-picture"])
def test_a_stream_may_come_one_byte_at_a_time(name: str):
    assert read_stream(stream_of(answer(name)), 1) == read_whole(answer(name))


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(name for name in ANSWERS if name != "long")),
    letters=st.integers(1, 40),
    size=st.integers(1, 200),
)
def test_a_stream_may_be_cut_anywhere(name: str, letters: int, size: int):
    assert read_stream(stream_of(answer(name), letters), size) == read_whole(answer(name))


@pytest.mark.parametrize(
    "name", ["thoughts-between-calls", "thought-hidden", "cited-in-turn", "grounded", "cited-from-a-search"]
)
def test_an_answer_that_goes_back_is_what_came(name: str):
    """The next turn of the conversation holds the blocks of the last answer, byte for byte."""
    given = read_whole(answer(name)).message
    calls = [ToolResult(call.id, "t", (TextPart("ok"),)) for call in given.tool_calls]
    following = Message("tool", tuple(calls)) if calls else SURE
    body = json.loads(encode(ask(HELLO, given, following, tools=(CLOCK,))))
    assert request_problems(body) == ""
    assert body["messages"][1]["content"] == answer(name)["output"]["message"]["content"]
