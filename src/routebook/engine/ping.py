"""Ping: one tiny request to each provider of a book, all at once: does it answer, and how fast.

A provider is asked for what the book uses of it: its first model that a feature reaches, else the first that is
declared. What only draws is not asked, since no picture is tiny.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from ..canonical.chat import ChatRequest
from ..canonical.embedding import EmbeddingRequest
from ..canonical.frozen import EMPTY
from ..canonical.message import Message
from ..canonical.record import Record
from ..errors import FaultKind, MissingExtra, ProviderError
from ..providers.protocol import ModelClient
from ..routing.context import Context
from ..routing.decision import CredentialKind, PlannedAttempt
from ..routing.spec import AttemptSpec, FeatureSpec, Kind, ModelSpec
from ..routing.table import RoutingTable
from .clients import Clients
from .pool import Leases

MOST_S = 20.0
"""How long a provider may take to answer."""
_GRACE_S = 1.0  # for what no request bounds: credentials that are looked for, a library that is imported
_AT_ONCE = 256
_TEXT = "ping"
_MOST_TOKENS = 16  # fewer are refused by some APIs
_KEPT = ("extra_body", "extra_headers")
_NOT_REACHED = ("connection", "timeout")  # what went wrong on the way there, also where nothing was sent at last
# How OpenAI's API says, as a refusal, that a model was still thinking when its few tokens were spent: it does answer.
_STILL_THINKING = "model output limit was reached"


@dataclass(frozen=True, slots=True)
class Ping(Record):
    """What came of asking a provider. `kind` is None where it answered, else the fault's kind with a sentence in
    `message`, with its `status` of HTTP if it gave one. Where it was not `asked`, `message` says why. `duration_s` is
    the whole call in seconds.
    """

    provider: str
    model: str | None
    asked: bool
    kind: FaultKind | None = None
    status: int | None = None
    message: str | None = None
    duration_s: float | None = None

    @property
    def failed(self) -> bool:
        """Whether something is wrong: it was asked and did not answer, or could not be asked."""
        return self.kind is not None


@dataclass(frozen=True, slots=True)
class _Target:
    """What a provider is asked for: a model, as what, and which options it carries."""

    kind: Kind
    planned: PlannedAttempt
    carries: frozenset[str]


async def ping(table: RoutingTable, environment: Mapping[str, str]) -> tuple[Ping, ...]:
    """Ask every provider of *table* at once, with the platform's keys, and return what came of it, by name."""
    clients, turns = Clients(environment), asyncio.Semaphore(_AT_ONCE)
    targets = _targets(table)

    async def asked(name: str) -> Ping:
        async with turns:
            return await _ping(table, name, targets.get(name), clients)

    try:
        return tuple(await asyncio.gather(*map(asked, sorted(table.providers))))
    finally:
        await clients.close()


async def _ping(table: RoutingTable, name: str, target: _Target | None, clients: Clients) -> Ping:
    why = _why_not(table, name, target)
    if target is None or why is not None:
        return Ping(name, None, False, message=why)
    model, began = target.planned.model, perf_counter()
    try:
        async with asyncio.timeout(MOST_S + _GRACE_S):
            with Leases() as leases:
                client = await clients.of_run(table, Context(), leases).client(target.planned)
                await asyncio.sleep(0)  # all others are made first: no provider is measured while they are
                began = perf_counter()
                await _ask(client, target)
    except ProviderError as error:
        if error.sent and _STILL_THINKING in error.message:
            return Ping(name, model, True, duration_s=perf_counter() - began)
        asked = error.sent or error.kind in _NOT_REACHED
        took = perf_counter() - began if asked else None
        return Ping(name, model, asked, error.kind, error.status, error.message, took)
    except MissingExtra as error:
        return Ping(name, model, False, "bad_request", message=str(error))
    except TimeoutError:
        return Ping(name, model, True, "timeout", message=f"no answer within {MOST_S:g} s", duration_s=MOST_S)
    return Ping(name, model, True, duration_s=perf_counter() - began)


def _why_not(table: RoutingTable, name: str, target: _Target | None) -> str | None:
    """Return why a provider is not asked, if it is not."""
    if table.providers[name].script is not None:
        return "it plays a script"
    if target is None:
        return "the book has no model there"
    return "no picture is tiny" if target.kind == "image" else None


async def _ask(client: ModelClient, target: _Target) -> None:
    planned = target.planned
    options: dict[str, Any] = {name: planned.options[name] for name in _KEPT if name in planned.options}
    options["timeout"] = {"total": MOST_S, "first_token": MOST_S, "idle": MOST_S}
    if target.kind == "embeddings":
        await client.embed(EmbeddingRequest(planned.id, (_TEXT,), options, target=planned.model))
        return
    if "max_output_tokens" in target.carries:
        options["max_output_tokens"] = _MOST_TOKENS
    await client.complete(ChatRequest(planned.id, (Message("user", _TEXT),), options=options, target=planned.model))


def _targets(table: RoutingTable) -> dict[str, _Target]:
    """Return what each provider is asked for, a chat before vectors, and these before a picture."""
    found: dict[str, _Target] = {}
    for target in _all_targets(table):
        known = found.get(target.planned.provider)
        if known is None or _RANKS[target.kind] < _RANKS[known.kind]:
            found[target.planned.provider] = target
    return found


_RANKS: dict[Kind, int] = {"chat": 0, "embeddings": 1, "image": 2}


def _all_targets(table: RoutingTable) -> Iterator[_Target]:
    for feature in table.features.values():
        for attempt in _attempts(feature):
            yield _Target(feature.kind, attempt.platform, attempt.carries)
    for model in table.models.values():
        yield _of_model(table, model)


def _attempts(feature: FeatureSpec) -> Iterator[AttemptSpec]:
    for route in feature.routes():
        for arm in route.arms:
            yield from arm.attempts
    yield from feature.overrides.values()


def _of_model(table: RoutingTable, model: ModelSpec) -> _Target:
    """Return a target for a model that no feature reaches."""
    provider = table.providers[model.provider]
    payer: CredentialKind = "platform" if provider.has_platform_credential else "none"
    options = EMPTY if model.layer is None else model.layer.options
    planned = PlannedAttempt(provider.name, provider.api, model.name, model.id, options, payer, None)
    capabilities = model.capabilities or frozenset()
    if model.serves_chat is not False:
        return _Target("chat", planned, frozenset({"max_output_tokens"} - model.rejects))
    return _Target("embeddings" if "embeddings" in capabilities else "image", planned, frozenset())
