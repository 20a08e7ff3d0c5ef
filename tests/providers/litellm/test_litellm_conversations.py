"""Every conversation is what the library takes, and what it makes of it is what its providers' own types allow."""

from __future__ import annotations

import contextlib
import json

import pytest
from anthropic.types import message_create_params
from conversations import CONVERSATIONS, Conversation
from library_answers import CLAUDE, GEMINI
from openai.types.chat import completion_create_params
from vendor_types import problems

from routebook.canonical.chat import ChatRequest
from routebook.canonical.options import option_paths
from routebook.canonical.part import TextPart
from routebook.errors import ProviderError
from routebook.providers.litellm.arguments import ALWAYS
from routebook.providers.litellm.encode import encode, encode_stream
from routebook.providers.litellm.traits import TRAITS

CARRIED = [conversation for conversation in CONVERSATIONS if conversation.carried_by(TRAITS)]
OWN_OF_THE_LIBRARY = {*ALWAYS, "thinking", "top_k"}
# What the library has no place for at these providers, as its own tables say.
UNPLACED = {
    "openai": {"reasoning.effort", "reasoning.budget_tokens"},
    "anthropic": {"n", "seed", "presence_penalty", "frequency_penalty", "logprobs", "service_tier"},
    "gemini": {"service_tier", "seed", "logprobs", "parallel_tool_calls"},
}
# Of the shapes, these the library translates for nobody but OpenAI, or its provider refuses: the sentence is its own.
UNSPOKEN = {"anthropic": {"sound", "a-call-without-a-name"}, "gemini": {"a-call-without-a-name"}, "openai": set()}


OUT_OF_DATE = {"temperature", "top_p", "top_k", "output_format"}


def test_there_are_enough():
    assert len(CARRIED) >= 40


@pytest.mark.parametrize("conversation", CARRIED, ids=lambda conversation: conversation.name)
def test_a_conversation_is_said_as_openais_types_want_it(conversation: Conversation):
    params = completion_create_params
    for encoded, expected in (
        (encode(conversation.request, {}), params.CompletionCreateParamsNonStreaming),
        (encode_stream(conversation.request, {}), params.CompletionCreateParamsStreaming),
    ):
        assert isinstance(encoded, bytes), encoded
        body = json.loads(encoded)
        assert problems({name: body[name] for name in body.keys() - OWN_OF_THE_LIBRARY}, expected) == []


@pytest.mark.parametrize("conversation", CARRIED, ids=lambda conversation: conversation.name)
def test_every_argument_of_a_conversation_is_closed_to_extra_body(conversation: Conversation):
    sent = encode_stream(conversation.request, {"api_base": "https://a.test"})
    assert isinstance(sent, bytes)
    assert json.loads(sent).keys() <= TRAITS.body_fields


def texts_of(request: ChatRequest) -> list[str]:
    """The words that must be found on the wire, whatever the form."""
    parts = [part for message in request.messages for part in message.content]
    parts += [part for message in request.messages for result in message.tool_results for part in result.content]
    found = [part.text for part in parts if isinstance(part, TextPart)]
    return [text for text in found if text.strip()]


def names_of(request: ChatRequest) -> list[str]:
    return [tool.name for tool in request.tools]


@pytest.mark.parametrize("model", ["openai/m-1", CLAUDE, GEMINI])
@pytest.mark.parametrize("conversation", CARRIED, ids=lambda conversation: conversation.name)
async def test_a_conversation_arrives_at_the_provider_or_is_refused_by_name(loopback, client_of, conversation, model):
    provider = model.partition("/")[0]
    server = await loopback.start(loopback.answer(418, {"error": {"message": "no answer today"}}))
    request = ChatRequest.from_dict({**conversation.request.to_dict(), "model": model})

    with pytest.raises(ProviderError) as caught:
        await client_of(server.url).complete(request)

    if not server.received:
        unplaced = UNPLACED[provider] & {*option_paths(request.options)}
        known = (
            bool(unplaced)
            or "cannot have the value" in caught.value.message
            or conversation.name in UNSPOKEN[provider]
            or _names_a_picture(conversation)
        )
        assert known, caught.value
        return
    body = server.received[-1].json
    shown = json.dumps(body, ensure_ascii=False)
    for text in texts_of(request):
        assert json.dumps(text, ensure_ascii=False)[1:-1].strip() in shown, text
    for name in names_of(request):
        assert f'"{name}"' in shown
    if provider == "openai":
        assert problems(body, completion_create_params.CompletionCreateParamsNonStreaming) == [] or "top_k" in body


def _names_a_picture(conversation: Conversation) -> bool:
    """Pictures by address some parts of the library fetch themselves, and there is no network here."""
    return conversation.name == "an-image-by-address"


@pytest.mark.parametrize("conversation", CARRIED, ids=lambda conversation: conversation.name)
async def test_what_arrives_at_anthropic_is_what_its_types_allow(loopback, client_of, conversation):
    params = message_create_params
    server = await loopback.start(loopback.answer(418, {"error": {"message": "no answer today"}}))
    request = ChatRequest.from_dict({**conversation.request.to_dict(), "model": CLAUDE})
    with contextlib.suppress(ProviderError):
        await client_of(server.url).complete(request)
    for received in server.received:
        # Its newest types know of no sampling any more, and older releases of the library speak a beta.
        body = {name: value for name, value in received.json.items() if name not in OUT_OF_DATE}
        assert problems(body, params.MessageCreateParamsNonStreaming) == []
