"""The vendors' types refuse what the vendors would refuse, and accept what they take."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from openai.types.embedding_create_params import EmbeddingCreateParams
from vendor_types import problems

ASKED = {"model": "gpt-x", "messages": [{"role": "user", "content": "Hello"}]}
TOOL = {"type": "function", "function": {"name": "now", "parameters": {"type": "object"}}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
ANTHROPIC = {"model": "claude-x", "max_tokens": 8, "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"temperature": 1, "top_p": 0.5, "n": 2, "stop": ["a", "b"], "seed": None},
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "now"}}},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "What?"}, IMAGE]}]},
        {"reasoning_effort": "max", "response_format": {"type": "json_object"}},
        {"logit_bias": {"50256": -100}, "metadata": {"a": "b"}},
    ],
)
def test_what_a_vendor_takes_is_accepted(more: dict[str, Any]):
    assert problems({**ASKED, **more}, CompletionCreateParamsNonStreaming) == []


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"max_output_tokens": 8}, "has no 'max_output_tokens'"),
        ({"temperature": "hot"}, "body.temperature"),
        ({"n": True}, "body.n"),
        ({"n": 1.5}, "body.n"),
        ({"parallel_tool_calls": 1}, "body.parallel_tool_calls"),
        ({"reasoning_effort": "extreme"}, "body.reasoning_effort"),
        ({"stop": [1]}, "body.stop[0]"),
        ({"logit_bias": {"a": "b"}}, "body.logit_bias.a"),
        ({"messages": "Hello"}, "is no list"),
        ({"messages": ["Hello"]}, "body.messages[0]"),
        ({"messages": [{"role": "user"}]}, "needs 'content'"),
        ({"messages": [{"role": "nobody", "content": "Hello"}]}, "body.messages[0].role"),
        ({"messages": [{"role": "user", "content": [{**IMAGE, "detail": "low"}]}]}, "has no 'detail'"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "needs 'url'"),
        ({"tools": [{"type": "function", "function": {"parameters": {}}}]}, "needs 'name'"),
        ({"stream": True}, "body.stream"),
    ],
)
def test_what_a_vendor_would_refuse_is_told(more: dict[str, Any], what: str):
    found = problems({**ASKED, **more}, CompletionCreateParamsNonStreaming)

    assert found
    assert any(what in line for line in found)


def test_a_missing_field_is_told_though_types_are_written_as_text():
    assert problems({"model": "gpt-x"}, CompletionCreateParamsNonStreaming) == [
        "body: CompletionCreateParamsNonStreaming needs 'messages'"
    ]
    assert problems(ASKED, CompletionCreateParamsStreaming) == ["body: CompletionCreateParamsStreaming needs 'stream'"]
    assert problems({**ASKED, "stream": True}, CompletionCreateParamsStreaming) == []


def test_unions_of_lists_are_told_apart():
    assert problems({"model": "e", "input": ["a", "b"]}, EmbeddingCreateParams) == []
    assert problems({"model": "e", "input": [[1, 2]]}, EmbeddingCreateParams) == []
    assert problems({"model": "e", "input": [["a"]]}, EmbeddingCreateParams)


def test_anthropics_types_are_read_as_well():
    assert problems(ANTHROPIC, MessageCreateParamsNonStreaming) == []
    assert problems({**ANTHROPIC, "max_tokens": None}, MessageCreateParamsNonStreaming)
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    assert (
        problems({**ANTHROPIC, "messages": [{"role": "user", "content": [image]}]}, MessageCreateParamsNonStreaming)
        == []
    )
    del image["source"]["data"]
    assert problems({**ANTHROPIC, "messages": [{"role": "user", "content": [image]}]}, MessageCreateParamsNonStreaming)
