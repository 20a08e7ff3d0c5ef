"""Random invariants: a book breaks them, and at the lines, that a look at every one of its decisions says."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

import yaml

from random_books import ENVIRONMENT, random_book
from random_invariants import random_invariants
from reference.promises import Path, Plain, Promises
from routebook import Decision, Diagnostic, RouteFileError, RoutingTable, compile_mapping
from routebook.cli.options import read_context, read_facts
from routebook.routing.bounds.worst_case import Bounds, WorstCase
from stress import rounds

LIMIT = 20


def good_books(count: int) -> Iterator[tuple[int, Plain, RoutingTable]]:
    for seed in rounds(count):
        book = {section: value for section, value in random_book(seed).items() if section != "invariants"}
        try:
            yield seed, book, compile_mapping(book, ENVIRONMENT)
        except RouteFileError:
            continue


def said(book: Plain) -> list[Diagnostic]:
    try:
        found = compile_mapping(book, ENVIRONMENT).diagnostics
    except RouteFileError as error:
        found = error.diagnostics
    return [diagnostic for diagnostic in found if diagnostic.code in {"RB601", "RB602", "RB603"}]


def line_of(book: Plain, path: Path) -> int:
    """The line on which *path* stands in the book's JSON text."""
    lines = json.dumps(marked(book, path), indent=2, ensure_ascii=False).splitlines()
    return next(number for number, line in enumerate(lines, start=1) if '"!!"' in line)


def marked(value: Any, path: Path) -> Any:
    """Return *value* with the key, or the item of a list, at *path* written as `!!`."""
    if not path:
        return "!!"
    step, *rest = path
    if isinstance(value, list):
        return [marked(item, tuple(rest)) if index == step else item for index, item in enumerate(value)]
    if rest:
        return {key: marked(item, tuple(rest)) if key == step else item for key, item in value.items()}
    return {"!!" if key == step else key: item for key, item in value.items()}


def target_of(diagnostic: Diagnostic) -> int:
    """The line of the target that a diagnostic is about: its own, or, where that sets an option, the one it names."""
    named = [note for note in diagnostic.notes if note.startswith("it gets there from ")]
    return int(named[0].rpartition(":")[2]) if named else diagnostic.span.line


def witness_of(table: RoutingTable, diagnostic: Diagnostic) -> Decision:
    """The decision of the command that a diagnostic shows."""
    command = next(note for note in diagnostic.notes if note.startswith("for example: "))
    _, _, feature, *words = shlex.split(command.removeprefix("for example: "))
    given: dict[str, list[str]] = {"--profile": [], "--set": [], "--model": [], "--key": []}
    for name, value in zip(words[::2], words[1::2], strict=True):
        given[name].append(value)
    profile, model = (next(iter(given[name]), None) for name in ("--profile", "--model"))
    context = read_context(profile, given["--set"], dict.fromkeys(given["--key"], "a-key"))
    return table.resolve(feature, context, read_facts(given["--set"], model, ()))


def promises_of(book: Plain, invariants: Plain, table: RoutingTable) -> Promises:
    worst = WorstCase(table)

    def bounds(decision: Decision) -> Bounds:
        return worst.bounds(table.features[decision.feature], decision.attempts, decision.shadow)

    return Promises(book, invariants, ENVIRONMENT, bounds)


def shadows_of(book: Plain, decisions: list[Decision]) -> set[Path]:
    """The shadows that calls may be mirrored to, also where the table's own search found no call that is."""
    named = {decision.feature for decision in decisions}
    return {("features", name, "shadow", "model") for name in named if "shadow" in book["features"][name]}


def test_a_book_breaks_the_invariants_that_some_decision_breaks_and_at_these_lines():
    counts = {"broken": 0, "held": 0, "idle": 0, "unproved": 0}
    for seed, book, table in good_books(60):
        invariants = random_invariants(seed, book)
        promises, decisions = promises_of(book, invariants, table), list(table.decisions())
        found = said({**book, "invariants": invariants})
        counts["unproved"] += sum(each.code == "RB603" for each in found)
        for name in invariants:
            shown = f"seed {seed}, {name}\n{yaml.safe_dump({**book, 'invariants': invariants}, sort_keys=False)}"
            selected = [decision for decision in decisions if promises.selects(name, decision)]
            paths = {path for decision in selected for path in promises.broken(name, decision)}
            lines = {line_of(book, path) for path in paths}
            mirrored = {line_of(book, path) for path in shadows_of(book, selected)}
            reported = [each for each in found if each.code == "RB601" and f"invariant {name!r}" in each.message]
            idle = [each for each in found if each.code == "RB602" and f"invariant {name!r}" in each.message]
            assert len(idle) == (not selected), shown
            # one line may set an option of many targets, and is said once
            least = len(lines) if not any(field.startswith("options.") for field in invariants[name]["require"]) else 1
            assert min(LIMIT, len(lines), least) <= len(reported) <= LIMIT, shown
            assert {target_of(each) for each in reported} <= lines | mirrored, shown
            for each in reported:
                decision = witness_of(table, each)
                assert promises.selects(name, decision), shown
                assert target_of(each) in {line_of(book, path) for path in promises.broken(name, decision)}, shown
            counts["broken" if reported else "held" if selected else "idle"] += 1

    assert counts["broken"] > 40
    assert counts["held"] > 10
    assert counts["idle"] > 3
    assert counts["unproved"] <= counts["held"] / 100
