"""Which content files a document names: `{file: PATH}` for schemas and scripts."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics.span import Span
from .book import Document
from .scalars import content_file


def content_references(document: Document) -> Iterator[tuple[str, Span]]:
    """Yield each content file that *document* names, relative to the book's root, with the place that names it."""
    for output in document.outputs.values():
        reference = content_file(output.value.schema_)
        if reference is not None:
            yield reference.path, output.span("schema", "file")
    for provider in document.providers.values():
        reference = content_file(provider.value.script)
        if reference is not None:
            yield reference.path, provider.span("script", "file")
