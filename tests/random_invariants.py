"""Random invariants: seeded promises about a random book, most of which some of its decisions break."""

from __future__ import annotations

import random
from typing import Any

from random_books import MODELS, PROVIDERS

Plain = dict[str, Any]

CAPABILITIES = ("tools", "json_schema", "streaming", "embeddings")
CREDENTIALS = ("platform", "caller", "none")
OPTIONS: dict[str, tuple[Any, ...]] = {
    "temperature": (0, 0.5, 1),
    "seed": (1, 2),
    "max_output_tokens": (10, 20),
    "reasoning.effort": ("low", "high"),
    "service_tier": ("flex", "priority"),
    "reasoning": ("low",),
    "extra_body": ("flag",),
    "presence_penalty": (0.25, 0.5),
}
BOUNDS: dict[str, tuple[float, ...]] = {
    "bounds.calls": (1, 2, 3, 6, 9, 27),
    "bounds.providers": (1, 2, 3),
    "bounds.seconds": (30, 1800, 2000, 20000),
    "bounds.usd": (0, 0.01, 1, 100),
}


class RandomInvariants:
    """Makes the invariants of *book*."""

    def __init__(self, seed: int, book: Plain) -> None:
        self.random = random.Random(f"invariants {seed}")
        features = book["features"]
        self.features = list(features)
        self.profiles = list(book.get("profiles") or {"default": {}})
        self.tags = ["t"] if any("tags" in feature for feature in features.values()) else []
        rules = sorted({f"rule:{rule['name']}" for feature in features.values() for rule in feature.get("rules", ())})
        entries = sorted({f"profile:{name}" for feature in features.values() for name in feature.get("profiles", ())})
        self.routes = ["pin", "override", "use", *rules, *entries]

    def invariants(self) -> Plain:
        return {f"i{number}": self.invariant() for number in range(self.random.randint(3, 9))}

    def invariant(self) -> Plain:
        made: Plain = {"require": self.require()}
        where = self.where()
        if where or self.random.random() < 0.1:
            made["where"] = where
        return made

    def where(self) -> Plain:
        fields = {
            "feature": self.texts(self.features, "i"),
            "profile": self.texts(self.profiles, "p"),
            "route": self.texts(self.routes, self.random.choice(("rule:", "profile:", "u"))),
            "credential": self.texts(CREDENTIALS, "pl"),
        }
        if self.tags:
            fields["tags"] = self.texts(self.tags, "t")
        return {name: fields[name] for name in self.some(fields, 0, 2)}

    def require(self) -> Plain:
        fields = {
            "provider": self.texts(PROVIDERS, "a"),
            "api": self.texts(("openai-chat", "scripted"), "open"),
            "model": self.texts(MODELS, "b"),
            "credential": self.texts(CREDENTIALS, "c"),
            "capabilities": self.texts(CAPABILITIES, "s"),
            "price.input": self.numbers((1, 2)),
            "price.output": self.numbers((2.5, 4)),
            "price.cached_input": self.numbers((1,)),
            **{name: self.numbers(values) for name, values in BOUNDS.items()},
        }
        option = self.random.choice(list(OPTIONS))
        fields[f"options.{option}"] = self.of_option(OPTIONS[option])
        return {name: fields[name] for name in self.some(fields, 1, 2)}

    def some(self, values: Any, least: int, most: int) -> list[Any]:
        return self.random.sample(list(values), self.random.randint(least, most))

    def texts(self, values: Any, start: str) -> Any:
        one, several = self.random.choice(list(values)), self.some(values, 1, min(3, len(values)))
        ruled_out = [{"not": one}] * 3  # few targets break these, so that each of them counts
        forms: list[Any] = [one, several, {"in": several}, *ruled_out, {"not": several}, {"prefix": start}]
        return self.random.choice([*forms, {"exists": self.random.random() < 0.8}])

    def numbers(self, values: Any) -> Any:
        one = self.random.choice(list(values))
        operators = [{name: one} for name in ("lt", "lte", "lte", "gt", "gte", "gte", "not")]
        return self.random.choice([one, [one], *operators, {"exists": self.random.random() < 0.8}])

    def of_option(self, values: tuple[Any, ...]) -> Any:
        if isinstance(values[0], str):
            return self.texts(values, "l")
        return self.random.choice([self.numbers(values), list(values), {"not": list(values)}, {"exists": False}])


def random_invariants(seed: int, book: Plain) -> Plain:
    """Return the section `invariants` of *seed* for *book*."""
    return RandomInvariants(seed, book).invariants()
