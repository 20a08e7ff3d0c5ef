"""Random books: seeded books that use the whole language, and requests for them.

The vocabulary is small on purpose, so that names, targets and options meet. Most books compile; some do not by chance,
for example where two fallbacks come to the same call on every route.
"""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass
from typing import Any

from routebook import Context, Facts

Plain = dict[str, Any]

ENVIRONMENT = {"HALF": "0.5", "THREE": "3", "WORD": "pro", "TIER": "p0", "FIFTY": "50", "BIG": "100"}
MODELS = ("alpha", "bravo", "charlie", "delta", "echo", "vectors")
PROVIDERS = ("acme", "beta", "local", "stage")
FEATURES = ("ask", "sort", "tell", "sum", "index")
KINDS = ("rate_limit", "timeout", "server_error", "context_window_exceeded", "content_filter")
VALUES: dict[str, tuple[Any, ...]] = {
    "user": ("u1", "u2", "u3", "v4", "v5"),
    "tenant": ("acme", "apex", "beta"),
    "region": ("eu-west", "eu-north", "us-east"),
    "metadata.plan": ("pro", "free", "1", 1, 1.0, True, 2.5),
    "metadata.a.b": (0, False, "0", -3, 7),
}
NUMBERS = (0, 1, 99, 100, 101, 2.5, 5000)


@dataclass(frozen=True)
class Request:
    """What is asked of a book."""

    feature: str
    context: Context
    facts: Facts
    run_id: str | None


