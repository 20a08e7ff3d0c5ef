"""The `routebook` command: finds the command, imports it, and turns what goes wrong into an exit code.

Exit codes: 0 good; 1 the answer is no (a broken book, a failed run); 2 wrong usage; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from .. import __version__
from ..diagnostics.suggest import did_you_mean
from ..errors import RoutebookError

COMMANDS = {
    "demo": ("routebook.cli.demo", "See the whole of Routebook at work, offline, in a few seconds."),
    "init": ("routebook.cli.init", "Write a commented starter book."),
    "check": ("routebook.cli.check", "Compile the book and report every problem."),
    "table": ("routebook.cli.table", "Show features by profile: provider, model, fallbacks, tools, output, price."),
    "explain": ("routebook.cli.explain", "Show a feature's decision, and each reason with its line."),
    "run": ("routebook.cli.run", "Run a feature once."),
    "doctor": ("routebook.cli.doctor", "Show what the book needs of this machine, and whether its providers answer."),
    "schema": ("routebook.cli.schema", "Print or write the JSON Schemas of the files."),
}
"""Each command with the module it is loaded from and its one line of help."""


class _LazyGroup(click.Group):
    """Imports a command's module when the command is called, and no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"no such command: {args[0]!r}. {did_you_mean(args[0], COMMANDS) or ''}".rstrip())
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="routebook")
def routebook() -> None:
    """Every LLM call your application makes, routed by plain files that are checked like code."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    try:
        outcome: Any = routebook.main(arguments, prog_name="routebook", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return 130
    except RoutebookError as error:
        click.echo(f"error: {error}", err=True)
        return 1
    except BrokenPipeError:
        # The reader has gone (`| head`). Nothing is left to say, and Python must not flush into the pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        click.echo(f"error: {str(error) or repr(error)}", err=True)
        return 1
    return outcome if isinstance(outcome, int) else 0
