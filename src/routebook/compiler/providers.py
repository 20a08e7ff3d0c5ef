"""Providers: preset and definition become one address with one credential (RB206, RB301, RB407, RB503)."""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, urlsplit

from ..canonical.frozen import freeze_mapping
from ..diagnostics.suggest import did_you_mean
from ..document.entry import Definition
from ..document.providers import Provider
from ..document.scalars import Secret
from ..routing.secret import SecretRef
from ..routing.spec import ProviderSpec, Timeouts
from ..routing.traits import ApiTraits
from .build import Build
from .scripts import link_script

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def link_providers(build: Build) -> None:
    """Link each provider that can be called as it stands; report the others."""
    for definition in build.document.providers.values():
        provider = _link(build, definition)
        if provider is not None:
            build.providers[definition.name] = provider


def _link(build: Build, definition: Definition[Provider]) -> ProviderSpec | None:
    value = definition.value
    preset = _preset(build, definition)
    if preset is None:
        return None
    traits = _traits(build, definition, preset.get("api") if value.api is None else value.api)
    if traits is None:
        return None
    base_url = preset.get("base_url") if value.base_url is None else value.base_url
    url = _address(build, definition, traits, base_url)
    credential = _credential(build, definition, traits, preset, url)
    script = link_script(build, definition) if traits.needs_script else None
    headers = {name: secret_ref(item) for name, item in (value.headers or {}).items() if isinstance(item, Secret)}
    if url is not None and (credential or headers):
        _warn_unencrypted(build, definition, url)
    return ProviderSpec(
        name=definition.name,
        api=traits.name,
        base_url=base_url,
        credential=credential,
        headers=freeze_mapping(headers),
        quirks=freeze_mapping(preset.get("quirks", {})),
        timeout=_timeouts(value),
        script=script,
        span=definition.key,
    )


def secret_ref(secret: Secret) -> SecretRef:
    """Return what runs of a reference as written."""
    return SecretRef(*secret.reference)


def _preset(build: Build, definition: Definition[Provider]) -> dict[str, Any] | None:
    """Return the preset's fields, empty where the provider stands on its own; None where it cannot be told."""
    value, presets = definition.value, build.materials.presets
    name = value.preset or (definition.name if value.api is None else None)
    if name is None:
        return {}
    if name in presets:
        return dict(presets[name])
    near = did_you_mean(name, presets) or f"presets: {', '.join(sorted(presets))}"
    if value.preset is not None:
        build.report("RB301", definition.span("preset"), f"there is no preset {name!r}", help=near)
    else:
        message = f"provider {name!r} names no `api`, and there is no preset of that name"
        known = f"add `api: ...` and `base_url: ...`, or name a preset; {near}"
        build.report("RB407", definition.key, message, help=known)
    return None


def _traits(build: Build, definition: Definition[Provider], api: str | None) -> ApiTraits | None:
    apis = build.materials.apis
    if api is not None and api in apis:
        return apis[api]
    near = did_you_mean(str(api), apis) or f"apis: {', '.join(sorted(apis))}"
    build.report("RB301", definition.span("api"), f"there is no api {api!r}", help=near)
    return None


def _address(
    build: Build, definition: Definition[Provider], traits: ApiTraits, base_url: str | None
) -> SplitResult | None:
    name = definition.name
    if not traits.needs_base_url:
        return None
    if base_url is None:
        message = f"provider {name!r} has no `base_url`, which api {traits.name!r} needs"
        build.report("RB407", definition.key, message, help="add `base_url: https://...`")
        return None
    place = definition.span("base_url")
    try:
        url = urlsplit(base_url)
        usable = url.scheme in {"http", "https"} and bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        usable = False
    if not usable or url.query or url.fragment:
        message = f"the `base_url` of provider {name!r} is no address of a server"
        build.report("RB407", place, message, help="it looks like https://llm.example.com/v1")
        return None
    if url.username or url.password:
        build.report(
            "RB206", place, "a secret must not stand in a `base_url`", help="use `api_key: {env: NAME}` or a header"
        )
        return None
    return url


def _credential(
    build: Build,
    definition: Definition[Provider],
    traits: ApiTraits,
    preset: dict[str, Any],
    url: SplitResult | None,
) -> SecretRef | None:
    value = definition.value
    if not traits.takes_credential:
        return None
    if value.api_key is not None:
        if value.auth == "none":
            message = f"provider {definition.name!r} has both `api_key` and `auth: none`"
            build.report("RB407", definition.key_span("auth"), message, help="remove one of the two")
        return secret_ref(value.api_key)
    if value.auth == "none" or (preset.get("auth") == "none" and value.auth is None):
        return None
    if any(name.lower() == "authorization" for name in value.headers or {}):
        return None
    if "api_key" not in preset:
        message = f"provider {definition.name!r} has no `api_key`"
        build.report("RB407", definition.key, message, help="add `api_key: {env: NAME}`, or `auth: none`")
        return None
    if url is not None and url.hostname != urlsplit(preset["base_url"]).hostname:
        message = f"provider {definition.name!r} would send its preset's key to another host, {url.hostname}"
        build.report("RB407", definition.span("base_url"), message, help="add `api_key: {env: NAME}`, or `auth: none`")
        return None
    return SecretRef("env", preset["api_key"]["env"])


def _warn_unencrypted(build: Build, definition: Definition[Provider], url: SplitResult) -> None:
    if url.scheme == "http" and url.hostname not in _LOOPBACK and not str(url.hostname).startswith("127."):
        message = f"the key of provider {definition.name!r} travels unencrypted to {url.hostname}"
        build.report("RB503", definition.span("base_url"), message, help="use https://")


def _timeouts(value: Provider) -> Timeouts:
    written = {} if value.timeout is None else value.timeout.to_seconds()
    return Timeouts(**{name: bound for name, bound in written.items() if bound is not None})
