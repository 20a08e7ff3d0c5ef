"""Source lines: each diagnostic gets the line it stands on, with anything that looks like a literal secret masked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from .diagnostic import Diagnostic

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_LITERAL_SECRET = re.compile(
    r"""(?:["']?[\w-]*(?:api[_-]?key|token|secret|password|authorization)["']?\s*:\s*(?!\s*[{\[])(?P<value>\S.*))"""
    r"""|(?<=://)(?P<user>[^/\s@]+)(?=@)"""
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
        if 0 < line <= len(known):
            diagnostic = replace(diagnostic, source=mask(_without_literal(diagnostic, known[line - 1])))
        located.append(diagnostic)
    return tuple(located)


def _without_literal(diagnostic: Diagnostic, line: str) -> str:
    """Return *line* without the literal secret that the diagnostic is about, whatever it looks like."""
    if diagnostic.code != "RB206":
        return line
    start = diagnostic.span.column - 1
    end = start + diagnostic.span.width
    return line[:start] + "*" * len(line[start:end]) + line[end:]


def mask(line: str) -> str:
    """Return *line* with the value of a key that names a secret, and words that look like keys, as asterisks."""

    def stars(match: re.Match[str]) -> str:
        hidden = match["value"] or match["user"] or match["key"]
        return match[0].removesuffix(hidden) + "*" * len(hidden)

    return _LITERAL_SECRET.sub(stars, line)
