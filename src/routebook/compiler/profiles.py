"""Profiles and the settings that name them: lineages without cycles (RB303), a default that exists (RB408)."""

from __future__ import annotations

from ..diagnostics.suggest import did_you_mean
from ..document.entry import Definition
from ..document.profiles import Profile
from ..routing.spec import ProfileSpec
from .build import Build

_ONLY = "default"
LIMIT_PROFILES = 200


def link_profiles(build: Build) -> None:
    """Link each profile to its ancestors, nearest first, and settle the default and the byok profile."""
    _check_number(build)
    for definition in build.document.profiles.values():
        parent = definition.value.extends
        if parent is not None:
            build.refer("profiles", parent, definition.span("extends"), f"profile {definition.name!r}")
    for name, definition in build.document.profiles.items():
        lineage = _lineage(build, definition)
        payer = _payer(build, lineage)
        build.profiles[name] = ProfileSpec(
            name=name,
            lineage=lineage,
            credentials=None if payer is None else payer.value.credentials,
            description=definition.value.description,
            credentials_span=None if payer is None else payer.key_span("credentials"),
            span=definition.key,
        )
    if not build.document.names("profiles") and not build.document.unread:
        build.profiles[_ONLY] = ProfileSpec(_ONLY, (_ONLY,))
    _settle(build)


def _check_number(build: Build) -> None:
    profiles = list(build.document.profiles.values())
    if len(profiles) > LIMIT_PROFILES:
        place = profiles[LIMIT_PROFILES].key
        build.report("RB105", place, f"a book has at most {LIMIT_PROFILES} profiles", help="make fewer tiers of them")


def _lineage(build: Build, definition: Definition[Profile]) -> tuple[str, ...]:
    if len(build.document.profiles) > LIMIT_PROFILES:
        return (definition.name,)
    lineage = [definition.name]
    parent = definition.value.extends
    while parent is not None and parent in build.document.profiles:
        if parent in lineage:
            _report_cycle(build, lineage[lineage.index(parent) :])
            break
        lineage.append(parent)
        parent = build.document.profiles[parent].value.extends
    return tuple(lineage)


def _report_cycle(build: Build, cycle: list[str]) -> None:
    """Report *cycle* at its first profile; every profile of it finds it, and the report keeps one of equals."""
    first = min((build.document.profiles[name] for name in cycle), key=lambda definition: definition.key)
    start = cycle.index(first.name)
    path = " → ".join([*cycle[start:], *cycle[:start], first.name])
    build.report(
        "RB303",
        first.span("extends"),
        f"profile {first.name!r} extends itself: {path}",
        help="remove one `extends` of the circle",
    )


def _payer(build: Build, lineage: tuple[str, ...]) -> Definition[Profile] | None:
    """Return the profile of *lineage* whose credential mode holds, the nearest that has one."""
    ancestors = (build.document.profiles[name] for name in lineage)
    return next((ancestor for ancestor in ancestors if ancestor.value.credentials is not None), None)


def _settle(build: Build) -> None:
    document = build.document
    default, byok = document.settings.get("default_profile"), document.settings.get("byok_profile")
    if default is not None and default.value.default_profile is not None:
        build.default_profile = default.value.default_profile
        _must_exist(build, "default_profile", build.default_profile)
    elif document.profiles and "default_profile" not in document.broken.get("settings", ()) and not document.unread:
        first = min(document.profiles.values(), key=lambda definition: definition.key)
        build.report(
            "RB408",
            first.key,
            "a book with profiles needs `settings.default_profile`",
            help=f"add `settings: {{default_profile: {first.name}}}`",
        )
    if byok is not None and byok.value.byok_profile is not None:
        build.byok_profile = byok.value.byok_profile
        _must_exist(build, "byok_profile", build.byok_profile)
    serving, drain = document.settings.get("default_feature"), document.settings.get("drain")
    if serving is not None and serving.value.default_feature is not None:
        build.default_feature = serving.value.default_feature
        build.refer("features", build.default_feature, serving.span("default_feature"), "setting 'default_feature'")
    if drain is not None and drain.value.drain is not None:
        build.drain_s = drain.value.drain
    transport = document.settings.get("transport")
    if transport is not None and transport.value.transport is not None:
        build.transport = transport.value.transport
        if build.transport == "fast":
            build.need_extra("fast", "setting 'transport', which is `fast`,", transport.span("transport"))


def _must_exist(build: Build, setting: str, name: str) -> None:
    if name in build.profiles or name in build.document.names("profiles") or build.document.unread:
        return
    known = build.profiles
    build.report(
        "RB408",
        build.document.settings[setting].span(setting),
        f"setting {setting!r} is {name!r}, which is no profile",
        help=did_you_mean(name, known) or f"profiles: {', '.join(sorted(known))}",
    )
