from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from aws_server import Answering, Aws, read_authorization
from event_frames import event, exception
from loopback_server import Loopback

from routebook.canonical.chat import ChatRequest
from routebook.canonical.embedding import EmbeddingRequest
from routebook.canonical.event import ResponseFinished, TextDelta
from routebook.canonical.image import ImageRequest
from routebook.canonical.message import Message
from routebook.canonical.usage import Usage
from routebook.errors import ProviderError
from routebook.providers.bedrock.client import BedrockClient
from routebook.providers.http.exchange import HttpResponse
from routebook.providers.protocol import ClientConfig

KEY = "bedrock-api-key-0123456789"
CLAUDE = "eu.anthropic.claude-x-v1:0"
ANSWER = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Noon."}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
    "metrics": {"latencyMs": 7},
}
EVENTS = [
    event("messageStart", {"role": "assistant"}),
    event("contentBlockDelta", {"delta": {"text": "Noon."}, "contentBlockIndex": 0}),
    event("contentBlockStop", {"contentBlockIndex": 0}),
    event("messageStop", {"stopReason": "end_turn"}),
    event("metadata", {"usage": ANSWER["usage"], "metrics": ANSWER["metrics"]}),
]
SLOW_DOWN = {"message": f"Too many requests ({KEY})"}
NOWHERE = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
OLD = {"AWS_ACCESS_KEY_ID": "AKIDOLD", "AWS_SECRET_ACCESS_KEY": "secret-old-0123456789"}


def ask(**options: object) -> ChatRequest:
    return ChatRequest(CLAUDE, (Message("user", "When?"),), options=options, target="luna")


@pytest.fixture
async def client_of():
    clients = []

    def make(url: str | None, **fields: object) -> BedrockClient:
        config = {"provider": "house", "base_url": url, "api_key": KEY, "region": "eu-central-1", **fields}
        clients.append(BedrockClient(ClientConfig(**config)))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
async def aws_of():
    """Start a server for the keys that hold; without an answer of its own it says `ANSWER`."""
    async with AsyncExitStack() as stack:

        async def start(aws: Aws) -> Answering:
            aws.good = aws.good or Loopback.answer(200, ANSWER)
            return await stack.enter_async_context(Answering(aws.answer))

        yield start


async def error_of(call) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await call
    return caught.value


async def all_of(client: BedrockClient) -> list:
    return [event async for event in client.stream(ask())]


async def test_a_call_is_posted_with_its_key_and_answered(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER, "x-amzn-requestid: req_1"))
    response = await client_of(server.url).complete(ask(max_output_tokens=64))
    assert (response.message.text, response.request_id) == ("Noon.", "req_1")
    (received,) = server.received
    assert received.line == "POST /model/eu.anthropic.claude-x-v1%3A0/converse HTTP/1.1"
    assert received.header("authorization") == [f"Bearer {KEY}"]
    assert received.header("x-amz-date") == []
    assert received.json == {
        "messages": [{"role": "user", "content": [{"text": "When?"}]}],
        "inferenceConfig": {"maxTokens": 64},
    }


