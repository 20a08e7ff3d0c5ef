"""`routebook check`: compile the book, print every problem and one line that sums up; with --watch, at each edit."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from ..book import BookReport, read_book
from ..credentials import missing_secrets
from ..diagnostics.codes import CODES, explain_code
from ..diagnostics.diagnostic import Diagnostic, as_errors, has_errors, in_order
from ..diagnostics.github import render_github
from ..diagnostics.json import render_json
from ..diagnostics.text import render_text
from ..engine.changes import Change, changes_between, reload_line
from ..engine.reload import LiveBook, Reading
from ..routing.linked import Coverage
from ..routing.table import RoutingTable
from .options import json_option, routes_option
from .output import wants_colour

_EXPLAIN = "routebook explain"
"""How the commands in notes begin."""


@click.command("check")
@routes_option
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@click.option("--env", "check_env", is_flag=True, help="Also check that every secret can be read now.")
@click.option("--watch", is_flag=True, help="Check again after each edit, and show what changed, until Ctrl-C.")
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), help="How to print.  [default: text]")
@click.option("--explain", "code", metavar="CODE", help="Say what a code such as RB301 means, and stop.")
@json_option
def command(
    routes: Path, strict: bool, check_env: bool, watch: bool, form: str | None, code: str | None, as_json: bool
) -> int:
    """Compile the book and report every problem.

    Exit code 0 if the book is good, 1 if anything is an error.
    """
    if code is not None:
        if code.upper() not in CODES:
            raise click.UsageError(f"there is no code {code!r}; docs/diagnostics.md has all of them")
        click.echo(explain_code(code.upper()), nl=False)
        return 0
    if as_json and form not in (None, "json"):
        raise click.UsageError(f"--json and --format {form} ask for two formats")
    check = _Check(routes, strict, check_env, "json" if as_json else form or "text")
    if watch:
        return asyncio.run(_watch(check))
    started = time.perf_counter()
    report = read_book(routes)
    diagnostics = check.diagnostics_of(report)
    seconds = time.perf_counter() - started
    if check.form == "json":
        click.echo(render_json(diagnostics, _counts(report, seconds)))
    else:
        check.print_lines(report, diagnostics, seconds)
    return 1 if has_errors(diagnostics) else 0


@dataclass(frozen=True, slots=True)
class _Check:
    """What is asked of each check: of which book, how strictly, printed how."""

    routes: Path
    strict: bool
    env: bool
    form: str

    def diagnostics_of(self, report: BookReport) -> tuple[Diagnostic, ...]:
        """Return all that is said about the book, secrets and strictness included."""
        diagnostics = report.diagnostics
        if self.env and report.table is not None:
            diagnostics = in_order([*diagnostics, *missing_secrets(report.table, os.environ)])
        return as_errors(diagnostics) if self.strict else diagnostics

    def print_lines(self, report: BookReport, diagnostics: tuple[Diagnostic, ...], seconds: float) -> None:
        """Print for people, or for GitHub."""
        shown = [self._from_here(diagnostic) for diagnostic in diagnostics]
        if self.form == "github":
            if shown:
                click.echo(render_github(shown))
            return
        if shown:
            click.echo(render_text(shown, wants_colour()) + "\n")
        click.echo(_summary(self.routes, report, diagnostics, seconds))

    def _from_here(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return *diagnostic* as it is from the working directory: an editor can jump to its path, and a shell can run
        the commands in its notes.
        """
        path = os.path.normpath(self.routes / diagnostic.span.path)
        notes = diagnostic.notes
        if self.routes != Path("routes") or "ROUTEBOOK_ROUTES" in os.environ:
            command = f"{_EXPLAIN} --routes {shlex.quote(str(self.routes))}"
            notes = tuple(note.replace(_EXPLAIN, command, 1) for note in notes)
        return replace(diagnostic, span=replace(diagnostic.span, path=Path(path).as_posix()), notes=notes)


async def _watch(check: _Check) -> int:
    """Check now and after each edit, until Ctrl-C cancels it."""
    book = LiveBook(check.routes)
    try:
        shown = _show(check, await book.read(), None)
        async with aclosing(book.edits()) as edits:
            async for reading in edits:
                shown = _show(check, reading, shown)
    finally:
        await book.close()
    return 0


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a watch has shown last, and the last good table."""

    diagnostics: tuple[Diagnostic, ...]
    compiled: bool
    table: RoutingTable | None


def _show(check: _Check, reading: Reading, before: _Shown | None) -> _Shown:
    """Print a reading and what it changed; one that says the same as the reading before it is not printed."""
    report, diagnostics = reading.report, check.diagnostics_of(reading.report)
    last = None if before is None else before.table
    shown = _Shown(diagnostics, report.table is not None, report.table or last)
    if shown == before:
        return shown
    changes = changes_between(last, report.table) if last is not None and report.table is not None else ()
    if check.form == "json":
        click.echo(_json_line(report, diagnostics, changes))
        return shown
    check.print_lines(report, diagnostics, reading.took_s)
    if changes and report.table is not None and check.form == "text":
        click.echo(reload_line(report.table, changes))
    return shown


def _json_line(report: BookReport, diagnostics: tuple[Diagnostic, ...], changes: tuple[Change, ...]) -> str:
    return json.dumps(
        {
            "table": None if report.table is None else report.table.digest,
            "diagnostics": [diagnostic.to_dict() for diagnostic in diagnostics],
            "changes": [{"subject": change.subject, "what": change.what} for change in changes],
        },
        ensure_ascii=False,
    )


def _summary(routes: Path, report: BookReport, diagnostics: tuple[Diagnostic, ...], seconds: float) -> str:
    counts = [(severity, sum(d.severity == severity for d in diagnostics)) for severity in ("error", "warning", "note")]
    said = ", ".join(_counted(count, severity) for severity, count in counts)
    linked = report.linked
    if linked is None:
        return f"{routes}: does not compile: {said} ({seconds:.2f} s)"
    covered = f"{_covered(linked.coverage)}; {said}"
    if report.table is None:
        return f"{routes}: does not compile: {covered} ({seconds:.2f} s)"
    sizes = (("feature", linked.features), ("profile", linked.profiles), ("model", linked.models))
    size = ", ".join(_counted(len(definitions), noun) for noun, definitions in sizes)
    return f"{routes}: {size}; {covered}; table {linked.digest[:12]} ({seconds:.2f} s)"


def _covered(coverage: Coverage) -> str:
    covered = f"{_counted(coverage.decisions, 'decision')} covered"
    if coverage.cut_features:
        covered += f" (of {_counted(coverage.cut_features, 'feature')} not every set of keys)"
    proved = [f"{_counted(coverage.proved, 'invariant')} proved"]
    proved += [f"{coverage.broken:,} not"] if coverage.broken else []
    proved += [f"{coverage.idle:,} about nothing"] if coverage.idle else []
    return ", ".join((covered, *proved))


def _counts(report: BookReport, seconds: float) -> dict[str, Any]:
    """Return what a check went over, as plain data; null where the book could not be linked."""
    linked = report.linked
    counted = dict.fromkeys(("features", "profiles", "models", "decisions", "cut_features"))
    invariants = None
    if linked is not None:
        coverage = linked.coverage
        sizes = (len(linked.features), len(linked.profiles), len(linked.models))
        counted = dict(zip(counted, (*sizes, coverage.decisions, coverage.cut_features), strict=True))
        invariants = {"proved": coverage.proved, "broken": coverage.broken, "idle": coverage.idle}
    table = None if report.table is None else report.table.digest
    return {"table": table, **counted, "invariants": invariants, "seconds": round(seconds, 3)}


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
