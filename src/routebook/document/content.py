"""Which content files a document names: `{file: PATH}` for schemas, scripts and prompts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..diagnostics.span import Span
from .book import Document
from .entry import Definition
from .features import Feature
from .scalars import ContentFile, content_file


@dataclass(frozen=True, slots=True)
class ContentUse:
    """A content file that a book names: its path below the root, the place that names it, and whether it is a text
    (a prompt) or holds a value (a schema, a script).
    """

    path: str
    span: Span
    is_text: bool = False


def content_uses(document: Document) -> Iterator[ContentUse]:
    """Yield each use of a content file by *document*."""
    for output in document.outputs.values():
        reference = content_file(output.value.schema_)
        if reference is not None:
            yield ContentUse(reference.path, output.span("schema", "file"))
    for provider in document.providers.values():
        reference = content_file(provider.value.script)
        if reference is not None:
            yield ContentUse(reference.path, provider.span("script", "file"))
    for feature in document.features.values():
        if feature.value.prompt is not None or feature.value.input is not None:
            yield from _of_feature(feature)


def _of_feature(feature: Definition[Feature]) -> Iterator[ContentUse]:
    schema, prompt = content_file(feature.value.input), feature.value.prompt
    if schema is not None:
        yield ContentUse(schema.path, feature.span("input", "file"))
    for part in ("system", "user"):
        template = getattr(prompt, part, None)
        if isinstance(template, ContentFile):
            yield ContentUse(template.path, feature.span("prompt", part, "file"), is_text=True)
