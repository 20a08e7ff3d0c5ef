"""Selecting: which invariants can be about a feature, a route of it, and whoever pays. Sets of invariants are the bits
of a number, in the order of the table.

Sound, and quick: what many features share is worked out once. An invariant that is left out selects no such decision;
whether one that is not left out selects any, only the decisions themselves tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from ...routing.decision import CredentialKind
from ...routing.invariant import among
from ...routing.linked import LinkedBook
from ...routing.matcher import Condition, When, satisfies
from ...routing.spec import FeatureSpec, ProfileSpec

Bits = int
Payers = tuple[Bits, Bits]
"""Where the platform pays, or nobody has to; and where the caller does."""


@dataclass(frozen=True, slots=True)
class Under:
    """The invariants that some profile allows: for routes that all profiles lead to, for each profile's entry by its
    name, and, under None, for `use`; and by profile.
    """

    everywhere: Payers
    entries: dict[str | None, Payers]
    profiles: dict[str, Payers]

    def of_rule(self, when: When) -> Payers:
        """Return those of the profiles that *when* does not rule out."""
        tests = [test for test in when if test.field == "profile" and test.operator != "percent"]
        if not tests:
            return self.everywhere
        return _joined(payers for name, payers in self.profiles.items() if all(satisfies(test, name) for test in tests))


class Selecting:
    """The invariants of *table*, by what their `where` says."""

    def __init__(self, table: LinkedBook) -> None:
        self.profiles = table.profiles
        self._every = (1 << len(table.invariants)) - 1
        self._tests: dict[str, list[tuple[Bits, Condition]]] = {}
        for index, invariant in enumerate(table.invariants.values()):
            for test in invariant.where:
                self._tests.setdefault(test.field, []).append((1 << index, test))
        routed = (*self._tests.get("route", ()), *self._tests.get("credential", ()))
        self.of_any_route = self._every & ~union(bit for bit, _ in routed)
        self._tagged: dict[tuple[str, ...], Bits] = {}
        self._routed: dict[str, Bits] = {}
        self._under: dict[Any, Under] = {}
        self.paid_by = {payer: self._that_take("credential", payer) for payer in get_args(CredentialKind)}
        self._of_profile = {name: self._that_take("profile", name) for name in table.profiles}

    def of_feature(self, feature: FeatureSpec) -> Bits:
        """Return those that the feature's name and tags allow."""
        bits = self._tagged.get(feature.tags)
        if bits is None:
            bits = self._tagged[feature.tags] = self._where("tags", lambda test: among(test, feature.tags))
        return bits & self._that_take("feature", feature.name) if "feature" in self._tests else bits

    def of_route(self, name: str) -> Bits:
        """Return those that the name of a route allows."""
        bits = self._routed.get(name)
        if bits is None:
            bits = self._routed[name] = self._that_take("route", name)
        return bits

    def under(self, feature: FeatureSpec) -> Under:
        """Return those that the profiles allow, by where they lead in *feature*."""
        key = (feature.credentials, *feature.profiles)
        known = self._under.get(key)
        if known is None:
            known = self._under[key] = self._sorted_by_entry(feature)
        return known

    def _sorted_by_entry(self, feature: FeatureSpec) -> Under:
        profiles = {name: self._payers(feature, profile) for name, profile in self.profiles.items()}
        entries: dict[str | None, Payers] = {}
        for name, payers in profiles.items():
            entry = next((step for step in self.profiles[name].lineage if step in feature.profiles), None)
            entries[entry] = _joined((entries.get(entry, (0, 0)), payers))
        return Under(_joined(profiles.values()), entries, profiles)

    def _payers(self, feature: FeatureSpec, profile: ProfileSpec) -> Payers:
        mode = feature.mode(profile)
        bits = self._of_profile[profile.name]
        return (0 if mode == "caller" else bits), (0 if mode == "platform" else bits)

    def _that_take(self, field: str, value: str) -> Bits:
        return self._where(field, lambda test: satisfies(test, value))

    def _where(self, field: str, holds: Callable[[Condition], bool]) -> Bits:
        """Return those whose conditions on *field* all hold."""
        return self._every & ~union(bit for bit, test in self._tests.get(field, ()) if not holds(test))


def _joined(several: Iterable[Payers]) -> Payers:
    lent = own = 0
    for payers in several:
        lent, own = lent | payers[0], own | payers[1]
    return lent, own


def indices(bits: Bits) -> Sequence[int]:
    """Return the places of the bits that are set."""
    return [index for index in range(bits.bit_length()) if bits >> index & 1]


def union(several: Iterable[Bits]) -> Bits:
    """Return the bits that any of *several* has."""
    bits = 0
    for each in several:
        bits |= each
    return bits
