"""ApiTraits: what a wire API can carry, as the compiler is told it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApiTraits:
    """What one wire API can carry.

    `options` names the options its requests have a place for, `reasoning` in its parts (`reasoning.effort`);
    `body_fields` the fields of the wire request that canonical values map to, which `extra_body` must not name.
    `needs_base_url` and `needs_script` say how a provider of this API is addressed; `takes_credential` is false
    where there is nobody to pay (scripts).
    """

    name: str
    options: frozenset[str]
    body_fields: frozenset[str] = frozenset()
    needs_base_url: bool = True
    needs_script: bool = False
    takes_credential: bool = True
