"""Options that several commands share, and the reading of their values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from ..document.options import check_options
from ..routing.context import Context, Facts

F = TypeVar("F", bound=Callable[..., Any])

routes_option = click.option(
    "--routes",
    type=click.Path(path_type=Path),
    default=Path("routes"),
    envvar="ROUTEBOOK_ROUTES",
    show_default=True,
    show_envvar=True,
    help="The book's directory.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

_CONTEXT_FIELDS = ("user", "tenant", "region", "key")
_KINDS = {int: "a whole number", bool: "true or false"}
_FACT_FIELDS = {"input_tokens": int, "has_images": bool, "has_tools": bool, "stream": bool}


def request_options(command: F) -> F:
    """Add what says who asks for what: --profile, --set, --model, --option, --key."""
    for option in reversed(
        [
            click.option("--profile", help="The context's profile."),
            click.option(
                "--set",
                "settings",
                multiple=True,
                metavar="KEY=VALUE",
                help="A field of the context: user=u1, metadata.plan=pro; in explain also a fact: input_tokens=9000.",
            ),
            click.option("--model", help="The model that the caller asks for."),
            click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="A caller's option."),
        ]
    ):
        command = option(command)
    return command


def read_context(profile: str | None, settings: Iterable[str], credentials: dict[str, str]) -> Context:
    """Return the context that --profile, --set and the caller's keys describe."""
    fields: dict[str, str] = {}
    metadata: dict[str, Any] = {}
    for name, value in map(_pair, settings):
        if name in _CONTEXT_FIELDS:
            fields[name] = value
        elif name.startswith("metadata."):
            metadata[name.removeprefix("metadata.")] = _value(value)
        elif name not in _FACT_FIELDS:
            known = ", ".join([*_CONTEXT_FIELDS, "metadata.KEY", *_FACT_FIELDS])
            raise click.BadParameter(f"{name!r} is no field; fields are {known}", param_hint="--set")
    return Context(profile=profile, metadata=metadata, credentials=credentials, **fields)


def refuse_facts(settings: Iterable[str]) -> None:
    """Refuse a --set of a fact: a run derives its facts from the request."""
    for name, _ in map(_pair, settings):
        if name in _FACT_FIELDS:
            raise click.BadParameter(f"{name} is a fact, which a run derives from its request", param_hint="--set")


def read_facts(settings: Iterable[str], model: str | None, options: Iterable[str]) -> Facts:
    """Return the facts that --set, --model and --option describe."""
    facts: dict[str, Any] = {}
    for name, value in map(_pair, settings):
        kind = _FACT_FIELDS.get(name)
        if kind is not None:
            read = _value(value)
            if type(read) is not kind:
                raise click.BadParameter(f"{name} must be {_KINDS[kind]}, not {value!r}", param_hint="--set")
            facts[name] = read
    return Facts(model=model, options=check_options(read_options(options))[0], **facts)


def read_options(options: Iterable[str]) -> dict[str, Any]:
    """Return a caller's options as they were written, checked; each value is JSON, or else text."""
    read = {name: _value(value) for name, value in map(_pair, options)}
    _, problems = check_options(read)
    if problems:
        raise click.BadParameter("; ".join(problems), param_hint="--option")
    return read


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r} is not of the form KEY=VALUE")
    return name, value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
