"""`routebook explain`: one decision, each step that was considered, and each option and reason with its line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from ..book import read_book
from ..canonical.frozen import thaw
from ..diagnostics.span import Span
from ..errors import RouteFileError
from ..routing.bounds.arithmetic import Arithmetic, arithmetic
from ..routing.bounds.worst_case import WorstCase
from ..routing.decision import Decision, PlannedAttempt
from ..routing.explain import Explanation, Origin
from ..routing.table import RoutingTable
from .bounds import arithmetic_text
from .options import json_option, read_context, read_facts, request_options, routes_option
from .output import print_json

_BROKEN = "the book does not compile, as invariants do not hold (see `routebook check`); this is what it would decide"
_CALLERS = "a-key-of-the-caller"
_MARKS = {"taken": "→", "no": "·", "not reached": " "}


@click.command("explain")
@click.argument("feature")
@routes_option
@request_options
@click.option("--key", "keys", multiple=True, metavar="PROVIDER", help="The caller brings a key for PROVIDER.")
@click.option("--bounds", is_flag=True, help="Also the worst case of its calls, seconds and dollars, with the sums.")
@json_option
def command(
    feature: str,
    routes: Path,
    profile: str | None,
    settings: tuple[str, ...],
    model: str | None,
    options: tuple[str, ...],
    keys: tuple[str, ...],
    bounds: bool,
    as_json: bool,
) -> int:
    """Show what serves FEATURE for a context, without calling anything.

    Where only invariants keep the book from compiling, what it would decide is shown, and the exit code is 1.
    """
    context = read_context(profile, settings, dict.fromkeys(keys, _CALLERS))
    report = read_book(routes)
    table = report.linked
    if table is None:
        raise RouteFileError(report.diagnostics)
    explained = table.explain(feature, context, read_facts(settings, model, options))
    worst = _worst(table, explained.decision) if bounds else None
    if as_json:
        print_json(explained.to_dict() | ({} if worst is None else {"bounds": worst.to_dict()}))
    else:
        click.echo(explanation(table, explained))
        if worst is not None:
            click.echo(arithmetic_text(worst))
    if report.table is None:
        click.echo(f"error: {_BROKEN}", err=True)
    return 0 if report.table is not None else 1


def _worst(table: RoutingTable, decision: Decision) -> Arithmetic:
    return arithmetic(WorstCase(table), table.features[decision.feature], decision.attempts, decision.shadow)


def explanation(table: RoutingTable, explained: Explanation) -> str:
    """Return *explained*, a decision of *table*, as text for people."""
    decision = explained.decision
    arm = f", arm {decision.arm}" if decision.arm else ""
    lines = [f"{decision.feature} under profile {decision.profile}: {decision.route}{arm}"]
    for number, (attempt, origins) in enumerate(zip(decision.attempts, explained.origins, strict=True), start=1):
        lines += _attempt(number, attempt, origins)
    lines += [f"  skipped   {skip.model} at {skip.provider}: {skip.reason}" for skip in decision.skipped]
    if decision.shadow is not None:
        lines.append(f"  shadow    {decision.shadow.model} at {decision.shadow.provider}")
    lines += [f"  {name:<9} {value}" for name, value in _rest(table, explained)]
    lines.append("  considered")
    for step in explained.steps:
        lines.append(f"    {_MARKS[step.outcome]} {step.what}: {_why(step.outcome, step.why)}{_at(step.at)}")
    lines.append("  because")
    lines += [f"    - {reason.text}{_at(reason.at)}" for reason in decision.reasons]
    return "\n".join(lines)


def _rest(table: RoutingTable, explained: Explanation) -> Iterator[tuple[str, str]]:
    decision, feature = explained.decision, table.features[explained.decision.feature]
    if decision.tools:
        yield "tools", ", ".join(decision.tools)
    if decision.output is not None:
        yield "output", decision.output
    if feature.deadline_s is not None:
        yield "deadline", f"{feature.deadline_s:g} s"
    if decision.budget:
        yield "budget", ", ".join(f"{name} {bound:g}" for name, bound in decision.budget.items())
    if decision.key is not None:
        yield "key", decision.key


def _why(outcome: str, why: str) -> str:
    return outcome if outcome == "not reached" else f"{outcome}, {why}"


def _at(place: Span | None) -> str:
    return "" if place is None else f"  [{place}]"


def _attempt(number: int, attempt: PlannedAttempt, origins: Sequence[Origin]) -> Iterator[str]:
    paid = attempt.credential + (f" ({attempt.credential_ref})" if attempt.credential_ref else "")
    wire = "" if attempt.id in {attempt.model, attempt.model.partition("/")[2]} else f" ({attempt.id})"
    yield f"  {number}. {attempt.model}{wire} at {attempt.provider}, api {attempt.api}, credential {paid}"
    if attempt.on:
        yield f"     on {', '.join(attempt.on)}"
    for origin in origins:
        value = json.dumps(thaw(origin.value), ensure_ascii=False)
        yield f"     {origin.option} = {value}  by {origin.by}{_at(origin.at)}"
