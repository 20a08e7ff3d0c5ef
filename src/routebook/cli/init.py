"""`routebook init`: a commented starter book that compiles, and runs offline by its script."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from ..demo.example import copy_example
from ..document.schema import schemas
from .schema import schema_text

_BOOK = """\
# yaml-language-server: $schema=_schemas/route-file.schema.json
#
# One file of a book. A book is every *.yaml, *.yml and *.json below its directory, in as many files as you like;
# names that begin with `.` or `_` are left out.
#
#   routebook check --routes {directory}              what is wrong, if anything
#   routebook table --routes {directory}              where each feature goes
#   routebook explain reply --set user=u-17 --routes {directory}

# Where models are served. A preset's name alone is enough; the key is a reference, never the key itself.
providers:
  openai: {{}}                       # reads OPENAI_API_KEY when a client is made

# Models by names of your own, so that features do not change when a model does.
models:
  fast:
    provider: openai
    id: gpt-5.6-mini                # the id on the wire
    capabilities: [tools, json_schema, streaming]
    price: {{input: 0.25, output: 2.0}}          # US dollars per million tokens
  strong:
    provider: openai
    id: gpt-5.6
    capabilities: [tools, json_schema, streaming, reasoning]
    price: {{input: 1.25, output: 10.0}}

# Quality-of-service tiers. A caller names one in its Context, or gets the default.
profiles:
  standard: {{description: fast and cheap}}
  best: {{extends: standard, description: the strongest model}}
settings:
  default_profile: standard

# What the application asks for by name.
features:
  summary:
    description: A summary of a text in three sentences.
    options: {{temperature: 0.2}}
    # Rules come first, in order: who asks, or what is asked, may lead elsewhere.
    rules:
      - name: long-text
        when: {{input_tokens: {{gt: 50000}}}}
        use: {{model: strong}}
        fallbacks: []                # instead of the feature's own
    # Then the entry of the caller's profile.
    profiles:
      standard: {{model: fast}}
      best: {{model: strong}}
    # What takes over when a target fails, for these kinds of failure.
    fallbacks:
      - {{model: strong, on: [rate_limit, overloaded, timeout, connection, server_error]}}

  reply:
    description: An answer to a letter.
    input: {{type: object, properties: {{text: {{type: string}}}}, required: [text]}}
    prompt:
      system: You answer letters, briefly and kindly.
      user: "The letter: {{{{ text }}}}"
    # `use` is for every profile. This one tries a stronger model on a tenth of the users: the same user always gets
    # the same arm.
    use:
      split:
        - {{name: usual, weight: 90, model: fast}}
        - {{name: trial, weight: 10, model: strong}}
      key: user
    caller_options: [temperature, max_output_tokens]     # what a caller may set for one run
    deadline: 30s
"""

_SCRIPT = """\
# yaml-language-server: $schema=../_schemas/script.schema.json
#
# Plays the models' part without a network:
#   routebook run summary --routes {directory} --message "..." --script {directory}/_scripts/offline.yaml
- when: {{feature: summary}}
  reply: {{text: "A summary of: {{{{ text }}}}"}}
- when: {{feature: reply}}
  reply: {{text: "Dear friend, thank you for your letter."}}
"""


@click.command("init")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--example", is_flag=True, help="Write the example book instead: some thirty features of a product.")
def command(directory: Path, example: bool) -> None:
    """Write a commented starter book into DIRECTORY, which must be new or empty."""
    if directory.exists() and any(directory.iterdir()):
        raise click.ClickException(f"{directory} is not empty; nothing was written")
    if example:
        copy_example(directory)
        click.echo(f"wrote the example book to {directory}")
    else:
        starter = {"routes.yaml": _BOOK, "_scripts/offline.yaml": _SCRIPT}
        _write(directory, {path: text.format(directory=shlex.quote(str(directory))) for path, text in starter.items()})
    _write(directory, {f"_schemas/{name}": schema_text(schema) for name, schema in schemas().items()})
    click.echo(f"next: routebook check --routes {shlex.quote(str(directory))}")


def _write(directory: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        click.echo(f"wrote {target}")
