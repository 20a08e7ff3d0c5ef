"""What commands print: JSON for programs, and tables that fit a terminal for people."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from typing import Any

import click
import tabulate as tabulate_module
from tabulate import tabulate

_GAP = 2
_NARROWEST = 6
_WORD_END = re.compile(r"(?<=[-, ])")


def print_json(value: Any) -> None:
    """Print *value* as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def wants_colour(stream: Any = None) -> bool:
    """Tell whether *stream* (standard output) is a terminal that wants colours."""
    return _is_terminal(stream or sys.stdout) and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


# tabulate makes columns two characters wider than a heading that is wrapped; then the table does not fit any more.
tabulate_module.MIN_PADDING = 0


def table_text(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table that fits the terminal, cells wrapped where they must be; in a pipe nothing is wrapped."""
    if not _is_terminal(sys.stdout):
        return tabulate(rows, headings, tablefmt="simple")
    width = shutil.get_terminal_size().columns
    columns = list(zip(headings, *rows, strict=True))
    room = width - _GAP * (len(columns) - 1)
    widths = [max(map(len, column)) for column in columns]
    for narrowest in ([_longest_word(column) for column in columns], [_NARROWEST] * len(columns)):
        widths = _narrowed(widths, narrowest, room)
    return tabulate(rows, headings, tablefmt="simple", maxcolwidths=widths, maxheadercolwidths=widths)


def _is_terminal(stream: Any) -> bool:
    """Tell whether *stream* is a terminal; a standard stream that was closed is None."""
    return stream is not None and bool(stream.isatty())


def _longest_word(column: Sequence[str]) -> int:
    return max(len(word) for cell in column for word in _WORD_END.split(cell))


def _narrowed(widths: list[int], narrowest: list[int], room: int) -> list[int]:
    """Return *widths* made to fit *room*, the widest columns first, none below its *narrowest*."""
    widths = list(widths)
    while sum(widths) > room:
        able = [index for index, least in enumerate(narrowest) if widths[index] > least]
        if not able:
            break
        widths[max(able, key=widths.__getitem__)] -= 1
    return widths
