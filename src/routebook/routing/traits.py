"""ApiTraits: what a wire API can carry, as the compiler is told it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..canonical.frozen import EMPTY


@dataclass(frozen=True, slots=True)
class SchemaGap:
    """What in a JSON Schema an API cannot hold a model to: where (keys and indices from the top), and why."""

    path: tuple[str | int, ...]
    why: str


@dataclass(frozen=True, slots=True)
class NativeSchemas:
    """The JSON Schemas that an API holds a model to by itself.

    `gap` finds the first thing in a schema that it cannot; such a schema is sent all the same, `instead` says how. A
    name of a schema has letters, digits, `_` and `-` only: others become `_`.
    """

    gap: Callable[[Mapping[str, Any]], SchemaGap | None]
    instead: str


@dataclass(frozen=True, slots=True)
class OptionRules:
    """What one wire API refuses of options that it has a place for; nothing by itself.

    `values` names the only values that an option may have, where the API knows a few, `least` the least number that it
    takes, `unblank` the options whose every text must hold more than blanks. `budget_below_output` tells that it
    refuses a `reasoning.budget_tokens` that is not below `max_output_tokens`, `budget_unforced` that it refuses one
    beside a forced tool call and beside `reasoning.effort: none`. `beside_budget` names the least and the most that an
    option may be beside one, None where it may not be there at all.
    """

    values: Mapping[str, tuple[Any, ...]] = EMPTY
    least: Mapping[str, int] = EMPTY
    unblank: frozenset[str] = frozenset()
    beside_budget: Mapping[str, tuple[float, float] | None] = EMPTY
    budget_below_output: bool = False
    budget_unforced: bool = False


@dataclass(frozen=True, slots=True)
class ApiTraits:
    """What one wire API can carry.

    `options` names the options its chat requests have a place for, `reasoning` and `prompt_cache` in their parts
    (`reasoning.effort`); `embedding_options` and `image_options` those of the other two calls, empty where the API has
    no such call. `image_apart` are those of images for which a chat that is answered with images has no place.
    `removed` names, by each known version of the API, the options that it has a place for no more.
    `rules` say which values of options it refuses. `wire` says where each option of a chat request stands in the body
    (`reasoning.effort` in `reasoning_effort`), `embedding_wire` and `image_wire` the same of the other two calls, where
    that is no field of the option's own name, and `notes` what its values become there, for people to read. `lacks`
    names the capabilities that no request of this API can use, whatever the model. `default_max_output_tokens` is set
    where the API refuses a request without `max_output_tokens`: it holds where neither an option nor the model's own
    limit says how much.
    `native_schemas` says what it makes of an output's schema, None where that is not known, `tool_schemas` of all
    schemas, where it takes those of tools otherwise than they are, too.
    `body_fields` are the fields of the wire request that canonical values map to, which `extra_body` must not name,
    dots for nesting (`text.format` leaves open what else is in `text`);
    `filled` those of them that no option stands for. `own_headers` are the headers that the API's adapter sets, in
    lower case, each with the key of a provider that stands for it: no `extra_headers` may name one.

    `api_version` is the newest, which holds where a provider names none. `needs` and `takes` name the keys that say
    where a provider is (`region`, `project`, ...): those it cannot do without, and those it has a place for besides.
    `needs_base_url` and `needs_script` say how a provider of this API is addressed; `takes_credential` is false
    where there is nobody to pay (scripts). With `credential_chain` a provider without a key is no error: the platform's
    credential is found as the vendor's own tools find it.
    `extra` names the optional dependency without which nothing of this API can be called, `chain_extra` the one that
    finds the platform's credential where a provider has no key, `chain_variables` the variables that may lead it there.
    """

    name: str
    options: frozenset[str]
    embedding_options: frozenset[str] = frozenset()
    image_options: frozenset[str] = frozenset()
    image_apart: frozenset[str] = frozenset()
    removed: Mapping[str, frozenset[str]] = EMPTY
    rules: OptionRules = OptionRules()
    wire: Mapping[str, str] = EMPTY
    embedding_wire: Mapping[str, str] = EMPTY
    image_wire: Mapping[str, str] = EMPTY
    notes: Mapping[str, str] = EMPTY
    lacks: frozenset[str] = frozenset()
    default_max_output_tokens: int | None = None
    native_schemas: NativeSchemas | None = None
    tool_schemas: NativeSchemas | None = None
    api_version: str | None = None
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    body_fields: frozenset[str] = frozenset()
    filled: frozenset[str] = frozenset()
    own_headers: Mapping[str, str] = EMPTY
    needs_base_url: bool = True
    needs_script: bool = False
    takes_credential: bool = True
    credential_chain: bool = False
    extra: str | None = None
    chain_extra: str | None = None
    chain_variables: tuple[str, ...] = ()

    def options_in(self, version: str | None) -> frozenset[str]:
        """Return the options of chat requests that *version* of the API has a place for."""
        return self.options - self.removed.get(version or "", frozenset())

    def version_with(self, option: str) -> str | None:
        """Return the newest known version that has a place for *option*, if there is one."""
        return max((version for version, gone in self.removed.items() if option not in gone), default=None)

    def default_answer(self, budget_tokens: int) -> int | None:
        """Return how many tokens an answer may have where nobody says so, None where the API need not be told.

        It is the default, above a `reasoning.budget_tokens` that leaves no room for an answer.
        """
        default = self.default_max_output_tokens
        return default if default is None or budget_tokens < default else budget_tokens + default
