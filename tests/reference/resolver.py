"""Resolver: a book as written, a feature's name, a context and facts → a decision as a plain dict, or its error.

Tiny, slow, and written from the design alone: it compiles nothing, remembers nothing, and shares no code with the real
one. The book is one that compiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from routebook import Context, Facts

from .matching import field_value, fraction, holds, sticky_value
from .plain import merge, plain, typed

DEFAULT_ON = [
    "rate_limit",
    "quota_exceeded",
    "overloaded",
    "timeout",
    "connection",
    "server_error",
    "malformed_response",
]
PARTS = ("reasoning", "prompt_cache")
NAMES = {
    *("temperature", "top_p", "top_k", "n", "max_output_tokens", "stop", "seed", "presence_penalty"),
    *("frequency_penalty", "reasoning", "tool_choice", "parallel_tool_calls", "prompt_cache", "service_tier"),
    *("logprobs", "dimensions", "size", "quality", "extra_body", "extra_headers", "timeout"),
}
LACKS = {
    "chat": {"top_k", "reasoning.budget_tokens", "dimensions", "size", "quality"},
    "embeddings": {path for path in NAMES if path not in ("dimensions", "extra_body", "extra_headers", "timeout")}
    | {"reasoning.effort", "reasoning.budget_tokens", "prompt_cache.key", "prompt_cache.retention"},
}
"""Options that `openai-chat` has no place for, by the kind of call; `scripted` has one for every option."""

Plain = dict[str, Any]


class Refusal(Exception):
    """The request has no decision: *what* is the kind of a ResolveError, or `request:FIELD`."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Reference:
    """A book, ready to be asked."""

    def __init__(self, book: Plain, environment: Mapping[str, str]) -> None:
        self.book = plain(book, environment)
        self.features: Plain = self.book["features"]
        self.settings: Plain = self.book.get("settings", {})
        self.profiles: Plain = self.book.get("profiles") or {"default": {}}

    def resolve(self, name: str, context: Context, facts: Facts, run_id: str | None = None) -> Plain:
        """Return the decision as a plain dict, or `{"error": ...}`."""
        try:
            return self._resolve(name, context, facts, run_id)
        except Refusal as refusal:
            return {"error": refusal.what}

    def _resolve(self, name: str, context: Context, facts: Facts, run_id: str | None) -> Plain:
        serving = name if name in self.features else self.settings.get("default_feature")
        if serving is None:
            raise Refusal("unknown_feature")
        feature = self.features[serving]
        profile = self._profile(feature, context)
        ask = _Asked(serving, profile, context, facts, run_id)
        route, target, fallbacks = self._route(feature, ask)
        arm = None
        if "split" in target:
            target = ask.arm(target)
            arm = target["name"]
        attempts, skipped = self._attempts(feature, target, fallbacks)
        mode = self._mode(feature, profile)
        paid = self._paid(attempts, mode, context, skipped)
        return {
            "feature": serving,
            "profile": profile,
            "route": route,
            "arm": arm,
            "attempts": self._asked(feature, paid, facts.options, skipped),
            "skipped": sorted(skipped),
            "shadow": self._shadow(feature, mode, ask),
            "key": ask.key(),
        }

    def _profile(self, feature: Plain, context: Context) -> str:
        if context.profile is not None:
            if context.profile not in self.profiles:
                raise Refusal("unknown_profile")
            return context.profile
        byok = self.settings.get("byok_profile")
        if byok is not None and context.credentials and feature.get("credentials") != "platform":
            return str(byok)
        return str(self.settings.get("default_profile", "default"))

    def _lineage(self, profile: str | None) -> Iterator[str]:
        while profile is not None:
            yield profile
            profile = self.profiles[profile].get("extends")

    def _route(self, feature: Plain, ask: _Asked) -> tuple[str, Plain, list[Plain]]:
        shared = feature.get("fallbacks", [])
        if ask.facts.model is not None:
            allowed = feature.get("allow_override", False)
            if "pin" in feature or not allowed or not self._may_be_chosen(feature, allowed, ask.facts.model):
                raise Refusal("request:override")
            return "override", {"model": ask.facts.model}, []
        if "pin" in feature:
            return "pin", feature["pin"], shared
        for rule in feature.get("rules", []):
            if ask.all_hold(rule["when"]):
                return f"rule:{rule['name']}", rule["use"], rule.get("fallbacks", shared)
        for profile in self._lineage(ask.profile):
            entry = feature.get("profiles", {}).get(profile)
            if entry is not None:
                return f"profile:{profile}", entry, entry.get("fallbacks", shared)
        return "use", feature["use"], shared

    def _may_be_chosen(self, feature: Plain, allowed: Any, model: str) -> bool:
        """A list says it all; with `true` any model of the book may be chosen that can serve the feature."""
        if allowed is not True:
            return model in allowed
        if model not in self.book.get("models", {}):
            return False
        target = self._target(feature, {"model": model})
        capabilities = target["capabilities"]
        needs = {*feature.get("needs", [])} | ({"tools"} if "tools" in feature else set())
        if capabilities is not None and not needs <= {*capabilities}:
            return False
        if capabilities == ["embeddings"] and "embeddings" not in needs:
            return False
        return not any(path in target["lacks"] for path in paths(target["options"]))

    def _target(self, feature: Plain, target: Plain, on: list[str] | None = None) -> Plain:
        """Link one target: the model, its provider, the merged options."""
        models = self.book.get("models", {})
        name = target["model"]
        if name in models:
            model = models[name]
        else:
            provider, wire = name.split("/", 1)
            model = {"provider": provider, "id": wire}
            for known, declared in models.items():
                if (declared["provider"], declared.get("id", known)) == (provider, wire):
                    name, model = known, declared
        provider = self.book["providers"][model["provider"]]
        headers = {key: value for key, value in provider.get("headers", {}).items() if isinstance(value, str)}
        base = {"extra_body": provider.get("extra_body", {}), "extra_headers": headers}
        kind = "embeddings" if "embeddings" in feature.get("needs", []) else "chat"
        lacks = set() if provider.get("api") == "scripted" else set(LACKS[kind])
        lacks |= {"n"} if "tools" in feature else {"parallel_tool_calls", "tool_choice"}
        return {
            "provider": model["provider"],
            "model": name,
            "id": model.get("id", name),
            "options": merge(base, model.get("options", {}), feature.get("options", {}), target.get("options", {})),
            "credential": "none" if "auth" in provider or provider.get("api") == "scripted" else "platform",
            "on": on or [],
            "capabilities": model.get("capabilities"),
            "lacks": lacks | {*model.get("rejects", [])} | undeclared(model.get("capabilities")),
        }

    def _attempts(self, feature: Plain, target: Plain, fallbacks: list[Plain]) -> tuple[list[Plain], list[Any]]:
        """The target, then its fallbacks; one that equals an attempt before it is dropped."""
        attempts, skipped = [self._target(feature, target)], []
        for fallback in fallbacks:
            linked = self._target(feature, fallback, list(dict.fromkeys(fallback.get("on", DEFAULT_ON))))
            if any(call(linked) == call(earlier) for earlier in attempts):
                skipped.append((linked["provider"], linked["model"]))
            else:
                attempts.append(linked)
        return attempts, skipped

    def _mode(self, feature: Plain, profile: str) -> str:
        modes = [
            feature.get("credentials"),
            *(self.profiles[name].get("credentials") for name in self._lineage(profile)),
        ]
        return next((mode for mode in modes if mode is not None), "prefer_caller")

    def _paid(self, attempts: list[Plain], mode: str, context: Context, skipped: list[Any]) -> list[Plain]:
        if mode == "platform" or (mode == "prefer_caller" and not context.credentials):
            return attempts
        if not context.credentials:
            raise Refusal("missing_credential")
        paid = []
        for attempt in attempts:
            if attempt["credential"] == "none":
                paid.append(attempt)
            elif attempt["provider"] in context.credentials:
                paid.append({**attempt, "credential": "caller"})
            else:
                skipped.append((attempt["provider"], attempt["model"]))
        if not paid:
            raise Refusal("missing_credential")
        return [{**paid[0], "on": []}, *paid[1:]]

    def _asked(self, feature: Plain, paid: list[Plain], options: Mapping[str, Any], skipped: list[Any]) -> list[Plain]:
        allowed = feature.get("caller_options", "any")
        allowed = (
            {"any": NAMES - {"extra_body", "extra_headers"}, "none": set()}[allowed]
            if isinstance(allowed, str)
            else {*allowed}
        )
        if not {*options} <= allowed:
            raise Refusal("request:options")
        kept: list[Plain] = []
        for attempt in paid:
            if not any(lacks(attempt, path) for path in paths(merge(options))):
                kept.append(shown({**attempt, "options": merge(attempt["options"], options)}))
            elif not kept:
                raise Refusal("request:options")
            else:
                skipped.append((attempt["provider"], attempt["model"]))
        return kept

    def _shadow(self, feature: Plain, mode: str, ask: _Asked) -> Plain | None:
        shadow = feature.get("shadow")
        if shadow is None or (ask.context.credentials and mode != "platform"):
            return None
        percent = shadow.get("percent", 100)
        if percent < 100 and not ask.within("shadow", percent, ask.context.user):
            return None
        return shown(self._target(feature, shadow))


