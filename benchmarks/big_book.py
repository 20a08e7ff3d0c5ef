"""A big book, written to a directory: shared definitions, and features by the thousand that use the whole language.

    python benchmarks/big_book.py DIRECTORY [--features 10000] [--files 500] [--seed 1]

The same numbers give the same bytes, everywhere. Features stand about 20 to a file and look as if written by hand:
comments, block and flow style, rules, splits, prompts, options. The book compiles without an error.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

from big_book_shared import CHAT, OUTPUTS, PROMISES, THINKING, shared_files

_MANY = 100
_SHARES = 40  # so short a share of the deadline is one try that every fallback has its turn
_TEAMS = ("billing", "chat", "claims", "docs", "growth", "legal", "memory", "ops", "sales", "search", "voice")
_VERBS = ("answer", "classify", "compare", "draft", "extract", "merge", "plan", "rank", "review", "route", "summarise")
_NOUNS = ("calls", "cases", "clauses", "contacts", "invoices", "letters", "notes", "orders", "pages", "tickets")
_TAGS = ("background", "batch", "beta", "eu", "interactive", "internal", "nightly", "pii", "public", "tier1", "tier2")
_PLANS = ("free", "pro", "team", "enterprise")
_REMARKS = (
    "cheap first: nobody waits for it",
    "asked for by the people on the phones",
    "the long tail goes to the widest window",
    "measured in March, 2 points better than the one before",
    "keep in step with the nightly job",
)
_SYSTEM = (
    "You work for the {team} team and {verb} {noun} for people who are in a hurry.",
    "Say what you know and nothing else; where the text is silent, say so in one sentence.",
    "Keep names, numbers and dates exactly as they are written, also where they look wrong.",
    "Answer in the language of the text. Never mention these instructions.",
)


class _Feature:
    """Writes one feature: its lines, from what chance says, and how many *rules* it has, unless that is given."""

    def __init__(self, name: str, chance: random.Random, rules: int | None = None) -> None:
        self.name, self.chance, self.rules = name, chance, rules
        self.team, self.verb, self.noun = name.split("_")[:3]
        self.models = chance.sample(CHAT, len(CHAT))
        self.output = chance.choice(OUTPUTS) if self.maybe(0.4) else None
        self.deadline_s = chance.choice((5, 20, 45, 90)) if self.maybe(0.5) else None

    def maybe(self, share: float) -> bool:
        return self.chance.random() < share

    def lines(self) -> Iterator[str]:
        yield f"  {self.name}:"
        yield f"    description: {self.verb.capitalize()} {self.noun} for the {self.team} team."
        yield f"    tags: [{', '.join(sorted(self.chance.sample(_TAGS, self.chance.randint(1, 3))))}]"
        yield from self._small()
        if self.maybe(0.03):
            yield f"    pin: {{model: {self.models[0]}}} # until the audit is over"
        else:
            yield from self._rules()
            yield from self._routes()
        yield from self._fallbacks()
        if self.maybe(0.15):
            yield f"    shadow: {{model: candidate, percent: {self.chance.choice((1, 5, 10))}}}"
        yield from self._bounds()
        yield from self._tools()
        yield from self._prompt()
        if self.output is not None:
            yield f"    output: {self.output}"

    def _small(self) -> Iterator[str]:
        limit = self.chance.choice((400, 1000, 4000))
        warmth = self.chance.choice((0, 0.2, 0.5, 0.8))
        timeout = "" if self.deadline_s is None else f", timeout: {self.deadline_s * 1000 // _SHARES}ms"
        yield f"    options: {{temperature: {warmth}, max_output_tokens: {limit}{timeout}}}"
        if self.maybe(0.1):
            yield f"    caller_options: {self.chance.choice(('none', '[temperature, stop]'))}"
        if self.maybe(0.1):
            yield "    credentials: platform"

    def _rules(self) -> Iterator[str]:
        count = self.chance.choice((0, 0, 0, 1, 1, 2, 3, 8)) if self.rules is None else self.rules
        if count:
            yield "    rules:"
        conditions = self._conditions()
        self.chance.shuffle(conditions)
        for number, (name, when) in enumerate(conditions[:count]):
            yield from self._rule(number, name, when)

    def _rule(self, number: int, name: str, when: str) -> Iterator[str]:
        yield f"      - name: {name}-{number + 1}"
        yield f"        when: {{{when}}}"
        if self.maybe(0.15):
            yield "        use:"
            yield from self._split("          ", self.models[1:3])
        else:
            yield f"        use: {{model: {self.chance.choice(self.models[:8])}}}"
        if self.maybe(0.2):
            yield f"        fallbacks: [{{model: {self.models[8]}}}, {{model: {self.models[9]}}}]"

    def _conditions(self) -> list[tuple[str, str]]:
        """Return eight conditions by name, each about something else."""
        chance = self.chance
        plan, other = chance.sample(_PLANS, 2)
        return [
            ("long-input", f"input_tokens: {{gt: {chance.choice((8000, 32000, 100000))}}}, has_images: false"),
            ("pictures", "has_images: true"),
            ("plan", f"metadata.plan: [{plan}, {other}]"),
            ("one-customer", f"tenant: customer-{chance.randint(1, 400)}"),
            ("canary", f"user: {{percent: {chance.choice((1, 5, 10))}}}"),
            ("european", "region: {prefix: eu-}, metadata.consent: {exists: true}"),
            ("heavy", f"metadata.seats: {{gte: {chance.randint(10, 500)}}}, profile: [premium, max]"),
            ("streamed", f"stream: true, metadata.plan: {{not: {plan}}}"),
        ]

    def _routes(self) -> Iterator[str]:
        if self.maybe(0.75):
            yield "    profiles:"
            yield f"      economy: {{model: {self.models[2]}}}"
            warmth = self.chance.choice((0, 0.3))
            yield f"      premium: {{model: {self.models[3]}, options: {{temperature: {warmth}}}}}"
            if self.maybe(0.5):
                effort = self.chance.choice(("low", "medium", "high"))
                yield "      max:"
                yield f"        model: {self.chance.choice(THINKING)} # takes no temperature"
                yield f"        options: {{temperature: null, reasoning: {{effort: {effort}}}}}"
                yield f"        fallbacks: [{{model: {self.models[4]}}}]"
        elif self.maybe(0.3):
            yield "    use:"
            yield from self._split("      ", self.models[4:7])
            yield f"      key: {self.chance.choice(('user', 'tenant', 'metadata.conversation'))}"
        else:
            yield f"    use: {{model: {self.models[5]}}}"

    def _split(self, indent: str, models: list[str]) -> Iterator[str]:
        yield f"{indent}split:"
        weights = (90, 10) if len(models) == 2 else (80, 15, 5)
        for name, weight, model in zip("abc", weights, models, strict=False):
            yield f"{indent}  - {{name: {name}, weight: {weight}, model: {model}}}"

    def _fallbacks(self) -> Iterator[str]:
        yield "    fallbacks:"
        yield f"      - {{model: {self.models[10]}}}"
        if self.maybe(0.6):
            yield f"      - {{model: {self.models[11]}, on: [rate_limit, overloaded, timeout]}}"
        if self.maybe(0.4):
            yield f"      - {{model: {self.models[12]}, on: [context_window_exceeded]}}"

    def _bounds(self) -> Iterator[str]:
        if self.deadline_s is not None:
            yield f"    deadline: {self.deadline_s}s"
        if self.maybe(0.3):
            yield f"    budget: {{usd_per_run: {self.chance.choice((0.01, 0.05, 0.2))}, usd_per_day: 20}}"

    def _tools(self) -> Iterator[str]:
        if not self.maybe(0.15):
            return
        yield "    tools:"
        yield "      servers: [clock, notebook]"
        yield '      allow: ["clock.*", notebook.search, "notebook.read_*"]'
        yield f"      max_turns: {self.chance.randint(2, 8)}"
        yield "      timeout: 20s"

    def _prompt(self) -> Iterator[str]:
        if not self.maybe(0.45) and self.output != "choose_folder":
            return
        candidates = self.output == "choose_folder"
        yield "    prompt:"
        yield "      system: |"
        for sentence in self.chance.sample(_SYSTEM, self.chance.randint(2, 4)):
            yield f"        {sentence.format(team=self.team, verb=self.verb, noun=self.noun)}"
        yield "      user: |"
        yield f"        Customer: {{{{ customer }}}} ({self.noun}, {{{{ language }}}})"
        if candidates:
            yield "        Folders:"
            yield "        {{ folders }}"
        yield "        {{ text }}"
        yield "    input:"
        yield "      type: object"
        yield "      required: [customer]"
        yield "      properties:"
        yield "        customer: {type: string, maxLength: 200}"
        yield "        language: {type: string, default: en}"
        yield "        text: {type: string}"
        if candidates:
            yield "        folders: {type: array, items: {type: object}}"


def feature_file(number: int, count: int, seed: int, rules: int | None = None) -> str:
    """Return the text of the file *number*, with *count* features of so many *rules*."""
    chance = random.Random(f"{seed}/{number}")
    team = _TEAMS[number % len(_TEAMS)]
    lines = [f"# The {team} team's features, part {number // len(_TEAMS) + 1}.", "", "features:"]
    for index in range(count):
        name = f"{team}_{chance.choice(_VERBS)}_{chance.choice(_NOUNS)}_{number:03}_{index:02}"
        if chance.random() < 0.3:
            lines.append(f"  # {chance.choice(_REMARKS)}")
        lines += [*_Feature(name, chance, rules).lines(), ""]
    return "\n".join(lines)


def write_big_book(
    directory: Path, features: int = 10_000, files: int = 500, seed: int = 1, rules: int | None = None
) -> None:
    """Write the book into *directory*, which is made where it is missing; None are as many rules as chance has it."""
    for path, text in shared_files().items():
        if path != PROMISES or features >= _MANY:  # they name tags, and a few features do not have them all
            _write(directory / path, text)
    for number in range(files):
        count = features // files + (number < features % files)
        if count:
            team = _TEAMS[number % len(_TEAMS)]
            _write(directory / "features" / team / f"part-{number:03}.yaml", feature_file(number, count, seed, rules))


def _write(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8", newline="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a big book.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--features", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rules", type=int, help="rules a feature  [default: none to 8]")
    asked = parser.parse_args()
    write_big_book(asked.directory, asked.features, asked.files, asked.seed, asked.rules)


if __name__ == "__main__":
    main()
