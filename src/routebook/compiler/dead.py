"""Dead configuration: definitions that no feature leads to (RB501), routes that a pin hides (RB502)."""

from __future__ import annotations

from ..diagnostics.diagnostic import has_errors
from .build import Build

_NOUNS = {"providers": "provider", "models": "model", "mcp_servers": "tool server", "outputs": "output"}


def find_dead(build: Build) -> None:
    """Warn of what nothing uses. While anything is an error, nothing is called unused: a misspelt name uses nothing."""
    for definition in build.document.features.values():
        if definition.value.pin is not None:
            for name in definition.value.profiles or {}:
                message = f"the entry of profile {name!r} is never taken: feature {definition.name!r} is pinned"
                place = definition.key_span("profiles", name)
                build.report("RB502", place, message, notes=(f"pinned at {definition.span('pin')}",))
            if definition.value.use is not None:
                message = f"`use` is never taken: feature {definition.name!r} is pinned"
                place = definition.key_span("use")
                build.report("RB502", place, message, notes=(f"pinned at {definition.span('pin')}",))
    if has_errors(build.diagnostics):
        return
    for section, noun in _NOUNS.items():
        for name, definition in getattr(build.document, section).items():
            if (section, name) not in build.used:
                message = f"{noun} {name!r} is never used"
                build.report("RB501", definition.key, message, help="remove it, or use it in a feature")
