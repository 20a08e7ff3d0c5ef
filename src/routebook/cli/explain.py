"""`routebook explain`: one decision, each attempt of it, and each reason with its line."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..book import compile_book
from ..canonical.frozen import thaw
from ..routing.decision import Decision, PlannedAttempt
from .options import json_option, read_context, read_facts, request_options, routes_option
from .output import print_json

_CALLERS = "a-key-of-the-caller"


@click.command("explain")
@click.argument("feature")
@routes_option
@request_options
@click.option("--key", "keys", multiple=True, metavar="PROVIDER", help="The caller brings a key for PROVIDER.")
@json_option
def command(
    feature: str,
    routes: Path,
    profile: str | None,
    settings: tuple[str, ...],
    model: str | None,
    options: tuple[str, ...],
    keys: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show what serves FEATURE for a context, without calling anything."""
    context = read_context(profile, settings, dict.fromkeys(keys, _CALLERS))
    decision = compile_book(routes).resolve(feature, context, read_facts(settings, model, options))
    if as_json:
        print_json(decision.to_dict())
    else:
        click.echo(explanation(decision))


def explanation(decision: Decision) -> str:
    """Return *decision* as text for people."""
    lines = [f"{decision.feature} under profile {decision.profile}: {decision.route}"]
    for number, attempt in enumerate(decision.attempts, start=1):
        lines += _attempt(number, attempt)
    lines += [f"  skipped  {skip.model} at {skip.provider}: {skip.reason}" for skip in decision.skipped]
    if decision.tools:
        lines.append(f"  tools    {', '.join(decision.tools)}")
    if decision.output is not None:
        lines.append(f"  output   {decision.output}")
    lines.append("  because")
    for reason in decision.reasons:
        lines.append(f"    - {reason.text}" + ("" if reason.at is None else f"  [{reason.at}]"))
    return "\n".join(lines)


def _attempt(number: int, attempt: PlannedAttempt) -> list[str]:
    paid = attempt.credential + (f" ({attempt.credential_ref})" if attempt.credential_ref else "")
    wire = "" if attempt.id in {attempt.model, attempt.model.partition("/")[2]} else f" ({attempt.id})"
    lines = [f"  {number}. {attempt.model}{wire} at {attempt.provider}, api {attempt.api}, credential {paid}"]
    if attempt.on:
        lines.append(f"     on {', '.join(attempt.on)}")
    if attempt.options:
        told = ", ".join(f"{name}={json.dumps(thaw(value))}" for name, value in attempt.options.items())
        lines.append(f"     options {told}")
    return lines
