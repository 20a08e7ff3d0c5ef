"""Carriers: what calls to a provider can carry, from the traits of its API and what its preset departs from them.

Worked out once a provider: which options its calls have a place for, by kind; which of these it refuses or ignores;
which capabilities no model has there; and which fields of the body are not for `extra_body` to set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..canonical.frozen import EMPTY, freeze_mapping
from ..routing.provider_spec import ProviderSpec
from ..routing.spec import Kind, WireSpec
from ..routing.traits import ApiTraits
from .build import Build

NO_CALL: Mapping[str, Kind] = {"embeddings": "embeddings", "image_output": "image"}
"""The kind of call that a capability stands for, where that is a call of its own."""

_NOT_CHAT = frozenset({"dimensions", "size", "quality"})


@dataclass(frozen=True, slots=True)
class Carrier:
    """What calls to one provider can carry; `title` says for people who that is.

    `options` are those that its calls have a place for, by their kind, `lacks` those that it refuses or ignores all
    the same. `lacked` are the capabilities that no model has there, each with whoever lacks it, the API or the
    provider. `wire` is what callers' options are held to, `filled` what no option stands for of the fields that are
    closed to `extra_body`, in lower case. `apart` are the options of images for which a chat has no place, and
    `draws_in_chat` tells that images are asked for in one, by any model.
    """

    title: str
    traits: ApiTraits
    options: Mapping[Kind, frozenset[str]]
    lacks: frozenset[str]
    lacked: Mapping[str, str]
    wire: WireSpec
    filled: frozenset[str]
    apart: frozenset[str] = frozenset()
    draws_in_chat: bool = False


def carrier_of(build: Build, provider: ProviderSpec) -> Carrier:
    """Return what calls to *provider* can carry."""
    key = ("carrier", provider.name)
    known: Carrier | None = build.known.get(key)
    if known is None:
        known = build.known[key] = _carrier(build, provider)
    return known


def _carrier(build: Build, provider: ProviderSpec) -> Carrier:
    traits = build.materials.apis[provider.api]
    fields: Mapping[str, str] = provider.quirks.get("fields", EMPTY)
    options: dict[Kind, frozenset[str]] = {
        "chat": traits.options_in(provider.api_version) | (fields.keys() - _NOT_CHAT),
        "embeddings": traits.embedding_options,
        "image": traits.image_options,
    }
    title = _title(build, provider)
    lacked = dict.fromkeys(provider.quirks.get("lacks_capabilities", ()), title)
    lacked |= dict.fromkeys(traits.lacks, f"api {traits.name!r}")
    lacked |= {need: f"api {traits.name!r}" for need, kind in NO_CALL.items() if not options[kind]}
    return Carrier(
        title=title,
        traits=traits,
        options=options,
        lacks=frozenset(provider.quirks.get("lacks", ())),
        lacked=lacked,
        wire=WireSpec(traits.rules, _closed(traits, fields), _dropped(traits, provider), frozenset(traits.own_headers)),
        filled=frozenset(map(str.lower, traits.filled)),
        apart=traits.image_apart - fields.keys(),
        draws_in_chat=provider.quirks.get("images") == "chat",
    )


def _closed(traits: ApiTraits, fields: Mapping[str, str]) -> frozenset[str]:
    """Return the fields of the body that are set from elsewhere, in lower case: some servers read them in any case."""
    return frozenset(name.lower() for name in (*traits.body_fields, *fields.values()))


def _dropped(traits: ApiTraits, provider: ProviderSpec) -> Mapping[str, str]:
    """Say of each option that the provider's version of the API has dropped how to have it."""
    gone = traits.removed.get(provider.api_version or "", frozenset())
    older = {option: traits.version_with(option) for option in sorted(gone)}
    return freeze_mapping(
        {name: f"set `api_version: {old}` at provider {provider.name!r}" for name, old in older.items() if old}
    )


def _title(build: Build, provider: ProviderSpec) -> str:
    preset = build.document.providers[provider.name].value.preset
    return f"provider {provider.name!r}" + ("" if preset in (None, provider.name) else f" (preset {preset!r})")
