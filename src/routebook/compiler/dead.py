"""Dead configuration: definitions that no feature leads to (RB501), routes that a pin hides (RB502)."""

from __future__ import annotations

from ..document.entry import Definition
from ..document.features import Feature
from .build import ALL_MODELS, Build

_NOUNS = {"providers": "provider", "models": "model", "mcp_servers": "tool server", "outputs": "output"}


def find_dead(build: Build) -> None:
    """Warn of what nothing uses. While anything is an error, nothing is called unused: a misspelt name uses nothing."""
    for definition in build.document.features.values():
        if definition.value.pin is not None:
            _find_hidden(build, definition)
    if not build.found.is_good:
        return
    if ALL_MODELS in build.used:
        build.used.update(("models", name) for name in build.models)
    for section, noun in _NOUNS.items():
        for name, definition in getattr(build.document, section).items():
            if (section, name) not in build.used:
                message = f"{noun} {name!r} is never used"
                build.report("RB501", definition.key, message, help="remove it, or use it in a feature")


def _find_hidden(build: Build, definition: Definition[Feature]) -> None:
    """Warn of the routes that a pin hides."""
    value, notes = definition.value, (f"pinned at {definition.span('pin')}",)
    hidden = [
        (f"the entry of profile {name!r} is", definition.key_span("profiles", name)) for name in value.profiles or {}
    ]
    hidden += [
        (f"rule {rule.name!r} is", definition.span("rules", index, "name"))
        for index, rule in enumerate(value.rules or ())
    ]
    if value.use is not None:
        hidden.append(("`use` is", definition.key_span("use")))
    for what, place in hidden:
        build.report("RB502", place, f"{what} never taken: feature {definition.name!r} is pinned", notes=notes)
