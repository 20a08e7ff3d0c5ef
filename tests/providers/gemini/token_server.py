"""A server of tokens on loopback, the account that it knows, and what signs by it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from routebook.canonical.chat import ChatRequest
from routebook.canonical.message import Message
from routebook.providers.gemini import client as client_module
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


def config_of(url: str, environment: dict[str, str], **fields: Any) -> ClientConfig:
    given = {"finds_credentials": True, "environment": environment, **PLACE, **fields}
    return ClientConfig("house", url, **given)


def signer_of(environment: dict[str, str], **timeouts: float) -> Any:
    config = config_of("http://127.0.0.1:9", environment, timeout=Timeouts(connect=2, **timeouts))
    return client_module._signer(config)


async def bearer(signer: Any) -> str:
    return (await signer.sign(PLAIN)).headers["authorization"]


async def fault_of(signer: Any) -> Any:
    with pytest.raises(Unsigned) as caught:
        await signer.sign(PLAIN)
    assert "PRIVATE KEY" not in caught.value.fault.message
    return caught.value.fault


def answer(status: int, body: Any, *, is_json: bool = True) -> bytes:
    payload = json.dumps(body).encode() if is_json else body
    return b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%s" % (status, len(payload), payload)
