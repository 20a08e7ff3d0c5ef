"""Credentials of Vertex: real key files, and token servers on loopback that do well, badly, or nothing."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from routebook.canonical.chat import ChatRequest
from routebook.canonical.message import Message
from routebook.errors import MissingExtra, ProviderError
from routebook.providers.gemini import client as client_module
from routebook.providers.gemini.client import GeminiClient
from routebook.providers.http.exchange import HttpRequest
from routebook.providers.protocol import ClientConfig
from routebook.providers.signer import Unsigned
from routebook.routing.provider_spec import Timeouts

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
ANSWER = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Noon."}]}, "finishReason": "STOP"}]}
UNAUTHENTICATED = {"error": {"code": 401, "message": "Request had invalid credentials.", "status": "UNAUTHENTICATED"}}
REQUEST = ChatRequest("gemini-x", (Message("user", "When?"),), target="luna")
PLAIN = HttpRequest("POST", "http://127.0.0.1/x", {"accept": "a"}, b"{}")
PLACE = {"project": "p-1", "location": "europe-west4"}


class Tokens:
    """A token server: it numbers its tokens, and can be told to fail, to wait, or to say something else."""

    def __init__(self, loopback: Any) -> None:
        self._loopback = loopback
        self.server: Any = None
        self.issued = 0
        self.lifetime: Any = 3600
        self.wait_s = 0.0
        self.instead: bytes | None = None

    async def start(self) -> Tokens:
        self.server = await self._loopback.start(self._reply)
        return self

    async def _reply(self, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self.wait_s)
        if self.instead is None:
            self.issued += 1
            body = {"access_token": self.token(self.issued), "token_type": "Bearer", "expires_in": self.lifetime}
            writer.write(self._loopback.answer(200, body))
        else:
            writer.write(self.instead)
        await writer.drain()

    @staticmethod
    def token(number: int) -> str:
        return f"ya29.token-{number}-0123456789"

    @property
    def asked(self) -> int:
        return len(self.server.received)


@pytest.fixture
async def tokens(loopback) -> Tokens:
    return await Tokens(loopback).start()


def account(token_uri: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "service_account",
        "project_id": "p-1",
        "private_key_id": "k1",
        "private_key": PEM,
        "client_email": "robot@p-1.iam.gserviceaccount.com",
        "client_id": "7",
        "token_uri": token_uri,
        **fields,
    }


@pytest.fixture
def key_file(tmp_path: Path, tokens: Tokens) -> Path:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(account(f"{tokens.server.url}/token")))
    return path


def config_of(url: str, environment: dict[str, str], **fields: Any) -> ClientConfig:
    given = {"finds_credentials": True, "environment": environment, **PLACE, **fields}
    return ClientConfig("house", url, **given)


def signer_of(environment: dict[str, str], **timeouts: float) -> Any:
    config = config_of("http://127.0.0.1:9", environment, timeout=Timeouts(connect=2, **timeouts))
    return client_module._signer(config)


@pytest.fixture
def signer(key_file: Path) -> Any:
    return signer_of({"GOOGLE_APPLICATION_CREDENTIALS": str(key_file)})


@pytest.fixture
async def client_of(key_file: Path):
    clients = []

    def make(url: str, **fields: Any) -> GeminiClient:
        environment = {"GOOGLE_APPLICATION_CREDENTIALS": str(key_file)}
        clients.append(GeminiClient(config_of(url, environment, **fields)))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


async def bearer(signer: Any) -> str:
    return (await signer.sign(PLAIN)).headers["authorization"]


async def fault_of(signer: Any) -> Any:
    with pytest.raises(Unsigned) as caught:
        await signer.sign(PLAIN)
    assert "PRIVATE KEY" not in caught.value.fault.message
    return caught.value.fault


async def test_a_call_has_a_token_that_the_key_of_an_account_was_exchanged_for(loopback, tokens, client_of):
    vertex = await loopback.start(loopback.answer(200, ANSWER))
    response = await client_of(vertex.url).complete(REQUEST)
    assert response.message.text == "Noon."
    (received,) = vertex.received
    assert received.header("authorization") == [f"Bearer {tokens.token(1)}"]
    assert received.header("x-goog-api-key") == []
    assert "/projects/p-1/locations/europe-west4/publishers/google/models/gemini-x:" in received.line


async def test_the_account_proves_itself_by_a_signature_of_its_key(tokens, signer):
    await bearer(signer)
    (asked,) = tokens.server.received
    form = parse_qs(asked.body.decode())
    head, claims, signature = form["assertion"][0].split(".")
    padded = signature + "=" * (-len(signature) % 4)
    KEY.public_key().verify(base64.urlsafe_b64decode(padded), f"{head}.{claims}".encode(), padding.PKCS1v15(), SHA256())
    said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert said["iss"] == "robot@p-1.iam.gserviceaccount.com"
    assert said["scope"] == "https://www.googleapis.com/auth/cloud-platform"


async def test_a_token_is_used_again_until_shortly_before_its_end(tokens, signer):
    tokens.lifetime = 2
    assert [await bearer(signer) for _ in range(3)] == [f"Bearer {tokens.token(1)}"] * 3
    await asyncio.sleep(1.85)  # a tenth of its life is left at 1.8 s
    assert await bearer(signer) == f"Bearer {tokens.token(2)}"
    assert tokens.asked == 2


async def test_a_token_is_renewed_beside_the_calls_that_can_still_use_it(tokens, signer):
    tokens.lifetime = 5
    await bearer(signer)
    tokens.wait_s = 0.3
    await asyncio.sleep(4.1)  # a fifth of its life is left at 4 s, a tenth at 4.5 s
    began = time.monotonic()
    assert [await bearer(signer) for _ in range(3)] == [f"Bearer {tokens.token(1)}"] * 3
    assert time.monotonic() - began < 0.2
    await tokens.server.wait_for(2)
    await asyncio.sleep(0.5)
    assert await bearer(signer) == f"Bearer {tokens.token(2)}"
    assert tokens.asked == 2


async def test_twenty_calls_at_once_make_one_exchange(tokens, signer):
    tokens.wait_s = 0.05
    found = await asyncio.gather(*(bearer(signer) for _ in range(20)))
    assert (set(found), tokens.asked) == ({f"Bearer {tokens.token(1)}"}, 1)


async def test_the_event_loop_goes_on_while_a_token_is_waited_for(tokens, signer):
    tokens.wait_s = 0.3
    waiting = asyncio.create_task(bearer(signer))
    longest, last = 0.0, time.monotonic()
    while not waiting.done():
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    await waiting
    assert longest < 0.25


async def test_a_call_that_is_cancelled_does_not_stop_the_exchange_for_the_others(tokens, signer):
    tokens.wait_s = 0.2
    calls = [asyncio.create_task(bearer(signer)) for _ in range(3)]
    await tokens.server.wait_for(1)
    calls[0].cancel()
    assert await calls[1] == await calls[2] == f"Bearer {tokens.token(1)}"
    with pytest.raises(asyncio.CancelledError):
        await calls[0]
    assert tokens.asked == 1


async def test_an_exchange_that_nobody_waits_for_any_more_is_of_use_to_the_next(tokens, signer):
    tokens.wait_s = 0.1
    call = asyncio.create_task(bearer(signer))
    await tokens.server.wait_for(1)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert await bearer(signer) == f"Bearer {tokens.token(1)}"
    assert tokens.asked == 1


def test_the_interpreter_ends_though_a_token_server_hangs(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        path = tmp_path / "key.json"
        path.write_text(json.dumps(account(f"http://127.0.0.1:{deaf.getsockname()[1]}/token")))
        program = f"""
