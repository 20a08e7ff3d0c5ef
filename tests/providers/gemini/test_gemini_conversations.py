"""The vendor's own types accept what is sent, and what they say is read without loss, whole and in pieces."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from conversations import CLOCK, CONVERSATIONS, IMAGE, PDF, PNG, SEARCH, WAV, Conversation
from gemini_answers import ANSWERS, chunks_of, plain, sse
from gemini_types import problems
from hypothesis import given, settings
from hypothesis import strategies as st

from routebook.canonical.chat import ChatRequest, ChatResponse, Choice, OutputFormat
from routebook.canonical.message import Message
from routebook.canonical.part import AudioPart, FilePart, ImagePart, NativePart, ReasoningPart, RefusalPart, TextPart
from routebook.canonical.tool import ToolCall, ToolDefinition, ToolResult
from routebook.providers.answer import Answer
from routebook.providers.fault import Fault
from routebook.providers.gemini.address import Address
from routebook.providers.gemini.decode import decode
from routebook.providers.gemini.encode import encode
from routebook.providers.gemini.events import Events
from routebook.providers.gemini.messages import UNSIGNED
from routebook.providers.gemini.traits import TRAITS
from routebook.providers.sse import EventReader

GOOGLE_AI = Address("/v1beta", False, "v1beta")
OLD_VERTEX = Address("/v1/projects/p/locations/global", True, "v1")
HELLO = Message("user", "When?")
SURE = Message("user", "Sure?")


def ask(
    *messages: Message, tools: tuple = (), output: OutputFormat | None = None, model="gemini-3-pro", **options: Any
):
    return ChatRequest(model, messages, tools, options, output)


def answer(*parts: Any) -> Message:
    return Message("assistant", [TextPart(part) if isinstance(part, str) else part for part in parts])


def user(*parts: Any) -> Message:
    return Message("user", [TextPart(part) if isinstance(part, str) else part for part in parts])


THOUGHT = ReasoningPart("hm", "EqoB+A==", api="gemini")
SIGNATURE = ReasoningPart("", "EqoB+A==", api="gemini")
CLOSING = ReasoningPart("", "Y2xvc2U=", redacted=True, api="gemini")
CALL = ToolCall("fc_1", "clock__now", {"zone": "UTC"})
RESULT = Message("tool", (ToolResult("fc_1", "clock.now", (TextPart("12:00"),)),))
SHOWN = Message("tool", (ToolResult("fc_1", "clock.now", (TextPart("A dial:"), IMAGE)),))
RAN = (
    NativePart("gemini", {"executableCode": {"language": "PYTHON", "code": "2+2"}, "thoughtSignature": "Y29kZQ=="}),
    NativePart("gemini", {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "4"}}),
)
TREE = {
    "type": "object",
    "properties": {"root": {"$ref": "#/$defs/node", "description": "The root."}},
    "required": ["root"],
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"name": {"type": "string", "minLength": 1}, "next": {"$ref": "#/$defs/node"}},
            "required": ["name"],
        }
    },
}
FILER = ToolDefinition("tree__put", "tree.put", "Puts a tree.", TREE)
OWN = tuple(
    Conversation(name, request)
    for name, request in (
        ("thought-before-a-call", ask(HELLO, answer(THOUGHT, SIGNATURE, CALL), RESULT, tools=(CLOCK,))),
        ("call-without-a-signature", ask(HELLO, answer(CALL), RESULT, tools=(CLOCK,))),
        ("call-of-an-old-model", ask(HELLO, answer(CALL), RESULT, tools=(CLOCK,), model="gemini-2.5-flash")),
        ("signed-words", ask(HELLO, answer(SIGNATURE, "Noon."), SURE)),
        ("signed-end", ask(HELLO, answer("Noon.", CLOSING), SURE)),
        ("signed-end-before-a-call", ask(HELLO, answer("Noon.", CLOSING, CALL), RESULT, tools=(CLOCK,))),
        ("signed-picture", ask(HELLO, answer("Here:", SIGNATURE, IMAGE), SURE)),
        ("thought-alone", ask(HELLO, answer(THOUGHT), SURE)),
        ("a-signature-alone", ask(HELLO, answer(SIGNATURE), SURE)),
        ("own-tools", ask(HELLO, answer(*RAN, "Four."), SURE)),
        ("result-with-a-picture", ask(HELLO, answer(CALL), SHOWN, tools=(CLOCK,))),
        (
            "result-with-a-picture-for-old",
            ask(HELLO, answer(CALL), SHOWN, SURE, tools=(CLOCK,), model="gemini-2.5-pro"),
        ),
        ("text-file", ask(user(FilePart(data="QQ==", media_type="text/plain", name="a.txt"), "What?"))),
        ("file-by-address", ask(user(FilePart(url="https://a.example/a.pdf"), "What?"))),
        ("film-in-a-bucket", ask(user(FilePart(url="gs://house/a.mp4", name="a.mp4"), "What?"))),
        ("uploaded-file", ask(user(FilePart(url="https://generativelanguage.googleapis.com/v1beta/files/x"), "What?"))),
        ("inline-address", ask(user(ImagePart(url=f"data:image/png;base64,{PNG}"), "What?"))),
        (
            "two-documents",
            ask(user(FilePart(data=PDF, media_type="application/pdf"), IMAGE, AudioPart(WAV, "audio/wav"))),
        ),
        ("spoken-before", ask(HELLO, answer(AudioPart("AAAA", "audio/L16;rate=24000")), SURE)),
        ("schema-of-a-tree", ask(HELLO, output=OutputFormat("tree", TREE))),
        ("tool-with-a-tree", ask(HELLO, tools=(FILER, SEARCH))),
        ("a-call-forced-alone", ask(HELLO, tools=(CLOCK, SEARCH), tool_choice="clock.now")),
        ("refused-before", ask(HELLO, answer(RefusalPart("No.")), SURE)),
        ("begun-by-the-model", ask(answer("Hello!"), SURE)),
        ("begun-by-a-call", ask(answer(CALL), RESULT, SURE, tools=(CLOCK,))),
        ("an-answer-to-go-on-with", ask(HELLO, answer("It is "))),
        ("effort-of-an-old-model", ask(HELLO, reasoning={"effort": "medium"}, model="gemini-2.5-flash")),
        ("cached", ask(HELLO, extra_body={"cachedContent": "cachedContents/c", "safetySettings": []})),
        ("five-stops", ask(HELLO, stop=["a", "b", "c", "d", "e"])),
        ("fast-lane", ask(HELLO, service_tier="priority")),
    )
)
CARRIED = tuple(item for item in CONVERSATIONS if item.carried_by(TRAITS)) + OWN


def test_there_are_forty_conversations_and_more():
    assert len(CARRIED) >= 40
    assert len({item.name for item in CARRIED}) == len(CARRIED)


@pytest.mark.parametrize("address", [GOOGLE_AI, OLD_VERTEX], ids=["google-ai", "vertex-v1"])
@pytest.mark.parametrize("item", CARRIED, ids=lambda item: item.name)
def test_the_vendors_types_accept_what_is_sent(item: Conversation, address: Address):
    body = encode(item.request, address)
    assert isinstance(body, bytes), body
    assert problems(json.loads(body)) == []


@pytest.mark.parametrize("item", CARRIED, ids=lambda item: item.name)
def test_what_is_sent_is_what_the_api_accepts_beyond_its_types(item: Conversation):
    """A user begins, every part holds one thing, results stand alone right behind their calls, as many as these."""
    contents = json.loads(encode(item.request, GOOGLE_AI))["contents"]
    assert contents[0]["role"] == "user"
    asked: list[tuple[str, str]] = []
    for content in contents:
        parts = content["parts"]
        assert parts
        kinds = [(part.keys() - {"thought", "thoughtSignature", "videoMetadata"}) for part in parts]
        assert all(len(kind) == 1 for kind in kinds)
        assert all(part.get("text") != "" or "thoughtSignature" in part for part in parts)
        results = [part["functionResponse"] for part in parts if "functionResponse" in part]
        assert results == [] or len(results) == len(parts)
        assert [(result["id"], result["name"]) for result in results] == (asked if content["role"] == "user" else [])
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        asked = [(call["id"], call["name"]) for call in calls]
    merged = [
        (content["role"], "functionResponse" in content["parts"][0], "From the result" in str(content["parts"][0]))
        for content in contents
    ]
    assert all(one[:2] != other[:2] or other[2] or one[2] for one, other in pairwise(merged))


@pytest.mark.parametrize("item", CARRIED, ids=lambda item: item.name)
def test_where_calls_have_no_ids_none_is_sent(item: Conversation):
    parts = [part for content in json.loads(encode(item.request, OLD_VERTEX))["contents"] for part in content["parts"]]
    assert not any("id" in part.get(key, {}) for part in parts for key in ("functionCall", "functionResponse"))


def read_whole(body: dict[str, Any]) -> ChatResponse:
    response = decode(Answer(200, {"x-goog-request-id": "req_1"}, json.dumps(body).encode()))
    assert isinstance(response, ChatResponse), response
    return response


def test_there_are_forty_answers_and_more():
    assert len(ANSWERS) >= 40


@pytest.mark.parametrize("name", ANSWERS)
def test_nothing_that_the_vendors_answer_holds_is_lost(name: str):
    body = plain(name)
    assert given_back(read_whole(body)) == normal(body)


def given_back(response: ChatResponse) -> dict[str, Any]:
    """Build the vendor's answer anew from what was read of it."""
    extra = response.to_dict()["extra"]
    beside = extra.pop("candidates", [{}] * len(response.choices))
    candidates = [
        given_candidate(index, choice, fields)
        for index, (choice, fields) in enumerate(zip(response.choices, beside, strict=True))
    ]
    usage = response.usage
    counts = {} if usage is None else given_usage(usage, extra.pop("usageMetadata", {}))
    whole = {"candidates": candidates, "modelVersion": response.model, "responseId": response.id, **extra}
    return normal({**whole, "usageMetadata": counts} if counts else whole)


