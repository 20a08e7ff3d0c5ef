"""Addresses: where a provider is called, from what it says and what its preset knows (RB206, RB407, RB503).

An address of a preset may hold `{region}` and the like, which are keys of the provider. A key that nothing has a place
for is reported, as is one that is missing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ..diagnostics.span import Span
from ..document.entry import Definition
from ..document.providers import Provider
from ..routing.traits import ApiTraits
from .build import Build

PLACES = ("region", "project", "location", "api_version", "deployment")
"""The keys that say where at a vendor a provider is."""

Preset = Mapping[str, Any]
_PLACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
_IN_BRACES = re.compile(r"\{(\w+)\}")


def link_places(build: Build, definition: Definition[Provider], traits: ApiTraits, preset: Preset) -> dict[str, str]:
    """Return the places of a provider; report those that are missing, unfit, or without a use."""
    written = {name: getattr(definition.value, name) for name in PLACES}
    places = {name: value for name, value in written.items() if value is not None}
    owner = f"preset {_preset_name(definition)!r}" if preset else f"api {traits.name!r}"
    needs = dict.fromkeys((*traits.needs, *preset.get("needs", ())), owner)
    for given, others in preset.get("needs_with", {}).items():
        needs |= {name: f"`{given}`" for name in others if given in places}
    for name, why in needs.items():
        if getattr(definition.value, name) is None:
            message = f"provider {definition.name!r} has no `{name}`, which {why} needs"
            build.report("RB407", definition.key, message, help=f"add `{name}: ...`")
    known = {*needs, *traits.takes, *preset.get("takes", ())}
    for name, value in places.items():
        if name not in known:
            message = f"provider {definition.name!r} has a `{name}`, which {owner} has no place for"
            build.report("RB407", definition.key_span(name), message, help="remove it")
        elif _PLACE.fullmatch(value) is None:
            message = (
                f"the `{name}` of provider {definition.name!r} holds more than letters, digits, `.`, `_`, `:` and `-`"
            )
            build.report("RB407", definition.span(name), message, help="write it as the vendor does")
    return places


def link_address(
    build: Build, definition: Definition[Provider], traits: ApiTraits, preset: Preset, places: Mapping[str, str]
) -> str | None:
    """Return the address of a provider, complete; None where it has none or none that can be used."""
    written = definition.value.base_url
    address = preset_address(preset, places) if written is None else written
    if address is None:
        if traits.needs_base_url and "base_url" not in preset and "base_url" not in preset.get("needs", ()):
            message = f"provider {definition.name!r} has no `base_url`, which api {traits.name!r} needs"
            build.report("RB407", definition.key, message, help="add `base_url: https://...`")
        return None
    if _is_usable(build, definition, address):
        return _with_path(address, preset, places)
    return None


def preset_address(preset: Preset, places: Mapping[str, str]) -> str | None:
    """Return the address that a preset gives for *places*; None where it has none, or a place is missing."""
    for name, addresses in preset.get("special", {}).items():
        if places.get(name) in addresses:
            return str(addresses[places[name]])
    return _filled(preset.get("base_url"), places)


def query_of(preset: Preset, places: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters that every request to the provider has."""
    filled = {name: _filled(pattern, places) for name, pattern in preset.get("query", {}).items()}
    return {name: value for name, value in filled.items() if value is not None}


def _filled(pattern: str | None, places: Mapping[str, str]) -> str | None:
    if pattern is None or not {*_IN_BRACES.findall(pattern)} <= places.keys():
        return None
    return _IN_BRACES.sub(lambda found: places[found[1]], pattern)


def _with_path(address: str, preset: Preset, places: Mapping[str, str]) -> str:
    pattern = preset.get("deployment_path") if "deployment" in places else preset.get("path")
    path, address = _filled(pattern, places) or "", address.rstrip("/") if pattern else address
    return address if address.endswith(path) else address + path


def _is_usable(build: Build, definition: Definition[Provider], address: str) -> bool:
    place, url = definition.span("base_url"), read_address(address)
    if url is None:
        message = f"the `base_url` of provider {definition.name!r} is no address of a server"
        build.report("RB407", place, message, help="it looks like https://llm.example.com/v1")
    elif url.username or url.password:
        mend = "use `api_key: {env: NAME}` or a header"
        build.report("RB206", place, "a secret must not stand in a `base_url`", help=mend)
    return url is not None and not (url.username or url.password)


def warn_unencrypted(build: Build, subject: str, place: Span, url: SplitResult) -> None:
    """Warn of a key that would travel in the clear to another machine."""
    if url.scheme == "http" and not is_loopback(url.hostname):
        message = f"the key of {subject} travels unencrypted to {url.hostname}"
        build.report("RB503", place, message, help="use https://")


def is_loopback(host: str | None) -> bool:
    """Tell whether *host* is this machine itself."""
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"


def read_address(address: str, *, query: bool = False) -> SplitResult | None:
    """Return the parts of an address that requests can go to, or None; it may have a *query* only if that is said."""
    try:
        url = urlsplit(address)
        usable = url.scheme in {"http", "https"} and bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        return None
    return url if usable and (query or not url.query) and not url.fragment else None


def _preset_name(definition: Definition[Provider]) -> str:
    return definition.value.preset or definition.name
