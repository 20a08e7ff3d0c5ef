"""Clients of the library, closed at the end, and an environment that has no key for it."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Callable

import pytest
from library_answers import KEY

import routebook.providers.litellm.imported  # noqa: F401, which keeps the library off the network
from routebook.providers.litellm.client import LiteLLMClient
from routebook.providers.protocol import ClientConfig

_CREDENTIAL = re.compile(r"API_KEY|TOKEN$|SECRET|API_BASE|BASE_URL")


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if _CREDENTIAL.search(name)]:
        monkeypatch.delenv(name)


@pytest.fixture
async def client_of() -> AsyncIterator[Callable[..., LiteLLMClient]]:
    clients = []

    def make(url: str | None, **fields: object) -> LiteLLMClient:
        address = None if url is None else f"{url}/v1"
        clients.append(
            LiteLLMClient(ClientConfig(**{"provider": "house", "base_url": address, "api_key": KEY, **fields}))
        )
        return clients[-1]

    yield make
    for client in clients:
        await client.close()
