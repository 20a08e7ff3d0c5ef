"""Verdict: what must be said of a book about what is never taken, touched or reached; with `may`, what may be said.

Findings are pairs of a code and the path of what it is said of. The book is one that compiles, without `{env: ...}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from .matching import fraction, holds
from .plain import UNITS, settled
from .reach import Grid, Plain
from .resolver import DEFAULT_ON, Reference, call

Path = tuple[str | int, ...]
Finding = tuple[str, Path]

LIMITS = ("concurrency", "requests_per_minute", "tokens_per_minute")
CALLERS_OWN = ("authentication", "permission_denied")
NAMING = ("in", "not")


@dataclass
class Verdict:
    """What must be said, and what may be."""

    must: set[Finding] = field(default_factory=set)
    may: set[Finding] = field(default_factory=set)


@dataclass(frozen=True)
class Route:
    """Where a feature goes under one condition, as written: its target or split, and its fallbacks."""

    path: Path
    target: Plain
    base: Path
    fallbacks: list[Plain]


@dataclass(frozen=True)
class Placed:
    """An attempt of an arm, and where it stands."""

    path: Path
    linked: Plain


def verdict(book: Plain) -> Verdict:
    """Return what must and what may be said of *book*."""
    return Judge(book).judged()


class Judge(Reference):
    """Judges one book."""

    def __init__(self, book: Plain) -> None:
        super().__init__(book, {})
        self.found = Verdict()
        self.touched: set[Path] = set()
        self.perhaps: set[Path] = set()

    def judged(self) -> Verdict:
        for name, feature in self.features.items():
            self._feature(("features", name), name, feature)
        self._settings()
        for section in ("providers", "models", "outputs", "mcp_servers", "profiles"):
            for name in self.book.get(section, {}):
                if (section, name) not in self.touched:
                    said = self.found.may if (section, name) in self.perhaps else self.found.must
                    said.add(("RB501", (section, name)))
        return self.found

    def _feature(self, at: Path, name: str, feature: Plain) -> None:
        routes = list(self._routes(at, feature))
        self._never_weighed(routes)
        self._never_followed(at, feature, routes)
        reachable = self._pinned(at, routes) if "pin" in feature else self._taken(at, name, feature, routes)
        arms = [arm for route in routes if route.path in reachable for arm in self._arms(feature, route)]
        self._fallbacks(feature, routes, arms)
        self._late(feature, arms)
        self._touch(at, feature, [attempt.linked for arm in arms for attempt in arm])

    def _routes(self, at: Path, feature: Plain) -> Iterator[Route]:
        shared = ((*at, "fallbacks"), feature.get("fallbacks", []))
        if "pin" in feature:
            yield Route((*at, "pin"), feature["pin"], *shared)
        for index, rule in enumerate(feature.get("rules", [])):
            path = (*at, "rules", index)
            own = ((*path, "fallbacks"), rule["fallbacks"]) if "fallbacks" in rule else shared
            yield Route((*path, "use"), rule["use"], *own)
        for name, entry in feature.get("profiles", {}).items():
            path = (*at, "profiles", name)
            own = ((*path, "fallbacks"), entry["fallbacks"]) if "fallbacks" in entry else shared
            yield Route(path, entry, *own)
        if "use" in feature:
            yield Route((*at, "use"), feature["use"], *shared)

    def _never_weighed(self, routes: list[Route]) -> None:
        for route in routes:
            for index, arm in enumerate(route.target.get("split", ())):
                if arm["weight"] == 0:
                    self.found.must.add(("RB502", (*route.path, "split", index, "weight")))

    def _never_followed(self, at: Path, feature: Plain, routes: list[Route]) -> None:
        shared = (*at, "fallbacks")
        if not any(route.base == shared for route in routes):
            for index in range(len(feature.get("fallbacks", []))):
                self.found.must.add(("RB502", (*shared, index)))

    def _pinned(self, at: Path, routes: list[Route]) -> set[Path]:
        """The pin hides every other route."""
        for route in routes[1:]:
            name = (*route.path[:-1], "name") if route.path[2] == "rules" else route.path
            self.found.must.add(("RB502", name))
        return {(*at, "pin")}

    def _taken(self, at: Path, name: str, feature: Plain, routes: list[Route]) -> set[Path]:
        """Find the rules, entries and `use` that some request takes; return their paths."""
        grid = Grid(name, feature, self.profiles)
        first, contradictions = grid.first_rules(), grid.contradictions()
        taken: set[Path] = set()
        for profile, rules in first.items():
            taken |= {(*at, "rules", index, "use") for index in rules if index is not None}
            if None in rules:
                entry = self._entry(feature, profile)
                taken.add((*at, "use") if entry is None else (*at, "profiles", entry))
        for route in routes:
            if route.path not in taken:
                self._say_not_taken(route, contradictions)
        for index, rule in enumerate(feature.get("rules", [])):
            if (*at, "rules", index, "use") in taken and "profile" in rule["when"]:
                self._touch_profiles(name, rule["when"]["profile"])
        self.touched |= {("profiles", step) for step in self.profiles if (*at, "profiles", step) in taken}
        for profile in self.profiles:
            if self._entry(feature, profile) != self._entry(feature, self._like(profile)):
                (self.touched if None in first[profile] else self.perhaps).add(("profiles", profile))
        return taken

    def _touch_profiles(self, feature: str, matcher: Any) -> None:
        """A rule uses the profiles that it names, and those that it tells from the ones they are like."""
        self.touched |= {("profiles", profile) for profile in _named(matcher)}
        percent = matcher.get("percent", 100) if isinstance(matcher, dict) else 100
        fits = {p: (holds(matcher, p), fraction(feature, "percent", p) < percent / 100) for p in self.profiles}
        self.touched |= {
            ("profiles", profile) for profile in self.profiles if fits[profile] != fits[self._like(profile)]
        }

    def _like(self, profile: str) -> str:
        """Return the profile that *profile* is like but for what tells them apart: what it extends, or the default."""
        return str(self.profiles[profile].get("extends") or self.settings.get("default_profile", profile))

    def _say_not_taken(self, route: Route, contradictions: dict[int, list[str]]) -> None:
        rule = route.path[:-1]
        if route.path[2] != "rules":
            self.found.must.add(("RB502", route.path))
        elif (index := int(rule[-1])) in contradictions:
            wheres = [("RB509", (*rule, "when", name)) for name in contradictions[index]]
            (self.found.must if len(wheres) == 1 else self.found.may).update(wheres)
        else:
            self.found.must.add(("RB508", (*rule, "name")))

    def _arms(self, feature: Plain, route: Route) -> Iterator[list[Placed]]:
        """Yield the attempts of each arm that is taken; what equals an attempt before it is dropped."""
        arms = [(route.path, route.target)]
        if "split" in route.target:
            arms = [((*route.path, "split", index), arm) for index, arm in enumerate(route.target["split"])]
        for path, arm in arms:
            if arm.get("weight", 1) > 0:
                attempts = [Placed(path, self._target(feature, arm))]
                for index, fallback in enumerate(route.fallbacks):
                    linked = self._target(feature, fallback, fallback.get("on", DEFAULT_ON))
                    if all(call(linked) != call(earlier.linked) for earlier in attempts):
                        attempts.append(Placed((*route.base, index), linked))
                yield attempts

    def _fallbacks(self, feature: Plain, routes: list[Route], arms: list[list[Placed]]) -> None:
        """Find the fallbacks that no failure reaches; one that stands on no arm that is taken may be one of them."""
        reached: set[Path] = set()
        for attempts in arms:
            for left, by_caller in self._paid(feature, attempts):
                reached |= self._reached(left, by_caller)
        standing = {attempt.path for attempts in arms for attempt in attempts}
        for route in routes:
            for index in range(len(route.fallbacks)):
                path = (*route.base, index)
                if path not in standing:
                    self.found.may.add(("RB510", path))
                elif path not in reached:
                    self.found.must.add(("RB510", path))

    def _paid(self, feature: Plain, attempts: list[Placed]) -> Iterator[tuple[list[Placed], bool]]:
        """Yield what is left of *attempts* for the platform, and for callers with each set of keys."""
        modes = {self._mode(feature, profile) for profile in self.profiles}
        if modes != {"caller"}:
            yield attempts, False
        keyed = sorted({a.linked["provider"] for a in attempts if a.linked["credential"] != "none"})
        for size in range(len(keyed) + 1) if modes != {"platform"} else ():
            for keys in combinations(keyed, size):
                usable = {"none", *keys}
                left = [a for a in attempts if {a.linked["credential"], a.linked["provider"]} & usable]
                if left:
                    yield left, True

    def _reached(self, attempts: list[Placed], by_caller: bool) -> set[Path]:
        reached = [0]
        for later, attempt in enumerate(attempts[1:], 1):
            if any(
                self._can_fail(attempts[earlier].linked, kind, by_caller)
                and not any(kind in between.linked["on"] for between in attempts[earlier + 1 : later])
                for earlier in reached
                for kind in attempt.linked["on"]
            ):
                reached.append(later)
        return {attempts[index].path for index in reached}

    def _can_fail(self, attempt: Plain, kind: str, by_caller: bool) -> bool:
        if kind == "queue_timeout":
            return any(limit in limits for limits in self._limits(attempt) for limit in LIMITS)
        return kind not in CALLERS_OWN or attempt["credential"] == "none" or not by_caller

    def _limits(self, attempt: Plain) -> Iterator[Plain]:
        """Yield the limits that hold for a call: its provider's, and those of its wire model under all names."""
        yield self.book["providers"][attempt["provider"]].get("limits", {})
        for name, model in self.book.get("models", {}).items():
            if (model["provider"], model.get("id", name)) == (attempt["provider"], attempt["id"]):
                yield model.get("limits", {})

    def _is_callers(self, feature: Plain) -> bool:
        """Tell whether callers pay for all calls of *feature*."""
        return all(self._mode(feature, profile) == "caller" for profile in self.profiles)

    def _late(self, feature: Plain, arms: list[list[Placed]]) -> None:
        """Find the first fallback of each arm that the attempts before it may leave no time."""
        if "deadline" not in feature:
            return
        deadline = seconds(feature["deadline"])
        for attempts in arms:
            for index in range(1, len(attempts)):
                if sum(self._longest(attempt.linked) for attempt in attempts[:index]) >= deadline:
                    self.found.must.add(("RB511", attempts[index].path))
                    break

    def _longest(self, attempt: Plain) -> float:
        """Return the seconds that all tries of a target and the pauses between them may take."""
        provider = self.book["providers"][attempt["provider"]]
        retry = provider.get("retry", {})
        total = settled({"timeout": provider.get("timeout", {})})["timeout"].get("total", 600.0)
        total = attempt["options"].get("timeout", {}).get("total", total)
        tries, pause = retry.get("attempts", 3), seconds(retry.get("backoff", "500ms"))
        most = seconds(retry.get("max_backoff", "20s"))
        return float(tries * total + sum(min(most, pause * 2**again) for again in range(tries - 1)))

    def _touch(self, at: Path, feature: Plain, attempts: list[Plain]) -> None:
        allowed = feature.get("allow_override", False) if "pin" not in feature else False
        chosen = [*self.book.get("models", {})] if allowed is True else allowed or []
        attempts += [self._target(feature, {"model": m}) for m in chosen if self._may_be_chosen(feature, allowed, m)]
        shadow = feature.get("shadow")
        if shadow is not None and shadow.get("percent", 100) > 0 and not self._is_callers(feature):
            attempts.append(self._target(feature, shadow))
        elif shadow is not None:
            self.found.must.add(("RB502", (*at, "shadow")))
        for attempt in attempts:
            self.touched |= {("providers", attempt["provider"]), ("models", attempt["model"])}
        self.touched.add(("outputs", feature.get("output", "")))
        self.touched |= {("mcp_servers", server) for server in feature.get("tools", {}).get("servers", [])}

    def _settings(self) -> None:
        """Profiles that are used by no feature's route."""
        names = {self.settings.get("default_profile"), self.settings.get("byok_profile")}
        names |= {profile.get("extends") for profile in self.profiles.values()}
        names |= {name for name, profile in self.profiles.items() if "credentials" in profile}
        for invariant in self.book.get("invariants", {}).values():
            names |= {*_named(invariant.get("where", {}).get("profile"))}
        names |= {p for p in self.profiles if self._mode({}, p) != self._mode({}, self._like(p))}
        self.touched |= {("profiles", name) for name in names if name is not None}

    def _entry(self, feature: Plain, profile: str) -> str | None:
        """Return the profile whose entry is taken under *profile*; None where that is `use`."""
        return next((step for step in self._lineage(profile) if step in feature.get("profiles", {})), None)


def _named(matcher: Any) -> list[str]:
    """Return the names that a matcher of the active profile lists."""
    if isinstance(matcher, dict):
        return [name for operator in NAMING for name in _named(matcher.get(operator))]
    return matcher if isinstance(matcher, list) else [] if matcher is None else [matcher]


def seconds(text: str) -> float:
    unit = next(unit for unit in UNITS if text.endswith(unit))
    return float(text.removesuffix(unit)) * UNITS[unit]
