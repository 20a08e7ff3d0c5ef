from __future__ import annotations

import json

import pytest

from routebook.canonical.chat import ChatRequest, OutputFormat
from routebook.canonical.embedding import EmbeddingRequest
from routebook.canonical.image import ImageRequest
from routebook.canonical.message import Message
from routebook.canonical.tool import ToolCall, ToolDefinition
from routebook.providers.fault import Fault
from routebook.providers.litellm.arguments import ALWAYS
from routebook.providers.litellm.embeddings import encode_embedding
from routebook.providers.litellm.encode import encode, encode_stream, where_of
from routebook.providers.litellm.images import encode_image
from routebook.providers.protocol import ClientConfig

CLOCK = ToolDefinition("clock__now", "clock.now", "The time.", {"type": "object", "properties": {}})


def ask(**fields: object) -> ChatRequest:
    return ChatRequest(**{"model": "mistral/m-1", "messages": (Message("user", "Hi"),), **fields})


def body_of(encoded: bytes | Fault) -> dict:
    assert isinstance(encoded, bytes), encoded
    body = json.loads(encoded)
    assert {name: body.pop(name) for name in ALWAYS} == ALWAYS
    return body


def test_a_request_becomes_the_arguments_of_a_call_that_drops_and_repeats_nothing():
    assert body_of(encode(ask(options={"temperature": 0.2}), {})) == {
        "model": "mistral/m-1",
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 0.2,
    }
    assert ALWAYS == {"drop_params": False, "num_retries": 0, "max_retries": 0, "caching": False, "no-log": True}


def test_a_stream_asks_for_its_usage():
    body = body_of(encode_stream(ask(), {}))
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


def test_where_the_provider_is_comes_from_its_configuration():
    config = ClientConfig(
        "p", "https://a.test/v1", api_version="v7", region="eu-central-1", project="p-1", location="europe-west4"
    )
    where = where_of(config)
    assert where == {
        "api_base": "https://a.test/v1",
        "api_version": "v7",
        "aws_region_name": "eu-central-1",
        "vertex_project": "p-1",
        "vertex_location": "europe-west4",
    }
    assert where.items() <= body_of(encode(ask(), where)).items()
    assert where_of(ClientConfig("p")) == {}


def test_a_budget_for_thoughts_switches_them_on():
    body = body_of(encode(ask(options={"reasoning": {"budget_tokens": 2000}}), {}))
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2000}


def test_tools_and_a_schema_are_said_as_in_chat_completions():
    output = OutputFormat("person.v1", {"type": "object", "properties": {}, "additionalProperties": False})
    options = {"tool_choice": "clock.now", "parallel_tool_calls": False}
    body = body_of(encode(ask(tools=(CLOCK,), output=output, options=options), {}))
    assert body["tools"][0]["function"]["name"] == "clock__now"
    assert body["tool_choice"] == {"type": "function", "function": {"name": "clock__now"}}
    assert body["parallel_tool_calls"] is False
    assert body["response_format"]["json_schema"]["name"] == "person_v1"
    assert body["response_format"]["json_schema"]["strict"] is True


@pytest.mark.parametrize(
    ("model", "choice"),
    [("anthropic/claude-x", "none"), ("vertex_ai/claude-x", "none"), ("bedrock/x", None), ("openai/m-1", None)],
)
def test_the_last_call_of_a_tool_loop_names_the_tools_where_the_model_wants_them(model: str, choice: str | None):
    called = Message("assistant", (ToolCall("c1", "clock__now", {}), ToolCall("c2", "clock__now", {})))
    body = body_of(encode(ask(model=model, messages=(Message("user", "Hi"), called)), {}))
    named = [{"type": "function", "function": {"name": "clock__now", "parameters": {"type": "object"}}}]
    assert body.get("tools") == (None if model == "openai/m-1" else named)
    assert body.get("tool_choice") == choice


def test_every_field_of_the_extra_body_is_an_argument():
    assert body_of(encode(ask(options={"extra_body": {"house": {"rule": 1}}}), {}))["house"] == {"rule": 1}


def test_the_provider_cannot_be_moved_by_what_is_extra():
    encoded = encode(
        ask(options={"extra_body": {"api_base": "https://thief.test", "drop_params": True}}), {"api_base": "a"}
    )
    assert body_of(encoded)["api_base"] == "a"


@pytest.mark.parametrize(
    ("request_", "kind", "words"),
    [
        (
            ask(options={"prompt_cache": {"key": "a"}}),
            "unsupported_option",
            "'prompt_cache.key' has no place in api 'litellm'",
        ),
        (ask(tools=(CLOCK,), options={"tool_choice": "other"}), "bad_request", "none of the tools: clock.now"),
        (ask(messages=(Message("user", "\ud800"),)), "bad_request", "half a surrogate pair"),
    ],
)
def test_what_has_no_place_is_a_fault(request_: ChatRequest, kind: str, words: str):
    fault = encode(request_, {})
    assert isinstance(fault, Fault)
    assert (fault.kind, words in fault.message) == (kind, True)


def test_texts_become_the_input_of_a_call_for_vectors():
    request = EmbeddingRequest("cohere/e-1", ("a", "b"), {"dimensions": 8, "extra_body": {"input_type": "query"}})
    assert body_of(encode_embedding(request, {"api_base": "u"})) == {
        "model": "cohere/e-1",
        "input": ["a", "b"],
        "dimensions": 8,
        "input_type": "query",
        "api_base": "u",
    }
    assert isinstance(encode_embedding(EmbeddingRequest("e", ("a",), {"seed": 1}), {}), Fault)


def test_images_are_asked_for_in_their_own_call_or_in_a_chat():
    options = {"n": 2, "size": "1024x1024", "quality": "high"}
    own = body_of(encode_image(ImageRequest("openai/i-1", "a box", options), {}))
    assert own == {"model": "openai/i-1", "prompt": "a box", **options}
    chat = body_of(encode_image(ImageRequest("gemini/i-1", "a box", {"n": 2}, by_chat=True), {}))
    assert (chat["messages"], chat["modalities"]) == ([{"role": "user", "content": "a box"}], ["image", "text"])
    assert isinstance(encode_image(ImageRequest("gemini/i-1", "a box", options, by_chat=True), {}), Fault)
