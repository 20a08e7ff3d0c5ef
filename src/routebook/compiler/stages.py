"""Compile: a document and what the compiler must know → a routing table, or every reason why there is none.

Pure, and in one order: each stage links one kind of thing, so that the next finds it linked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from ..canonical.frozen import freeze_mapping
from ..diagnostics.diagnostic import Diagnostic, has_errors
from ..diagnostics.ignore import silence
from ..diagnostics.source import SourceLines
from ..document.book import Document
from ..routing.linked import Coverage
from ..routing.table import RoutingTable
from ..source.node import to_plain
from .build import Build, Findings, Materials
from .features import link_feature
from .fitness.expressible import note_inexact
from .invariants.names import link_invariants
from .invariants.prove import prove
from .models import link_models, report_unknown
from .options import provider_layer, report_refused
from .outputs import link_outputs
from .profiles import link_profiles
from .providers import link_providers
from .reached.dead import find_dead
from .remember import Memory
from .servers import link_servers

LIMIT_BROKEN = 1000

STAGES: tuple[Callable[[Build], None], ...] = (
    link_profiles,
    link_providers,
    link_models,
    link_servers,
    link_outputs,
    link_invariants,
)
LAST: tuple[Callable[[Build], None], ...] = (report_unknown, report_refused, note_inexact, find_dead)


@dataclass(frozen=True, slots=True)
class Compiled:
    """What came of a document: its table, or None if anything is an error; all diagnostics in file order; and the
    table that was linked, also where it is not one to use, as an invariant does not hold (None: it was not linked).
    """

    table: RoutingTable | None
    diagnostics: tuple[Diagnostic, ...]
    linked: RoutingTable | None = None


def compile_document(
    document: Document, materials: Materials, earlier: Iterable[Diagnostic] = (), memory: Memory | None = None
) -> Compiled:
    """Compile *document*; *earlier* are the diagnostics of reading and shaping it, *memory* what is linked already."""
    memory = Memory() if memory is None else memory
    build = Build(document, materials, Findings(list(earlier)))
    is_sound, wrong = _is_read(build), len(build.diagnostics)
    for stage in STAGES:
        stage(build)
    is_sound = is_sound and not has_errors(build.diagnostics[wrong:])
    _digest_all(build)
    lines = SourceLines(materials.texts)
    _link_features(build, memory, lines)
    _look_into_rests(build)
    for stage in LAST:
        stage(build)
    is_whole = build.found.is_good
    linked = _proved(build, memory) if is_sound else None
    diagnostics = lines.added_to(silence(build.diagnostics, materials.ignores))
    if linked is None or not is_whole or has_errors(diagnostics):
        return Compiled(None, diagnostics, linked if is_whole else None)
    table = replace(linked, diagnostics=diagnostics)
    return Compiled(table, diagnostics, table)


def _proved(build: Build, memory: Memory) -> RoutingTable:
    """Return what was linked as a table, and report the invariants that it does not keep."""
    table = _freeze(build)
    proved = prove(build, table, memory.proofs, memory.features.keys())
    return replace(table, coverage=Coverage(build.found.decisions, build.found.cut, *proved))


def _is_read(build: Build) -> bool:
    """Tell whether everything could be read: of what is good, less is known where something could not."""
    return not (has_errors(build.diagnostics) or build.document.unread)


def _digest_all(build: Build) -> None:
    """Make the digest of every definition but the features, which are digested as they are linked."""
    sections: dict[str, dict[str, Any]] = {
        "providers": build.providers,
        "models": build.models,
        "mcp_servers": build.servers,
        "outputs": build.outputs,
        "profiles": build.profiles,
        "invariants": build.invariants,
    }
    for section, definitions in sections.items():
        for name, definition in definitions.items():
            build.digests[section, name] = build.digester.digest(definition)
    layers = [("providers", name, provider_layer(build.document.providers[name])) for name in build.providers]
    layers += [("models", name, model.layer) for name, model in build.models.items()]
    for section, name, layer in layers:
        if layer is not None:  # of a feature it is in the attempts' options; of a provider or a model nowhere else
            own = (build.digests[section, name], layer.options)
            build.digests[section, name] = build.digester.digest(own)
    settings = ("default_profile", "byok_profile", "default_feature", "drain_s", "transport")
    for name in settings:
        build.digests["settings", name] = build.digester.digest(getattr(build, name))
    if build.materials.lock is not None:
        build.digests["lock", "tools"] = build.digester.digest(freeze_mapping({"": to_plain(build.materials.lock)}))


def _link_features(build: Build, memory: Memory, lines: SourceLines) -> None:
    """Link the features that are not known from before; stop where there are more errors than anyone reads."""
    memory.begin(build)
    broken = 0
    for name, definition in build.document.features.items():
        known = memory.recall(build, definition)
        if known is not None:
            build.features[name], build.digests["features", name] = known.spec, known.digest
            build.found.add(known.found)
            continue
        with build.apart() as found:
            spec = link_feature(build, definition)
        found.diagnostics = list(lines.added_to(found.diagnostics))
        build.features[name] = spec
        build.digests["features", name] = memory.keep(build, definition, spec, found)
        build.found.add(found)
        broken += not found.is_good
        if broken == LIMIT_BROKEN:
            last = max(build.diagnostics, key=lambda diagnostic: diagnostic.span)
            note = f"{LIMIT_BROKEN:,} features have errors; those after this one were not looked at"
            build.diagnostics.append(replace(last, notes=(*last.notes, note)))
            build.diagnostics.remove(last)
            break
    memory.forget_all_but(build.features)


def _look_into_rests(build: Build) -> None:
    """Look for names that there are not in what can be read of broken features; anything else may be a consequence."""
    for definition in build.document.rests:
        with build.apart() as found:
            link_feature(build, definition)
        build.diagnostics.extend(problem for problem in found.diagnostics if problem.code == "RB301")
        build.used.update(found.used)


def _freeze(build: Build) -> RoutingTable:
    return RoutingTable(
        providers=freeze_mapping(build.providers),
        models=freeze_mapping(build.models),
        servers=freeze_mapping(build.servers),
        outputs=freeze_mapping(build.outputs),
        profiles=freeze_mapping(build.profiles),
        features=freeze_mapping(build.features),
        default_profile=build.default_profile,
        digests=MappingProxyType({key: build.digests[key] for key in sorted(build.digests)}),
        byok_profile=build.byok_profile,
        default_feature=build.default_feature,
        drain_s=build.drain_s,
        transport=build.transport,
        invariants=freeze_mapping(build.invariants),
        settings_spans=freeze_mapping({name: found.span(name) for name, found in build.document.settings.items()}),
    )
