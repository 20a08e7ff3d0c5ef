"""Dead configuration: definitions that no decision touches (RB501)."""

from __future__ import annotations

from collections.abc import Iterator

from ..build import Build
from .touched import profiles_in, twins_of

_NOUNS = {"providers": "provider", "models": "model", "mcp_servers": "tool server", "outputs": "output"}


def find_dead(build: Build) -> None:
    """Warn of what no decision touches. While anything is an error, nothing is: a misspelt name touches nothing."""
    if not build.found.is_good:
        return
    for section, noun in _NOUNS.items():
        for name, definition in getattr(build.document, section).items():
            if (section, name) not in build.found.touched:
                is_named = (section, name) in build.used
                notes = ("what names it is never reached",) if is_named else ()
                message = f"{noun} {name!r} is never used"
                build.report("RB501", definition.key, message, notes=notes, help="remove it, or use it in a feature")
    _report_profiles(build)


def _report_profiles(build: Build) -> None:
    """Warn of each profile under which every decision is the same as under another: the one it extends, or the default.

    One that settings, heirs or invariants name means something by itself, as does one that says who pays.
    """
    known = build.found.touched.union(_set_apart(build))
    for name, definition in build.document.profiles.items():
        twin = twins_of(build)[name]
        if ("profiles", name) in known or not _is_twin(build, name, twin):
            continue
        message = f"profile {name!r} changes no decision: each is the same under {twin!r}"
        note = "no feature has an entry for it that is taken, and no rule that is taken asks for it"
        build.report("RB501", definition.key, message, notes=(note,), help="remove it, or give a feature an entry")


def _is_twin(build: Build, name: str, twin: str) -> bool:
    one, other = build.profiles[name], build.profiles[twin]
    if one.credentials != other.credentials:
        return False
    return one.lineage[1:] == other.lineage or all(
        feature.rest(one) is feature.rest(other) for feature in build.features.values()
    )


def _set_apart(build: Build) -> Iterator[tuple[str, str]]:
    """Yield the profiles that mean something by themselves."""
    for name, definition in build.document.profiles.items():
        if definition.value.credentials is not None:
            yield "profiles", name
        if definition.value.extends is not None:
            yield "profiles", definition.value.extends
    yield "profiles", build.default_profile
    yield "profiles", build.byok_profile or build.default_profile
    for invariant in build.invariants.values():
        yield from (("profiles", name) for name in profiles_in(invariant.where))
