"""Clients: which client, with whose key, makes a planned attempt's call.

Clients are shared by what configures them: how a provider is called and as whom. An edit of how often it is tried, or
how much it may be asked, keeps its clients and their connections. A credential of the platform's counts by its
reference: a new value in its variable or file is read when the client is next made.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..canonical.frozen import EMPTY, freeze_mapping
from ..credentials import SecretUnavailable, read_secret
from ..errors import FaultKind, ProviderError
from ..providers import extras, registry
from ..providers.http.choice import TransportName, chosen
from ..providers.http.exchange import DEFAULT_CONNECTIONS, ConnectionLimits, Transport
from ..providers.http.idle_room import IdleRoom
from ..providers.protocol import ClientConfig, ModelClient
from ..providers.scripted import ScriptedClient
from ..routing.context import Context
from ..routing.decision import CredentialKind, PlannedAttempt
from ..routing.digest import Digester
from ..routing.provider_spec import Breaker, Limits, ProviderSpec, Retry
from ..routing.script import Script
from ..routing.secret import SecretRef
from ..routing.table import RoutingTable
from .pool import Leases, Pool

_MOST_IDLE_OF_PLATFORM = 1000
_MOST_IDLE_OF_CALLERS = 64
_MOST_IDLE_CONNECTIONS_OF_CALLERS = 256

ReadSecret = Callable[[SecretRef, Mapping[str, str]], str]
"""Returns the value of a secret, or raises SecretUnavailable."""

ClientKey = tuple[str, str]
"""What configures a client, as a digest, and whose key: empty for the platform's, a salted hash of a caller's."""


class Clients:
    """The clients of one engine, shared by provider configuration and credential.

    Where there is a `script`, it plays every provider instead. *read* reads the platform's secrets. Where requests are
    *shown* to a transport, all go there, and no other credentials are looked for.
    """

    def __init__(
        self, environment: Mapping[str, str], read: ReadSecret = read_secret, shown: Transport | None = None
    ) -> None:
        self.script: Script | None = None
        self._environment = environment
        self._read = read
        self._shown = shown
        self._has_fast = extras.is_installed("fast")
        self._platforms: Pool[ClientKey, ModelClient] = Pool(_MOST_IDLE_OF_PLATFORM)
        self._callers: Pool[ClientKey, ModelClient] = Pool(_MOST_IDLE_OF_CALLERS)
        self._callers_room: IdleRoom[Any] = IdleRoom(_MOST_IDLE_CONNECTIONS_OF_CALLERS)
        self._configurations: dict[tuple[str, TransportName], str] = {}
        self._salt = secrets.token_bytes(16)

    def http_of(self, table: RoutingTable) -> TransportName:
        """Return what carries the requests of runs by *table*."""
        return chosen(table.transport, fast_is_installed=self._has_fast)

    def of_run(self, table: RoutingTable, context: Context, leases: Leases) -> RunClients:
        """Return the clients of one run by *table* for *context*; *leases* gives them back."""
        return RunClients(self, table, context, leases)

    def lease(
        self, provider: ProviderSpec, digest: str, http: TransportName, callers_key: str | None, leases: Leases
    ) -> ModelClient:
        """Return the client of a provider as configured by *digest*, over *http*; it stays open until *leases* is left.

        Raises:
            SecretUnavailable: The key is not to be had.
            MissingExtra: An optional dependency is not installed.
        """
        if self.script is not None:
            return ScriptedClient(self.script, provider.name)
        pool = self._platforms if callers_key is None else self._callers
        key = (self._configuration(provider, digest, http), self.identity(callers_key))
        return pool.lease(key, lambda: self._make(provider, http, callers_key), leases)

    def keep_only(self, table: RoutingTable) -> None:
        """Retire the clients whose provider is not configured so in *table*."""
        http = self.http_of(table)
        providers = {table.digests["providers", name]: provider for name, provider in table.providers.items()}
        self._configurations = {
            (digest, http): self._configuration(provider, digest, http) for digest, provider in providers.items()
        }
        current = set(self._configurations.values())
        for pool in (self._platforms, self._callers):
            pool.retain(lambda key: key[0] in current)

    async def close(self) -> None:
        """Close every client, even where one does not close well."""
        outcomes = await asyncio.gather(self._platforms.close(), self._callers.close(), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    def _configuration(self, provider: ProviderSpec, digest: str, http: TransportName) -> str:
        """Return the digest of what makes a client: of *provider*, *digest* being that of all of it, and *http*."""
        known = self._configurations.get((digest, http))
        if known is None:
            most = max(provider.limits.concurrency or 0, DEFAULT_CONNECTIONS.most)
            client = replace(provider, limits=Limits(most), retry=Retry(), breaker=Breaker())
            known = self._configurations[digest, http] = Digester().digest((client, http))
        return known

    def identity(self, key: str | None) -> str:
        """Return what tells a caller's *key* from others, and says nothing of it; empty for the platform's."""
        return "" if key is None else hashlib.blake2b(key.encode(), key=self._salt).hexdigest()

    def _make(self, provider: ProviderSpec, http: TransportName, callers_key: str | None) -> ModelClient:
        return registry.make_client(provider.api, self._config(provider, http, callers_key))

    def _config(self, provider: ProviderSpec, http: TransportName, callers_key: str | None) -> ClientConfig:
        """Read the secrets now. A run that a caller pays for gets nothing of the platform's, headers included."""
        key, headers = callers_key, EMPTY
        if callers_key is None:
            key = None if provider.credential is None else self._read(provider.credential, self._environment)
            secret_headers = {n: self._read(ref, self._environment) for n, ref in provider.headers.items()}
            headers = freeze_mapping(secret_headers)
        return ClientConfig(
            provider=provider.name,
            base_url=provider.base_url,
            api_key=key,
            headers=headers,
            quirks=provider.quirks,
            api_version=provider.api_version,
            region=provider.region,
            project=provider.project,
            location=provider.location,
            finds_credentials=provider.credential_chain and callers_key is None,
            environment=self._environment,
            is_shown=self._shown is not None,
            timeout=provider.timeout,
            limits=_connections(provider.limits, None if callers_key is None else self._callers_room),
            http=http,
            transport=self._shown,
            script=provider.script or (),
        )


