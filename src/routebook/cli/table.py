"""`routebook table`: where each feature goes, under each profile and by each rule, on one screen."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import Any

import click

from ..book import compile_book
from ..diagnostics.suggest import did_you_mean
from ..routing.bounds.ranking import ranked
from ..routing.overview import Row, override_rows, rows
from ..routing.spec import Price
from ..routing.table import RoutingTable
from .bounds import ranking_text
from .options import json_option, routes_option
from .output import print_json, table_text

_NONE = "no feature is so"
_HEADINGS = ("feature", "profile", "provider", "model", "fallbacks", "tools", "output", "$/M in→out")


@click.command("table")
@click.argument("features", nargs=-1)
@routes_option
@click.option("--profile", help="Only this profile.")
@click.option("--tag", help="Only features with this tag.")
@click.option("--provider", help="Only routes that reach this provider, fallbacks included.")
@click.option("--model", help="Only routes that reach this model, fallbacks included.")
@click.option("--bounds", is_flag=True, help="Rank them by their worst case instead: calls, seconds, dollars.")
@json_option
def command(
    features: tuple[str, ...],
    routes: Path,
    profile: str | None,
    tag: str | None,
    provider: str | None,
    model: str | None,
    bounds: bool,
    as_json: bool,
) -> None:
    """Show FEATURES (names or globs; default: all) by profile: provider, model, fallbacks, tools, output, price."""
    table = compile_book(routes)
    _must_be_known("profile", profile, table.profiles)
    _must_be_known("provider", provider, table.providers)
    if model is not None and "/" not in model:
        _must_be_known("model", model, table.models)
    _must_be_known("tag", tag, {tag for feature in table.features.values() for tag in feature.tags})
    wanted = [name for name in _named(table, features) if tag is None or tag in table.features[name].tags]
    profiles = (profile,) if profile else tuple(table.profiles)
    candidates = chain(rows(table, wanted, profiles), override_rows(table, wanted, profiles) if bounds else ())
    shown = [row for row in candidates if _reaches(row, "provider", provider) and _reaches(row, "model", model)]
    if bounds:
        _print_ranking(table, shown, as_json)
    elif as_json:
        print_json([_plain(row) for row in shown])
    else:
        click.echo(rendered(shown) if shown else _NONE)


def _print_ranking(table: RoutingTable, shown: list[Row], as_json: bool) -> None:
    peaks = ranked(table, shown)
    if as_json:
        print_json([peak.to_dict() for peak in peaks])
    else:
        click.echo(ranking_text(peaks) if peaks else _NONE)


def _named(table: RoutingTable, features: tuple[str, ...]) -> list[str]:
    """Return the features that the names and globs of the command line mean."""
    found: dict[str, None] = {}
    for asked in features or ("*",):
        matching = [name for name in table.features if fnmatchcase(name, asked)]
        if not matching and features:
            _must_be_known("feature", asked, table.features)
        found |= dict.fromkeys(matching)
    return list(found)


def _must_be_known(kind: str, name: str | None, known: Iterable[str]) -> None:
    if name is not None and name not in (names := list(known)):
        raise click.BadParameter(f"the book has no {kind} {name!r}. {did_you_mean(name, names) or ''}".rstrip())


def _reaches(row: Row, field: str, wanted: str | None) -> bool:
    return wanted is None or any(getattr(attempt, field) == wanted for attempt in row.arm.planned)


def rendered(shown: list[Row]) -> str:
    """Return *shown* as a table for people."""
    return table_text(_HEADINGS, [_cells(row, earlier) for row, earlier in zip(shown, [None, *shown], strict=False)])


def _cells(row: Row, earlier: Row | None) -> list[str]:
    share = "" if row.arm.name is None else f" ({row.share:.0%})"
    return [
        "" if earlier is not None and earlier.feature is row.feature else row.feature.name,
        _condition(row),
        row.primary.provider,
        row.primary.model + share,
        ", ".join(attempt.model for attempt in row.arm.planned[1:]),
        "" if row.feature.tools is None else ", ".join(row.feature.tools.servers),
        row.feature.output or "",
        _price(row.price),
    ]


def _condition(row: Row) -> str:
    kind, _, name = row.route.name.partition(":")
    if kind == "pin":
        return "all (pin)"
    return f"rule {name}" if kind == "rule" else ", ".join(row.profiles)


def _price(price: Price | None) -> str:
    if price is None or price.input is None or price.output is None:
        return "unpriced"
    return f"{price.input:g}→{price.output:g}"


def _plain(row: Row) -> dict[str, Any]:
    return {
        "feature": row.feature.name,
        "profiles": list(row.profiles),
        "route": row.route.name,
        "arm": row.arm.name,
        "share": row.share,
        "provider": row.primary.provider,
        "model": row.primary.model,
        "fallbacks": [attempt.model for attempt in row.arm.planned[1:]],
        "tools": [] if row.feature.tools is None else list(row.feature.tools.servers),
        "output": row.feature.output,
        "price": None if row.price is None else {"input": row.price.input, "output": row.price.output},
    }
