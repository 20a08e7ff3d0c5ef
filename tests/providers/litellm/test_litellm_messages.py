"""What the library gave with an answer goes back with it, byte-exact; what another API made does not."""

from __future__ import annotations

import json

import pytest
from library_answers import THOUGHTS

from routebook.canonical.chat import ChatRequest, ChatResponse
from routebook.canonical.message import Message
from routebook.canonical.part import Citation, NativePart, ReasoningPart, TextPart
from routebook.canonical.tool import ToolCall
from routebook.providers.answer import Answer
from routebook.providers.fault import Fault
from routebook.providers.litellm.decode import decode
from routebook.providers.litellm.encode import encode

CALLS = [
    {"id": "c1__thought__c2ln+/==", "type": "function", "function": {"name": "now", "arguments": "{}"}},
    {
        "id": "c2",
        "type": "function",
        "function": {"name": "now", "arguments": "{}"},
        "provider_specific_fields": {"thought_signature": "c2ln+/=="},
    },
]


def read(message: dict) -> ChatResponse:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}
    response = decode(Answer(200, {}, json.dumps({"choices": [choice]}).encode()))
    assert isinstance(response, ChatResponse), response
    return response


def sent(*messages: Message) -> list[dict] | Fault:
    encoded = encode(ChatRequest("openai/m-1", messages), {})
    return encoded if isinstance(encoded, Fault) else json.loads(encoded)["messages"]


@pytest.mark.parametrize(
    "message",
    [
        {"content": "Noon.", "reasoning_content": "Let me.", "thinking_blocks": THOUGHTS},
        {"content": "Noon.", "provider_specific_fields": {"thought_signatures": ["c2ln+/=="]}},
        {"content": "Noon.", "reasoning_content": "hm", "reasoning_details": [{"type": "x", "data": "+/=="}]},
        {"content": "Noon.", "reasoning_content": "hm"},
        {"content": "Noon.", "tool_calls": CALLS},
    ],
)
def test_an_answer_goes_back_as_it_came(message: dict):
    (back,) = sent(read(message).message)
    assert back == {"role": "assistant", **message}


def test_what_is_said_twice_is_kept_once():
    fields = {"thinking_blocks": THOUGHTS, "reasoning_content": "Let me.", "refusal": None, "citations": None}
    response = read({"content": "x", "thinking_blocks": THOUGHTS, "provider_specific_fields": fields})
    (thought, _) = response.message.content
    assert json.loads(thought.signature) == [{"thinking_blocks": THOUGHTS}]


def test_a_thought_that_is_withheld_says_so():
    (thought, text) = read({"content": "x", "thinking_blocks": THOUGHTS[1:]}).message.content
    assert (thought.text, thought.redacted, thought.api, text) == ("", True, "litellm", TextPart("x"))


@pytest.mark.parametrize("api", ["openai-chat", "anthropic", None])
def test_what_another_api_made_is_left_out(api: str | None):
    parts = [ReasoningPart("hm", "c2ln", api=api), TextPart("Noon.")]
    native = [NativePart(api, {"type": "reference"})] if api else []
    assert sent(Message("assistant", [*parts, *native])) == [{"role": "assistant", "content": "Noon."}]


def test_pieces_that_this_api_made_go_back():
    message = Message(
        "assistant", [TextPart("So "), NativePart("litellm", {"type": "reference", "reference_ids": [1]})]
    )
    (back,) = sent(message)
    assert back["content"] == [{"type": "text", "text": "So "}, {"type": "reference", "reference_ids": [1]}]


def test_a_signature_that_is_none_is_refused():
    fault = sent(Message("assistant", [ReasoningPart("hm", "no json", api="litellm")]))
    assert isinstance(fault, Fault)
    assert (fault.kind, "none that api 'litellm' gave" in fault.message) == ("bad_request", True)


def test_each_answer_has_its_own_thoughts_back():
    answers = [read({"content": text, "reasoning_content": text * 2}).message for text in ("a", "b")]
    back = sent(answers[0], Message("user", "?"), Message("assistant", [TextPart("plain")]), answers[1])
    assert [message.get("reasoning_content") for message in back] == ["aa", None, None, "bb"]


def test_a_long_id_is_sent_by_a_stand_in_but_for_those_that_hold_a_thought():
    (back,) = sent(
        Message("assistant", [ToolCall("x" * 50, "now", {}), ToolCall("c__thought__" + "x" * 90, "now", {})])
    )
    assert [len(call["id"]) for call in back["tool_calls"]] == [9, 102]


def test_sources_are_this_apis_own():
    response = read(
        {"content": "x", "annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.test"}}]}
    )
    (text,) = response.message.content
    assert [(citation.api, citation.url) for citation in text.citations] == [("litellm", "https://a.test")]
    assert isinstance(text.citations[0], Citation)