def given_usage(usage: Any, rest: dict[str, Any]) -> dict[str, Any]:
    found = rest.get("toolUsePromptTokenCount", 0)
    counts = {
        "promptTokenCount": usage.input - found,
        "cachedContentTokenCount": usage.cached_input,
        "candidatesTokenCount": usage.output - usage.reasoning,
        "thoughtsTokenCount": usage.reasoning,
        "totalTokenCount": usage.input + usage.output,
    }
    return {**{key: count for key, count in counts.items() if count}, **rest}


def given_candidate(index: int, choice: Choice, fields: dict[str, Any]) -> dict[str, Any]:
    body = json.loads(encode(ask(HELLO, choice.message, model="gemini-2.5-pro"), GOOGLE_AI))
    parts = [part for content in body["contents"] if content["role"] == "model" for part in content["parts"]]
    if not parts:
        parts = [
            {"text": part.text, "thought": True} for part in choice.message.content if isinstance(part, ReasoningPart)
        ]
    logprobs = {
        "chosenCandidates": [{"token": item.token, "logProbability": item.logprob} for item in choice.logprobs],
        "topCandidates": [
            {"candidates": [{"token": top.token, "logProbability": top.logprob} for top in item.top]}
            for item in choice.logprobs
        ],
    }
    return {
        "index": index,
        "content": {"role": "model", "parts": parts},
        "finishReason": choice.raw_finish_reason,
        **({"logprobsResult": logprobs} if choice.logprobs else {}),
        **fields,
    }


