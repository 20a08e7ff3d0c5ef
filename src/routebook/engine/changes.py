"""Changes: which decisions differ between two tables, in words.

Comes in: the table before an edit and the one after it. Goes out: a Change for each decision that differs, then one
for each other definition. A decision is the one for a caller who tells nothing but the profile; where none of those
differs, the parts of the feature that do are named. Only features whose digest changed are compared, or all of them
where profiles or settings did, and never more than a thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..errors import ResolveError
from ..routing.context import Context
from ..routing.decision import Decision, PlannedAttempt
from ..routing.digest import Digester
from ..routing.table import RoutingTable

_MOST_FEATURES = 1000
_MOST_SHOWN = 20
_UNSAID = frozenset({"name", "description", "span", "spans", "credentials_span"})
_DECIDE_EVERYWHERE = ("profiles", "settings")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that an edit changed: `subject` is `feature@profile` (several: `feature@a,b`), a feature's name, or
    `section.name`; `what` says how, such as `luna → gemini-flash`.
    """

    subject: str
    what: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.what}"


def changes_between(before: RoutingTable, after: RoutingTable) -> tuple[Change, ...]:
    """Return what differs, decisions first, each group by name."""
    edited = _edited(before, after)
    return (*_features(before, after, edited), *_definitions(before, after, edited))


def reload_line(table: RoutingTable, changes: Iterable[Change]) -> str:
    """Return the one line that tells of a reload to *table*; the first twenty changes are told in full."""
    said = [str(change) for change in changes]
    more = len(said) - _MOST_SHOWN
    listed = "; ".join([*said[:_MOST_SHOWN], f"and {more} more"] if more > 0 else said)
    return f"reloaded {table.digest[:12]}: {listed}"


def _features(before: RoutingTable, after: RoutingTable, edited: list[tuple[str, str]]) -> Iterator[Change]:
    names = [name for section, name in edited if section == "features"]
    if any(section in _DECIDE_EVERYWHERE for section, _ in edited):
        names = sorted({*before.features, *after.features})
    profiles = [profile for profile in after.profiles if profile in before.profiles]
    for name in names[:_MOST_FEATURES]:
        if name not in before.features:
            yield Change(name, "added")
        elif name not in after.features:
            yield Change(name, "removed")
        else:
            yield from _of_feature(before, after, name, profiles)
    if len(names) > _MOST_FEATURES:
        yield Change(f"{len(names) - _MOST_FEATURES} more features", "not compared")


def _of_feature(before: RoutingTable, after: RoutingTable, name: str, profiles: Iterable[str]) -> Iterator[Change]:
    said: dict[str, list[str]] = {}
    for profile in profiles:
        what = _difference(_decided(before, name, profile), _decided(after, name, profile))
        if what:
            said.setdefault(what, []).append(profile)
    for what, where in said.items():
        yield Change(f"{name}@{','.join(where)}", what)
    if not said and (parts := _different_parts(before.features[name], after.features[name])):
        yield Change(name, ", ".join(parts))


def _decided(table: RoutingTable, feature: str, profile: str) -> Decision | None:
    """Decide for a caller without keys, or, where that is refused, for one with every key that is asked for."""
    try:
        return table.resolve(feature, Context(profile=profile))
    except ResolveError as error:
        if error.kind != "missing_credential":
            return None
        keys = dict.fromkeys(error.near or table.providers, "any")
    try:
        return table.resolve(feature, Context(profile=profile, credentials=keys))
    except ResolveError:
        return None


def _difference(old: Decision | None, new: Decision | None) -> str:
    """Return how *new* differs, or nothing."""
    if old is None or new is None:
        return "" if old is new else f"{_primary(old)} → {_primary(new)}"
    first, second = old.attempts[0], new.attempts[0]
    said = []
    if (first.provider, first.model) != (second.provider, second.model):
        is_plain = first.model != second.model
        said.append(f"{_primary(old)} → {_primary(new)}" if is_plain else f"{_full(first)} → {_full(second)}")
    elif (first.api, first.id) != (second.api, second.id):
        said.append(f"{first.model} ({first.id} → {second.id})" if first.id != second.id else "api")
    elif first.options != second.options:
        said.append("options")
    said += [aspect for aspect, of in _ASPECTS.items() if of(old) != of(new)]
    return ", ".join(said)


def _primary(decision: Decision | None) -> str:
    return "nothing" if decision is None else decision.attempts[0].model


def _full(attempt: PlannedAttempt) -> str:
    return f"{attempt.model} at {attempt.provider}"


def _fallbacks(decision: Decision) -> Any:
    return [(a.provider, a.model, a.id, a.api, a.options, a.on) for a in decision.attempts[1:]]


def _shadow(decision: Decision) -> Any:
    shadow = decision.shadow
    return None if shadow is None else (shadow.provider, shadow.model, shadow.id, shadow.options)


_ASPECTS: Mapping[str, Callable[[Decision], Any]] = {
    "fallbacks": _fallbacks,
    "output": lambda decision: decision.output,
    "tools": lambda decision: decision.tools,
    "shadow": _shadow,
    "budget": lambda decision: decision.budget,
    "credentials": lambda decision: [attempt.credential for attempt in decision.attempts],
}
"""What of a decision is told by its name where it differs, the primary target aside."""


def _different_parts(old: Any, new: Any) -> list[str]:
    """Return the names of the fields that differ in what runs; spans and descriptions do not run."""
    digest = Digester().digest
    names = [field.name for field in fields(new) if field.name not in _UNSAID]
    return [name for name in names if digest(getattr(old, name)) != digest(getattr(new, name))]


def _definitions(before: RoutingTable, after: RoutingTable, edited: list[tuple[str, str]]) -> Iterator[Change]:
    for key in edited:
        if key[0] != "features":
            what = "added" if key not in before.digests else "removed" if key not in after.digests else "changed"
            yield Change(".".join(key), what)


def _edited(before: RoutingTable, after: RoutingTable) -> list[tuple[str, str]]:
    """Return the section and name of each definition whose digest differs."""
    everything = before.digests.keys() | after.digests.keys()
    return sorted(key for key in everything if before.digests.get(key) != after.digests.get(key))
