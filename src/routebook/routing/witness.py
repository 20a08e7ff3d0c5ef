"""Witness: a context and facts for which one rule of a feature is the first that holds, or none does.

Every condition splits the values of its field into those that satisfy it and those that do not, so a few values of each
field stand for all. A rule is reached by values that satisfy all of its conditions and fail one of each rule before it.

Percents look at where a sticky value falls. With `Context.key` there is one such value for all fields; without it, each
field has its own, or none. Both are tried, the key first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .context import Context, Facts
from .domains import FACTS, SHARE, Cell, Domains, Sample, key_domains, narrowed, own_domains
from .matcher import METADATA, Condition, satisfies
from .spec import ArmSpec, FeatureSpec, RouteSpec, RuleSpec
from .sticky import Purpose, as_text, choose_arm, fraction

_MOST_STEPS = 20_000
_MOST_TRIES = 20_000
_MOST_SAMPLES = 64

Values = Mapping[str, Sample]


@dataclass(frozen=True, slots=True)
class Request:
    """Values of a context and facts by field, and the sticky key, if there is one."""

    values: Mapping[str, Any]
    key: str | None = None

    def ask(self, profile: str) -> tuple[Context, Facts]:
        """Return the context and facts that have these values."""
        context: dict[str, Any] = {}
        facts: dict[str, Any] = {}
        metadata: dict[str, Any] = {}
        for name, value in self.values.items():
            if name.startswith(METADATA):
                if value is not None:
                    metadata[name.removeprefix(METADATA)] = value
            elif name in FACTS:
                facts[name] = value
            elif name != "profile":
                context[name] = value
        return Context(profile=profile, metadata=metadata, key=self.key, **context), Facts(**facts)


def find_requests(
    feature: FeatureSpec, index: int | None, route: RouteSpec, profile: str
) -> Iterator[tuple[ArmSpec, Request]]:
    """Yield, for each arm of *route* that can be reached, a request under *profile* that reaches it.

    *route* is that of rule *index*, or where the feature goes if no rule holds (None).
    """
    rules = feature.rules
    conditions = [condition for rule in rules for condition in rule.when]
    arms = [arm for arm in route.arms if arm.weight > 0]
    for domains in (key_domains(conditions, profile), own_domains(conditions, profile)):
        samples = list(_first(_samples(domains, rules, index), _MOST_SAMPLES))
        for arm in tuple(arms):
            requests = (_concrete(feature, route, arm, conditions, values) for values in samples)
            found = next((request for request in requests if request is not None), None)
            if found is not None:
                arms.remove(arm)
                yield arm, found


def _first(samples: Iterator[Values], most: int) -> Iterator[Values]:
    for _, values in zip(range(most), samples, strict=False):
        yield values


def _samples(domains: Domains, rules: Sequence[RuleSpec], index: int | None) -> Iterator[Values]:
    """Yield samples of each field for which rule *index* is the first that holds (None: no rule holds)."""
    earlier = rules if index is None else rules[:index]
    for condition in () if index is None else rules[index].when:
        domains = narrowed(domains, condition, holds=True)
    if not all(domains.values()):
        return
    steps, stack = 0, [(domains, 0)]
    while stack and steps < _MOST_STEPS:
        domains, at = stack.pop()
        steps += 1
        if at == len(earlier):
            yield {name: samples[0] for name, samples in domains.items()}
            continue
        tried = [narrowed(domains, condition, holds=False) for condition in earlier[at].when]
        stack += [(left, at + 1) for left in reversed(tried) if all(left.values())]


def _concrete(
    feature: FeatureSpec, route: RouteSpec, arm: ArmSpec, conditions: Sequence[Condition], values: Values
) -> Request | None:
    """Return a request with values like *values*, that fall where their samples say and stick to *arm*."""
    plain = {name: sample.value for name, sample in values.items() if name != SHARE}
    wanted = _Wanted(feature, route, arm)
    if SHARE in values:
        key = wanted.find(values[SHARE].cell, (f"key-{number}" for number in range(_MOST_TRIES)), split=True)
        return None if key is None else Request(plain, key)
    sticky = [name for name, sample in values.items() if sample.cell is not None]
    if not any(test.operator == "percent" for test in conditions):
        return _without_percents(wanted, plain)
    if route.key is not None and not wanted.is_free:
        if route.key not in sticky and not sticky and wanted.is_first:
            return Request(plain)
        sticky = [*sticky, route.key] if route.key not in sticky else sticky
    for name in sticky:
        sample = values.get(name, Sample(None))
        tests = [test for test in conditions if test.field == name and test.operator != "percent"]
        pattern = [satisfies(test, sample.value) for test in tests]
        alike = (value for value in _like(name, sample.value) if [satisfies(test, value) for test in tests] == pattern)
        plain[name] = wanted.find(sample.cell, alike, split=name == route.key)
        if plain[name] is None:
            return None
    return Request(plain)


def _without_percents(wanted: _Wanted, plain: dict[str, Any]) -> Request | None:
    """Return a request where no percent matters: by a key if there is an arm or a shadow to choose."""
    if not wanted.is_sticky:
        return Request(plain)
    key = wanted.find(None, (f"key-{number}" for number in range(_MOST_TRIES)), split=True)
    return None if key is None else Request(plain, key)


def _like(name: str, sample: Any) -> Iterator[Any]:
    """Yield values of a field, those near *sample* first."""
    if isinstance(sample, (int, float)) and not isinstance(sample, bool):
        yield from (sample + number for number in range(_MOST_TRIES))
        return
    if sample is not None:
        yield sample
    start = f"{sample}-" if isinstance(sample, str) else f"{name.removeprefix(METADATA)}-"
    yield from (f"{start}{number}" for number in range(_MOST_TRIES))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Where a sticky value has to fall: for the percents, on an arm, and, if it can be, among those mirrored."""

    feature: FeatureSpec
    route: RouteSpec
    arm: ArmSpec

    @property
    def is_free(self) -> bool:
        """Whether every value falls on the arm."""
        return len([arm for arm in self.route.arms if arm.weight > 0]) == 1

    @property
    def is_first(self) -> bool:
        """Whether the arm is the one that is taken where there is nothing to stick to."""
        return next(arm for arm in self.route.arms if arm.weight > 0) is self.arm

    @property
    def is_sticky(self) -> bool:
        """Whether a value decides anything but percents."""
        shadow = self.feature.shadow
        return not self.is_free or (shadow is not None and shadow.percent < 100)

    def find(self, cell: Cell | None, values: Iterator[Any], *, split: bool) -> Any:
        """Return the first of *values* that falls into *cell* and, if *split*, on the arm."""
        weights = [arm.weight for arm in self.route.arms]
        first = None
        for value in values:
            at = self._at("percent", value)
            if cell is not None and not cell.low <= at < cell.high:
                continue
            if split and self.route.arms[choose_arm(weights, self._at("split", value))] is not self.arm:
                continue
            if self._is_mirrored(value):
                return value
            first = value if first is None else first
        return first

    def _is_mirrored(self, value: Any) -> bool:
        shadow = self.feature.shadow
        return shadow is None or shadow.percent <= 0 or self._at("shadow", value) < shadow.percent / 100

    def _at(self, purpose: Purpose, value: Any) -> float:
        return fraction(self.feature.name, purpose, as_text(value))
