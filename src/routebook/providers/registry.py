"""Registry: the name of an API → what it can carry, and the adapter that speaks it. One of the lazy doors.

The compiler asks for traits and presets, which are cheap; an adapter, with its HTTP library, is imported when the
first client of its API is made. Other packages add APIs by the entry point group `routebook.providers`; one that cannot
be used is logged, and a book that names it does not compile.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

import yaml

from ..canonical.frozen import freeze_mapping
from ..routing.traits import ApiTraits
from .protocol import Api, ClientConfig, ModelClient

GROUP = "routebook.providers"
_LOG = logging.getLogger("routebook")

# api → the module whose TRAITS it has, the module of its adapter and what makes a client there.
_APIS: dict[str, tuple[str, str, str]] = {
    "openai-chat": (
        "routebook.providers.openai_chat.traits",
        "routebook.providers.openai_chat.client",
        "OpenAIChatClient",
    ),
    "openai-responses": (
        "routebook.providers.openai_responses.traits",
        "routebook.providers.openai_responses.client",
        "OpenAIResponsesClient",
    ),
    "anthropic": (
        "routebook.providers.anthropic.traits",
        "routebook.providers.anthropic.client",
        "AnthropicClient",
    ),
    "gemini": (
        "routebook.providers.gemini.traits",
        "routebook.providers.gemini.client",
        "GeminiClient",
    ),
    "bedrock": (
        "routebook.providers.bedrock.traits",
        "routebook.providers.bedrock.client",
        "BedrockClient",
    ),
    "litellm": (
        "routebook.providers.litellm.traits",
        "routebook.providers.litellm.client",
        "LiteLLMClient",
    ),
    "scripted": (
        "routebook.providers.scripted_traits",
        "routebook.providers.scripted",
        "scripted_client",
    ),
}

# What holds the adapters of other packages to their promise; it needs what only a client needs.
_GUARDED = ("routebook.providers.guarded", "GuardedClient")


@cache
def traits() -> Mapping[str, ApiTraits]:
    """Return what each API can carry, by the API's name, without importing an adapter of ours."""
    ours = {api: import_module(module).TRAITS for api, (module, _, _) in _APIS.items()}
    return {**ours, **{name: api.traits for name, api in added().items()}}


@cache
def added() -> Mapping[str, Api]:
    """Return the APIs that other packages add, by name, looked for once."""
    found: dict[str, Api] = {}
    for point in entry_points(group=GROUP):
        try:
            api = point.load()
        except Exception:  # noqa: BLE001, another package's mistake must not stop books that do without it
            _LOG.exception("the API that entry point %r names cannot be imported", point.value)
            continue
        if not isinstance(api, Api) or api.name in _APIS or api.name in found:
            _LOG.error("entry point %r names no routebook.Api with a name of its own", point.value)
            continue
        found[api.name] = api
    return found


@cache
def presets() -> Mapping[str, Mapping[str, Any]]:
    """Return the shipped presets by name, as `presets.yaml` describes them."""
    text = Path(__file__).with_name("presets.yaml").read_text(encoding="utf-8")
    return freeze_mapping(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def make_client(api: str, config: ClientConfig) -> ModelClient:
    """Make a client for a provider that speaks *api*; nothing is connected yet.

    Raises:
        MissingExtra: The API needs an optional dependency that is not installed.
        KeyError: There is no such API; the compiler lets none through.
    """
    if api in added():
        return cast(ModelClient, _loaded(*_GUARDED)(added()[api].client, config))
    _, module, name = _APIS[api]
    return cast(ModelClient, _loaded(module, name)(config))


def _loaded(module: str, name: str) -> Any:
    return getattr(import_module(module), name)
