"""`routebook schema`: the JSON Schemas of the files that people write."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..document.schema import schemas
from .output import print_json


@click.command("schema")
@click.option("--write", "directory", type=click.Path(file_okay=False, path_type=Path), help="Write them into DIR.")
def command(directory: Path | None) -> None:
    """Print the JSON Schemas of route files and scripts, by file name, or write them."""
    if directory is None:
        print_json(schemas())
        return
    directory.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        path = directory / name
        path.write_text(schema_text(schema), encoding="utf-8")
        click.echo(f"wrote {path}")


def schema_text(schema: object) -> str:
    """Return *schema* as the text of its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