class Seen:
    """A transport that tells where requests go, and answers them."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    async def send(self, request, timeouts):
        self.urls.append(request.url)
        return HttpResponse(200, {}, json.dumps(ANSWER).encode())

    async def close(self) -> None:
        return None


@pytest.mark.parametrize(
    ("region", "base_url", "begins"),
    [
        ("eu-central-1", None, "https://bedrock-runtime.eu-central-1.amazonaws.com/model/"),
        ("cn-north-1", None, "https://bedrock-runtime.cn-north-1.amazonaws.com.cn/model/"),
        ("r", "https://vpce-1.example.com/prefix/", "https://vpce-1.example.com/prefix/model/"),
        (None, "https://vpce-1.example.com", "https://vpce-1.example.com/model/"),
    ],
)
async def test_an_address_is_the_providers_own_or_its_regions(client_of, region, base_url, begins):
    seen = Seen()
    await client_of(base_url, region=region, transport=seen).complete(ask())
    assert seen.urls[0].startswith(begins)


async def test_a_providers_authorization_replaces_its_key(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    await client_of(server.url, headers={"Authorization": "Bearer token-1"}).complete(ask())
    assert server.received[0].header("authorization") == ["Bearer token-1"]


async def test_no_variable_of_the_vendors_own_package_is_picked_up(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    names = ("AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL")
    with patch.dict(os.environ, dict.fromkeys(names, "http://127.0.0.1:1")):
        await client_of(server.url, api_key=None).complete(ask())
    assert server.received[0].header("authorization") == []


async def test_a_refusal_has_its_kind_and_its_request_and_no_key(loopback, client_of):
    headers = ("x-amzn-requestid: req_9", "x-amzn-errortype: ThrottlingException:http://internal.amazon.com/")
    server = await loopback.start(loopback.answer(429, SLOW_DOWN, *headers))
    error = await error_of(client_of(server.url).complete(ask()))
    assert (error.kind, error.status, error.request_id) == ("rate_limit", 429, "req_9")
    assert (error.provider, error.model) == ("house", "luna")
    assert KEY not in str(error)


async def test_a_stream_yields_its_words_and_folds_to_the_response_of_a_whole_answer(loopback, client_of):
    whole = await loopback.start(loopback.answer(200, ANSWER, "x-amzn-requestid: req_1"))
    streamed = await loopback.start(loopback.answer(200, b"".join(EVENTS), "x-amzn-requestid: req_1"))
    events = await all_of(client_of(streamed.url))
    assert events[0] == TextDelta("Noon.")
    assert events[1:] == [ResponseFinished(await client_of(whole.url).complete(ask()))]
    (received,) = streamed.received
    assert received.line.startswith("POST /model/eu.anthropic.claude-x-v1%3A0/converse-stream ")
    assert received.header("accept") == ["application/vnd.amazon.eventstream"]
    assert received.json == whole.received[0].json


async def test_a_whole_answer_to_a_streamed_call_is_read(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    assert [type(event) for event in await all_of(client_of(server.url))] == [TextDelta, ResponseFinished]


async def test_an_exception_in_a_stream_of_status_200_has_its_own_kind(loopback, client_of):
    stream = b"".join([*EVENTS[:2], exception("throttlingException", SLOW_DOWN)])
    server = await loopback.start(loopback.answer(200, stream))
    error = await error_of(all_of(client_of(server.url)))
    assert (error.kind, error.status, KEY in str(error)) == ("rate_limit", 200, False)


async def test_an_event_with_a_wrong_checksum_is_malformed(loopback, client_of):
    wrong = EVENTS[1][:-1] + bytes([EVENTS[1][-1] ^ 1])
    server = await loopback.start(loopback.answer(200, b"".join([EVENTS[0], wrong, *EVENTS[2:]])))
    error = await error_of(all_of(client_of(server.url)))
    assert (error.kind, "checksum" in str(error)) == ("malformed_response", True)


async def test_a_stream_that_ends_before_its_last_event_was_cut_off(loopback, client_of):
    server = await loopback.start(loopback.answer(200, b"".join(EVENTS[:3])))
    assert (await error_of(all_of(client_of(server.url)))).kind == "connection"


async def test_a_stream_that_ends_without_its_counts_is_whole(loopback, client_of):
    server = await loopback.start(loopback.answer(200, b"".join(EVENTS[:4])))
    finished = (await all_of(client_of(server.url)))[-1]
    assert (finished.response.message.text, finished.response.usage) == ("Noon.", None)


async def test_there_are_no_images(client_of):
    error = await error_of(client_of("http://127.0.0.1:9").generate_image(ImageRequest("m", "a dusk")))
    assert (error.kind, "api 'bedrock'" in str(error)) == ("unsupported_capability", True)


async def test_a_key_needs_no_package_of_the_vendors(tmp_path):
    """A book compiles, calls, streams and embeds where botocore cannot be imported."""

    async def answer(received) -> bytes:
        if received.line.startswith("POST /model/amazon.titan-embed-text-v2%3A0/invoke"):
            return Loopback.answer(200, {"embedding": [1.0], "inputTextTokenCount": 2})
        return Loopback.answer(200, b"".join(EVENTS) if "-stream " in received.line else ANSWER)

    probe = """
import asyncio, sys
sys.modules["botocore"] = None
from routebook import Engine, TextDelta
async def main():
    async with Engine(sys.argv[1]) as engine:
        print((await engine.run("chat", "When?")).text)
        async for event in engine.stream("chat", "When?"):
            if isinstance(event, TextDelta):
                print(event.text)
        print((await engine.embed("vectors", ["a"])).vectors)
