"""Compile: a document and what the compiler must know → a routing table, or every reason why there is none.

Pure, and in one order: each stage links one kind of thing, so that the next finds it linked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..canonical.frozen import freeze_mapping
from ..diagnostics.diagnostic import Diagnostic, has_errors, in_order
from ..diagnostics.source import with_source_lines
from ..document.book import Document
from ..routing.table import RoutingTable
from .build import Build, Materials
from .dead import find_dead
from .models import link_models
from .outputs import link_outputs
from .profiles import link_profiles
from .providers import link_providers
from .routes import link_features
from .servers import link_servers

STAGES: tuple[Callable[[Build], None], ...] = (
    link_profiles,
    link_providers,
    link_models,
    link_servers,
    link_outputs,
    link_features,
    find_dead,
)


def compile_document(
    document: Document, materials: Materials, earlier: Iterable[Diagnostic] = ()
) -> tuple[RoutingTable | None, tuple[Diagnostic, ...]]:
    """Compile *document*; *earlier* are the diagnostics of reading and shaping it.

    Returns:
        The table, or None if anything is an error, and all diagnostics in file order.
    """
    build = Build(document, materials, list(earlier))
    for stage in STAGES:
        stage(build)
    diagnostics = with_source_lines(in_order(build.diagnostics), materials.texts)
    return (None if has_errors(diagnostics) else _freeze(build, diagnostics)), diagnostics


def _freeze(build: Build, diagnostics: tuple[Diagnostic, ...]) -> RoutingTable:
    return RoutingTable(
        providers=freeze_mapping(build.providers),
        models=freeze_mapping(build.models),
        servers=freeze_mapping(build.servers),
        outputs=freeze_mapping(build.outputs),
        profiles=freeze_mapping(build.profiles),
        features=freeze_mapping(build.features),
        default_profile=build.default_profile,
        byok_profile=build.byok_profile,
        settings_spans=freeze_mapping({name: found.span(name) for name, found in build.document.settings.items()}),
        diagnostics=diagnostics,
    )
