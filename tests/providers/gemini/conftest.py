"""What tests of Vertex have in common: a token server, and what has its tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from token_server import Tokens, account, config_of, signer_of

from routebook.providers.gemini.client import GeminiClient


@pytest.fixture
async def tokens(loopback) -> Tokens:
    return await Tokens(loopback).start()


@pytest.fixture
def key_file(tmp_path: Path, tokens: Tokens) -> Path:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(account(f"{tokens.server.url}/token")))
    return path


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
