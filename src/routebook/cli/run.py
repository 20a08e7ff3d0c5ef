"""`routebook run`: one call of a feature, from the command line."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from ..canonical.event import TextDelta
from ..canonical.frozen import thaw
from ..canonical.part import ImagePart
from ..engine.dump import WireRequest
from ..engine.engine import Engine
from ..engine.events import RunFinished, StreamEvent, TurnStarted
from ..engine.result import EmbeddingResult, ImageResult, RunResult
from ..errors import RoutebookError
from ..records.attempt import Attempt
from ..routing.context import Context
from ..routing.resolve import find_feature
from .options import json_option, read_context, read_options, refuse_facts, request_options, routes_option
from .output import print_json


@click.command("run")
@click.argument("feature")
@routes_option
@click.option(
    "--message",
    default="",
    metavar="TEXT",
    help="The user's message; - reads standard input, without the line break at its end.",
)
@click.option("--input", "inputs", metavar="JSON", help="The caller's inputs: JSON, @FILE, or - for standard input.")
@request_options
@click.option("--key", "keys", multiple=True, metavar="PROVIDER=VARIABLE", help="The caller's key, by variable name.")
@click.option("--script", type=click.Path(dir_okay=False, path_type=Path), help="Play a script; nothing is sent.")
@click.option("--stream", is_flag=True, help="Print the text as it comes; with --json, each event on its line.")
@click.option(
    "--dump",
    is_flag=True,
    help="Print the first request, secrets masked, and send nothing: no key is needed. Tool servers are started.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file for a feature's image.")
@json_option
def command(
    feature: str,
    routes: Path,
    message: str,
    inputs: str | None,
    profile: str | None,
    settings: tuple[str, ...],
    model: str | None,
    options: tuple[str, ...],
    keys: tuple[str, ...],
    script: Path | None,
    stream: bool,
    dump: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Run FEATURE once: the answer on standard output, how it came about on standard error.

    The message is the text to embed of a feature for embeddings, whose vectors are printed, and the prompt of one for
    images, which go to the file --out.
    """
    refuse_facts(settings)
    context = read_context(profile, settings, _caller_keys(keys))
    asked = _Asked(
        feature, _message(message), _inputs(inputs), context, read_options(options), model, stream, dump, out, as_json
    )
    try:
        asyncio.run(_run(routes, script, asked))
    except RoutebookError as error:
        attempts = () if error.result is None else error.result.attempts
        if len(attempts) > 1:
            click.echo("\n".join(_attempts(attempts)), err=True)
        raise


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line asks for."""

    feature: str
    text: str
    inputs: dict[str, Any]
    context: Context
    options: dict[str, Any]
    model: str | None
    stream: bool
    dump: bool
    out: Path | None
    as_json: bool

    @property
    def request(self) -> dict[str, Any]:
        """What every call is told beside its text."""
        return {"context": self.context, "options": self.options, "model": self.model}


async def _run(routes: Path, script: Path | None, asked: _Asked) -> None:
    async with Engine(routes, script=script) as engine:
        kind = find_feature(engine.table, asked.feature)[0].kind
        _refuse_what_does_not_go(kind, asked)
        if asked.dump:
            wire = await engine.dump(
                asked.feature, asked.text, inputs=asked.inputs, stream=asked.stream, **asked.request
            )
            _print(asked, wire, _shown_request(wire))
        elif kind == "embeddings":
            embedded = await engine.embed(asked.feature, asked.text, **asked.request)
            _print(asked, embedded, json.dumps([list(vector) for vector in embedded.vectors]))
        elif kind == "image":
            _print_images(asked, await engine.generate_image(asked.feature, asked.text, **asked.request))
        elif asked.stream:
            await _print_stream(engine, asked)
        else:
            result = await engine.run(asked.feature, asked.text, inputs=asked.inputs, **asked.request)
            _print(asked, result, _answer(result))


def _refuse_what_does_not_go(kind: str, asked: _Asked) -> None:
    if asked.out is not None and (kind != "image" or asked.dump):
        raise click.UsageError("--out is for the images of a feature of kind 'image'")
    if asked.out is not None and (asked.out.is_dir() or not asked.out.parent.is_dir()):
        raise click.UsageError(f"--out {asked.out}: no file can be written there; nothing was sent")
    if kind != "chat" and (asked.stream or asked.inputs):
        option = "--stream" if asked.stream else "--input"
        raise click.UsageError(f"feature {asked.feature!r} is of kind {kind!r}, to which {option} does not belong")


def _print(asked: _Asked, result: RunResult | EmbeddingResult | ImageResult | WireRequest, text: str) -> None:
    """Print *result* as JSON, or as *text* with its account on standard error."""
    if asked.as_json:
        print_json(result.to_dict())
        return
    click.echo(text)
    if not isinstance(result, WireRequest):
        click.echo(account(result), err=True)


async def _print_stream(engine: Engine, asked: _Asked) -> None:
    """Print events as they come.

    Text that an output contract will judge is no answer yet, so it goes to standard error, and the answer follows.
    """
    is_judged = find_feature(engine.table, asked.feature)[0].output is not None
    is_in_line = False
    events = engine.stream(asked.feature, asked.text, inputs=asked.inputs, **asked.request)
    try:
        async with aclosing(events):
            async for event in events:
                if asked.as_json:
                    click.echo(_line(event))
                elif isinstance(event, TextDelta) and event.choice == 0:
                    click.echo(event.text, nl=False, err=is_judged)
                    is_in_line = True
                elif is_in_line and isinstance(event, (TurnStarted, RunFinished)):
                    click.echo(err=is_judged)
                    is_in_line = False
                if isinstance(event, RunFinished) and not asked.as_json:
                    if is_judged:
                        click.echo(_answer(event.result))
                    click.echo(account(event.result), err=True)
    finally:
        if is_in_line:
            click.echo(err=is_judged)


def _line(event: StreamEvent) -> str:
    return json.dumps({"type": event.type, **event.to_dict()}, ensure_ascii=False)


def _answer(result: RunResult) -> str:
    return result.text if result.decision.output is None else json.dumps(thaw(result.output), ensure_ascii=False)


def _shown_request(wire: WireRequest) -> str:
    headers = [f"{name}: {value}" for name, value in wire.headers.items()]
    try:
        body = json.dumps(json.loads(wire.body), indent=2, ensure_ascii=False)
    except ValueError:
        body = wire.body
    return "\n".join([f"{wire.method} {wire.url}", *headers, "", body])


def _print_images(asked: _Asked, result: ImageResult) -> None:
    lines = [result.text] if result.text else []
    for image, file in zip(result.images, _files(asked.out, result.images), strict=True):
        if file is None or image.data is None:
            lines.append(_described(image))
        else:
            file.write_bytes(base64.b64decode(image.data))
            lines.append(f"{file}: {_described(image)}")
    _print(asked, result, "\n".join(lines))
    if asked.out is None and not asked.as_json:
        click.echo("not kept: --out FILE writes what is drawn to a file", err=True)


def _files(out: Path | None, images: Sequence[ImagePart]) -> list[Path | None]:
    """Return the file of each image: *out*, and of further ones the same with a number."""
    if out is None:
        return [None] * len(images)
    return [out, *(out.with_stem(f"{out.stem}-{number}") for number in range(2, len(images) + 1))]


def _described(image: ImagePart) -> str:
    if image.data is None:
        return f"an image at {image.url}, which is not downloaded"
    size = len(image.data) * 3 // 4 - image.data[-2:].count("=")
    return f"{image.media_type or 'an image'}, {size} bytes"


def account(result: RunResult | EmbeddingResult | ImageResult) -> str:
    """Return, for people, how *result* came about: tool calls, checks, attempts, tokens, cost."""
    lines, turns = [], ""
    if isinstance(result, RunResult):
        lines = [
            f"tool {answer.name}{' (error)' if answer.is_error else ''}: {_short(answer.text)}"
            for answer in result.tool_results
        ]
        lines += [f"check {check.name}: {check.status}, {check.value!r} from {check.source}" for check in result.checks]
        if len(result.choices) > 1:
            lines.append(f"{len(result.choices)} answers, of which this is the first; --json shows all")
        turns = f"{result.turns} turn{'' if result.turns == 1 else 's'}, "
    lines += [f"warning: {warning.message}" for warning in result.warnings]
    lines += _attempts(result.attempts)
    cost = "unpriced" if result.cost_usd is None else f"${result.cost_usd:.6f}"
    used = f"{result.usage.input} in, {result.usage.output} out, {cost}"
    return "\n".join([*lines, f"{turns}{used}, table {result.decision.table[:12]}"])


def _attempts(attempts: Sequence[Attempt]) -> list[str]:
    """Return a line for each of *attempts*, one for equal ones that follow each other."""
    counted = [(said, len(list(same))) for said, same in groupby(map(_attempt, attempts))]
    return [said if times == 1 else f"{said} ({times} times)" for said, times in counted]


def _attempt(attempt: Attempt) -> str:
    outcome = "answered" if attempt.kind is None else f"{attempt.kind}: {attempt.reason}"
    payer = "nobody pays" if attempt.payer == "none" else f"the {attempt.payer} pays"
    return f"{attempt.model} at {attempt.provider} {outcome} ({payer})"


def _short(text: str, most: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _caller_keys(keys: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for pair in keys:
        provider, equals, variable = pair.partition("=")
        if not equals:
            raise click.BadParameter(
                "give PROVIDER=VARIABLE, the name of the variable that holds the key", param_hint="--key"
            )
        if not os.environ.get(variable):
            raise click.BadParameter(f"environment variable {variable} is not set", param_hint="--key")
        found[provider] = os.environ[variable]
    return found


def _message(text: str) -> str:
    """Return *text*, or standard input less one line break at its end, which files and `echo` put there."""
    return _read(text).removesuffix("\n") if text == "-" else text


def _read(text: str) -> str:
    return sys.stdin.read() if text == "-" else text


def _inputs(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        raw = Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else _read(text)
        data = json.loads(raw)
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"cannot be read: {error}", param_hint="--input") from error
    if not isinstance(data, dict):
        raise click.BadParameter("must be a JSON object", param_hint="--input")
    return data
