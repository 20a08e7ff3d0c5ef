"""Ignores: `# routebook: ignore RB501` comments, as data, silence the warnings and notes of the lines they stand for.

Comes in: what is said about a book, and its ignore comments as `source.ignore` finds them. Goes out: what remains to
be said, with what is wrong with the comments themselves (RB110, RB506). An error is never silenced.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .codes import CODES
from .diagnostic import Diagnostic, diagnose, has_errors, in_order
from .span import Span
from .suggest import did_you_mean

_FORM = "write `# routebook: ignore RB501`, or several codes: `# routebook: ignore RB501, RB504`"
_ABOUT_IGNORES = frozenset({"RB110", "RB506"})


@dataclass(frozen=True, slots=True)
class Ignore:
    """One comment: the *codes* it names, as written, each at its place, and the *line* whose warnings it silences.

    Without codes it silences nothing. Where it stands alone on its line, it is about the next one that is neither
    blank nor a comment; with none left, about its own.
    """

    codes: tuple[str, ...]
    span: Span
    line: int
    places: tuple[Span, ...] = ()

    def place(self, code: str) -> Span:
        """Return where *code* stands in the comment, or the comment where that is not known."""
        return dict(zip(self.codes, self.places, strict=False)).get(code, self.span)


def silence(diagnostics: Iterable[Diagnostic], ignores: Iterable[Ignore]) -> tuple[Diagnostic, ...]:
    """Return *diagnostics* in order, without the warnings and notes that *ignores* cover, and with what is wrong with
    the ignores.

    While anything is an error not every warning is known, so that no comment is called unused then.
    """
    said, comments = tuple(diagnostics), tuple(ignores)
    if not comments:
        return in_order(said)
    wanted = {
        (comment.span.path, comment.line, code) for comment in comments for code in comment.codes if _may_silence(code)
    }
    covered = {key for diagnostic in said if (key := _key(diagnostic)) in wanted and diagnostic.severity != "error"}
    left = [diagnostic for diagnostic in said if _key(diagnostic) not in covered or diagnostic.severity == "error"]
    problems = [problem for comment in comments for problem in _misused(comment)]
    if not has_errors(said):
        problems += [problem for comment in comments for problem in _unused(comment, covered)]
    return in_order([*left, *problems])


def _key(diagnostic: Diagnostic) -> tuple[str, int, str]:
    return diagnostic.span.path, diagnostic.span.line, diagnostic.code


def _may_silence(code: str) -> bool:
    return code in CODES and CODES[code].severity != "error" and code not in _ABOUT_IGNORES


def _misused(comment: Ignore) -> list[Diagnostic]:
    """Report what of *comment* can never silence anything (RB110)."""
    if not comment.codes:
        return [diagnose("RB110", comment.span, "this comment names no code to ignore", help=_FORM)]
    wrong = [(code, *_why_not(code)) for code in dict.fromkeys(comment.codes) if not _may_silence(code)]
    return [diagnose("RB110", comment.place(code), message, help=mend) for code, message, mend in wrong]


def _why_not(code: str) -> tuple[str, str]:
    """Say why *code* cannot be ignored, and what to do instead."""
    if code in _ABOUT_IGNORES:
        return f"{code} is about ignore comments and cannot be ignored itself", "mend or remove the comment it is about"
    if code in CODES:
        return (
            f"{code} is an error, and errors cannot be ignored",
            f"remove {code} from the comment, and mend the error",
        )
    near = did_you_mean(code.upper(), [name for name in CODES if _may_silence(name)])
    return f"there is no code {code!r}", near or _FORM


def _unused(comment: Ignore, covered: set[tuple[str, int, str]]) -> list[Diagnostic]:
    """Report the codes of *comment* that silence nothing (RB506)."""
    idle = [
        code
        for code in dict.fromkeys(comment.codes)
        if _may_silence(code) and (comment.span.path, comment.line, code) not in covered
    ]
    if not idle:
        return []
    what = "the comment" if len(idle) == len(comment.codes) else f"{', '.join(idle)} from the comment"
    message = f"nothing on line {comment.line} is reported as {' or '.join(idle)}"
    return [diagnose("RB506", comment.span, message, help=f"remove {what}")]
