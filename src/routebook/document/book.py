"""Document: everything that the files of a book define, typed, by section and name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .entry import Definition, Entry
from .features import Feature
from .invariants import Invariant
from .models import Model
from .outputs import Output
from .profiles import Profile, Settings
from .providers import Provider
from .servers import Server

SECTIONS: dict[str, type[Entry]] = {
    "providers": Provider,
    "models": Model,
    "mcp_servers": Server,
    "outputs": Output,
    "profiles": Profile,
    "features": Feature,
    "invariants": Invariant,
}
SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class Document:
    """What was written. Names are still names, defaults absent, places kept.

    `settings` holds each setting that was given, under its key. `broken` names, by section, definitions whose shape was
    refused, `rests` has what can be read of broken features; `unread` tells that some file could not be read or shaped
    and so may define any name.
    """

    providers: Mapping[str, Definition[Provider]] = field(default_factory=dict)
    models: Mapping[str, Definition[Model]] = field(default_factory=dict)
    mcp_servers: Mapping[str, Definition[Server]] = field(default_factory=dict)
    outputs: Mapping[str, Definition[Output]] = field(default_factory=dict)
    profiles: Mapping[str, Definition[Profile]] = field(default_factory=dict)
    features: Mapping[str, Definition[Feature]] = field(default_factory=dict)
    invariants: Mapping[str, Definition[Invariant]] = field(default_factory=dict)
    settings: Mapping[str, Definition[Settings]] = field(default_factory=dict)
    broken: Mapping[str, frozenset[str]] = field(default_factory=dict)
    rests: tuple[Definition[Feature], ...] = ()
    unread: bool = False
    _names: dict[str, frozenset[str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def names(self, section: str) -> frozenset[str]:
        """Return every name that *section* defines, broken ones included."""
        known = self._names.get(section)
        if known is None:
            known = self._names[section] = frozenset(getattr(self, section)) | self.broken.get(section, frozenset())
        return known
