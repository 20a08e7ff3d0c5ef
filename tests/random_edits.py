"""Random edits: a random book in a directory of a few files, edited one file at a time. Most edits leave it good."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from random_books import RandomBook
from random_invariants import RandomInvariants
from small_books import SmallBook

Plain = dict[str, Any]

NAMES = ("routes.json", "base.json", "more.json", "a/one.json", "a/two.json")
SCHEMA = "_schemas/answer.json"
LIMITS = ({"concurrency": 2}, {"concurrency": 3, "queue_timeout": "90s"}, {"requests_per_minute": 9}, {})
CAPABILITIES = (["tools", "json_schema", "streaming"], ["tools", "json_schema", "reasoning", "image_input"], ["tools"])
KEPT: tuple[Plain, ...] = (
    {"require": {"bounds.seconds": {"lte": 80000}}},
    {"require": {"bounds.calls": {"lte": 200}}},
    {"where": {"credential": "caller"}, "require": {"credential": ["caller", "none"]}},
    {"where": {"route": "use"}, "require": {"model": {"exists": True}}},
)
BROKEN: tuple[Plain, ...] = (
    {"require": {"bounds.seconds": {"lte": 8000}}},
    {"require": {"bounds.calls": {"lte": 9}}},
    {"require": {"bounds.usd": {"lte": 5}}},
    {"require": {"options.seed": {"exists": False}}},
)
OF_PROVIDERS: dict[str, tuple[Any, ...]] = {
    "limits": LIMITS,
    "retry": ({"attempts": 1}, {"attempts": 5, "backoff": "2s"}),
    "timeout": ("5s", {"total": "10s"}, "600s"),
    "extra_body": ({"flag": 2}, {}),
}
OF_MODELS: dict[str, tuple[Any, ...]] = {
    "limits": LIMITS,
    "price": ({"input": 1, "output": 9}, {"input": 2, "output": 1}),
    "max_output_tokens": (20, 5000),
    "context_window": (15, 80000),
    "capabilities": CAPABILITIES,
    "options": ({"seed": 1}, {"temperature": 0.5, "max_output_tokens": 10}, {"seed": 2, "timeout": "9s"}, {}),
    "excludes": ([["temperature", "seed"]], [["tools", "json_schema"]]),
    "rejects": (["top_k"], ["seed"]),
}
OF_FEATURES: dict[str, tuple[Any, ...]] = {
    "deadline": ("5s", "60s", "1h"),
    "credentials": ("platform", "caller", "prefer_caller"),
    "tags": (["t"], ["t", "u"]),
    "options": ({"temperature": 0}, {"seed": 3, "timeout": "20s"}),
    "output": ("answer", "one"),
}
OF_PROFILES: dict[str, tuple[Any, ...]] = {
    "credentials": ("platform", "caller", "prefer_caller"),
    "description": ("a tier", "another"),
}
SHAPES = ({"a": {"type": "string"}}, {"a": {"type": "integer"}}, {"a": {"type": "string"}, "b": {}})


class EditedBook:
    """The book of one seed in the directory *root*; each call of `edit` edits one file of it, and says how."""

    def __init__(self, seed: int, root: Path) -> None:
        self.random = random.Random(f"edits {seed}")
        self.root = root
        self.files: dict[str, Plain] = {}
        self.broken: dict[str, str] = {}
        self.gone: set[str] = set()
        self._before: dict[str, Plain] = {}
        self._content = self._schema()
        for section, entries in self._first(seed).items():
            for name, entry in entries.items():
                self._file(self.random.choice(NAMES), section)[name] = entry
        self._write()

    def edit(self) -> str:
        """Edit one file, undo the last edit, or mend or put back a file that could not be read."""
        if (self.broken or self.gone) and self.random.random() < 0.7:
            self.broken.clear()
            self.gone.clear()
            edit = "mend"
        elif self._before and self.random.random() < 0.2:
            self.files, self._before = self._before, {}
            edit = "undo"
        else:
            self._before = copy.deepcopy(self.files)
            way = self.random.choice(self._ways())
            edit = f"{way.__name__.lstrip('_')} {way() or ''}"
        self._write()
        return edit

    def _ways(self) -> list[Callable[[], str | None]]:
        """Return the ways to edit that there is something for, those that are to be taken often more than once."""
        of_sections: dict[str, list[Callable[[], str | None]]] = {
            "models": [self._model, self._model, self._twin],
            "outputs": [self._output, self._schema_file],
            "profiles": [self._profile, self._setting],
            "features": [self._provider, self._provider, self._feature, self._rules, self._swap, self._turn_round],
        }
        often = [way for section, ways in of_sections.items() if self._entries(section) for way in ways]
        often += [self._invariant] * 3
        return [*often * 3, self._remove, self._remove, self._break, self._delete, self._misspell]

    def _first(self, seed: int) -> Plain:
        small = SmallBook(seed)
        make = self.random.choice(
            (RandomBook(seed).book, small.of_rules, small.of_fallbacks, small.of_definitions, small.of_decisions)
        )
        book: Plain = copy.deepcopy(make())
        book.pop("invariants", None)
        for number in range(self.random.choice((0, 1, 1, 2))):
            book.setdefault("invariants", {})[f"i{number}"] = copy.deepcopy(self.random.choice(KEPT))
        schema = self.random.choice(({"file": SCHEMA}, {"type": "object", "properties": SHAPES[0]}))
        if "outputs" in book:
            book["outputs"][self.random.choice(list(book["outputs"]))]["schema"] = schema
        return book

    def _file(self, name: str, section: str) -> Plain:
        entries: Plain = self.files.setdefault(name, {}).setdefault(section, {})
        return entries

    def _entries(self, section: str) -> list[tuple[str, str]]:
        return [(file, name) for file, sections in self.files.items() for name in sections.get(section, ())]

    def _one(self, section: str) -> tuple[Plain, str]:
        """Return a definition of *section*, as the mapping it stands in and its name."""
        entries = self._entries(section)
        file, name = self.random.choice(entries)
        return self.files[file][section], name

    def _set_one(self, section: str, values: dict[str, tuple[Any, ...]]) -> str:
        entries, name = self._one(section)
        key = self.random.choice(list(values))
        if key in entries[name] and self.random.random() < 0.4:
            del entries[name][key]
        else:
            entries[name][key] = copy.deepcopy(self.random.choice(values[key]))
        return f"{name} {key} {entries[name].get(key)}"

    def _provider(self) -> str:
        return self._set_one("providers", OF_PROVIDERS)

    def _model(self) -> str:
        return self._set_one("models", OF_MODELS)

    def _profile(self) -> str:
        return self._set_one("profiles", OF_PROFILES)

    def _feature(self) -> str:
        return self._set_one("features", OF_FEATURES)

    def _twin(self) -> str:
        """Give a model another name, under which it may have other limits and options."""
        entries, name = self._one("models")
        twin = {"id": name, **copy.deepcopy(entries[name]), "limits": copy.deepcopy(self.random.choice(LIMITS))}
        if not any(other == f"{name}-two" for _, other in self._entries("models")):
            self._file(self.random.choice(NAMES), "models")[f"{name}-two"] = twin
        return name

    def _output(self) -> str:
        entries, name = self._one("outputs")
        entries[name]["repair"] = {"attempts": self.random.choice((0, 1, 3))}
        return name

    def _invariant(self) -> str:
        """Add an invariant, remove one, or have one say something else."""
        there, way = self._entries("invariants"), self.random.random()
        entries, name = self._one("invariants") if there else ({}, "")
        if there and way < 0.35:
            return f"{name} {entries.pop(name)}"
        if not there or way < 0.5:
            name, entries = f"i{self.random.randrange(9)}", self._file(self.random.choice(NAMES), "invariants")
            if any(name == other for _, other in there):
                return name
        made: Plain = copy.deepcopy(self.random.choice((*KEPT, *BROKEN)))
        if self.random.random() < 0.3:
            whole = {section: dict(self._all(section)) for section in ("features", "profiles")}
            made = next(iter(RandomInvariants(self.random.randrange(10**6), whole).invariants().values()))
        entries[name] = made
        return f"{name} {made}"

    def _all(self, section: str) -> list[tuple[str, Any]]:
        return [(name, self.files[file][section][name]) for file, name in self._entries(section)]

    def _setting(self) -> str:
        tiers = [name for _, name in self._entries("profiles")]
        key = self.random.choice(("default_profile", "byok_profile"))
        files = [file for file, name in self._entries("settings") if name == key]
        value = self._file(files[0] if files else self.random.choice(NAMES), "settings")[key] = self.random.choice(
            tiers
        )
        return f"{key} {value}"

    def _rules(self) -> str:
        """Have the rules of a feature stand in another order, or one of them ask for something else."""
        entries, name = self._one("features")
        rules = entries[name].get("rules", [])
        self.random.shuffle(rules)
        if rules and self.random.random() < 0.5:
            rules[0]["when"] = {"user": self.random.choice(("u1", {"prefix": "u"}, {"percent": 50}))}
        return name

    def _swap(self) -> str:
        """Have a feature say something that it says in another book."""
        entries, name = self._one("features")
        others: Plain = RandomBook(self.random.randrange(10**6)).book()["features"]
        key = self.random.choice(("rules", "fallbacks", "shadow", "allow_override", "budget", "description"))
        other = next((other[key] for other in others.values() if key in other), None)
        if other is None:
            entries[name].pop(key, None)
        else:
            entries[name][key] = other
        return f"{name} {key}"

    def _schema_file(self) -> None:
        self._content = self._schema()

    def _schema(self) -> str:
        return json.dumps({"type": "object", "properties": self.random.choice(SHAPES)})

    def _turn_round(self) -> str:
        """Have what stands in a file stand there the other way round, so that all lines are others."""
        name = self.random.choice(list(self.files))
        self.files[name] = {
            section: dict(reversed(entries.items())) for section, entries in reversed(self.files[name].items())
        }
        return name

    def _remove(self) -> str:
        """Remove what little may need."""
        section = self.random.choice(("models", "features", "outputs", "profiles"))
        if len(self._entries(section)) < 2:
            return ""
        entries, name = self._one(section)
        del entries[name]
        return f"{section} {name}"

    def _break(self) -> str:
        """Have a file be no JSON, or one definition in it be of no shape."""
        name = self.random.choice(list(self.files))
        sections = copy.deepcopy(self.files[name])
        entries = sections[
            self.random.choice([section for section in sections if section != "settings"] or ["settings"])
        ]
        for entry in self.random.sample(list(entries), min(1, len(entries))):
            entries[entry] = {"no": "shape"}
        self.broken[name] = self.random.choice(("{", json.dumps(sections, indent=1), json.dumps(sections, indent=1)))
        return name

    def _delete(self) -> str:
        self.gone.add(name := self.random.choice(list(self.files)))
        return name

    def _misspell(self) -> str:
        entries, name = self._one("features")
        entries[name]["use"] = {"model": self.random.choice(("nobody", "openai/m", "acme/m-1"))}
        return name

    def _write(self) -> None:
        texts = {name: json.dumps(sections, indent=1) for name, sections in self.files.items()} | self.broken
        texts[SCHEMA] = self._content
        for name in self.gone:
            texts.pop(name, None)
            (self.root / name).unlink(missing_ok=True)
        for name, text in texts.items():
            path = self.root / name
            path.parent.mkdir(exist_ok=True)
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")