asyncio.run(main())
"""
    async with Answering(answer) as server:
        (tmp_path / "routes.yaml").write_text(
            f"providers: {{bedrock: {{region: r, base_url: '{server.url}', api_key: {{env: HOUSE_KEY}}}}}}\n"
            f"features:\n  chat: {{use: {{model: bedrock/{CLAUDE}}}}}\n"
            "  vectors: {needs: [embeddings], use: {model: bedrock/amazon.titan-embed-text-v2:0}}\n"
        )
        environment = {**os.environ, "HOUSE_KEY": KEY}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", probe, str(tmp_path)), env=environment, stdout=subprocess.PIPE
        )
        said, _ = await asyncio.wait_for(process.communicate(), 30)
    assert said.decode().splitlines() == ["Noon.", "Noon.", "((1.0,),)"]
    assert {tuple(received.header("authorization")) for received in server.received} == {(f"Bearer {KEY}",)}


# signed requests


async def test_a_call_is_signed_with_what_the_environment_has(aws_of, client_of):
    server = await aws_of(Aws({"AKIDOLD": OLD["AWS_SECRET_ACCESS_KEY"]}))
    client = client_of(server.url, api_key=None, finds_credentials=True, environment={**NOWHERE, **OLD})
    calls = (client.complete(ask(extra_headers={"X-Amzn-Bedrock-Trace": "ENABLED"})) for _ in range(3))
    assert [(await call).message.text for call in calls] == ["Noon."] * 3
    (received, *_) = server.received
    signed = read_authorization(received)["SignedHeaders"].split(";")
    assert signed == ["content-type", "host", "x-amz-date", "x-amzn-bedrock-trace"]
    assert "/eu-central-1/bedrock/aws4_request" in received.header("authorization")[0]


async def test_a_stream_is_signed_as_well(aws_of, loopback, client_of):
    good = loopback.answer(200, b"".join(EVENTS))
    server = await aws_of(Aws({"AKIDOLD": OLD["AWS_SECRET_ACCESS_KEY"]}, {"AKIDOLD": "token-1"}, good))
    found = {**NOWHERE, **OLD, "AWS_SESSION_TOKEN": "token-1"}
    client = client_of(server.url, api_key=None, finds_credentials=True, environment=found)
    assert (await all_of(client))[0] == TextDelta("Noon.")


async def test_a_wrong_secret_is_refused_and_never_shown(aws_of, client_of):
    server = await aws_of(Aws({"AKIDOLD": "another-secret"}))
    client = client_of(server.url, api_key=None, finds_credentials=True, environment={**NOWHERE, **OLD})
    error = await error_of(client.complete(ask()))
    assert (error.kind, error.status) == ("authentication", 403)
    assert OLD["AWS_SECRET_ACCESS_KEY"] not in str(error)


async def test_a_secret_that_the_provider_repeats_is_taken_out(loopback, client_of):
    server = await loopback.start(loopback.answer(400, {"message": f"No: {OLD['AWS_SECRET_ACCESS_KEY']}"}))
    client = client_of(server.url, api_key=None, finds_credentials=True, environment={**NOWHERE, **OLD})
    error = await error_of(client.complete(ask()))
    assert error.message == "No: [redacted]"


async def test_credentials_that_expired_are_refused_once_and_the_next_call_has_fresh_ones(
    aws_of, client_of, monkeypatch
):
    monkeypatch.setattr("routebook.providers.bedrock.signing._REFUSALS_APART_S", 0)
    aws = Aws({"AKIDOLD": OLD["AWS_SECRET_ACCESS_KEY"]})
    server = await aws_of(aws)
    changing = {**NOWHERE, **OLD}
    client = client_of(server.url, api_key=None, finds_credentials=True, environment=changing)
    await client.complete(ask())
    aws.secrets = {"AKIDNEW": "secret-new"}
    changing |= {"AWS_ACCESS_KEY_ID": "AKIDNEW", "AWS_SECRET_ACCESS_KEY": "secret-new"}
    assert (await error_of(client.complete(ask()))).kind == "authentication"
    assert (await client.complete(ask())).message.text == "Noon."


async def test_credentials_that_expire_in_the_middle_do_not_fail_a_call(aws_of, loopback, client_of):
    """A container issues ones for two seconds, the server refuses what is older; calls go on for four."""
    aws = Aws({})
    issued: list[float] = []

    async def issue(writer) -> None:
        number = len(issued)
        issued.append(time.monotonic())
        access = f"AKID{number}"
        aws.secrets[access], aws.tokens[access] = f"secret-{number}", f"token-{number}"
        asyncio.get_running_loop().call_later(2.0, aws.secrets.pop, access)
        given = {
            "AccessKeyId": access,
            "SecretAccessKey": f"secret-{number}",
            "Token": f"token-{number}",
            "Expiration": (datetime.now(UTC) + timedelta(seconds=2)).isoformat(),
        }
        writer.write(loopback.answer(200, given))
        await writer.drain()

    box = await loopback.start(issue)
    server = await aws_of(aws)
    where = {**NOWHERE, "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{box.url}/role"}
    client = client_of(server.url, api_key=None, finds_credentials=True, environment=where)
    began, calls = time.monotonic(), 0
    while time.monotonic() - began < 4:
        responses = await asyncio.gather(*(client.complete(ask()) for _ in range(4)))
        assert {response.message.text for response in responses} == {"Noon."}
        calls += 4
        await asyncio.sleep(0.02)
    assert calls > 40
    assert 2 <= len(issued) <= 5


async def test_without_credentials_nothing_is_sent(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    client = client_of(server.url, api_key=None, finds_credentials=True, environment=NOWHERE)
    error = await error_of(client.complete(ask()))
    assert (error.kind, error.sent, server.received) == ("authentication", False, [])
    assert "AWS_PROFILE" in str(error)


async def test_a_request_that_is_only_shown_looks_for_nothing(client_of):
    class Shown(Seen):
        async def send(self, request, timeouts):
            self.headers = request.headers
            return await super().send(request, timeouts)

    shown = Shown()
    await client_of(None, api_key=None, finds_credentials=True, is_shown=True, transport=shown).complete(ask())
    assert shown.headers["authorization"].startswith("AWS4-HMAC-SHA256 (signed as it is sent")


async def test_headers_of_the_providers_own_stand_for_credentials(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    fields = {"api_key": None, "finds_credentials": True, "environment": NOWHERE}
    await client_of(server.url, headers={"Authorization": "Bearer proxy"}, **fields).complete(ask())
    assert server.received[0].header("authorization") == ["Bearer proxy"]


# embeddings


async def test_texts_of_a_model_that_takes_one_at_a_time_are_as_many_calls_in_order(loopback, client_of):
    most, now = 0, 0

    async def answer(received) -> bytes:
        nonlocal most, now
        now += 1
        most = max(most, now)
        text = received.json["inputText"]
        await asyncio.sleep(0.02 if int(text) % 2 else 0.01)
        now -= 1
        return loopback.answer(200, {"embedding": [float(text), 1.0], "inputTextTokenCount": 2})

    texts = tuple(map(str, range(30)))
    async with Answering(answer) as server:
        response = await client_of(server.url).embed(EmbeddingRequest("amazon.titan-embed-text-v2:0", texts))
    assert response.vectors == tuple((float(text), 1.0) for text in texts)
    assert (response.usage, len(server.received)) == (Usage(60), 30)
    assert 1 < most <= 8
    assert server.received[0].line == "POST /model/amazon.titan-embed-text-v2%3A0/invoke HTTP/1.1"


async def test_one_call_that_fails_ends_the_others(loopback, client_of):
    async def answer(received) -> bytes:
        if received.json["inputText"] != "0":
            await asyncio.sleep(5)
        return loopback.answer(400, {"message": "No."})

    request = EmbeddingRequest("amazon.titan-embed-text-v1", ("0", "1", "2"), target="luna")
    async with Answering(answer) as server:
        tasks, began = asyncio.all_tasks(), time.monotonic()
        error = await error_of(client_of(server.url).embed(request))
        assert (error.kind, error.model) == ("bad_request", "luna")
        assert time.monotonic() - began < 2
        assert asyncio.all_tasks() - server.tasks <= tasks


async def test_a_model_of_no_known_family_is_refused_before_anything_is_sent(loopback, client_of):
    server = await loopback.start(loopback.answer(200, {}))
    error = await error_of(client_of(server.url).embed(EmbeddingRequest("vendor.embed-x", ("a",))))
    assert (error.kind, error.sent, server.received) == ("unsupported_capability", False, [])
    assert "amazon.titan-embed-text-v2" in str(error)


async def test_many_texts_for_cohere_are_calls_of_ninety_six(loopback, client_of):
    async def answer(received) -> bytes:
        texts = received.json["texts"]
        body = {"embeddings": {"float": [[float(text)] for text in texts]}}
        return loopback.answer(200, body, f"x-amzn-bedrock-input-token-count: {len(texts)}")

    texts = tuple(map(str, range(200)))
    async with Answering(answer) as server:
        response = await client_of(server.url).embed(EmbeddingRequest("cohere.embed-v4:0", texts))
    assert response.vectors == tuple((float(text),) for text in texts)
    assert response.usage == Usage(200)
    assert sorted(len(received.json["texts"]) for received in server.received) == [8, 96, 96]


def test_the_interpreter_ends_though_a_look_for_credentials_hangs(tmp_path):
    """A thread that waits for a program that never ends keeps nobody."""
    (tmp_path / "config").write_text(
        f"[default]\ncredential_process = {sys.executable} -c 'import time; time.sleep(20)'"
    )
    probe = f"""
import asyncio
from routebook.providers.bedrock.signing import AwsSigner
from routebook.providers.http.exchange import HttpRequest
async def main():
    signer = AwsSigner({{"AWS_CONFIG_FILE": {str(tmp_path / "config")!r}, "PATH": ""}}, "r")
    try:
        async with asyncio.timeout(1.0):
            await signer.sign(HttpRequest("POST", "https://h/", {{}}, b""))
    except TimeoutError:
        print("gave up")
asyncio.run(main())
"""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=15, check=False)
    assert done.stdout.strip() == "gave up"
    assert time.monotonic() - began < 10
