"""Source lines: each diagnostic gets the line it stands on, with anything that looks like a literal secret masked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from .diagnostic import Diagnostic

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_LITERAL_SECRET = re.compile(
    r"""(?:["']?[\w-]*(?:api[_-]?key|token|secret|password|authorization)["']?\s*:\s*(?!\s*[{\[])(?P<value>\S.*))"""
    r"""|(?P<key>\b(?:sk|pk|rk|xai|gsk|ghp|AIza)[-_]?[\w-]{12,})""",
    re.IGNORECASE,
)


def with_source_lines(diagnostics: Iterable[Diagnostic], texts: Mapping[str, str]) -> tuple[Diagnostic, ...]:
    """Return *diagnostics* with their source lines; *texts* are the files' texts by path."""
    lines: dict[str, list[str]] = {}
    located = []
    for diagnostic in diagnostics:
        path, line = diagnostic.span.path, diagnostic.span.line
        if path in texts and path not in lines:
            lines[path] = _LINE_BREAK.split(texts[path])
        known = lines.get(path, ())
        located.append(replace(diagnostic, source=mask(known[line - 1])) if 0 < line <= len(known) else diagnostic)
    return tuple(located)


def mask(line: str) -> str:
    """Return *line* with the value of a key that names a secret, and words that look like keys, as asterisks."""

    def stars(match: re.Match[str]) -> str:
        hidden = match["value"] or match["key"]
        return match[0].removesuffix(hidden) + "*" * len(hidden)

    return _LITERAL_SECRET.sub(stars, line)
