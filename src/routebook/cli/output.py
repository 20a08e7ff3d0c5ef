"""What commands print: JSON for programs, and tables that fit a terminal for people."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click
from rich.console import Console

_PIPE_WIDTH = 160


def print_json(value: Any) -> None:
    """Print *value* as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def wants_colour(stream: Any = None) -> bool:
    """Tell whether *stream* (standard output) is a terminal that wants colours."""
    return bool((stream or sys.stdout).isatty()) and "NO_COLOR" not in os.environ


def console() -> Console:
    """Return where tables are printed: as wide as the terminal, plain and wide in a pipe."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=_PIPE_WIDTH, no_color=True)
