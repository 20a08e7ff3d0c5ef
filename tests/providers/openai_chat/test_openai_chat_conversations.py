"""What is sent is what OpenAI's own types allow; what they can say is read without loss, whole and in events."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from conversations import CONVERSATIONS, Conversation
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from openai_answers import ANSWERS, as_stream, cut
from vendor_types import problems
from wire_options import open_fields

from routebook.canonical.chat import ChatResponse, Choice
from routebook.canonical.message import Part
from routebook.canonical.part import AudioPart, RefusalPart, TextPart
from routebook.canonical.tool import ToolCall
from routebook.providers.answer import Answer
from routebook.providers.arguments import read_arguments
from routebook.providers.openai_chat.decode import decode
from routebook.providers.openai_chat.encode import encode, encode_stream
from routebook.providers.openai_chat.events import Events
from routebook.providers.openai_chat.traits import TRAITS
from routebook.providers.sse import EventReader

CARRIED = [conversation for conversation in CONVERSATIONS if conversation.carried_by(TRAITS)]
HEADERS = {"x-request-id": "req_1", "x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-requests": "1s"}
STREAMED = {name: answer for name, answer in ANSWERS.items() if name != "a-custom-call"}
"""Chunks have no type for custom calls."""


def test_there_are_enough_of_both():
    assert len(CARRIED) >= 40
    assert len(STREAMED) >= 40


@pytest.mark.parametrize("conversation", CARRIED, ids=lambda conversation: conversation.name)
def test_a_conversation_is_sent_as_openais_types_want_it(conversation: Conversation):
    whole, streamed = encode(conversation.request, {}), encode_stream(conversation.request, {})
    assert isinstance(whole, bytes), whole
    assert isinstance(streamed, bytes), streamed
    assert problems(json.loads(whole), CompletionCreateParamsNonStreaming) == []
    assert problems(json.loads(streamed), CompletionCreateParamsStreaming) == []


@pytest.mark.parametrize("conversation", CARRIED, ids=lambda conversation: conversation.name)
def test_every_field_of_a_conversation_is_closed_to_extra_body(conversation: Conversation):
    sent = encode_stream(conversation.request, {})
    assert isinstance(sent, bytes)
    assert open_fields(json.loads(sent), TRAITS.body_fields) == set()


def read(answer: ChatCompletion) -> ChatResponse:
    response = decode(Answer(200, HEADERS, answer.model_dump_json(exclude_unset=True).encode()))
    assert isinstance(response, ChatResponse), response
    return response


def folded(*pieces: bytes) -> ChatResponse:
    """What a stream adds up to, that comes in *pieces*."""
    events, reader = Events(Answer(200, HEADERS, b""), {}), EventReader()
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


@pytest.mark.parametrize("name", STREAMED)
def test_a_stream_folds_to_exactly_the_whole_answer(name: str):
    answer = STREAMED[name]
    events = cut(answer)
    assert folded(*(as_stream([event]) for event in events)) == read(answer)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("name", ["any-letters", "two-calls", "three-choices", "probabilities", "sound"])
def test_a_stream_that_comes_byte_by_byte_folds_to_the_same(name: str, line_end: bytes):
    body = as_stream(cut(STREAMED[name]), line_end)
    assert folded(*(body[at : at + 1] for at in range(len(body)))) == read(STREAMED[name])


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(STREAMED)),
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
    st.lists(st.integers(0, 4000), max_size=6),
)
def test_a_stream_cut_anywhere_folds_to_the_same(name: str, sizes: list[int], places: list[int]):
    body = as_stream(cut(STREAMED[name], sizes))
    bounds = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    pieces = (body[start:end] for start, end in pairwise(bounds))
    assert folded(*pieces) == read(STREAMED[name])


def said(answer: ChatCompletion) -> dict[str, Any]:
    """What OpenAI said, in a plain form: nulls, zeros in details and bytes of tokens say nothing."""
    body = answer.model_dump(exclude_none=True)
    del body["object"]
    for choice in body["choices"]:
        message = choice["message"]
        del message["role"]
        calls = message.pop("tool_calls", [])
        message["calls"] = [_said_call(call) for call in calls]
        if "function_call" in message:
            message["calls"] = [{"id": "call_0", **_said_arguments(**message.pop("function_call"))}]
        tokens = choice.pop("logprobs", {})
        choice["logprobs"] = [_said_token(token) for token in (*tokens.get("content", ()), *tokens.get("refusal", ()))]
    for details in ("prompt_tokens_details", "completion_tokens_details"):
        counts = body.get("usage", {}).pop(details, {})
        body.get("usage", {}).update({name: count for name, count in counts.items() if count})
    return _without_nothing(body)


def _said_call(call: dict[str, Any]) -> dict[str, Any]:
    if call["type"] == "custom":
        return {"id": call["id"], "name": call["custom"]["name"], "raw": call["custom"]["input"]}
    return {"id": call["id"], **_said_arguments(**call["function"])}


def _said_arguments(name: str, arguments: str) -> dict[str, Any]:
    read_as, raw = read_arguments(arguments)
    return {"name": name, "arguments": read_as, "raw": raw}


def _said_token(token: dict[str, Any]) -> dict[str, Any]:
    top = [{**_said_token(other), "top": []} for other in token.get("top_logprobs", ())]
    spelt = {"bytes": token["bytes"]} if token.get("bytes") is not None else {}
    return {"token": token["token"], "logprob": token["logprob"], "top": top, **spelt}


def told(response: ChatResponse) -> dict[str, Any]:
    """What a response tells, in the same form."""
    extra = response.to_dict()["extra"]
    counts, audio = extra.pop("usage", {}), extra.pop("audio", {})
    body = {
        "id": response.id,
        "model": response.model,
        "service_tier": response.service_tier,
        "choices": [_told_choice(index, choice, audio) for index, choice in enumerate(response.choices)],
        **extra,
    }
    if response.usage is not None:
        usage = response.usage
        rest = {name: count for details in counts.values() for name, count in details.items()}
        body["usage"] = {
            "prompt_tokens": usage.input,
            "completion_tokens": usage.output,
            "total_tokens": usage.input + usage.output,
            "cached_tokens": usage.cached_input or None,
            "cache_write_tokens": usage.cache_write or None,
            "reasoning_tokens": usage.reasoning or None,
            **rest,
        }
    return _without_nothing(body)


def _told_choice(index: int, choice: Choice, audio: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"calls": []}
    for part in choice.message.content:
        _tell_part(part, message, audio)
    logprobs = [token.to_dict() for token in choice.logprobs]
    reason = choice.raw_finish_reason
    return {"index": index, "finish_reason": reason, "logprobs": logprobs, "message": message}


def _tell_part(part: Part, message: dict[str, Any], audio: dict[str, Any]) -> None:
    match part:
        case TextPart():
            message["content"] = part.text
            message["annotations"] = [citation.to_dict()["data"] for citation in part.citations]
        case RefusalPart():
            message["refusal"] = part.text
        case AudioPart():
            message["audio"] = {"id": part.id, "data": part.data, "transcript": part.transcript, **audio}
        case ToolCall():
            arguments = None if part.arguments is None else part.to_dict()["arguments"]
            call = {"id": part.id, "name": part.name, "arguments": arguments, "raw": part.arguments_json}
            message["calls"].append(call)
        case _:
            raise AssertionError(f"OpenAI said no {part!r}")


def _without_nothing(value: Any) -> Any:
    """Leave out what says nothing, in depth: null, empty text, empty lists and mappings."""
    if isinstance(value, dict):
        items = {key: _without_nothing(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item not in (None, "", [], {})}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value
