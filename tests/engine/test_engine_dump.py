"""Dump: the request as it would go out, secrets masked, and nothing sent."""

from __future__ import annotations

import json

import pytest

from routebook import Context, Engine, Message, ProviderError, RequestError
from routebook.engine.dump import masked
from routebook.providers.http.exchange import HttpRequest

CANARY = "sk-canary-4f1d9a7b"


async def test_a_dump_is_the_request_that_a_run_sends(fake, wire, books, keys):
    provider = await fake(wire.text("ok"))

    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        wire_request = await engine.dump("chat", "hello", options={"temperature": 0.5})
        assert provider.connections == 0
        await engine.run("chat", "hello", options={"temperature": 0.5})

    [sent] = provider.requests
    assert wire_request.body.encode() == sent.body
    assert (wire_request.method, wire_request.url) == ("POST", f"{provider.url}/chat/completions")
    added = {"host", "content-length", "accept-encoding", "connection"}
    assert {name: value for name, value in sent.headers.items() if name not in added} == {
        **wire_request.headers,
        "authorization": "Bearer sk-platform-0",
    }
    assert wire_request.headers["authorization"] == "Bearer [redacted]"


async def test_a_dump_of_a_stream_is_the_streaming_request(fake, wire, books, keys):
    provider = await fake(wire.stream("ok"))

    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        dumped = await engine.dump("chat", "hello", stream=True)
        async for _ in engine.stream("chat", "hello"):
            continue

    assert json.loads(dumped.body)["stream"] is True
    assert dumped.body.encode() == provider.requests[0].body
    assert dumped.headers["accept"] == "text/event-stream"


async def test_a_dump_has_the_tools_of_the_servers_it_starts(fake, wire, books, keys):
    provider = await fake(wire.text("ok"))
    book = books.over(provider.url, tools={"servers": ["tools"]})
    book["mcp_servers"] = {"tools": books.tools()}

    async with Engine(books.table(book), environment=keys) as engine:
        dumped = await engine.dump("chat", "hello")

    assert "tools__echo" in [tool["function"]["name"] for tool in json.loads(dumped.body)["tools"]]
    assert provider.connections == 0


async def test_no_shadow_and_no_fallback_is_sent_for_a_dump(fake, wire, books, keys):
    first, second, shadow = [await fake(wire.text("ok")) for _ in range(3)]
    book = books.over(first.url, second.url, shadow.url, shadow={"model": "m2", "percent": 100})

    async with Engine(books.table(book), environment=keys) as engine:
        dumped = await engine.dump("chat", "hello")

    assert dumped.url.startswith(first.url)
    assert [provider.connections for provider in (first, second, shadow)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("need", "content", "path", "body"),
    [
        ("embeddings", ["a", "b"], "/embeddings", ("input", ["a", "b"])),
        ("image_output", "a box", "/images/generations", ("prompt", "a box")),
    ],
)
async def test_embeddings_and_images_are_dumped_too(fake, wire, books, keys, need, content, path, body):
    provider = await fake(wire.text("ok"))
    book = books.over(provider.url, needs=[need])
    book["models"]["m0"]["capabilities"] = [need]

    async with Engine(books.table(book), environment=keys) as engine:
        dumped = await engine.dump("chat", content)
        with pytest.raises(RequestError, match="which has no stream"):
            await engine.dump("chat", content, stream=True)

    assert dumped.url == provider.url + path
    assert json.loads(dumped.body)[body[0]] == body[1]
    assert provider.connections == 0


async def test_no_secret_is_in_a_dump_wherever_it_stands(fake, wire, books):
    provider = await fake(wire.text("ok"))
    book = books.over(provider.url, provider={"headers": {"x-tenant": {"env": "TENANT"}, "x-plain": "seen"}})
    environment = {"P0_KEY": CANARY, "TENANT": "tenant-canary-77"}

    async with Engine(books.table(book), environment=environment) as engine:
        platform = await engine.dump("chat", f"my key is {CANARY}, and I am tenant-canary-77")
        caller = await engine.dump(
            "chat", "mine is sk-callers-canary", context=Context(credentials={"p0": "sk-callers-canary"})
        )

    for dumped, secrets in ((platform, (CANARY, "tenant-canary")), (caller, ("sk-callers", CANARY, "tenant-canary"))):
        shown = json.dumps(dumped.to_dict())
        assert [secret for secret in secrets if secret in shown] == []
    assert (platform.headers["x-plain"], platform.headers["x-tenant"]) == ("seen", "[redacted]")
    assert caller.headers["authorization"] == "Bearer [redacted]"


