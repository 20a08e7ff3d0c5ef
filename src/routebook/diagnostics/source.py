"""Source lines: each diagnostic gets the line it stands on, with anything that looks like a literal secret masked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from .diagnostic import Diagnostic

_LONGEST_LINE = 2000
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
# A word that names a secret. Possessive, and tried at a word's beginning only: a line may be a megabyte long.
_SECRET = r"api[_-]?key|[_-]key|(?<!first_)token(?!s)|secret|passw(?:or)?d|authorization|cookie"
_NAME = rf"""(?<![\w-])(?=[\w-]*?(?:{_SECRET}))[\w-]++["']?+"""
_REFERENCE = r"""\{\s*+["']?(?:env|file)["']?\s*+:\s*+["']?[\w./~-]++["']?\s*+\}"""
_VENDORS_KEY = re.compile(r"\b(?P<secret>(?:sk|pk|rk|xai|gsk|ghp|hf)[-_][\w-]{12,}+|AIza[\w-]{20,}+)", re.IGNORECASE)
_LITERAL_SECRETS = (
    # the value of a key that names a secret, unless it is a reference; also where its colon was forgotten
    re.compile(rf"{_NAME}\s*+[:=]\s*+(?!{_REFERENCE})(?P<secret>\S.*)", re.IGNORECASE),
    re.compile(rf"^\s*+{_NAME}\s++(?P<secret>[^\s:=].*)", re.IGNORECASE),
    re.compile(r"""(?<![\w-])auth["']?+\s*+:\s*+(?!["']?none\b)(?P<secret>[^\s{].*)""", re.IGNORECASE),
    # the user part of an address
    re.compile(r"""(?<=://)(?P<secret>[^/\s"']+)(?=@)"""),
    # what looks like a vendor's key, wherever it stands
    _VENDORS_KEY,
)
# Nearly no line has any of it, and then none of the patterns is tried.
_HINT = re.compile(rf"{_SECRET}|auth|://|(?:sk|pk|rk|xai|gsk|ghp|hf)[-_]|AIza", re.IGNORECASE)
_UNKNOWN_SECRET = re.compile(r"key|auth|bearer|credential|pass|pwd", re.IGNORECASE)


def with_source_lines(diagnostics: Iterable[Diagnostic], texts: Mapping[str, str]) -> tuple[Diagnostic, ...]:
    """Return *diagnostics* as `SourceLines` does."""
    return SourceLines(texts).added_to(diagnostics)


class SourceLines:
    """The lines of files, whose *texts* are given by path."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._lines: dict[str, list[str]] = {}

    def added_to(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return *diagnostics* with their source lines; vendors' keys are masked in what is said, too.

        A line that is too long to be read is left out; a diagnostic that has its line stays as it is.
        """
        return tuple(
            diagnostic if diagnostic.source is not None else _with_line(diagnostic, self._of(diagnostic.span.path))
            for diagnostic in diagnostics
        )

    def _of(self, path: str) -> Sequence[str]:
        if path not in self._lines:
            text = self._texts.get(path)
            self._lines[path] = [] if text is None else _LINE_BREAK.split(text)
        return self._lines[path]


def _with_line(diagnostic: Diagnostic, lines: Sequence[str]) -> Diagnostic:
    masked, source = _without_keys(diagnostic), None
    line = diagnostic.span.line
    if 0 < line <= len(lines) and len(lines[line - 1]) <= _LONGEST_LINE:
        written = lines[line - 1]
        source = _without_literal(diagnostic, written, mask(written))
    return masked if source is None else replace(masked, source=source)


def _without_keys(diagnostic: Diagnostic) -> Diagnostic:
    """Return *diagnostic* with vendors' keys masked in its message, notes and help."""
    said = (diagnostic.message, *diagnostic.notes, diagnostic.help or "")
    if _VENDORS_KEY.search("\n".join(said)) is None:
        return diagnostic
    message, *notes, mend = (_VENDORS_KEY.sub(_stars, text) for text in said)
    return replace(diagnostic, message=message, notes=tuple(notes), help=mend or None)


def _without_literal(diagnostic: Diagnostic, written: str, masked: str) -> str:
    """Return the *masked* line without the literal secret that the diagnostic is about, whatever it looks like: the
    place itself, or what follows an unknown key whose name, as *written*, hints at a secret.
    """
    start = diagnostic.span.column - 1
    end = start + diagnostic.span.width
    if diagnostic.code == "RB206":
        return masked[:start] + "*" * len(masked[start:end]) + masked[end:]
    if diagnostic.code == "RB201" and _UNKNOWN_SECRET.search(written[start:end]):
        return masked[:end] + re.sub(r"[^\s:]", "*", masked[end:])
    return masked


def mask(line: str) -> str:
    """Return *line* with the value of a key that names a secret, and words that look like keys, as asterisks."""
    if _HINT.search(line) is None:
        return line
    for pattern in _LITERAL_SECRETS:
        line = pattern.sub(_stars, line)
    return line


def _stars(match: re.Match[str]) -> str:
    start, end = match.span("secret")
    return match[0][: start - match.start()] + "*" * (end - start) + match[0][end - match.start() :]
