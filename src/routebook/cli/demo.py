"""`routebook demo`: the guided tour over the example book."""

from __future__ import annotations

import asyncio
import logging

import click

from ..demo.tour import Tour
from ..diagnostics.text import render_text
from ..routing.overview import rows
from .explain import explanation
from .output import wants_colour
from .run import account
from .table import rendered


@click.command("demo")
def command() -> None:
    """See the whole of Routebook at work, offline, in a few seconds."""
    tour = Tour(
        head=_head,
        say=click.echo,
        show_table=lambda table, features: rendered(list(rows(table, features, tuple(table.profiles)))),
        explain=explanation,
        account=account,
        report=lambda diagnostics: render_text(diagnostics, wants_colour()),
    )
    # The tour shows the diagnostics of the bad edit itself.
    logging.getLogger("routebook").addHandler(logging.NullHandler())
    asyncio.run(tour.take())


def _head(title: str, aside: str) -> None:
    colour = wants_colour()
    click.echo("\n" + click.style(f"── {title}", bold=True) + "  " + click.style(aside, dim=True), color=colour)