class RandomBook:
    """Makes one book from one seed, as a plain mapping."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.tiers = [f"p{number}" for number in range(self.random.randint(0, 4))]

    def book(self) -> Plain:
        names = self.random.sample(FEATURES, self.random.randint(1, 5))
        book: Plain = {
            "providers": self.providers(),
            "models": {name: self.model(name) for name in MODELS},
            "mcp_servers": {"clock": {"command": "clock"}},
            "outputs": {"answer": {"schema": {"type": "object", "properties": {"a": {"type": "string"}}}}},
            "features": {name: self.feature(name) for name in names},
            "settings": self.settings(names),
        }
        if self.tiers:
            book["profiles"] = {name: self.profile(index) for index, name in enumerate(self.tiers)}
        if self.chance(0.2):
            book["invariants"] = {"known": {"require": {"model": {"exists": True}}}}
        return {section: value for section, value in book.items() if value}

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def one(self, *values: Any) -> Any:
        return copy.deepcopy(self.random.choice(values))

    def some(self, values: Any, most: int = 3) -> list[Any]:
        values = list(values)
        return self.random.sample(values, self.random.randint(1, min(most, len(values))))

    def perhaps(self, entry: Plain, key: str, share: float, value: Any) -> None:
        if self.chance(share):
            entry[key] = value() if callable(value) else value

    def or_variable(self, value: Any, variable: str | None = None) -> Any:
        """Return *value*, or a reference to the environment that stands for it, or for another."""
        if self.chance(0.92):
            return value
        return {"env": "NOT_SET", "default": value} if variable is None or self.chance(0.5) else {"env": variable}

    def providers(self) -> Plain:
        acme = {"api": "openai-chat", "base_url": "https://acme.example.com/v1", "api_key": {"env": "ACME_KEY"}}
        beta: Plain = {"preset": "xai"}
        local = {"api": "openai-chat", "base_url": "http://127.0.0.1:8000/v1", "auth": "none"}
        stage = {"api": "scripted", "script": [{"reply": {"text": "hello"}}]}
        for provider in (acme, beta, local):
            self.perhaps(provider, "extra_body", 0.2, self.body)
            self.perhaps(provider, "headers", 0.2, lambda: self.one({"X-Title": "t"}, {"X-Team": "a", "x-title": "u"}))
            self.perhaps(provider, "retry", 0.1, {"attempts": 2})
        return {"acme": acme, "beta": beta, "local": local, "stage": stage}

    def model(self, name: str) -> Plain:
        if name == "vectors":
            return {"provider": "acme", "id": "v-1", "capabilities": ["embeddings"]}
        model: Plain = {"provider": self.one("acme", "acme", "beta", "beta", "local", "stage")}
        self.perhaps(model, "id", 0.6, lambda: self.one("m-1", "m-2", "m-3", "m-4", "org/m"))
        self.perhaps(model, "capabilities", 0.6, lambda: ["tools", *self.one([], ["json_schema"], ["streaming"])])
        self.perhaps(model, "rejects", 0.12, lambda: self.some(("seed", "temperature", "reasoning", "stop"), 1))
        self.perhaps(model, "options", 0.25, self.options)
        self.perhaps(model, "price", 0.3, {"input": 1, "output": self.one(2.5, 4)})
        self.perhaps(model, "limits", 0.1, {"concurrency": 4})
        self.perhaps(model, "context_window", 0.1, 1000)
        return model

    def profile(self, index: int) -> Plain:
        profile: Plain = {}
        if index:
            self.perhaps(profile, "extends", 0.6, self.random.choice(self.tiers[:index]))
        self.perhaps(profile, "credentials", 0.25, lambda: self.one("platform", "caller", "prefer_caller"))
        self.perhaps(profile, "description", 0.2, "a tier")
        return profile

    def settings(self, features: list[str]) -> Plain:
        settings: Plain = {}
        if self.tiers:
            settings["default_profile"] = self.or_variable(self.random.choice(self.tiers), "TIER")
            self.perhaps(settings, "byok_profile", 0.4, self.random.choice(self.tiers))
        self.perhaps(settings, "default_feature", 0.3, self.random.choice(features))
        self.perhaps(settings, "drain", 0.1, "5s")
        return settings

    def body(self) -> Plain:
        return self.one(
            {"flag": 1}, {"flag": True}, {"deep": {"a": 1}}, {"deep": {"a": None, "b": [1]}}, {"deep": {}}, {}
        )

    def options(self, nulls: float = 0.0) -> Plain:
        made: Plain = {
            "temperature": self.or_variable(self.one(0, 0.5, 1), "HALF"),
            "max_output_tokens": self.one(10, 20),
            "seed": self.one(1, 2),
            "stop": self.one("###", ["###"], ["a", "b"]),
            "reasoning": self.one({"effort": "low"}, {"effort": "high"}, {"effort": None}, {}),
            "extra_body": self.body(),
            "extra_headers": self.one({"X-Title": "o"}, {"x-title": None}, {"X-Other": "o"}),
            "timeout": self.one("30s", {"total": "30s"}, {"idle": "500ms"}, {"total": None, "connect": "1s"}),
            "service_tier": self.one("flex", "priority"),
            "prompt_cache": self.one({"key": "k"}, {"key": None}),
        }
        if self.chance(0.02):
            made["top_k"] = 5
        return {name: None if self.chance(nulls) else made[name] for name in self.some(made, 2)}

    def target(self) -> Plain:
        target: Plain = {
            "model": self.or_variable(self.one(*MODELS[:5], *MODELS[:5], "acme/m-1", "beta/m-2", "local/x"))
        }
        self.perhaps(target, "options", 0.35, lambda: self.options(0.15))
        return target

    def fallbacks(self) -> list[Plain]:
        """Two of one model seldom differ in what they come to; one that never does is an error of the book."""
        made = [{**self.target(), "model": name} for name in self.some(MODELS[:5], 2)]
        for fallback in made:
            if self.chance(0.6):
                fallback.setdefault("options", {})["presence_penalty"] = self.one(0.5, 0.25)
            self.perhaps(fallback, "on", 0.3, lambda: self.some(KINDS))
        return made

    def use(self) -> Plain:
        if self.chance(0.7):
            return self.target()
        arms = [{"name": name, "weight": self.weight(), **self.target()} for name in self.some("abc")]
        if not any(isinstance(arm["weight"], dict) or arm["weight"] for arm in arms):
            arms[0]["weight"] = 1
        split: Plain = {"split": arms}
        self.perhaps(split, "key", 0.5, lambda: self.one("user", "tenant", "region", "metadata.plan", "metadata.a.b"))
        return split

    def weight(self) -> Any:
        return self.or_variable(self.one(0, 1, 1, 2, 0.5, 90), "THREE")

    def entry(self) -> Plain:
        entry = self.use()
        self.perhaps(entry, "fallbacks", 0.3, self.fallbacks)
        return entry

    def rule(self, name: str) -> Plain:
        rule: Plain = {"name": name, "when": self.when(), "use": self.use()}
        self.perhaps(rule, "fallbacks", 0.2, self.fallbacks)
        return rule

    def when(self) -> Plain:
        fields = (*VALUES, "stream", "has_images", "has_tools", "input_tokens", "profile")
        chosen = [] if self.chance(0.05) else self.some(fields, 2)
        return {field: self.matcher(field) for field in chosen}

    def matcher(self, field: str) -> Any:
        if field in ("stream", "has_images", "has_tools"):
            truth = self.chance(0.5)
            return self.one(truth, truth, [truth], {"not": truth}, {"exists": True})
        if field == "profile":
            return self.of_profile()
        if field in ("user", "tenant", "metadata.plan") and self.chance(0.25):
            return {"percent": self.percent()}
        values = NUMBERS if field == "input_tokens" else VALUES[field]
        if self.chance(0.4):
            one = self.one(*values)
            return self.or_variable(one, "WORD" if field in ("metadata.plan", "user") else None)
        if self.chance(0.3):
            return self.some(values)
        return self.operators(field, values)

    def of_profile(self) -> Any:
        tiers = self.tiers or ["default"]
        return self.one(
            self.one(*tiers), self.some(tiers), {"not": self.one(*tiers)}, {"prefix": "p"}, {"in": tiers[:1]}
        )

    def operators(self, field: str, values: tuple[Any, ...]) -> Plain:
        numbers = {name: self.one(*NUMBERS) for name in ("gt", "gte", "lt", "lte")}
        text = {
            "prefix": self.one("u", "e", "eu-", "p", ""),
            "percent": self.percent(),
        }
        made: Plain = {"exists": self.chance(0.5), "in": self.some(values)}
        made["not"] = self.one(self.one(*values), self.some(values))
        if field == "input_tokens" or field.startswith("metadata"):
            made |= numbers
        if field != "input_tokens":
            made |= text
        return {name: made[name] for name in self.some(made, 2)}

    def percent(self) -> Any:
        return self.or_variable(self.one(0, 10, 50, 90, 100), "FIFTY")

    def feature(self, name: str) -> Plain:
        if name == "index":
            return {"needs": ["embeddings"], "use": {"model": "vectors", "options": {"dimensions": 8}}}
        feature: Plain = {}
        self.perhaps(feature, "description", 0.3, "what it is for")
        self.perhaps(feature, "tags", 0.2, ["t"])
        self.perhaps(feature, "options", 0.3, self.options)
        self.perhaps(feature, "caller_options", 0.4, self.caller_options)
        self.perhaps(feature, "deadline", 0.1, "20s")
        self.perhaps(feature, "budget", 0.1, {"usd_per_run": 0.05})
        self.perhaps(feature, "output", 0.15, "answer")
        self.perhaps(feature, "tools", 0.15, {"servers": ["clock"]})
        self.perhaps(feature, "prompt", 0.15, {"system": "be kind", "user": "say: {{ text }}"})
        self.perhaps(feature, "credentials", 0.25, lambda: self.one("platform", "caller", "prefer_caller"))
        self.perhaps(feature, "fallbacks", 0.5, self.fallbacks)
        self.perhaps(feature, "shadow", 0.3, self.shadow)
        if self.chance(0.1):
            return {**feature, "pin": self.target()}
        self.perhaps(feature, "allow_override", 0.4, lambda: self.one(True, True, False, self.some(MODELS[:5])))
        self.perhaps(feature, "rules", 0.6, self.rules)
        self.perhaps(feature, "profiles", 0.6 if self.tiers else 0.0, self.entries)
        if not feature.get("profiles") or self.chance(0.8):
            feature["use"] = self.use()
        return feature

    def rules(self) -> list[Plain]:
        return [self.rule(name) for name in self.some(("r1", "r2", "long-input"))]

    def entries(self) -> Plain:
        return {tier: self.entry() for tier in self.some(self.tiers, 4)}

    def shadow(self) -> Plain:
        shadow = self.target()
        self.perhaps(shadow, "percent", 0.7, lambda: self.or_variable(self.one(0, 5, 50, 100), "FIFTY"))
        return shadow

    def caller_options(self) -> Any:
        return self.one("any", "none", self.some(("temperature", "extra_body", "extra_headers", "seed", "reasoning")))


def random_book(seed: int) -> Plain:
    """Return the book of *seed*; it may be one that does not compile."""
    return RandomBook(seed).book()


def random_requests(seed: int, book: Plain, count: int) -> list[Request]:
    """Return *count* requests of *book*, most of which have a decision."""
    source = random.Random(f"requests {seed}")
    return [_request(source, book) for _ in range(count)]


def _request(source: random.Random, book: Plain) -> Request:
    feature = "nowhere" if source.random() < 0.05 else source.choice(list(book["features"]))
    profiles = [*book.get("profiles", {"default": {}}), "p9"]
    profile = None if source.random() < 0.4 else source.choice(profiles[:-1] * 5 + profiles)
    metadata = {
        name.removeprefix("metadata."): value
        for name in ("metadata.plan", "metadata.a.b")
        if (value := source.choice((None, *VALUES[name]))) is not None
    }
    keys = source.sample((*PROVIDERS, "elsewhere"), source.choice((0, 0, 0, 1, 2, 3)))
    context = Context(
        profile=profile,
        metadata=metadata,
        credentials=dict.fromkeys(keys, "a-key"),
        key=source.choice((None, None, *(f"k{number}" for number in range(8)))),
        **{name: source.choice((None, *VALUES[name])) for name in ("user", "tenant", "region")},
    )
    return Request(feature, context, _facts(source), source.choice((None, "run-1", "run-2")))


def _facts(source: random.Random) -> Facts:
    made = RandomBook(source.randrange(10**6))
    flags = {name: source.random() < 0.5 for name in ("has_images", "has_tools", "stream")}
    options: Plain = {}
    if source.random() < 0.2:
        wild = {"parallel_tool_calls": True, "top_k": 3, "reasoning": {"budget_tokens": 5}, "bogus": 1, "logprobs": 2}
        name = source.choice(list(wild))
        options = {name: wild[name]} if source.random() < 0.2 else asked_options(made)
    model = source.choice((*MODELS, "acme/m-1", "nobody")) if source.random() < 0.15 else None
    return Facts(input_tokens=source.choice((0, 1, 2, 3, 99, 100, 101, 5000)), model=model, options=options, **flags)


def asked_options(made: RandomBook) -> Plain:
    """Return a caller's options, in the form that they are in once they are checked."""
    options = {name: value for name, value in made.options(0.1).items() if name not in ("timeout", "stop")}
    return {name: value for name, value in options.items() if not (isinstance(value, dict) and "env" in value)}
