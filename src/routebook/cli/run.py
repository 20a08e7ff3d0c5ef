"""`routebook run`: one run of a feature, from the command line."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from ..canonical.frozen import thaw
from ..engine.attempt import Attempt
from ..engine.engine import Engine
from ..engine.result import RunResult
from .options import json_option, read_context, read_options, refuse_facts, request_options, routes_option
from .output import print_json


@click.command("run")
@click.argument("feature")
@routes_option
@click.option("--message", default="", metavar="TEXT", help="The user's message; - reads standard input.")
@click.option("--input", "inputs", metavar="JSON", help="The caller's inputs: JSON, @FILE, or - for standard input.")
@request_options
@click.option("--key", "keys", multiple=True, metavar="PROVIDER=VARIABLE", help="The caller's key, by variable name.")
@click.option("--script", type=click.Path(dir_okay=False, path_type=Path), help="Play a script; nothing is sent.")
@json_option
def command(
    feature: str,
    routes: Path,
    message: str,
    inputs: str | None,
    profile: str | None,
    settings: tuple[str, ...],
    model: str | None,
    options: tuple[str, ...],
    keys: tuple[str, ...],
    script: Path | None,
    as_json: bool,
) -> None:
    """Run FEATURE once: the answer on standard output, how it came about on standard error."""
    refuse_facts(settings)
    context = read_context(profile, settings, _caller_keys(keys))
    text, data = _read(message), _inputs(inputs)
    asked = read_options(options)

    async def run() -> RunResult:
        async with Engine(routes, script=script) as engine:
            return await engine.run(feature, text, inputs=data, context=context, options=asked, model=model)

    result = asyncio.run(run())
    if as_json:
        print_json(result.to_dict())
        return
    answer = result.text if result.decision.output is None else json.dumps(thaw(result.output), ensure_ascii=False)
    click.echo(answer)
    click.echo(account(result), err=True)


def account(result: RunResult) -> str:
    """Return, for people, how *result* came about: tool calls, checks, attempts, tokens, cost."""
    lines = [
        f"tool {answer.name}{' (error)' if answer.is_error else ''}: {_short(answer.text)}"
        for answer in result.tool_results
    ]
    lines += [f"check {check.name}: {check.status}, {check.value!r} from {check.source}" for check in result.checks]
    lines += [f"warning: {warning.message}" for warning in result.warnings]
    for said, attempts in groupby(map(_attempt, result.attempts)):
        times = len(list(attempts))
        lines.append(said if times == 1 else f"{said} ({times} times)")
    cost = "unpriced" if result.cost_usd is None else f"${result.cost_usd:.6f}"
    used = f"{result.usage.input} in, {result.usage.output} out, {cost}"
    return "\n".join([*lines, f"{result.turns} turns, {used}, table {result.decision.table[:12]}"])


def _attempt(attempt: Attempt) -> str:
    outcome = "answered" if attempt.kind is None else f"{attempt.kind}: {attempt.reason}"
    payer = "nobody pays" if attempt.payer == "none" else f"the {attempt.payer} pays"
    return f"{attempt.model} at {attempt.provider} {outcome} ({payer})"


def _short(text: str, most: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _caller_keys(keys: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for pair in keys:
        provider, equals, variable = pair.partition("=")
        if not equals:
            raise click.BadParameter(
                "give PROVIDER=VARIABLE, the name of the variable that holds the key", param_hint="--key"
            )
        if not os.environ.get(variable):
            raise click.BadParameter(f"environment variable {variable} is not set", param_hint="--key")
        found[provider] = os.environ[variable]
    return found


def _read(text: str) -> str:
    return sys.stdin.read() if text == "-" else text


def _inputs(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        raw = Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else _read(text)
        data = json.loads(raw)
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"cannot be read: {error}", param_hint="--input") from error
    if not isinstance(data, dict):
        raise click.BadParameter("must be a JSON object", param_hint="--input")
    return data