class RunClients:
    """The clients of one run: each is taken at its first call and kept until the run's end, whatever is reloaded."""

    def __init__(self, clients: Clients, table: RoutingTable, context: Context, leases: Leases) -> None:
        self._clients = clients
        self._table = table
        self._http = clients.http_of(table)
        self._context = context
        self._leases = leases
        self._taken: dict[tuple[str, CredentialKind], ModelClient] = {}

    async def client(self, planned: PlannedAttempt) -> ModelClient:
        """Return the client of *planned*'s provider, with the key that pays for it.

        Raises:
            ProviderError: Its key is not to be had, or this version cannot call its API.
        """
        key = (planned.provider, planned.credential)
        client = self._taken.get(key)
        if client is None:
            client = self._taken[key] = self._take(planned)
        return client

    def payer(self, planned: PlannedAttempt) -> str:
        """Return what tells the caller's key that *planned* uses from others."""
        return self._clients.identity(self._callers_key(planned))

    def _callers_key(self, planned: PlannedAttempt) -> str | None:
        return self._context.credentials[planned.provider] if planned.credential == "caller" else None

    def _take(self, planned: PlannedAttempt) -> ModelClient:
        provider = self._table.providers[planned.provider]
        digest = self._table.digests["providers", provider.name]
        try:
            return self._clients.lease(provider, digest, self._http, self._callers_key(planned), self._leases)
        except SecretUnavailable as error:
            raise _not_sent(f"{error}; nothing was sent", "authentication", planned) from error


def _connections(limits: Limits, room: IdleRoom[Any] | None) -> ConnectionLimits:
    """Return connections enough for all calls that *limits* let run at a time; idle ones go into *room*, if there is
    one.
    """
    most = max(limits.concurrency or 0, DEFAULT_CONNECTIONS.most)
    return ConnectionLimits(most, most, room=room)


def _not_sent(message: str, kind: FaultKind, planned: PlannedAttempt) -> ProviderError:
    return ProviderError(message, kind, provider=planned.provider, model=planned.model, sent=False)
