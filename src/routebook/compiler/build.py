"""Build: a table in the making. What the stages of one compilation share, and the one way to report and refer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..canonical.frozen import EMPTY
from ..diagnostics.diagnostic import Diagnostic, diagnose
from ..diagnostics.span import Span
from ..diagnostics.suggest import near_names
from ..document.book import SECTIONS, Document
from ..routing.output_spec import OutputSpec
from ..routing.spec import FeatureSpec, ModelSpec, ProfileSpec, ProviderSpec
from ..routing.tool_spec import ServerSpec
from ..routing.traits import ApiTraits
from ..source.node import Node

_NOUNS = {
    "providers": "provider",
    "models": "model",
    "mcp_servers": "tool server",
    "outputs": "output",
    "profiles": "profile",
    "features": "feature",
}


@dataclass(frozen=True, slots=True)
class Materials:
    """What the compiler must know of the world: wire APIs, presets, the content files that the book names, and
    the texts of all files by path, for the diagnostics' source lines.
    """

    apis: Mapping[str, ApiTraits]
    presets: Mapping[str, Mapping[str, Any]] = EMPTY
    contents: Mapping[str, Node] = EMPTY
    texts: Mapping[str, str] = EMPTY


@dataclass(slots=True)
class Build:
    """The state of one compilation; each stage adds what it links and reports what it finds."""

    document: Document
    materials: Materials
    diagnostics: list[Diagnostic] = field(default_factory=list)
    providers: dict[str, ProviderSpec] = field(default_factory=dict)
    models: dict[str, ModelSpec] = field(default_factory=dict)
    servers: dict[str, ServerSpec] = field(default_factory=dict)
    outputs: dict[str, OutputSpec] = field(default_factory=dict)
    profiles: dict[str, ProfileSpec] = field(default_factory=dict)
    features: dict[str, FeatureSpec] = field(default_factory=dict)
    default_profile: str = "default"
    byok_profile: str | None = None
    used: set[tuple[str, str]] = field(default_factory=set)
    undeclared: set[str] = field(default_factory=set)
    refused: dict[tuple[Span, str], dict[str, str | None]] = field(default_factory=dict)

    def report(
        self,
        code: str,
        span: Span,
        message: str,
        *,
        notes: Iterable[str] = (),
        help: str | None = None,  # noqa: A002
    ) -> None:
        """Add a diagnostic."""
        self.diagnostics.append(diagnose(code, span, message, notes=notes, help=help))

    def refer(self, section: str, name: str, place: Span, subject: str) -> bool:
        """Note that *subject* names *name* of *section* at *place*; tell whether it can be linked.

        An unknown name is reported, unless a file that could not be read may define it.
        """
        if name in getattr(self.document, section):
            self.used.add((section, name))
            return True
        if name not in self.document.names(section) and not self.document.unread:
            noun = _NOUNS[section]
            message = f"{subject} names {noun} {name!r}, which no file defines"
            self.report("RB301", place, message, help=self._near(section, name))
        return False

    def _near(self, section: str, name: str) -> str:
        for other in SECTIONS:
            if other != section and name in self.document.names(other):
                return f"{name!r} is a {_NOUNS[other]}, not a {_NOUNS[section]}"
        near = near_names(name, self.document.names(section), limit=1)
        if not near:
            return f"define it under `{section}`"
        definition = getattr(self.document, section).get(near[0])
        return f"did you mean {near[0]!r} ({definition.key})?" if definition else f"did you mean {near[0]!r}?"
