"""Syntax: what libyaml says of a text that is no YAML → a diagnostic that says what to mend, and where.

libyaml names the rule that broke, at the place where it gave up; people look for the mistake, which is often above.
Each of its sentences has a function here that knows the usual mistakes behind it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from yaml.error import MarkedYAMLError

from ..diagnostics.diagnostic import Diagnostic, diagnose
from .file import SourceFile

_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{\{")
_TEMPLATE_VALUE = re.compile(r"[ \t]*(?:- +)*(?:[^\s\"'#:]+: +)?(?=\{\{)")
_NO_SPACE = re.compile(r"[ \t]*(?:- +)*[A-Za-z_][\w.-]*(:)[^\s:/]")
_QUOTING = "quote the whole value if it is meant as text"
_TAB_HELP = "indent with spaces; YAML does not take tabs"
_LONGEST_KEY = 1024


@dataclass(frozen=True, slots=True)
class _Finding:
    """What is wrong from *start* up to *end*."""

    start: int
    end: int
    message: str
    help: str
    notes: tuple[str, ...] = ()
    code: str = "RB102"


@dataclass(frozen=True, slots=True)
class _Fault:
    """What libyaml said: *problem* at offset *at*, *context* since offset *since* (*at* where it gave none).

    Where it gave up at the end of the text, *at_end* is true, and *at* is the last character instead.
    """

    file: SourceFile
    problem: str
    context: str
    at: int
    since: int
    at_end: bool
    last: Any

    @property
    def character(self) -> str:
        return self.file.text[self.at : self.at + 1]

    @property
    def before(self) -> str:
        """What stands before the problem on its line."""
        span = self.file.span(self.at, self.at)
        return (self.file.line(span.line) or "")[: span.column - 1]

    def line_of(self, offset: int) -> int:
        return self.file.span(offset, offset).line

    def here(self, message: str, help_text: str, notes: tuple[str, ...] = ()) -> _Finding:
        return _Finding(self.at, self.at + 1, message, help_text, notes)


def explain(file: SourceFile, error: MarkedYAMLError, last: Any) -> Diagnostic:
    """Say what is wrong with *file*, given libyaml's *error* and the *last* event before it."""
    finding = _find(_fault(file, error, last))
    span = file.span(finding.start, finding.end)
    return diagnose(finding.code, span, finding.message, notes=finding.notes, help=finding.help)


def find_template(text: str, offset: int) -> bool:
    """Tell whether `{{` stands at *offset*."""
    return offset >= 0 and text.startswith("{{", offset)


def template_problem(file: SourceFile, offset: int) -> Diagnostic:
    """Say that the `{{` at *offset* needs quotes."""
    found = _TEMPLATE.match(file.text, offset)
    written = found.group() if found else "{{"
    return diagnose(
        "RB102",
        file.span(offset, offset + len(written)),
        "'{{' begins a mapping in YAML, not a template",
        help='quote the whole value, such as "{{ text }}"',
    )


def name_tag(tag: str) -> str:
    """Return *tag* as people write it."""
    return tag.replace("tag:yaml.org,2002:", "!!")


def _fault(file: SourceFile, error: MarkedYAMLError, last: Any) -> _Fault:
    last_character = max(0, len(file.text.rstrip()) - 1)
    index = error.problem_mark.index if error.problem_mark else 0
    at = min(index, last_character)
    since = min(error.context_mark.index, at) if error.context_mark else at
    return _Fault(file, error.problem or "", error.context or "", at, since, index > last_character, last)


def _find(fault: _Fault) -> _Finding:
    return (
        _unquoted_template(fault)
        or _directive(fault)
        or _tag(fault)
        or _tab(fault)
        or _RULES.get(fault.problem, _unknown)(fault)
    )


def _unknown(fault: _Fault) -> _Finding:
    context = f" {fault.context}" if fault.context else ""
    return fault.here(f"not valid YAML: {fault.problem}{context}", "check the quotes, brackets and indentation here")


def _unquoted_template(fault: _Fault) -> _Finding | None:
    start = fault.at - len(fault.before)
    found = _TEMPLATE_VALUE.match(fault.file.text, start)
    if found is None or found.end() > fault.at:
        return None
    problem = template_problem(fault.file, found.end())
    return _Finding(found.end(), found.end() + problem.span.width, problem.message, problem.help or "")