def normal(value: Any) -> Any:
    """Leave out null; texts of one kind that follow each other are one, and numbers of tokens have no place."""
    if isinstance(value, list):
        found: list[Any] = []
        for item in map(normal, value):
            kind = item.keys() if isinstance(item, dict) else ()
            last = found[-1] if found and isinstance(found[-1], dict) else {}
            if kind and kind <= {"text", "thought"} and last.keys() == kind:
                found[-1] = {**last, "text": last["text"] + item["text"]}
            else:
                found.append(item)
        return found
    if isinstance(value, dict):
        return {key: normal(item) for key, item in value.items() if item is not None and key != "tokenId"}
    return value


def read_stream(stream: bytes, size: int) -> ChatResponse | Fault:
    """Read *stream* in pieces of *size* bytes."""
    reader, events = EventReader(), Events(Answer(200, {"x-goog-request-id": "req_1"}, b""))
    for start in range(0, len(stream), size):
        for data in reader.feed(stream[start : start + size]):
            found = events.read(data)
            assert not isinstance(found, Fault), found
    return events.response()


@pytest.mark.parametrize("name", ANSWERS)
def test_a_stream_folds_to_the_response_of_the_whole_answer(name: str):
    body = plain(name)
    assert read_stream(sse(chunks_of(body, 100)), 1 << 20) == read_whole(body)


@pytest.mark.parametrize("name", ["thoughts-in-a-row", "three-calls", "any-letters", "grounded", "three-choices"])
def test_a_stream_may_come_one_byte_at_a_time(name: str):
    body = plain(name)
    assert read_stream(sse(chunks_of(body)), 1) == read_whole(body)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(name for name in ANSWERS if name != "long")),
    letters=st.integers(1, 40),
    size=st.integers(1, 200),
)
def test_a_stream_may_be_cut_anywhere(name: str, letters: int, size: int):
    body = plain(name)
    assert read_stream(sse(chunks_of(body, letters)), size) == read_whole(body)


@pytest.mark.parametrize(
    "name",
    [
        *("thought-signed", "thoughts-in-a-row", "words-signed", "words-and-signed-end", "words-around-a-signature"),
        *("call-signed", "three-calls", "thought-and-call", "signed-end-before-a-call", "image-signed"),
        *("image-drafted", "image-stored", "sound", "ran-signed-code", "searched-by-itself"),
    ],
)
def test_an_answer_that_goes_back_is_what_came(name: str):
    """The next turn holds the parts of the last answer, each with its own signature, byte for byte."""
    whole = plain(name)
    given = read_whole(whole).message
    calls = [ToolResult(call.id, "t", (TextPart("ok"),)) for call in given.tool_calls]
    following = Message("tool", tuple(calls)) if calls else SURE
    body = json.loads(encode(ask(HELLO, given, following), GOOGLE_AI))
    assert problems(body) == []
    came = normal(whole["candidates"][0]["content"]["parts"])
    if calls and not any("thoughtSignature" in part for part in came if "functionCall" in part):
        first = next(part for part in came if "functionCall" in part)
        first["thoughtSignature"] = UNSIGNED
    assert normal(body["contents"][1]["parts"]) == came
