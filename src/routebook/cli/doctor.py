"""`routebook doctor`: versions, optional dependencies, transport, providers, environment, and whether they answer."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from ..engine.checkup import Checkup, ExtraState, NeedState, ProviderState, check_up
from ..engine.ping import Ping, ping
from .options import json_option, routes_option
from .output import print_json, table_text


@click.command("doctor")
@routes_option
@click.option(
    "--ping", "pings", is_flag=True, help="Ask each provider for a tiny answer, all at once. It may cost a little."
)
@json_option
def command(routes: Path, pings: bool, as_json: bool) -> int:
    """Show what the book needs of this machine and what of that is there; values of variables are never shown.

    Exit code 1 if something is missing, or a provider does not answer.
    """
    found = check_up(routes, os.environ)
    answers = None
    if pings and found.table is not None:
        answers = asyncio.run(ping(found.table, os.environ))
    problems = [*found.problems, *_failures(found, answers or ())]
    if as_json:
        print_json(_plain(found, answers, problems))
    else:
        click.echo("\n\n".join(_sections(routes, found, answers)))
        if pings and answers is None:
            click.echo("\nno provider was asked, since the book does not compile")
        click.echo("\n" + _summary(problems))
    return 1 if problems else 0


def _failures(found: Checkup, answers: Sequence[Ping]) -> Iterator[str]:
    """Yield the providers that did not answer, but for those whose secret is a problem of its own."""
    told = {user for need in found.needs if need.problem for user in need.used_by}
    for answer in answers:
        who = f"provider {answer.provider!r}"
        if answer.failed and (answer.asked or who not in told):
            yield f"{who}: {answer.kind}: {answer.message}"


def _sections(routes: Path, found: Checkup, answers: Sequence[Ping] | None) -> Iterator[str]:
    yield table_text(("package", "version"), list(found.versions.items()))
    yield table_text(
        ("extra", "brings", "version"), [(e.name, e.package, e.version or _install(e.name)) for e in found.extras]
    )
    choice = "not known" if found.choice is None else found.choice
    yield f"transport: {found.transport} (`settings.transport` is {choice})"
    yield _book(routes, found)
    if found.providers:
        rows = [(p.name, p.api, p.address or "", p.credential) for p in found.providers]
        yield table_text(("provider", "api", "address", "credential"), rows)
    if found.needs:
        yield table_text(("variable or file", "state", "used by"), [_need(need) for need in found.needs])
    if answers is not None:
        rows = [_answer(answer) for answer in answers]
        yield table_text(("provider", "model", "answer", "seconds"), rows) if rows else "there is no provider to ask"


def _install(extra: str) -> str:
    return f"not installed: pip install 'routebook[{extra}]'"


def _book(routes: Path, found: Checkup) -> str:
    if found.table is None:
        where = "" if routes == Path("routes") else f" --routes {shlex.quote(str(routes))}"
        return f"book: {routes} does not compile; `routebook check{where}` says all that is wrong"
    return f"book: {routes}, table {found.table.digest[:12]}, {len(found.table.features)} features"


def _need(need: NeedState) -> tuple[str, str, str]:
    return need.name, need.state, ", ".join(need.used_by)


def _answer(answer: Ping) -> tuple[str, str, str, str]:
    said = "answers" if answer.asked else f"not asked: {answer.message}"
    if answer.kind is not None:
        status = "" if answer.status is None else f" {answer.status}"
        said = f"{answer.kind}{status}: {answer.message}"
    seconds = "" if answer.duration_s is None else f"{answer.duration_s:.2f}"
    return answer.provider, answer.model or "", said, seconds


def _summary(problems: Sequence[str]) -> str:
    if not problems:
        return "no problems"
    return "\n".join([f"{len(problems)} problem{'s' * (len(problems) != 1)}:", *(f"- {each}" for each in problems)])


def _plain(found: Checkup, answers: Sequence[Ping] | None, problems: Sequence[str]) -> dict[str, Any]:
    book = None
    if found.table is not None:
        book = {"table": found.table.digest, "features": len(found.table.features)}
    return {
        "versions": dict(found.versions),
        "extras": _rows(found.extras),
        "transport": {"setting": found.choice, "in_use": found.transport},
        "book": book,
        "diagnostics": [diagnostic.to_dict() for diagnostic in found.diagnostics],
        "providers": _rows(found.providers),
        "environment": _rows(found.needs),
        "pings": None if answers is None else _rows(answers),
        "problems": list(problems),
    }


def _rows(records: Sequence[ExtraState | ProviderState | NeedState | Ping]) -> list[dict[str, Any]]:
    """Return *records* as plain data, each with all its keys: what is not known is null."""
    return [{**dict.fromkeys(field.name for field in fields(record)), **record.to_dict()} for record in records]