import asyncio
from routebook.providers.gemini.vertex import VertexSigner
from routebook.providers.http.exchange import HttpRequest
from routebook.providers.protocol import ClientConfig

environment = {{"GOOGLE_APPLICATION_CREDENTIALS": {str(path)!r}}}
signer = VertexSigner(ClientConfig("house", "http://127.0.0.1:9", finds_credentials=True, environment=environment))

async def give_up():
    try:
        await asyncio.wait_for(signer.sign(HttpRequest("POST", "http://127.0.0.1:9", {{}}, b"")), 0.5)
    except TimeoutError:
        print("gave up")

asyncio.run(give_up())
"""
        began = time.monotonic()
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == (b"gave up\n", b"")
    assert time.monotonic() - began < 15


async def test_a_token_that_the_provider_refuses_is_replaced_at_the_next_call(loopback, tokens, client_of):
    refusing = await loopback.start(loopback.answer(401, UNAUTHENTICATED))
    client = client_of(refusing.url)
    for _ in range(2):
        with pytest.raises(ProviderError) as caught:
            await client.complete(REQUEST)
        assert (caught.value.kind, caught.value.status) == ("authentication", 401)
    sent = [received.header("authorization") for received in refusing.received]
    assert sent == [[f"Bearer {tokens.token(1)}"], [f"Bearer {tokens.token(2)}"]]


async def test_a_token_is_in_no_message_and_no_repr(loopback, tokens, client_of):
    leaking = {"error": {"code": 500, "message": f"Boom: {tokens.token(1)}", "status": "INTERNAL"}}
    vertex = await loopback.start(loopback.answer(500, leaking))
    client = client_of(vertex.url)
    with pytest.raises(ProviderError) as caught:
        await client.complete(REQUEST)
    assert tokens.token(1) not in str(caught.value)
    assert "Boom: [redacted]" in str(caught.value)
    assert tokens.token(1) not in repr(client._endpoint._signer._token)


async def test_a_token_that_was_refused_meanwhile_is_in_no_message_either(tokens, signer):
    await bearer(signer)
    signer.refused()
    await bearer(signer)
    assert {tokens.token(1), tokens.token(2)} <= set(signer.secrets)


async def test_an_old_token_is_used_to_its_end_while_there_is_no_new_one(tokens, signer):
    tokens.lifetime = 3
    await bearer(signer)
    tokens.instead = b"HTTP/1.1 400 X\r\ncontent-length: 0\r\n\r\n"
    await asyncio.sleep(2.5)
    assert await bearer(signer) == f"Bearer {tokens.token(1)}"
    await asyncio.sleep(0.6)
    assert (await fault_of(signer)).kind == "authentication"


async def test_a_refused_token_is_not_used_while_there_is_no_new_one(tokens, signer):
    await bearer(signer)
    signer.refused()
    tokens.instead = b"HTTP/1.1 400 X\r\ncontent-length: 0\r\n\r\n"
    assert (await fault_of(signer)).kind == "authentication"
    tokens.instead = None
    assert await bearer(signer) == f"Bearer {tokens.token(2)}"


def answer(status: int, body: Any, *, is_json: bool = True) -> bytes:
    payload = json.dumps(body).encode() if is_json else body
    return b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%s" % (status, len(payload), payload)


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (
            answer(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}),
            "authentication",
            "invalid_grant: Invalid JWT Signature; run `gcloud auth application-default login`",
        ),
        (answer(401, {"error": {"message": "Gone."}}), "authentication", "gcloud auth"),
        (answer(200, {"token_type": "Bearer"}), "authentication", "no access token in response"),
        (answer(200, {"access_token": "", "expires_in": 5}), "authentication", "no access token"),
        (answer(200, {"access_token": 7, "expires_in": 5}), "authentication", "no access token"),
        (answer(200, {"access_token": "a\r\nx-evil: 1", "expires_in": 5}), "authentication", "no access token"),
        (answer(200, {"access_token": "ya29.ü", "expires_in": 5}), "authentication", "no access token"),
        (answer(200, {"access_token": "a", "expires_in": "soon"}), "authentication", "cannot be used"),
        (answer(200, [1]), "authentication", "cannot be used"),
        (answer(200, b"Good day", is_json=False), "authentication", "cannot be used"),
        (answer(200, b"", is_json=False), "authentication", "cannot be used"),
        (answer(403, b"<html><title>Forbidden</title></html>", is_json=False), "authentication", "forbidden"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", "connection", "no answer from 127.0.0.1"),
        (b"HTTP/1.1 200 X\r\ncontent-length: 500\r\n\r\n{", "connection", "no answer from 127.0.0.1"),
        (b"", "connection", "no answer from 127.0.0.1"),
        (b"HTTP/1.1 200 X\r\ncontent-length: 2000000\r\n\r\n" + b" " * 2_000_000, "connection", "no answer from"),
    ],
)
async def test_a_token_server_that_does_not_give_one_is_told_in_a_sentence(tokens, signer, said, kind, words):
    tokens.instead = said
    fault = await fault_of(signer)
    assert (fault.kind, words.lower() in fault.message.lower()) == (kind, True), fault
    tokens.instead = None
    assert await bearer(signer) == f"Bearer {tokens.token(1)}"


async def test_a_proof_that_a_token_server_repeats_is_in_no_message(loopback, tmp_path):
    async def repeat(writer: asyncio.StreamWriter) -> None:
        proof = parse_qs(server.received[-1].body.decode())["assertion"][0]
        writer.write(loopback.answer(400, {"error": "invalid_grant", "error_description": f"Bad: {proof}"}))
        await writer.drain()

    server = await loopback.start(repeat)
    path = tmp_path / "key.json"
    path.write_text(json.dumps(account(server.url)))
    fault = await fault_of(signer_of({"GOOGLE_APPLICATION_CREDENTIALS": str(path)}))
    assert "invalid_grant: Bad: [redacted]" in fault.message
    assert parse_qs(server.received[-1].body.decode())["assertion"][0] not in fault.message


async def test_a_token_server_that_is_down_is_a_failed_connection(loopback, tokens, client_of):
    vertex = await loopback.start(loopback.answer(200, ANSWER))
    client = client_of(vertex.url)
    await loopback.stop()
    with pytest.raises(ProviderError) as caught:
        await client.complete(REQUEST)
    assert (caught.value.kind, caught.value.sent, caught.value.status) == ("connection", False, None)
    assert "no access token for Vertex: no answer from 127.0.0.1 (no connection)" in str(caught.value)


async def test_a_token_server_that_is_too_slow_is_a_timeout(tokens, key_file):
    tokens.wait_s = 5
    signer = signer_of({"GOOGLE_APPLICATION_CREDENTIALS": str(key_file)}, total=0.3)
    began = time.monotonic()
    faults = await asyncio.gather(*(fault_of(signer) for _ in range(5)))
    assert time.monotonic() - began < 1.5
    assert {fault.kind for fault in faults} <= {"timeout", "connection"}
    assert tokens.asked == 1


async def test_a_token_server_that_fails_for_now_is_asked_again_by_the_library(tokens, signer):
    tokens.instead = answer(503, {"error": "temporarily_unavailable"})
    call = asyncio.create_task(bearer(signer))
    await tokens.server.wait_for(1)
    tokens.instead = None
    assert await call == f"Bearer {tokens.token(1)}"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "was not found"),
        ("", "valid json"),
        ("[]", ""),
        ("{}", "type"),
        (json.dumps({"type": "service_account"}), "failed to load service account credentials"),
        (json.dumps(account("http://127.0.0.1:9", private_key="-----BEGIN no key")), ""),
        (json.dumps({"type": "authorized_user"}), "failed to load authorized user credentials"),
    ],
)
async def test_a_file_that_holds_no_credentials_is_named_with_what_to_do(tmp_path, content: str | None, words: str):
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    fault = await fault_of(signer_of({"GOOGLE_APPLICATION_CREDENTIALS": str(path)}))
    assert (fault.kind, words in fault.message) == ("authentication", True), fault
    assert "run `gcloud auth application-default login`" in fault.message


async def test_a_file_that_was_mended_is_read_anew(tmp_path, tokens):
    path = tmp_path / "key.json"
    path.write_text("{}")
    signer = signer_of({"GOOGLE_APPLICATION_CREDENTIALS": str(path)})
    await fault_of(signer)
    path.write_text(json.dumps(account(tokens.server.url)))
    assert await bearer(signer) == f"Bearer {tokens.token(1)}"


async def test_who_pays_is_said_where_the_environment_says_so(tokens, key_file):
    environment = {"GOOGLE_APPLICATION_CREDENTIALS": str(key_file)}
    signed = await signer_of(environment).sign(PLAIN)
    assert signed.headers == {"accept": "a", "authorization": f"Bearer {tokens.token(1)}"}
    signed = await signer_of({**environment, "GOOGLE_CLOUD_QUOTA_PROJECT": "payer-1"}).sign(PLAIN)
    assert signed.headers == {
        "accept": "a",
        "authorization": f"Bearer {tokens.token(2)}",
        "x-goog-user-project": "payer-1",
    }


async def test_the_credentials_of_a_person_are_exchanged_through_the_environments_proxy(tmp_path, monkeypatch):
    """Their server cannot be moved to loopback; that it is asked for, by name and through a proxy, can be seen."""
    asked: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    proxy = await asyncio.start_server(refuse, "127.0.0.1", 0)
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
    path = tmp_path / "key.json"
    user = {
        "type": "authorized_user",
        "client_id": "c",
        "client_secret": "s3cret-of-client",
        "refresh_token": "r3fresh",
    }
    path.write_text(json.dumps(user))
    fault = await fault_of(signer_of({"GOOGLE_APPLICATION_CREDENTIALS": str(path)}))
    proxy.close()
    assert fault.kind == "connection"
    assert asked[0].startswith(b"CONNECT oauth2.googleapis.com:443")
    assert "s3cret" not in fault.message
    assert "r3fresh" not in fault.message


METADATA = """
import asyncio, os, sys
from routebook.providers.gemini.client import _signer
from routebook.providers.http.exchange import HttpRequest
from routebook.providers.protocol import ClientConfig
from routebook.providers.signer import Unsigned

