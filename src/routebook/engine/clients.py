"""Clients: which client, with whose key, makes a planned attempt's call."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack

from ..canonical.chat import ChatRequest, ChatResponse
from ..canonical.frozen import EMPTY, freeze_mapping
from ..credentials import SecretUnavailable, read_secret
from ..errors import FaultKind, ProviderError
from ..providers import registry
from ..providers.protocol import ClientConfig, ModelClient
from ..providers.scripted import ScriptedClient
from ..routing.context import Context
from ..routing.decision import CredentialKind, PlannedAttempt
from ..routing.provider_spec import ProviderSpec
from ..routing.script import Script
from ..routing.table import RoutingTable
from .pool import Pool

_MOST_IDLE = 64

ClientKey = tuple[str, str]
"""A provider's digest, and whose key: empty for the platform's, else a salted hash of the caller's."""


class Clients:
    """The clients of one engine, shared by provider configuration and credential.

    Where there is a `script`, it plays every provider instead.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.script: Script | None = None
        self._environment = environment
        self._pool: Pool[ClientKey, ModelClient] = Pool(_MOST_IDLE)
        self._salt = secrets.token_bytes(16)

    def of_run(self, table: RoutingTable, context: Context, stack: AsyncExitStack) -> RunClients:
        """Return the clients of one run by *table* for *context*; *stack* gives them back."""
        return RunClients(self, table, context, stack)

    async def lease(
        self, provider: ProviderSpec, digest: str, callers_key: str | None, run: AsyncExitStack
    ) -> ModelClient:
        """Return the client of a provider as configured by *digest*; it stays open until *run* is left.

        Raises:
            SecretUnavailable: The key is not to be had.
            NoAdapter: This version cannot call the provider's API.
        """
        if self.script is not None:
            return ScriptedClient(self.script, provider.name)
        key = (digest, self._identity(callers_key))
        return await run.enter_async_context(self._pool.lease(key, lambda: self._make(provider, callers_key)))

    def keep_only(self, table: RoutingTable) -> None:
        """Retire the clients whose provider is not configured so in *table*."""
        current = {digest for (section, _), digest in table.digests.items() if section == "providers"}
        self._pool.retain(lambda key: key[0] in current)

    async def close(self) -> None:
        """Close every client."""
        await self._pool.close()

    def _identity(self, key: str | None) -> str:
        return "" if key is None else hashlib.blake2b(key.encode(), key=self._salt).hexdigest()

    def _make(self, provider: ProviderSpec, callers_key: str | None) -> ModelClient:
        return registry.make_client(provider.api, self._config(provider, callers_key))

    def _config(self, provider: ProviderSpec, callers_key: str | None) -> ClientConfig:
        """Read the secrets now. A run that a caller pays for gets nothing of the platform's, headers included."""
        key, headers = callers_key, EMPTY
        if callers_key is None:
            key = None if provider.credential is None else read_secret(provider.credential, self._environment)
            secret_headers = {n: read_secret(ref, self._environment) for n, ref in provider.headers.items()}
            headers = freeze_mapping(secret_headers)
        return ClientConfig(
            provider=provider.name,
            base_url=provider.base_url,
            api_key=key,
            headers=headers,
            quirks=provider.quirks,
            timeout=provider.timeout,
            script=provider.script or (),
        )


class RunClients:
    """The clients of one run: each is taken at its first call and kept until the run's end, whatever is reloaded."""

    def __init__(self, clients: Clients, table: RoutingTable, context: Context, stack: AsyncExitStack) -> None:
        self._clients = clients
        self._table = table
        self._context = context
        self._stack = stack
        self._taken: dict[tuple[str, CredentialKind], ModelClient] = {}

    async def complete(self, planned: PlannedAttempt, request: ChatRequest) -> ChatResponse:
        """Send *request* to the provider of *planned*.

        Raises:
            ProviderError: The provider refused, failed or was not reached, or its key is not to be had.
        """
        key = (planned.provider, planned.credential)
        client = self._taken.get(key)
        if client is None:
            client = self._taken[key] = await self._take(planned)
        return await client.complete(request)

    async def _take(self, planned: PlannedAttempt) -> ModelClient:
        provider = self._table.providers[planned.provider]
        digest = self._table.digests["providers", provider.name]
        callers_key = self._context.credentials[provider.name] if planned.credential == "caller" else None
        try:
            return await self._clients.lease(provider, digest, callers_key, self._stack)
        except SecretUnavailable as error:
            raise _not_sent(f"{error}; nothing was sent", "authentication", planned) from error
        except registry.NoAdapter as error:
            raise _not_sent(str(error), "unsupported_capability", planned) from error


def _not_sent(message: str, kind: FaultKind, planned: PlannedAttempt) -> ProviderError:
    return ProviderError(message, kind, provider=planned.provider, model=planned.model, sent=False)
