"""Credentials of Vertex: real key files, and token servers on loopback that do well, badly, or nothing."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from token_server import ANSWER, KEY, PLAIN, REQUEST, account, answer, bearer, config_of, fault_of, signer_of

from routebook.errors import MissingExtra, ProviderError
from routebook.providers.gemini.client import GeminiClient
from routebook.providers.protocol import ClientConfig


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


async def test_a_token_is_in_no_message_and_no_repr(loopback, tokens, client_of):
    leaking = {"error": {"code": 500, "message": f"Boom: {tokens.token(1)}", "status": "INTERNAL"}}
    vertex = await loopback.start(loopback.answer(500, leaking))
    client = client_of(vertex.url)
    with pytest.raises(ProviderError) as caught:
        await client.complete(REQUEST)
    assert tokens.token(1) not in str(caught.value)
    assert "Boom: [redacted]" in str(caught.value)
    assert tokens.token(1) not in repr(client._endpoint._signer._token)


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
