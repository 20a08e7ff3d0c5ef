"""Mutations: the example book with one mistake in it. Each is reported as an error on its line, once.

A mutation is made by construction to be a mistake: a known key is renamed, a reference leads nowhere, a value has
another type, a line that others need is deleted or stands twice. Of these every kind has its share.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from routebook.book import OpenBook
from stress import IS_STRESS

ROUTES = Path(__file__).parents[1] / "routes"
FILES = {path.relative_to(ROUTES).as_posix(): path.read_text(encoding="utf-8") for path in ROUTES.rglob("*.yaml")}
SCHEMAS = {path.relative_to(ROUTES).as_posix(): path.read_text(encoding="utf-8") for path in ROUTES.glob("_schemas/*")}
MUTATIONS = 100

KEYS = (
    *("provider", "id", "capabilities", "context_window", "price", "rejects", "options", "model", "fallbacks", "use"),
    *("pin", "profiles", "output", "description", "tags", "credentials", "temperature", "max_output_tokens", "effort"),
    *("tools", "servers", "allow", "max_turns", "schema", "repair", "attempts", "checks", "choice", "field", "label"),
    *("otherwise", "command", "args", "extends", "base_url", "api_key", "timeout", "first_token", "total", "needs"),
    *("features", "models", "providers", "outputs", "mcp_servers", "settings", "byok_profile", "on", "confidence"),
)
TYPES = {
    "temperature": "warm",
    "max_output_tokens": "many",
    "context_window": "[1]",
    "price": "cheap",
    "tags": "5",
    "capabilities": "{}",
    "attempts": "two",
    "description": "[text]",
    "model": "[luna]",
    "provider": "7",
    "timeout": "8",
    "credentials": "nobody",
    "args": "12",
    "fallbacks": "{}",
    "output": "{}",
    "effort": "much",
    "at_least": "high",
    "max_turns": "6.5",
    "on": "[often]",
}
NEEDED = ("provider", "schema", "model", "field", "from", "command", "base_url", "api_key", "use", "pin", "servers")
"""Keys that stand on lines of their own, without which what they stand in is refused at its name."""


@dataclass(frozen=True)
class Mutation:
    """A file with one mistake: what it says then, and the place that is to be named."""

    kind: str
    path: str
    text: str
    place: tuple[str, int]
    what: str


def lines_of(path: str) -> list[str]:
    return FILES[path].splitlines()


def code_of(line: str) -> str:
    """The line without its comment."""
    return re.split(r"(?:^|\s)#", line, maxsplit=1)[0]


def changed(
    kind: str, path: str, number: int, line: str | None, what: str, place: tuple[str, int] | None = None
) -> Mutation:
    """The file at *path* with the line *number* (from 1) replaced or deleted; *place* is that line unless given."""
    written = lines_of(path)
    written[number - 1 : number] = [] if line is None else [line]
    what = f"{path}:{number}: {kind}: {what}"
    return Mutation(kind, path, "\n".join(written) + "\n", (path, number) if place is None else place, what)


def places(pattern: str) -> Iterator[tuple[str, int, str, re.Match[str]]]:
    """Every match of *pattern* in the code of the route files, with its line."""
    for path in sorted(path for path in FILES if not path.startswith("_")):
        for number, line in enumerate(lines_of(path), 1):
            for match in re.finditer(pattern, code_of(line)):
                yield path, number, line, match


def renamed_keys() -> Iterator[Mutation]:
    for path, number, line, match in places(rf"(?<![\w.-])({'|'.join(KEYS)}):"):
        if "extra_body" not in line[: match.start()]:
            mutant = f"{line[: match.end(1)]}zz{line[match.end(1) :]}"
            yield changed("key renamed", path, number, mutant, match[1])


def broken_references() -> Iterator[Mutation]:
    for path, number, line, match in places(r"\b(model|output|provider|extends|default|byok_profile): ([\w./-]+)"):
        mutant = f"{line[: match.start(2)]}no-{line[match.start(2) :]}"
        yield changed("reference broken", path, number, mutant, match[0])
    for path, number, line, match in places(r"^ {6}(premium|max|byok):"):
        mutant = f"{line[: match.start(1)]}no-{line[match.start(1) :]}"
        yield changed("reference broken", path, number, mutant, match[0])
    for path, number, line, match in places(r"servers: \[(\w+)"):
        mutant = f"{line[: match.start(1)]}no-{line[match.start(1) :]}"
        yield changed("reference broken", path, number, mutant, match[0])


def renamed_definitions() -> Iterator[Mutation]:
    """A definition that one line names, which is the place: there the name leads nowhere."""
    for path, number, line, match in places(r"^  ([a-z][\w-]*):"):
        users = list(places(rf"\b(?:model|output): {re.escape(match[1])}\b(?![\w/-])"))
        if path in ("models.yaml", "outputs.yaml") and len(users) == 1:
            mutant = f"{line[: match.end(1)]}-gone{line[match.end(1) :]}"
            yield changed("definition renamed", path, number, mutant, match[1], users[0][:2])


def changed_types() -> Iterator[Mutation]:
    value = r"(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|\[[^\]]*\]|[^,{}\[\]\s][^,{}\[\]]*)"
    for key, other in TYPES.items():
        for path, number, line, match in places(rf"(?<![\w.-]){key}: {value}"):
            if "extra_body" not in line[: match.start()]:
                mutant = line[: match.start(1)] + other + line[match.end(1) :]
                yield changed("type changed", path, number, mutant, f"{match[0]} → {other}")


def owner(path: str, number: int) -> int:
    """The line of the key (or the item) that the line *number* stands in."""
    written = lines_of(path)
    indent = len(written[number - 1]) - len(written[number - 1].lstrip())
    above = range(number - 1, 0, -1)
    return next(at for at in above if code_of(written[at - 1]).strip() and indent_of(written[at - 1]) < indent)


def indent_of(line: str) -> int:
    return len(line) - len(line.lstrip())


def deleted_lines() -> Iterator[Mutation]:
    """What an anchor names stands in several places, and lacks the line in each: that is left out."""
    for path, number, _, match in places(rf"^ +({'|'.join(NEEDED)}):.*\S$"):
        place = (path, owner(path, number))
        if "&" not in lines_of(path)[place[1] - 1]:
            yield changed("line deleted", path, number, None, match[0].strip(), place)


def doubled_lines() -> Iterator[Mutation]:
    for path, number, line, match in places(r"^ +(?:- )?([a-z_]+): [^&]*\S$"):
        if not match[0].lstrip().startswith("-"):
            yield changed("line doubled", path, number, f"{line}\n{line}", match[1], (path, number + 1))


def broken_schemas() -> Iterator[Mutation]:
    used = [(path, text) for path, text in sorted(SCHEMAS.items()) if path in FILES["outputs.yaml"]]
    for path, text in used:
        for match in re.finditer(r'"type": ("\w+")', text):
            number = text.count("\n", 0, match.start()) + 1
            mutant = text[: match.start(1)] + '"nothing"' + text[match.end(1) :]
            yield Mutation("type changed", path, mutant, (path, number), f"{path}:{number}: {match[0]}")


KINDS: tuple[Callable[[], Iterator[Mutation]], ...] = (
    renamed_keys,
    broken_references,
    renamed_definitions,
    changed_types,
    deleted_lines,
    doubled_lines,
    broken_schemas,
)


def chosen() -> list[Mutation]:
    """A hundred mutations, of every kind as many as there are or its share; under stress, all."""
    source = random.Random(3)
    made = [list(kind()) for kind in KINDS]
    if IS_STRESS:
        return [mutation for mutations in made for mutation in mutations]
    picked: list[Mutation] = []
    for left, mutations in enumerate(sorted(made, key=len)):
        share = (MUTATIONS - len(picked)) // (len(made) - left)
        picked += source.sample(mutations, min(share, len(mutations)))
    return picked


class Example:
    """A copy of the example book that is read again and again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(ROUTES, root)
        self.book = OpenBook(root, {})

    def errors(self, mutation: Mutation) -> list[tuple[str, int, str]]:
        file = self.root / mutation.path
        written = file.read_text(encoding="utf-8")
        file.write_text(mutation.text, encoding="utf-8")
        try:
            report = self.book.read()
        finally:
            file.write_text(written, encoding="utf-8")
        errors = [found for found in report.diagnostics if found.severity == "error"]
        return [(found.span.path, found.span.line, f"{found.code} {found.message}") for found in errors]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return Example(tmp_path_factory.mktemp("mutations") / "routes")


def test_each_mistake_is_reported_on_its_line_and_once(example: Example):
    wrong: list[str] = []
    for mutation in chosen():
        errors = example.errors(mutation)
        if [error[:2] for error in errors] != [mutation.place]:
            said = "\n".join(f"    {path}:{line}: {message}" for path, line, message in errors) or "    nothing"
            wrong.append(f"{mutation.what}, expected at {mutation.place}:\n{said}")

    assert wrong == [], "\n" + "\n".join(wrong)


def test_there_are_a_hundred_mutations_of_every_kind():
    kinds = [mutation.kind for mutation in chosen()]

    assert len(kinds) >= MUTATIONS
    assert {*kinds} == {
        *("key renamed", "reference broken", "definition renamed", "type changed", "line deleted", "line doubled")
    }


def test_the_example_book_is_good_before_it_is_mutated(example: Example):
    assert example.book.read().table is not None
