"""KeySets: which providers the callers of a feature may have keys for, and how many decisions that makes.

None, and every non-empty subset of up to four providers that the feature can reach; beyond four, each alone and all.
Where some targets need no key there is one more: a key for nothing that takes one, which leaves those targets alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from ..spec import ArmSpec, AttemptSpec, CredentialMode

MOST_PROVIDERS = 4

KeySet = tuple[str, ...]


@dataclass(frozen=True)
class KeySets:
    """The sets of keys of one feature: `providers` take a key, and `foreign` is one that needs none, if it counts;
    `has_keyless` tells whether there is any that needs none.
    """

    providers: tuple[str, ...]
    foreign: str | None
    has_keyless: bool

    @property
    def is_cut(self) -> bool:
        """Whether there are more sets than are looked at."""
        return len(self.providers) > MOST_PROVIDERS

    @cached_property
    def all(self) -> tuple[KeySet, ...]:
        """Every set, none first."""
        sizes = (0, 1, len(self.providers)) if self.is_cut else range(len(self.providers) + 1)
        sets = [keys for size in sizes for keys in combinations(self.providers, size)]
        return (*sets, *(() if self.foreign is None else ((self.foreign,),)))

    def decisions(self, arm: ArmSpec, modes: Mapping[CredentialMode, int]) -> int:
        """Return how many decisions *arm* serves, where each of *modes*, who pays, holds under so many profiles."""
        every, total = len(self.all), len(self.providers)
        if self.has_keyless and any(spec.caller is None for spec in arm.attempts):
            by_callers = every - 1
        else:
            own = len({planned.provider for planned in arm.planned})
            by_callers = own + 1 if self.is_cut else 2**total - 2 ** (total - own)
        callers, lent = modes.get("caller", 0), modes.get("prefer_caller", 0)
        return modes.get("platform", 0) * every + (callers + lent) * by_callers + lent


def key_sets_of(attempts: Iterable[AttemptSpec], *, keys_matter: bool) -> KeySets:
    """Return the sets of keys for a feature that can reach *attempts*; *keys matter* where none takes one, too."""
    attempts = tuple(attempts)
    providers = sorted({spec.platform.provider for spec in attempts if spec.caller is not None})
    keyless = sorted({spec.platform.provider for spec in attempts if spec.caller is None})
    foreign = keyless[0] if keyless and (providers or keys_matter) else None
    return KeySets(tuple(providers), foreign, bool(keyless))
