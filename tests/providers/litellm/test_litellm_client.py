"""Calls of the real library, to servers on loopback that speak as the providers behind it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import time
import traceback

import litellm
import pytest
from library_answers import (
    ANSWERS,
    CANDIDATE,
    CHAT,
    CLAUDE,
    CLOCK,
    GEMINI,
    KEY,
    MESSAGE,
    MODELS,
    STREAMS,
    THOUGHTS,
    ask,
    error_of,
    last_of,
    message_events,
)

from routebook.canonical.chat import OutputFormat
from routebook.canonical.event import ReasoningDelta
from routebook.canonical.message import Message
from routebook.canonical.part import ImagePart, ReasoningPart, TextPart
from routebook.canonical.tool import ToolCall, ToolResult
from routebook.errors import ProviderError
from routebook.providers.http.exchange import ConnectionLimits
from routebook.providers.litellm.client import LiteLLMClient
from routebook.providers.protocol import ClientConfig
from routebook.routing.provider_spec import Timeouts

PNG = "iVBORw0KGgoAAAANSUhEUg=="


@pytest.mark.parametrize("model", MODELS)
async def test_a_call_is_made_with_its_key_and_answered(loopback, client_of, model):
    server = await loopback.start(
        loopback.answer(200, ANSWERS[model], "x-request-id: req_1", "content-type: application/json")
    )
    response = await client_of(server.url).complete(ask(model, options={"temperature": 0.5, "max_output_tokens": 9}))
    assert response.message.text == "Noon."
    assert (response.usage.input, response.usage.output, response.finish_reason) == (3, 2, "stop")
    # Not of every provider does the library pass on the headers.
    assert response.request_id == ("req_1" if model != GEMINI else response.request_id)
    (received,) = server.received
    assert KEY in repr(received.headers)
    assert "0.5" in received.body.decode()


async def test_thoughts_come_with_their_proofs_at_once_and_in_a_stream_and_go_back_byte_exact(loopback, client_of):
    call = {"type": "tool_use", "id": "tu_1", "name": "clock__now", "input": {"zone": "UTC"}}
    message = {**MESSAGE, "content": [*THOUGHTS, {"type": "text", "text": "Wait."}, call], "stop_reason": "tool_use"}
    options = {"reasoning": {"budget_tokens": 2000}, "max_output_tokens": 4000}
    server = await loopback.start(loopback.answer(200, message))
    whole = await client_of(server.url).complete(ask(CLAUDE, tools=(CLOCK,), options=options))
    stream = await loopback.start(loopback.answer(200, message_events(message), "content-type: text/event-stream"))
    seen = [event async for event in client_of(stream.url).stream(ask(CLAUDE, tools=(CLOCK,), options=options))]
    assert seen[-1].response.message == whole.message
    assert "".join(event.text for event in seen if isinstance(event, ReasoningDelta)) == "Let me."
    assert whole.message.content[0].text == "Let me."
    assert whole.message.tool_calls == (ToolCall("tu_1", "clock__now", {"zone": "UTC"}),)

    result = Message("tool", (ToolResult("tu_1", "clock.now", (TextPart("12:00"),)),))
    again = ask(CLAUDE, Message("user", "When?"), whole.message, result, tools=(CLOCK,), options=options)
    await client_of(server.url).complete(again)
    sent = server.received[-1].json
    assert sent["messages"][1]["content"] == [*THOUGHTS, {"type": "text", "text": "Wait."}, call]
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": 2000}


async def test_the_signature_of_a_gemini_call_goes_back_byte_exact(loopback, client_of):
    part = {"functionCall": {"name": "clock__now", "args": {"zone": "UTC"}}, "thoughtSignature": "c2ln+/=="}
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}
    server = await loopback.start(loopback.answer(200, {**CANDIDATE, "candidates": [candidate]}))
    client = client_of(server.url)
    response = await client.complete(ask(GEMINI, tools=(CLOCK,)))
    (call,) = response.message.tool_calls
    result = Message("tool", (ToolResult(call.id, "clock.now", (TextPart("12:00"),)),))
    await client.complete(ask(GEMINI, Message("user", "When?"), response.message, result, tools=(CLOCK,)))
    (back,) = server.received[-1].json["contents"][1]["parts"]
    assert back.get("thoughtSignature", back.get("thought_signature")) == "c2ln+/=="


@pytest.mark.parametrize("model", MODELS)
async def test_a_schema_and_a_picture_reach_the_wire(loopback, client_of, model):
    server = await loopback.start(loopback.answer(200, ANSWERS[model]))
    schema = {
        "type": "object",
        "properties": {"hour": {"type": "integer"}},
        "required": ["hour"],
        "additionalProperties": False,
    }
    question = Message("user", (TextPart("What?"), ImagePart(PNG, None, "image/png")))
    request = ask(
        model if model != CLAUDE else "anthropic/claude-sonnet-4-5", question, output=OutputFormat("time", schema)
    )
    with contextlib.suppress(ProviderError):  # of Claude the library wants another answer then
        await client_of(server.url).complete(request)
    body = server.received[-1].body.decode()
    assert PNG in body
    assert '"hour"' in body


async def test_a_calls_headers_win_over_the_providers_and_ours_are_not_passed_on(loopback, client_of):
    server = await loopback.start(loopback.answer(200, CHAT))
    client = client_of(server.url, headers={"X-Title": "book", "X-Other": "kept"})
    await client.complete(ask(options={"extra_headers": {"x-title": "call"}}))
    (received,) = server.received
    assert (received.header("x-title"), received.header("x-other")) == (["call"], ["kept"])
    assert received.header("litellm-api-key") == []
    assert not received.header("user-agent")[0].startswith("routebook")


@pytest.mark.parametrize("model", ["openai/m-1", "hosted_vllm/m-1", "mistral/m-1", CLAUDE])
@pytest.mark.parametrize("where", ["headers", "extra_headers"])
async def test_an_authorization_header_replaces_the_key(loopback, client_of, model, where):
    server = await loopback.start(loopback.answer(200, ANSWERS.get(model, CHAT)))
    header = {"Authorization": "Bearer tok-4711"}
    client = client_of(server.url, **({"headers": header, "api_key": None} if where == "headers" else {}))
    await client.complete(ask(model, options={} if where == "headers" else {"extra_headers": header}))
    assert server.received[0].header("authorization") == ["Bearer tok-4711"]
    assert KEY not in repr(server.received)


async def test_an_authorization_that_the_library_would_lose_is_refused(loopback, client_of):
    server = await loopback.start(loopback.answer(200, CHAT))
    error = await error_of(client_of(server.url, api_key=None, headers={"Authorization": "Basic abc"}))
    assert (error.kind, error.sent, server.received) == ("bad_request", False, [])
    assert "with `Bearer` only" in error.message


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "HOSTED_VLLM_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"])
async def test_a_key_is_never_replaced_by_one_of_the_environment(loopback, client_of, monkeypatch, model, name):
    monkeypatch.setenv(name, "sk-of-the-platform")
    monkeypatch.setattr(litellm, "api_key", "sk-of-the-application")
    server = await loopback.start(loopback.answer(200, ANSWERS[model]))
    for key in (KEY, None):
        await client_of(server.url, api_key=key).complete(ask(model))
    assert "sk-of-the" not in repr(server.received)


async def test_without_a_key_the_platforms_is_found_where_the_book_says_so(loopback, client_of, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-of-the-platform")
    server = await loopback.start(loopback.answer(200, MESSAGE))
    await client_of(server.url, api_key=None, finds_credentials=True).complete(ask(CLAUDE))
    assert server.received[0].header("x-api-key") == ["sk-of-the-platform"]


@pytest.mark.parametrize("model", ["openai/m-1", CLAUDE])
async def test_a_key_that_the_library_found_shows_in_no_error_and_in_no_log(
    loopback, client_of, monkeypatch, caplog, model
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY" if model == "openai/m-1" else "ANTHROPIC_API_KEY", "sk-of-the-platform")
    refusal = {"type": "error", "error": {"type": "authentication_error", "message": "bad key sk-of-the-platform"}}
    server = await loopback.start(loopback.answer(401, refusal))

    error = await error_of(client_of(server.url, api_key=None, finds_credentials=True), model)

    assert "sk-of-the-platform" in repr(server.received)
    assert (error.kind, error.message) == ("authentication", "bad key [redacted]")
    assert "sk-of-the-platform" not in "".join(traceback.format_exception(error))
    assert "sk-of-the-platform" not in caplog.text


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "bad_request"), (401, "authentication"), (402, "quota_exceeded"), (403, "permission_denied"),
        (404, "not_found"), (413, "context_window_exceeded"), (422, "bad_request"), (429, "rate_limit"),
        (500, "server_error"), (502, "server_error"), (503, "server_error"), (529, "overloaded"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("how", ["complete", "stream"])
async def test_a_refusal_has_its_status_its_words_and_how_long_to_wait(loopback, client_of, model, status, kind, how):
    body = {"error": {"message": f"No such luck, {KEY}.", "type": "x"}}
    server = await loopback.start(loopback.answer(status, body, "retry-after: 7", "x-request-id: req_9"))
    client = client_of(server.url)
    with pytest.raises(ProviderError) as caught:
        await (client.complete(ask(model)) if how == "complete" else last_of(client.stream(ask(model))))
    error = caught.value
    assert (error.kind, error.status, error.message) == (kind, status, "No such luck, [redacted].")
    assert (error.retry_after, error.request_id, error.provider, error.model) == (7.0, "req_9", "house", "luna")
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("model", "body", "kind"),
    [
        ("openai/m-1", {"error": {"message": "full", "code": "insufficient_quota"}}, "quota_exceeded"),
        (CLAUDE, {"type": "error", "error": {"type": "overloaded_error", "message": "full"}}, "overloaded"),
        ("hosted_vllm/m-1", {"object": "error", "message": "full", "code": 429}, "rate_limit"),
    ],
)
async def test_the_providers_own_code_is_heard(loopback, client_of, model, body, kind):
    server = await loopback.start(loopback.answer(429, body))
    error = await error_of(client_of(server.url), model)
    assert (error.kind, error.message) == (kind, "full")


@pytest.mark.parametrize("status", [200, 401, 500])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "body", [KEY.encode(), f"<title>no {KEY}</title>".encode(), json.dumps({"error": {"message": KEY}}).encode()]
)
async def test_the_key_is_in_no_error_and_nothing_foreign_hangs_on_ours(loopback, client_of, model, status, body):
    server = await loopback.start(loopback.answer(status, body, f"x-request-id: {KEY}"))
    error = await error_of(client_of(server.url), model)
    shown = f"{error} {error!r} {error.__dict__} {''.join(traceback.format_exception(error))}"
    assert KEY not in shown
    link: BaseException | None = error
    while link is not None:
        assert type(link).__module__.startswith("routebook.")
        link = link.__cause__ or link.__context__


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("how", ["complete", "stream"])
async def test_the_key_is_in_no_log_not_even_the_librarys(loopback, client_of, caplog, capsys, model, how):
    caplog.set_level(logging.DEBUG)
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        caplog.set_level(logging.DEBUG, name)
    server = await loopback.start(loopback.answer(401, {"error": {"message": f"no {KEY}"}}))
    good = await loopback.start(loopback.answer(200, ANSWERS[model] if how == "complete" else STREAMS[model]))
    for url in (server.url, good.url):
        client = client_of(url, headers={"x-house-token": "tok-canary-4711"})
        with pytest.raises(ProviderError) if url == server.url else pytest.MonkeyPatch.context():
            await (client.complete(ask(model)) if how == "complete" else last_of(client.stream(ask(model))))
    await asyncio.sleep(0.05)
    shown = caplog.text + capsys.readouterr().out + capsys.readouterr().err
    assert "LiteLLM" in caplog.text
    assert KEY not in shown
    assert "tok-canary-4711" not in shown
    assert "Give Feedback" not in shown


async def test_an_unreachable_provider_is_a_connection_error(client_of):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for model in MODELS:
        error = await error_of(client_of(f"http://127.0.0.1:{port}"), model)
        assert (error.kind, error.status, error.sent) == ("connection", None, False)


@pytest.mark.parametrize(
    ("configured", "option", "sentence"),
    [
        (Timeouts(first_token=0.1), None, "no answer within 0.1 s"),
        (Timeouts(total=0.1), None, "no complete answer within 0.1 s"),
        (Timeouts(), 0.1, "no complete answer within 0.1 s"),
        (Timeouts(), {"first_token": 0.1}, "no answer within 0.1 s"),
    ],
)
@pytest.mark.parametrize("model", MODELS)
async def test_a_stall_is_a_timeout_within_the_bounds_that_hold(
    loopback, client_of, configured, option, sentence, model
):
    async def stall(_writer):
        await asyncio.sleep(30)

    server = await loopback.start(stall)
    client = client_of(server.url, timeout=configured)
    await error_of(client_of(server.url), "openai/m-1", options={"timeout": 0.01})
    began = time.monotonic()
    error = await error_of(client, model, options={} if option is None else {"timeout": option})
    assert (error.kind, error.message, error.status) == ("timeout", sentence, None)
    assert time.monotonic() - began < 2
    await server.wait_until_open(0)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("how", ["complete", "stream"])
async def test_a_call_that_is_cancelled_is_cancelled_and_closes_its_connection(loopback, client_of, model, how):
    async def stall(_writer):
        await asyncio.sleep(30)

    server = await loopback.start(stall)
    client = client_of(server.url)
    call = asyncio.create_task(client.complete(ask(model)) if how == "complete" else last_of(client.stream(ask(model))))
    await server.wait_for(1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await server.wait_until_open(0)


async def test_closing_ends_calls_under_way_and_refuses_later_ones(loopback, client_of):
    async def stall(_writer):
        await asyncio.sleep(30)

    server = await loopback.start(stall)
    client = client_of(server.url)
    call = asyncio.create_task(client.complete(ask()))
    await server.wait_for(1)
    await client.close()
    for failing, sent in ((call, True), (client.complete(ask()), False)):
        with pytest.raises(ProviderError, match="the client is closed") as caught:
            await failing
        assert caught.value.sent is sent
    await server.wait_until_open(0)


async def test_calls_beyond_the_limit_wait_for_their_turn_and_not_for_ever(loopback, client_of):
    async def stall(_writer):
        await asyncio.sleep(30)

    server = await loopback.start(stall)
    client = client_of(server.url, limits=ConnectionLimits(most=1, queue_timeout_s=0.1))
    first = asyncio.create_task(client.complete(ask()))
    await server.wait_for(1)
    error = await error_of(client)
    assert (error.kind, error.sent, len(server.received)) == ("queue_timeout", False, 1)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_several_choices_are_all_there(loopback, client_of):
    choices = [
        {**CHAT["choices"][0], "index": index, "message": {"role": "assistant", "content": text}}
        for index, text in enumerate("AB")
    ]
    server = await loopback.start(loopback.answer(200, {**CHAT, "choices": choices}))
    response = await client_of(server.url).complete(ask(options={"n": 2}))
    assert [choice.message.text for choice in response.choices] == ["A", "B"]


async def test_probabilities_and_sources_come_through(loopback, client_of):
    tokens = {"content": [{"token": "Noon", "logprob": -0.25, "bytes": [78], "top_logprobs": []}]}
    note = {
        "type": "url_citation",
        "url_citation": {"url": "https://a.test", "title": "A", "start_index": 0, "end_index": 1},
    }
    message = {"role": "assistant", "content": "Noon", "annotations": [note]}
    choice = {"index": 0, "finish_reason": "stop", "message": message, "logprobs": tokens}
    server = await loopback.start(loopback.answer(200, {**CHAT, "choices": [choice]}))
    response = await client_of(server.url).complete(ask(options={"logprobs": 1}))
    assert [(token.token, token.logprob) for token in response.logprobs] == [("Noon", -0.25)]
    assert [citation.url for citation in response.message.content[0].citations] == ["https://a.test"]


async def test_plain_reasoning_comes_and_goes_back(loopback, client_of):
    message = {"role": "assistant", "content": "Noon.", "reasoning_content": "hm"}
    server = await loopback.start(
        loopback.answer(200, {**CHAT, "choices": [{**CHAT["choices"][0], "message": message}]})
    )
    client = client_of(server.url)
    response = await client.complete(ask("deepseek/deepseek-chat"))
    assert response.message.content[0] == ReasoningPart("hm", api="litellm")
    await client.complete(
        ask("deepseek/deepseek-chat", Message("user", "When?"), response.message, Message("user", "Sure?"))
    )
    assert server.received[-1].json["messages"][1]["reasoning_content"] == "hm"


def test_secrets_do_not_show_in_the_repr():
    client = LiteLLMClient(ClientConfig("house", api_key=KEY, headers={"x-key": KEY}))
    assert KEY not in repr(vars(client))
