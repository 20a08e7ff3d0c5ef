"""Small books: seeded books whose rules, fallbacks and definitions often hide, miss or forget one another.

Few fields and few values, so that all that can be asked of them can be tried. They compile, save where two fallbacks
come to the same call by chance.
"""

from __future__ import annotations

import random
from typing import Any

Plain = dict[str, Any]

SHARES = (0, 10, 50, 90, 100)
FLAGS = ("stream", "has_images", "has_tools")
TEXTS: dict[str, tuple[str, ...]] = {
    "user": ("u", "u1", "u12", "v"),
    "tenant": ("acme", "apex"),
    "region": ("eu", "eu-west", ""),
}
WORDS: tuple[Any, ...] = (0, 1, 2, 2.5, 3, True, False, "1", "pro", "p")
COUNTS = (0, 1, 2, 2.5, 3, 100)
PREFIXES = {"user": ("u", "u1", ""), "tenant": ("a", "ap"), "region": ("eu", "eu-", ""), "metadata.m": ("p", "")}
KINDS = ("rate_limit", "timeout", "queue_timeout", "authentication", "permission_denied", "content_filter")


class SmallBook:
    """Makes one book from one seed, as a plain mapping."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(f"small {seed}")
        self.tiers = [f"p{number}" for number in range(self.random.choice((0, 0, 1, 2, 3)))]
        self.providers: Plain = {"openai": {}}

    def one(self, *values: Any) -> Any:
        return self.random.choice(values)

    def some(self, values: Any, most: int = 3) -> list[Any]:
        values = list(values)
        return self.random.sample(values, self.random.randint(1, min(most, len(values))))

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def of_rules(self) -> Plain:
        """Rules that overlap, cover and contradict one another, and what lies behind them."""
        features = {name: self.ruled() for name in ("f", "g")[: self.one(1, 1, 2)]}
        return self.whole({"features": features})

    def of_fallbacks(self) -> Plain:
        """Fallbacks that some failures reach and others do not, and deadlines that leave them time or not."""
        for name in ("groq", "mistral", "local"):
            self.providers[name] = self.bounded()
        self.providers["openai"] = self.bounded()
        self.providers["local"] |= {"api": "openai-chat", "base_url": "http://127.0.0.1/v1", "auth": "none"}
        models: Plain = {"slow": {"provider": "groq"}, "wide": {"provider": "openai", "limits": {"concurrency": 2}}}
        return self.whole({"models": models, "features": {"f": self.falling()}})

    def of_definitions(self) -> Plain:
        """Definitions that a route, an override, a shadow, a rule or a setting leads to, or nothing."""
        self.providers |= {"groq": {}, "mistral": {}}
        names = ("alpha", "bravo", "charlie", "delta")
        models = {name: {"provider": self.one("openai", "groq"), "id": f"id-{name}"} for name in names}
        schema = {"schema": {"type": "object", "properties": {"a": {"type": "string"}}}}
        features = {name: self.leading(list(names)) for name in ("f", "g")[: self.one(1, 2)]}
        book = {"models": models, "outputs": {"one": schema, "two": schema}, "features": features}
        return self.whole({**book, "mcp_servers": {"clock": {"command": "clock"}, "files": {"command": "files"}}})

    def of_decisions(self) -> Plain:
        """Rules, splits and entries at several providers, with and without keys."""
        named = self.some(("groq", "mistral", "xai", "cerebras"), 4)
        self.providers |= {name: {} for name in named}
        self.providers["local"] = {"api": "openai-chat", "base_url": "http://127.0.0.1/v1", "auth": "none"}
        feature = self.ruled()
        if self.chance(0.6):
            feature["fallbacks"] = [{"model": f"{name}/m"} for name in self.some((*named, "local"))]
        if self.chance(0.3):
            feature["credentials"] = self.one("platform", "caller", "prefer_caller")
        if self.chance(0.3) and "pin" not in feature:
            feature["allow_override"] = self.one(True, ["away"], ["home", "away"])
        models = {"away": {"provider": named[0]}, "home": {"provider": "local"}}
        self.providers["together"] = {}
        return self.whole({"models": models, "features": {"f": feature}})

    def whole(self, sections: Plain) -> Plain:
        book: Plain = {"providers": self.providers, **sections}
        if self.tiers:
            book["profiles"] = {name: self.profile(index) for index, name in enumerate(self.tiers)}
            book["settings"] = {"default_profile": self.one(*self.tiers)}
            if self.chance(0.2):
                book["settings"]["byok_profile"] = self.one(*self.tiers)
        return book

    def profile(self, index: int) -> Plain:
        extends = {"extends": self.one(*self.tiers[:index])} if index and self.chance(0.5) else {}
        return {**extends, "credentials": self.one("platform", "caller")} if self.chance(0.15) else extends

    def model(self) -> str:
        return f"{self.one(*self.providers)}/{self.one('a', 'b', 'c')}"

    def target(self) -> Plain:
        """A target, or a split of two."""
        if self.chance(0.75):
            return {"model": self.model()}
        arms = [{"name": name, "weight": weight, "model": self.model()} for name, weight in (("a", 1), ("b", 3))]
        arms[1]["weight"] = self.one(0, 1, 3)
        split: Plain = {"split": arms}
        return {**split, "key": self.one("user", "tenant", "metadata.m")} if self.chance(0.5) else split

    def ruled(self) -> Plain:
        """A feature with rules that look at a few fields only."""
        fields = self.some((*TEXTS, *FLAGS, "input_tokens", "metadata.m", "profile"))
        rules = [self.rule(f"r{number}", fields) for number in range(self.one(1, 2, 3, 4, 5))]
        feature: Plain = {"rules": rules}
        if self.tiers and self.chance(0.6):
            feature["profiles"] = {tier: self.target() for tier in self.some(self.tiers)}
        feature["use"] = self.target()
        if self.chance(0.05):
            return {**feature, "pin": {"model": self.model()}}
        return feature

    def rule(self, name: str, fields: list[str]) -> Plain:
        looked_at = self.some(fields, self.one(1, 1, 2, 3)) if self.chance(0.96) else []
        return {"name": name, "when": {field: self.matcher(field) for field in looked_at}, "use": self.target()}

    def matcher(self, field: str) -> Any:
        if field == "profile":
            tiers = self.tiers or ["default"]
            forms = (self.one(*tiers), self.some(tiers), {"not": self.some(tiers)}, {"exists": self.chance(0.7)})
            return self.one(*forms, *forms, {"percent": self.one(*SHARES)})
        if field in FLAGS:
            truth = self.chance(0.5)
            return self.one(truth, truth, [truth], [True, False], {"not": truth}, {"exists": self.chance(0.8)})
        values = COUNTS if field == "input_tokens" else WORDS if field == "metadata.m" else TEXTS[field]
        form = self.random.random()
        if form < 0.2:
            return self.one(*values)
        return self.some(values) if form < 0.3 else self.operators(field, values)

    def operators(self, field: str, values: tuple[Any, ...]) -> Plain:
        made: Plain = {"exists": self.chance(0.6), "in": self.some(values, 4)}
        made["not"] = self.one(self.one(*values), self.some(values))
        if field in ("input_tokens", "metadata.m"):
            made |= {name: self.one(*COUNTS) for name in ("gt", "gte", "lt", "lte")}
        if field in PREFIXES:
            made |= {"prefix": self.one(*PREFIXES[field]), "percent": self.one(*SHARES)}
        return {name: made[name] for name in self.some(made, self.one(1, 2))}

    def bounded(self) -> Plain:
        """A provider with limits or without, and how long it may take."""
        provider: Plain = {}
        if self.chance(0.4):
            provider["limits"] = self.one({"concurrency": 2}, {"requests_per_minute": 9}, {"queue_timeout": "1s"})
        if self.chance(0.7):
            provider["timeout"] = self.one("5s", "20s", {"total": "10s"}, {"idle": "1s"})
        if self.chance(0.7):
            provider["retry"] = self.one({"attempts": 1}, {"attempts": 2, "backoff": "2s"}, {"max_backoff": "700ms"})
        return provider

    def falling(self) -> Plain:
        """A feature with fallbacks, of its own and beside its rules and entries.

        Where there is a deadline the fallbacks answer what they usually do: of each, one thing is wrong at most.
        """
        usual = self.chance(0.5)
        feature: Plain = {"use": self.target(), "fallbacks": self.fallbacks(usual)}
        if usual:
            feature["deadline"] = self.one("9s", "10s", "20s", "45s", "2m", "60m")
            feature |= (
                {"options": {"timeout": self.one("3s", {"total": "10s"}, {"idle": "1s"})}} if self.chance(0.3) else {}
            )
        if self.chance(0.5):
            when = self.one({"user": "u"}, {"stream": {"exists": False}})
            feature["rules"] = [{"name": "r", "when": when, "use": self.target(), **self.own(usual)}]
        if self.tiers and self.chance(0.5):
            feature["profiles"] = {tier: {**self.target(), **self.own(usual)} for tier in self.some(self.tiers)}
        if self.chance(0.5):
            feature["credentials"] = self.one("platform", "caller", "caller", "prefer_caller")
        return feature

    def own(self, usual: bool) -> Plain:
        return {"fallbacks": self.fallbacks(usual)} if self.chance(0.5) else {}

    def fallbacks(self, usual: bool) -> list[Plain]:
        models = self.some((*(f"{name}/m" for name in self.providers), "slow", "wide", "openai/a"), 4)
        made: list[Plain] = [{"model": model} for model in models]
        for fallback in made:
            if not usual and self.chance(0.8):
                fallback["on"] = self.some(KINDS, 2)
            if usual and self.chance(0.3):
                fallback["options"] = {"timeout": self.one("1s", {"total": "40s"})}
        return made

    def leading(self, models: list[str]) -> Plain:
        """A feature that leads to some of *models*, in one way or another."""

        def target() -> Plain:
            return {"model": self.one(*models)}

        fields = self.some((*FLAGS, "profile", "user"), 2)
        rules = [{**self.rule(f"r{number}", fields), "use": target()} for number in range(self.one(0, 1, 2))]
        feature: Plain = {"rules": rules, "use": self.one({"model": "openai/x"}, target())}
        extras: Plain = {
            "fallbacks": [target()],
            "shadow": {**target(), **self.one({}, {"percent": 5}, {"percent": 0})},
            "allow_override": self.one(True, [self.one(*models)]),
            "output": self.one("one", "two"),
            "tools": {"servers": [self.one("clock", "files")]},
        }
        feature |= {name: extra for name, extra in extras.items() if self.chance(0.25)}
        if self.tiers and self.chance(0.5):
            feature["profiles"] = {tier: target() for tier in self.some(self.tiers)}
        return feature