def test_headers_that_are_secret_by_their_names_are_masked_whatever_they_hold():
    headers = {"authorization": "Basic abc", "x-api-key": "k", "cookie": "a=b", "x-goog-api-key": "z", "accept": "*/*"}
    wire = masked(HttpRequest("POST", "https://h/?key=s%2Fecret1", headers, b'{"a": 1}'), ["s/ecret1"])

    assert wire.headers == {
        "authorization": "Basic [redacted]",
        "x-api-key": "[redacted]",
        "cookie": "[redacted]",
        "x-goog-api-key": "[redacted]",
        "accept": "*/*",
    }
    assert wire.url == "https://h/?key=[redacted]"


@pytest.mark.parametrize(
    ("api", "header"), [("openai-chat", "authorization: Bearer {}"), ("anthropic", "x-api-key: {}")]
)
async def test_a_dump_needs_no_key_and_says_where_it_is_missing(fake, wire, books, api, header):
    provider = await fake(wire.text("ok"))
    book = books.over(provider.url, provider={"api": api, "headers": {"x-gate-key": {"env": "GATE"}}})

    async with Engine(books.table(book), environment={}) as engine:
        dumped = await engine.dump("chat", "my key is [P0_KEY is not set]")
        with pytest.raises(ProviderError, match="P0_KEY is not set"):
            await engine.run("chat", "hello")

    name, _, value = header.format("[P0_KEY is not set]").partition(": ")
    assert (dumped.headers[name], dumped.headers["x-gate-key"]) == (value, "[GATE is not set]")
    assert provider.connections == 0


async def test_of_two_secrets_the_one_that_is_there_is_masked_all_the_same(books):
    book = books.over("http://127.0.0.1:1/v1", provider={"headers": {"x-gate-key": {"env": "GATE"}}})

    async with Engine(books.table(book), environment={"GATE": CANARY}) as engine:
        dumped = await engine.dump("chat", f"a {CANARY}")

    assert dumped.headers["authorization"] == "Bearer [P0_KEY is not set]"
    assert dumped.headers["x-gate-key"] == "[redacted]"
    assert CANARY not in json.dumps(dumped.to_dict())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "secret file {} is missing, no regular file, or too large"),
        (b"", "secret file {} is empty"),
        (b"\xff", "secret file {} cannot be read (UnicodeDecodeError)"),
        ("schlüssel".encode(), "the secret at file:{} has characters that no header can carry"),
    ],
)
async def test_a_secret_file_that_cannot_be_read_is_told_in_the_header(books, tmp_path, content, why):
    secret = tmp_path / "key"
    if content is not None:
        secret.write_bytes(content)
    book = books.over("http://127.0.0.1:1/v1", provider={"api_key": {"file": str(secret)}})

    async with Engine(books.table(book), environment={}) as engine:
        dumped = await engine.dump("chat", "x")

    assert dumped.headers["authorization"] == f"Bearer [{why.format(secret)}]"


async def test_what_keeps_the_first_request_from_being_made_is_the_error_and_no_fallback_stands_in(books, keys):
    book = books.over("http://127.0.0.1:1", "http://127.0.0.1:2", provider={"api": "anthropic"})
    book["features"]["chat"]["fallbacks"][0]["on"] = ["bad_request"]

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(ProviderError, match="no message of a user") as caught:
            await engine.dump("chat", [Message("system", "x")])

    assert (caught.value.kind, caught.value.sent, caught.value.provider) == ("bad_request", False, "p0")


@pytest.mark.parametrize("by_engine", [True, False])
async def test_a_script_has_nothing_on_the_wire_and_says_so(books, by_engine):
    book = books.scripted({"reply": {"tool_calls": [{"name": "x"}]}})
    script = [{"reply": {"text": "x"}}] if by_engine else None

    async with Engine(books.table(book), environment={}, script=script) as engine:
        with pytest.raises(RequestError, match="nothing goes over the wire"):
            await engine.dump("chat", "x")


async def test_a_run_that_asks_no_model_has_nothing_on_the_wire(books, keys):
    book = books.over("http://127.0.0.1:1/v1", output="pick")
    book["outputs"] = {
        "pick": {
            "schema": {"type": "object", "properties": {"id": {"type": "string"}}},
            "checks": [{"choice": {"field": "id", "from": "things"}}],
        }
    }

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(RequestError, match="answered without a model"):
            await engine.dump("chat", "x", inputs={"things": []})