def _directive(fault: _Fault) -> _Finding | None:
    if "directive" not in fault.context and fault.problem != "found incompatible YAML document":
        return None
    message = "a line that begins with '%' is a YAML directive, which route files do not have"
    return _Finding(fault.since, fault.at + 1, message, "remove the line", code="RB106")


def _tag(fault: _Fault) -> _Finding | None:
    if "tag" not in f"{fault.problem} {fault.context}".split():
        return None
    message = "'!' begins a tag, which route files do not have"
    return _Finding(fault.since, fault.at + 1, message, _QUOTING, code="RB106")


def _tab(fault: _Fault) -> _Finding | None:
    if fault.character != "\t" or fault.before.strip():
        return None
    return fault.here("a tab is used for indentation", _TAB_HELP)


def _colon(fault: _Fault) -> _Finding:
    """A ':' where no key can be."""
    before = fault.before
    nested = re.search(r":\s", before)
    if nested:
        return fault.here("a second ': ' on one line", "quote the value if it holds ': ', or write {key: value}")
    if len(before) > _LONGEST_KEY:
        return fault.here(f"a key is longer than {_LONGEST_KEY} characters", "shorten it")
    above = _line_above(fault)
    glued = above and _NO_SPACE.match(fault.file.text, above[0])
    if glued:
        return _no_space(glued)
    indent = len(before) - len(before.lstrip())
    if above and above[1] < indent:
        notes = (f"line {fault.line_of(above[0])} is indented less and has its value already",)
        return fault.here("this line is indented too far", "align it with the line above it", notes)
    return fault.here("':' does not belong here", "check the indentation of this line and the one above it")


def _no_colon(fault: _Fault) -> _Finding:
    """A line that should be a key and is not."""
    line_start = fault.since - (fault.file.span(fault.since, fault.since).column - 1)
    glued = _NO_SPACE.match(fault.file.text, line_start)
    if glued and glued.start(1) >= fault.since:
        return _no_space(glued)
    return _Finding(
        fault.since,
        max(fault.at, fault.since + 1),
        "this line is no `key: value`",
        "add a colon and a space after the key; if it goes on with the text above, indent it further",
    )


def _no_space(glued: re.Match[str]) -> _Finding:
    return _Finding(glued.start(1), glued.end(1), "no space after ':'", "write `key: value`, with a space")


def _line_above(fault: _Fault) -> tuple[int, int] | None:
    """Return where the nearest line with content above the problem's begins, and its indentation."""
    span = fault.file.span(fault.at, fault.at)
    start = fault.at - (span.column - 1)
    above = fault.file.text[:start].rstrip()
    if not above:
        return None
    start = len(above) - (fault.file.span(len(above) - 1, len(above) - 1).column)
    line = above[start:]
    return start, len(line) - len(line.lstrip())


def _first_character(fault: _Fault) -> _Finding:
    if fault.character == "\t":
        return fault.here("a tab stands before this value", _TAB_HELP)
    return fault.here(f"an unquoted value cannot begin with {fault.character!r}", _QUOTING)


def _quote(fault: _Fault) -> _Finding:
    quote = fault.file.text[fault.since : fault.since + 1]
    twice = " (inside, write '' for one)" if quote == "'" else ' (inside, write \\" for one)'
    end = fault.since + 1
    return _Finding(
        fault.since, end, f"the quote that opens here is never closed: {quote}", f"add the closing {quote}{twice}"
    )


def _escape(fault: _Fault) -> _Finding:
    written = fault.file.text[max(fault.at - 1, 0) : fault.at + 1] if fault.character != "\\" else ""
    written = written if written.startswith("\\") else fault.file.text[fault.at : fault.at + 2]
    message = f"{written} is no escape in double quotes"
    return _Finding(fault.at, fault.at + 2, message, "write \\\\ for a backslash, or use single quotes")


def _code_point(fault: _Fault) -> _Finding:
    help_text = "write the character itself, or \\U and eight digits; halves of a surrogate pair are none"
    return fault.here("this escape names no character", help_text)


