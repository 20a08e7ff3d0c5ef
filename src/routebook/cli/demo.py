"""`routebook demo`: the guided tour over the example book."""

from __future__ import annotations

import asyncio
import logging

import click

from ..demo.tour import Tour
from .explain import explanation
from .output import console
from .run import account
from .table import rendered, rows


@click.command("demo")
def command() -> None:
    """See the whole of Routebook at work, offline, in a few seconds."""
    tour = Tour(
        console(),
        show_table=lambda table, features: rendered(list(rows(table, features, tuple(table.profiles)))),
        explain=explanation,
        account=account,
    )
    # The tour shows the diagnostics of the bad edit itself.
    logging.getLogger("routebook").addHandler(logging.NullHandler())
    asyncio.run(tour.take())
