"""Registry: the name of an API → what it can carry, and the adapter that speaks it. One of the lazy doors.

The compiler asks for traits and presets, which are cheap; an adapter, with its HTTP library, is imported when the
first client of its API is made. The language knows APIs that this version cannot call: they have traits only.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import yaml

from ..canonical.frozen import freeze_mapping
from ..routing.traits import ApiTraits
from .protocol import ClientConfig, ModelClient

# api → the module whose TRAITS it has, the module of its adapter and what makes a client there (empty: none yet).
_APIS: dict[str, tuple[str, str, str]] = {
    "openai-chat": (
        "routebook.providers.openai_chat.traits",
        "routebook.providers.openai_chat.client",
        "OpenAIChatClient",
    ),
    "openai-responses": ("routebook.providers.openai_responses.traits", "", ""),
    "anthropic": ("routebook.providers.anthropic.traits", "", ""),
    "gemini": ("routebook.providers.gemini.traits", "", ""),
    "bedrock": ("routebook.providers.bedrock.traits", "", ""),
    "litellm": ("routebook.providers.litellm.traits", "", ""),
    "scripted": (
        "routebook.providers.scripted_traits",
        "routebook.providers.scripted",
        "scripted_client",
    ),
}


class NoAdapter(Exception):
    """The language knows the API, but this version cannot call it; the message is a sentence for people."""


@cache
def traits() -> Mapping[str, ApiTraits]:
    """Return what each API can carry, by the API's name, without importing an adapter."""
    return {api: import_module(module).TRAITS for api, (module, _, _) in _APIS.items()}


@cache
def presets() -> Mapping[str, Mapping[str, Any]]:
    """Return the shipped presets by name, as `presets.yaml` describes them."""
    text = Path(__file__).with_name("presets.yaml").read_text(encoding="utf-8")
    return freeze_mapping(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def make_client(api: str, config: ClientConfig) -> ModelClient:
    """Make a client for a provider that speaks *api*; nothing is connected yet.

    Raises:
        NoAdapter: This version cannot call the API.
        KeyError: There is no such API; the compiler lets none through.
    """
    _, module, name = _APIS[api]
    if not module:
        raise NoAdapter(f"this version of Routebook has no adapter for api {api!r} yet")
    return cast(ModelClient, getattr(import_module(module), name)(config))