async def main():
    signer = _signer(ClientConfig("house", "http://127.0.0.1:9", finds_credentials=True, project="p"))
    try:
        print((await signer.sign(HttpRequest("POST", "http://x", {}, b""))).headers["authorization"])
    except Unsigned as unsigned:
        print(unsigned.fault.kind, unsigned.fault.message)

asyncio.run(main())
"""


def google_says(tmp_path: Path, **environment: str) -> str:
    """What a process of its own says, whose environment is all that Google's library sees."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", METADATA],
        env={**kept, "HOME": str(tmp_path), "CLOUDSDK_CONFIG": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


async def test_the_metadata_server_of_the_machine_gives_a_token(loopback, tmp_path):
    async def reply(writer: asyncio.StreamWriter) -> None:
        path = server.received[-1].line.split()[1]
        body: Any = {"access_token": "ya29.of-the-machine", "expires_in": 3600, "token_type": "Bearer"}
        if "service-accounts" not in path:
            body = b"p-1" if "project-id" in path else b""
        elif "token" not in path:
            body = {"email": "robot@p-1", "scopes": ["https://www.googleapis.com/auth/cloud-platform"]}
        kind = "text/plain" if isinstance(body, bytes) else "application/json"
        writer.write(loopback.answer(200, body, "metadata-flavor: Google", f"content-type: {kind}"))
        await writer.drain()

    server = await loopback.start(reply)
    host = server.url.removeprefix("http://")
    said = await asyncio.to_thread(google_says, tmp_path, GCE_METADATA_HOST=host, GCE_METADATA_IP=host)
    assert said == "Bearer ya29.of-the-machine"
    assert all(received.header("metadata-flavor") == ["Google"] for received in server.received)


async def test_without_any_credentials_it_is_said_what_to_do(tmp_path):
    said = await asyncio.to_thread(google_says, tmp_path, NO_GCE_CHECK="true")
    assert said.startswith("authentication no credentials for Vertex: ")
    assert "run `gcloud auth application-default login`" in said


async def test_a_request_that_is_only_shown_looks_for_no_credentials(loopback, tokens, client_of):
    shown = await loopback.start(loopback.answer(200, ANSWER))
    await client_of(shown.url, is_shown=True).complete(REQUEST)
    assert shown.received[0].header("authorization") == ["Bearer (application default credentials)"]
    assert tokens.asked == 0


async def test_an_authorization_of_ones_own_needs_no_credentials(loopback, tokens, client_of):
    vertex = await loopback.start(loopback.answer(200, ANSWER))
    await client_of(vertex.url, headers={"Authorization": "Bearer own-token"}).complete(REQUEST)
    assert vertex.received[0].header("authorization") == ["Bearer own-token"]
    assert tokens.asked == 0


def test_without_the_extra_a_client_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "routebook.providers.gemini.vertex", raising=False)
    monkeypatch.setitem(sys.modules, "google.auth", None)
    with pytest.raises(MissingExtra, match=r"pip install 'routebook\[vertex\]'") as caught:
        GeminiClient(config_of("http://127.0.0.1:9", {}))
    assert caught.value.extra == "vertex"
    GeminiClient(ClientConfig("house", "http://127.0.0.1:9", "key"))


def test_a_client_with_a_key_imports_no_library_for_credentials():
    probe = (
        "import sys; from routebook.providers.gemini.client import GeminiClient;"
        "from routebook.providers.protocol import ClientConfig;"
        "GeminiClient(ClientConfig('p', 'http://127.0.0.1:9', 'k'));"
        "print([name for name in sys.modules if name.startswith('google.auth')])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "[]"
