"""Build: a table in the making. What the stages of one compilation share, and the one way to report and refer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..canonical.frozen import EMPTY
from ..diagnostics.diagnostic import Diagnostic, diagnose, has_errors
from ..diagnostics.ignore import Ignore
from ..diagnostics.span import Span
from ..diagnostics.suggest import near_names
from ..document.book import SECTIONS, Document
from ..routing.decision import PlannedAttempt
from ..routing.digest import Digester
from ..routing.linked import TransportChoice
from ..routing.output_spec import OutputSpec
from ..routing.provider_spec import ProviderSpec
from ..routing.reach.rules import Shared
from ..routing.spec import FeatureSpec, InvariantSpec, ModelSpec, ProfileSpec
from ..routing.tool_spec import ServerSpec
from ..routing.traits import ApiTraits
from ..source.node import Node

LIMIT_SUGGESTIONS = 300

ALL_MODELS = ("models", "*")
"""Stands for every model of the book where a feature uses them all."""

Where = Callable[[], Span]
"""Finds a place; few of those that could be reported ever are."""

_NOUNS = {
    "providers": "provider",
    "models": "model",
    "mcp_servers": "tool server",
    "outputs": "output",
    "profiles": "profile",
    "features": "feature",
    "invariants": "invariant",
}


@dataclass(frozen=True, slots=True)
class Materials:
    """What the compiler must know of the world: wire APIs, presets, and the content files that the book names, as
    values (`contents`) and as texts (`prompts`) by path; `lock` is the book's tools.lock.json, `texts` are the texts of
    all files by path, for the diagnostics' source lines, `ignores` the comments that silence warnings, and
    `missing_extras` the optional dependencies that are not installed.
    """

    apis: Mapping[str, ApiTraits]
    presets: Mapping[str, Mapping[str, Any]] = EMPTY
    contents: Mapping[str, Node] = EMPTY
    prompts: Mapping[str, str] = EMPTY
    lock: Node | None = None
    texts: Mapping[str, str] = EMPTY
    ignores: Sequence[Ignore] = ()
    missing_extras: Collection[str] = ()


@dataclass(slots=True)
class Findings:
    """What linking a part of a book found: diagnostics, the definitions it uses by (section, name), those of them that
    some decision touches, models of which nothing is known with the place that names them, and options that something
    they reach does not carry, each reason with a note and with how to mend it; how many `decisions` there are, and how
    many features have more sets of callers' keys than are looked at (`cut`); and what of an output is not sent as it is
    written, with the first target that it is so for, by the output, what becomes of it, and the API (`inexact`).
    """

    diagnostics: list[Diagnostic] = field(default_factory=list)
    used: set[tuple[str, str]] = field(default_factory=set)
    touched: set[tuple[str, str]] = field(default_factory=set)
    unknown: dict[str, Span] = field(default_factory=dict)
    refused: dict[tuple[Span, str], dict[str, tuple[str | None, str | None]]] = field(default_factory=dict)
    inexact: dict[tuple[str, str, str], tuple[PlannedAttempt, Where]] = field(default_factory=dict)
    decisions: int = 0
    cut: int = 0

    def add(self, other: Findings) -> None:
        """Take over what *other* holds."""
        self.diagnostics += other.diagnostics
        self.used |= other.used
        self.touched |= other.touched
        self.decisions += other.decisions
        self.cut += other.cut
        for model, place in other.unknown.items():
            self.unknown[model] = min(place, self.unknown.get(model, place))
        for key, refusals in other.refused.items():
            self.refused.setdefault(key, {}).update(refusals)
        for what, first in other.inexact.items():
            self.inexact.setdefault(what, first)

    @property
    def is_good(self) -> bool:
        """Whether nothing here keeps the book from compiling."""
        return not self.refused and not has_errors(self.diagnostics)


@dataclass(slots=True)
class Build:
    """The state of one compilation; each stage adds what it links and reports what it finds.

    `known` keeps what many definitions come to alike, under keys of whoever worked it out, `shared` what is known of
    their rules.
    """

    document: Document
    materials: Materials
    found: Findings = field(default_factory=Findings)
    providers: dict[str, ProviderSpec] = field(default_factory=dict)
    models: dict[str, ModelSpec] = field(default_factory=dict)
    servers: dict[str, ServerSpec] = field(default_factory=dict)
    outputs: dict[str, OutputSpec] = field(default_factory=dict)
    profiles: dict[str, ProfileSpec] = field(default_factory=dict)
    features: dict[str, FeatureSpec] = field(default_factory=dict)
    invariants: dict[str, InvariantSpec] = field(default_factory=dict)
    default_profile: str = "default"
    byok_profile: str | None = None
    default_feature: str | None = None
    drain_s: float = 10.0
    transport: TransportChoice = "auto"
    digester: Digester = field(default_factory=Digester)
    digests: dict[tuple[str, str], str] = field(default_factory=dict)
    models_by_id: dict[tuple[str, str], list[ModelSpec]] = field(default_factory=dict)
    known: dict[Any, Any] = field(default_factory=dict)
    shared: Shared = field(default_factory=Shared)
    searched: int = 0

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """What was found so far."""
        return self.found.diagnostics

    @property
    def used(self) -> set[tuple[str, str]]:
        """The definitions that something uses, by (section, name)."""
        return self.found.used

    @contextmanager
    def apart(self) -> Iterator[Findings]:
        """Keep what is found inside the block apart from the rest; whoever asked for it adds it."""
        outer, self.found = self.found, Findings()
        try:
            yield self.found
        finally:
            self.found = outer

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

    def need_extra(self, extra: str, subject: str, place: Span, mend: str = "") -> None:
        """Report that *subject* needs *extra*, if that is not installed; *mend* is what else would help."""
        if extra in self.materials.missing_extras:
            message = f"{subject} needs an optional dependency that is not installed"
            self.report("RB704", place, message, help=f"pip install 'routebook[{extra}]'{mend}")

    def refer(self, section: str, name: str, place: Span | Where, subject: str) -> bool:
        """Note that *subject* names *name* of *section* at *place*; tell whether it can be linked.

        An unknown name is reported, unless a file that could not be read may define it.
        """
        if name in getattr(self.document, section):
            self.used.add((section, name))
            return True
        if name not in self.document.names(section) and not self.document.unread:
            noun = _NOUNS[section]
            message = f"{subject} names {noun} {name!r}, which no file defines"
            self.report("RB301", place if isinstance(place, Span) else place(), message, help=self._near(section, name))
        return False

    def _near(self, section: str, name: str) -> str:
        for other in SECTIONS:
            if other != section and name in self.document.names(other):
                return f"{name!r} is a {_NOUNS[other]}, not a {_NOUNS[section]}"
        self.searched += 1
        if self.searched > LIMIT_SUGGESTIONS:
            return f"define it under `{section}`"
        near = near_names(name, self.document.names(section), limit=1)
        if not near:
            preset = section == "providers" and name in self.materials.presets
            return f"add `{name}: {{}}` under `providers`, it is a preset" if preset else f"define it under `{section}`"
        definition = getattr(self.document, section).get(near[0])
        return f"did you mean {near[0]!r} ({definition.key})?" if definition else f"did you mean {near[0]!r}?"