class _Asked:
    """One request: who asks, for what, and what its choices stuck to."""

    def __init__(self, feature: str, profile: str, context: Context, facts: Facts, run_id: str | None) -> None:
        self.feature, self.profile, self.context, self.facts, self.run_id = feature, profile, context, facts, run_id
        self.stuck: dict[str, str] = {}

    def all_hold(self, when: Plain) -> bool:
        """Percents are asked last: where anything else fails, they are not looked at."""
        values = {name: field_value(name, self.profile, self.context, self.facts) for name in when}
        if not all(holds(matcher, values[name]) for name, matcher in when.items()):
            return False
        percents = {
            name: matcher["percent"]
            for name, matcher in when.items()
            if isinstance(matcher, dict) and "percent" in matcher
        }
        return all(self.within("percent", percents[name], values[name]) for name in sorted(percents))

    def within(self, purpose: str, percent: float, value: Any) -> bool:
        stuck = sticky_value(self.context, value, self.run_id)
        if stuck is None:
            return False
        self.stuck[purpose] = stuck
        return fraction(self.feature, purpose, stuck) < percent / 100

    def arm(self, split: Plain) -> Plain:
        """The arm that the key's value falls on; without a value, the first of positive weight."""
        arms = [arm for arm in split["split"] if arm["weight"] > 0]
        value = field_value(split.get("key", "user"), self.profile, self.context, self.facts)
        stuck = sticky_value(self.context, value, self.run_id)
        if stuck is None:
            return arms[0]
        self.stuck["split"] = stuck
        at, total, passed = fraction(self.feature, "split", stuck), sum(arm["weight"] for arm in arms), 0.0
        for arm in arms:
            passed += arm["weight"]
            if passed / total > at:
                return arm
        return arms[-1]

    def key(self) -> str | None:
        """What stuck it: the split's value, else a percent's, else the shadow's."""
        return next((self.stuck[purpose] for purpose in ("split", "percent", "shadow") if purpose in self.stuck), None)


def call(attempt: Plain) -> Any:
    """What two attempts have in common that are the same call."""
    return attempt["provider"], attempt["id"], typed(attempt["options"])


def paths(options: Mapping[str, Any]) -> list[str]:
    """Name the options that are set, one level into `reasoning` and `prompt_cache`."""
    return [
        path
        for name, value in options.items()
        for path in ([f"{name}.{part}" for part in value] if name in PARTS else [name])
    ]


def undeclared(capabilities: list[str] | None) -> set[str]:
    """The options that need a capability which a model does not declare, if it declares any."""
    needs = {"reasoning": "reasoning", "prompt_cache": "prompt_cache", "parallel_tool_calls": "parallel_tools"}
    return set() if capabilities is None else {option for option, need in needs.items() if need not in capabilities}


def lacks(attempt: Plain, path: str) -> bool:
    return path in attempt["lacks"] or path.partition(".")[0] in attempt["lacks"]


def shown(attempt: Plain) -> Plain:
    """Return what a decision shows of an attempt."""
    return {name: _lists(attempt[name]) for name in ("provider", "model", "id", "options", "credential", "on")}


def _lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _lists(item) for name, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, (list, tuple)) else value
