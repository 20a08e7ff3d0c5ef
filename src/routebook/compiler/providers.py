"""Providers: preset and definition become one address with one credential (RB301, RB407, RB503)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..canonical.frozen import freeze_mapping
from ..diagnostics.suggest import did_you_mean
from ..document.entry import Definition
from ..document.providers import Provider
from ..document.scalars import Secret
from ..routing.provider_spec import Breaker, ProviderSpec, Retry, Timeouts
from ..routing.secret import SecretRef
from ..routing.traits import ApiTraits
from .addresses import Preset, is_loopback, link_address, link_places, preset_address, query_of, warn_unencrypted
from .build import Build
from .limits import link_limits
from .scripts import link_script


def link_providers(build: Build) -> None:
    """Link each provider that can be called as it stands; report the others."""
    for definition in build.document.providers.values():
        provider = _link(build, definition)
        if provider is not None:
            build.providers[definition.name] = provider
            _need_extras(build, definition, provider)


def _link(build: Build, definition: Definition[Provider]) -> ProviderSpec | None:
    value = definition.value
    preset = _preset(build, definition)
    if preset is None:
        return None
    traits = _traits(build, definition, preset.get("api") if value.api is None else value.api)
    if traits is None:
        return None
    places = link_places(build, definition, traits, preset)
    address = link_address(build, definition, traits, preset, places)
    credential = _credential(build, definition, traits, preset, address, places)
    headers = {name: secret_ref(item) for name, item in (value.headers or {}).items() if isinstance(item, Secret)}
    _refuse_own(build, definition, traits, headers)
    if address is not None and (credential or headers):
        place = definition.span("base_url")
        warn_unencrypted(build, f"provider {definition.name!r}", place, urlsplit(address))
    if value.script is not None and not traits.needs_script:
        message = f"provider {definition.name!r} has a script, and api {traits.name!r} plays none"
        build.report("RB407", definition.key_span("script"), message, help="remove it, or write `api: scripted`")
    query = query_of(preset, places)
    return ProviderSpec(
        name=definition.name,
        api=traits.name,
        base_url=address,
        credential=credential,
        credential_chain=credential is None and _asks_chain(definition, traits, preset),
        headers=freeze_mapping(headers),
        quirks=freeze_mapping({**_quirks(preset, traits), **({"query": query} if query else {})}),
        region=places.get("region"),
        project=places.get("project"),
        location=places.get("location"),
        api_version=places.get("api_version", traits.api_version),
        deployment=places.get("deployment"),
        timeout=_timeouts(value),
        limits=link_limits(value.limits),
        retry=_retry(value),
        breaker=_breaker(value),
        script=link_script(build, definition) if traits.needs_script else None,
        span=definition.key,
    )


def _quirks(preset: Preset, traits: ApiTraits) -> dict[str, Any]:
    """Return the preset's departures; with another API than its own, the fields of its bodies are not those."""
    quirks = dict(preset.get("quirks", {}))
    if traits.name != preset.get("api"):
        quirks.pop("fields", None)
    return quirks


def _refuse_own(build: Build, definition: Definition[Provider], traits: ApiTraits, secret: Iterable[str]) -> None:
    """Refuse a *secret* header that the adapter sets; plain ones are options, refused where they reach a target."""
    for name in secret:
        if name.lower() in traits.own_headers:
            message = f"header {name.lower()!r} is one that api {traits.name!r} sets itself"
            mend = f"set `{traits.own_headers[name.lower()]}` instead"
            build.report("RB402", definition.key_span("headers", name), message, help=mend)


def _need_extras(build: Build, definition: Definition[Provider], provider: ProviderSpec) -> None:
    traits, who = build.materials.apis[provider.api], f"provider {definition.name!r}"
    if traits.extra is not None:
        build.need_extra(traits.extra, f"api {traits.name!r} of {who}", definition.key)
    if traits.chain_extra is not None and provider.credential_chain:
        subject = f"finding the credentials of {who}, which has no `api_key`,"
        build.need_extra(traits.chain_extra, subject, definition.key, ", or add `api_key: {env: NAME}`")


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


def _credential(
    build: Build,
    definition: Definition[Provider],
    traits: ApiTraits,
    preset: Preset,
    address: str | None,
    places: Mapping[str, str],
) -> SecretRef | None:
    value, preset_key = definition.value, preset.get("api_key")
    if not traits.takes_credential:
        return None
    if value.api_key is not None:
        if value.auth == "none":
            message = f"provider {definition.name!r} has both `api_key` and `auth: none`"
            build.report("RB407", definition.key_span("auth"), message, help="remove one of the two")
        return secret_ref(value.api_key)
    if _is_open(definition, preset) or _has_authorization(value) or traits.credential_chain:
        return None
    if preset_key is None and preset.get("auth") != "chain":
        message = f"provider {definition.name!r} has no `api_key`"
        build.report("RB407", definition.key, message, help="add `api_key: {env: NAME}`, or `auth: none`")
        return None
    if _goes_elsewhere(address, preset, places):
        message = f"provider {definition.name!r} would send its preset's key to another host, {_host(address)}"
        build.report("RB407", definition.span("base_url"), message, help="add `api_key: {env: NAME}`, or `auth: none`")
        return None
    return None if preset_key is None else SecretRef("env", preset_key["env"])


def _asks_chain(definition: Definition[Provider], traits: ApiTraits, preset: Preset) -> bool:
    """Tell whether the platform's credential is found as the vendor's own tools find it."""
    known = traits.credential_chain or preset.get("auth") == "chain"
    return known and not _is_open(definition, preset) and not _has_authorization(definition.value)


def _is_open(definition: Definition[Provider], preset: Preset) -> bool:
    return "none" in (definition.value.auth, preset.get("auth"))


def _has_authorization(value: Provider) -> bool:
    return any(name.lower() == "authorization" for name in value.headers or {})


def _goes_elsewhere(address: str | None, preset: Preset, places: Mapping[str, str]) -> bool:
    """Tell whether calls go to another host than the preset's. One without an address of its own has no such host.

    What the vendor's tools find may go to any host of the vendor's, which has many, and to this machine.
    """
    expected = preset_address(preset, places)
    if address is None or expected is None or _host(address) == _host(expected):
        return False
    vendor = ".".join(str(_host(expected)).split(".")[-2:])
    is_near = is_loopback(_host(address)) or str(_host(address)).endswith(f".{vendor}")
    return not (preset.get("auth") == "chain" and is_near)


def _host(address: str | None) -> str | None:
    return urlsplit(address or "").hostname


def _timeouts(value: Provider) -> Timeouts:
    written = {} if value.timeout is None else value.timeout.to_seconds()
    return Timeouts(**{name: bound for name, bound in written.items() if bound is not None})


def _retry(value: Provider) -> Retry:
    written = value.retry
    return Retry() if written is None else Retry(written.attempts, written.backoff, written.max_backoff)


def _breaker(value: Provider) -> Breaker:
    return Breaker() if value.breaker is None else Breaker(value.breaker.failures, value.breaker.open)
