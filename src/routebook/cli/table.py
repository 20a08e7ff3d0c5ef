"""`routebook table`: what serves each feature under each profile, on one screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from ..book import compile_book
from ..diagnostics.suggest import did_you_mean
from ..errors import ResolveError
from ..routing.context import Context
from ..routing.decision import Decision, PlannedAttempt
from ..routing.spec import Price
from ..routing.table import RoutingTable
from .options import json_option, routes_option
from .output import print_json, table_text

_HEADINGS = ("feature", "profile", "provider", "model", "fallbacks", "tools", "output", "$/M in→out")


@dataclass(frozen=True, slots=True)
class Row:
    """One feature under the profiles that it serves alike; keys of callers left aside."""

    feature: str
    profiles: tuple[str, ...]
    decision: Decision
    price: Price | None


@click.command("table")
@click.argument("features", nargs=-1)
@routes_option
@click.option("--profile", help="Only this profile.")
@json_option
def command(features: tuple[str, ...], routes: Path, profile: str | None, as_json: bool) -> None:
    """Show FEATURES (default: all) by profile: provider, model, fallbacks, tools, output, price."""
    table = compile_book(routes)
    for kind, asked, known in (("feature", features, table.features), ("profile", (profile,), table.profiles)):
        for name in asked:
            if name is not None and name not in known:
                raise click.BadParameter(f"the book has no {kind} {name!r}. {did_you_mean(name, known) or ''}")
    shown = list(rows(table, features or tuple(table.features), (profile,) if profile else tuple(table.profiles)))
    if as_json:
        print_json([_plain(row) for row in shown])
    else:
        click.echo(rendered(shown))


def rows(table: RoutingTable, features: tuple[str, ...], profiles: tuple[str, ...]) -> Iterator[Row]:
    """Yield a row for each feature and set of profiles that lead to the same attempts."""
    for name in sorted(features):
        alike: list[tuple[list[str], Decision]] = []
        for profile in profiles:
            decision = _decision(table, name, profile)
            served = next((names for names, earlier in alike if _targets(earlier) == _targets(decision)), None)
            if served is None:
                alike.append(([profile], decision))
            else:
                served.append(profile)
        for served, decision in alike:
            model = table.models.get(decision.attempts[0].model)
            yield Row(name, tuple(served), decision, None if model is None else model.price)


def _decision(table: RoutingTable, feature: str, profile: str) -> Decision:
    """Decide for a caller without keys, or, where that is refused, for one with every key that is asked for."""
    try:
        return table.resolve(feature, Context(profile=profile))
    except ResolveError as error:
        if error.kind != "missing_credential":
            raise
        # Where no target takes a key, any key will do.
        keys = dict.fromkeys(error.near or table.providers, "any")
        return table.resolve(feature, Context(profile=profile, credentials=keys))


def _targets(decision: Decision) -> tuple[PlannedAttempt, ...]:
    """Return the attempts, options included, whoever pays."""
    return tuple(replace(attempt, credential="none", credential_ref=None) for attempt in decision.attempts)


def rendered(shown: list[Row]) -> str:
    """Return *shown* as a table for people."""
    return table_text(_HEADINGS, [_cells(row, earlier) for row, earlier in zip(shown, [None, *shown], strict=False)])


def _cells(row: Row, earlier: Row | None) -> list[str]:
    first, *later = row.decision.attempts
    return [
        "" if earlier is not None and earlier.feature == row.feature else row.feature,
        "all (pin)" if row.decision.route == "pin" else ", ".join(row.profiles),
        first.provider,
        first.model,
        ", ".join(attempt.model for attempt in later),
        ", ".join(row.decision.tools),
        row.decision.output or "",
        _price(row.price),
    ]


def _price(price: Price | None) -> str:
    if price is None or price.input is None or price.output is None:
        return "unpriced"
    return f"{price.input:g}→{price.output:g}"


def _plain(row: Row) -> dict[str, Any]:
    first, *later = row.decision.attempts
    return {
        "feature": row.feature,
        "profiles": list(row.profiles),
        "route": row.decision.route,
        "provider": first.provider,
        "model": first.model,
        "fallbacks": [attempt.model for attempt in later],
        "tools": list(row.decision.tools),
        "output": row.decision.output,
        "price": None if row.price is None else {"input": row.price.input, "output": row.price.output},
    }
