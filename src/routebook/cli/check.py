"""`routebook check`: compile the book, print every problem and one line that sums up."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from ..book import BookReport, read_book
from ..credentials import missing_secrets
from ..diagnostics.diagnostic import Diagnostic, as_errors, has_errors, in_order
from ..diagnostics.github import render_github
from ..diagnostics.json import render_json
from ..diagnostics.text import render_text
from .options import json_option, routes_option
from .output import wants_colour


@click.command("check")
@routes_option
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@click.option("--env", "check_env", is_flag=True, help="Also check that every secret can be read now.")
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text", show_default=True)
@json_option
def command(routes: Path, strict: bool, check_env: bool, form: str, as_json: bool) -> int:
    """Compile the book and report every problem.

    Exit code 0 if the book is good, 1 if anything is an error.
    """
    started = time.perf_counter()
    report = read_book(routes)
    diagnostics = report.diagnostics
    if check_env and report.table is not None:
        diagnostics = in_order([*diagnostics, *missing_secrets(report.table, os.environ)])
    if strict:
        diagnostics = as_errors(diagnostics)
    if as_json or form == "json":
        click.echo(render_json(diagnostics))
    elif form == "github":
        click.echo(render_github(diagnostics, str(routes)))
    else:
        if diagnostics:
            click.echo(render_text(diagnostics, wants_colour()) + "\n")
        click.echo(_summary(routes, report, diagnostics, time.perf_counter() - started))
    return 1 if has_errors(diagnostics) else 0


def _summary(routes: Path, report: BookReport, diagnostics: tuple[Diagnostic, ...], seconds: float) -> str:
    counts = [(severity, sum(d.severity == severity for d in diagnostics)) for severity in ("error", "warning", "note")]
    said = ", ".join(_counted(count, severity) for severity, count in counts)
    if report.table is None:
        return f"{routes}: does not compile: {said} ({seconds:.2f} s)"
    table = report.table
    sizes = (("feature", table.features), ("profile", table.profiles), ("model", table.models))
    size = ", ".join(_counted(len(definitions), noun) for noun, definitions in sizes)
    return f"{routes}: {size}; {said}; table {table.digest[:12]} ({seconds:.2f} s)"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