def _flow(fault: _Fault) -> _Finding:
    """Something inside brackets where only ',' or the closing one may be."""
    bracket = fault.file.text[fault.since : fault.since + 1]
    closing = {"[": "]", "{": "}"}.get(bracket, "bracket")
    opened, stopped = fault.line_of(fault.since), fault.line_of(fault.at)
    quote = _open_quote(fault)
    is_outside = opened != stopped and _indent(fault, fault.at) <= _indent(fault, fault.since)
    if fault.at_end or is_outside:
        notes = (f"line {stopped} already stands outside of it, by its indentation",) if is_outside else ()
        message = f"the {bracket!r} that opens here is never closed"
        return _Finding(fault.since, fault.since + 1, message, f"add the closing {closing!r}", (*notes, *quote))
    notes = (f"the {bracket!r} opens at line {opened}",) if opened != stopped else ()
    help_text = f"separate entries with ',', close with {closing!r}, or quote a text that holds such signs"
    return fault.here(f"expected ',' or {closing!r}", help_text, (*notes, *quote))


def _indent(fault: _Fault, offset: int) -> int:
    line = fault.file.line(fault.line_of(offset)) or ""
    return len(line) - len(line.lstrip())


def _misplaced(fault: _Fault) -> _Finding:
    """Something after a complete value, on its line or on the next."""
    if fault.character == ":":
        return fault.here("there is no key before ':'", "write `key: value`, or quote a text that begins with ':'")
    if fault.before.strip():
        if fault.before.rstrip().endswith(("'", '"')):
            help_text = "put the whole value in quotes, and write a quote inside them as '' or \\\""
            return fault.here("unexpected text after the closing quote", help_text, _open_quote(fault))
        return fault.here(f"unexpected {fault.character!r} after a value", _QUOTING)
    help_text = "align it with the keys of the mapping that it belongs to"
    return fault.here("this line's indentation fits no mapping above it", help_text, _open_quote(fault))


def _open_quote(fault: _Fault) -> tuple[str, ...]:
    last = fault.last
    if getattr(last, "style", None) not in ("'", '"'):
        return ()
    line = last.start_mark.line + 1
    if line == last.end_mark.line + 1:
        return ()
    return (f"the text before it runs from line {line}: is a closing {last.style} missing there?",)


def _no_dash(fault: _Fault) -> _Finding:
    help_text = "begin it with '- ', or align it with the key that it belongs to"
    return fault.here("this stands among the items of a list and is none", help_text)


def _after_end(fault: _Fault) -> _Finding:
    help_text = "the first key sets the indentation of all keys at the top; there is one document in a file"
    return fault.here("unexpected text after the end of the document", help_text)


def _no_content(fault: _Fault) -> _Finding:
    if fault.at_end:
        return fault.here("the text ends where a value belongs", "write the value, and close every open bracket")
    return fault.here(f"unexpected {fault.character!r} where a value belongs", "remove it, or quote it if it is text")


def _name(fault: _Fault) -> _Finding:
    sign = fault.file.text[fault.since : fault.since + 1]
    what = "an alias" if sign == "*" else "an anchor"
    return _Finding(fault.since, fault.since + 1, f"{sign!r} begins {what}, and no name follows", _QUOTING)


def _block_header(fault: _Fault) -> _Finding:
    sign = fault.file.text[fault.since : fault.since + 1]
    help_text = f"begin the text on the next line, indented, or quote a value that begins with {sign!r}"
    return fault.here(f"{sign!r} begins a block of text, and nothing may follow it on its line", help_text)


def _dash(fault: _Fault) -> _Finding:
    return fault.here("a list's item cannot begin here", "put each '- ' on a line of its own, or write [a, b]")


_RULES: dict[str, Callable[[_Fault], _Finding]] = {
    "mapping values are not allowed in this context": _colon,
    "could not find expected ':'": _no_colon,
    "found character that cannot start any token": _first_character,
    "found unexpected end of stream": _quote,
    "found unexpected document indicator": _quote,
    "found unknown escape character": _escape,
    "found invalid Unicode character escape code": _code_point,
    "did not find expected ',' or ']'": _flow,
    "did not find expected ',' or '}'": _flow,
    "did not find expected key": _misplaced,
    "did not find expected '-' indicator": _no_dash,
    "did not find expected <document start>": _after_end,
    "did not find expected node content": _no_content,
    "did not find expected alphabetic or numeric character": _name,
    "did not find expected comment or line break": _block_header,
    "found an indentation indicator equal to 0": _block_header,
    "mapping keys are not allowed in this context": _first_character,
    "block sequence entries are not allowed in this context": _dash,
}
