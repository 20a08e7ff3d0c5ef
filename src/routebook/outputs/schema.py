"""Schema: is a JSON Schema (2020-12) one that Routebook can hold a model to.

Comes in: a schema. Goes out: what is wrong with it, each problem with its place; empty where `validate` can use it.
Nothing is fetched, and the time it takes grows with the schema's size alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import chain, islice
from typing import Any
from urllib.parse import unquote

from ..canonical.frozen import thaw
from .checks.found import shown
from .keywords import is_schema, keyword_problems
from .pattern import pattern_cost, pattern_problem
from .places import NOWHERE, SAME_MANY, SAME_ONE, Path, Place, places, schema_at
from .problem import bounded

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_MOST_PROBLEMS = 20
_DEAREST_PATTERNS = 2000
_REFERENCES = ("$ref", "$dynamicRef")
_IDENTITIES = ("$schema", "$id")
_ANCHORS = ("$anchor", "$dynamicAnchor")
_MEANINGFUL = frozenset(
    {*_REFERENCES, *_IDENTITIES, *_ANCHORS, "pattern", "patternProperties", "unevaluatedProperties"}
)
"""Keywords whose values can be wrong though their form is right."""


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """What is wrong with a schema (`message`), and where in it (`path`: keys and indices from its top)."""

    path: Path
    message: str


def check_schema(schema: object) -> list[SchemaProblem]:
    """Return what is wrong with *schema* as the schema of an output; empty where `validate` can use it.

    It must be a mapping and valid JSON Schema 2020-12. References must stay inside it, lead to a schema and not lead
    back to themselves; patterns must be ones that can be matched in linear time.
    """
    if not isinstance(schema, Mapping):
        return [SchemaProblem((), "it is not a mapping; say what an answer is, such as `type: object`")]
    try:
        plain = thaw(schema)
    except RecursionError:
        return [SchemaProblem((), "it is nested too deeply")]
    every = list(places(plain))
    schemas = [place for place in every if isinstance(place.schema, dict)]
    return list(islice(chain(form_problems(every), _meaning_problems(plain, schemas)), _MOST_PROBLEMS))


def form_problems(every: Iterable[Place]) -> Iterator[SchemaProblem]:
    """Yield what is wrong with the form of the schemas at *every* place: what the standard's metaschema refuses."""
    for place in every:
        if isinstance(place.schema, dict):
            for keyword, message in keyword_problems(place.schema):
                yield SchemaProblem((*place.path, keyword), message)
        elif not is_schema(place.schema) and len(place.steps) > 1:
            yield SchemaProblem(place.path, f"a schema is a mapping, true or false, not {shown(place.schema)}")


def _meaning_problems(top: dict[str, Any], every: list[Place]) -> Iterator[SchemaProblem]:
    said = [place for place in every if not _MEANINGFUL.isdisjoint(place.schema)]
    references = _References(top, said)
    yield from chain.from_iterable(_identity_problems(place) for place in said)
    yield from chain.from_iterable(_reference_problems(place, references) for place in said)
    yield from _pattern_problems(said)
    yield from _mixture_problems(said)
    if any(name in place.schema for place in said for name in _REFERENCES):
        yield from _circle_problems(every, references)


class _References:
    """Where the references of one schema lead."""

    def __init__(self, top: dict[str, Any], every: Iterable[Place]) -> None:
        self._top = top
        self._anchors = {
            place.schema[keyword]: place.schema
            for place in every
            for keyword in _ANCHORS
            if isinstance(place.schema.get(keyword), str)
        }

    def target(self, reference: str) -> Any:
        """Return the schema that *reference*, which begins with `#`, leads to, or NOWHERE."""
        fragment = reference[1:]
        if fragment == "" or fragment.startswith("/"):
            return schema_at(self._top, fragment)
        return self._anchors.get(unquote(fragment), NOWHERE)


def _identity_problems(place: Place) -> Iterator[SchemaProblem]:
    if place.parent is not None:
        for keyword in _IDENTITIES:
            if keyword in place.schema:
                message = f"`{keyword}` belongs to the top of a schema; remove it here"
                yield SchemaProblem((*place.path, keyword), message)
        return
    dialect = place.schema.get("$schema", DIALECT)
    if isinstance(dialect, str) and dialect.removesuffix("#") != DIALECT:
        yield SchemaProblem(("$schema",), f"`$schema` is {shown(dialect)}; only {DIALECT} is known")


def _reference_problems(place: Place, references: _References) -> Iterator[SchemaProblem]:
    for keyword in _REFERENCES:
        reference = place.schema.get(keyword)
        if not isinstance(reference, str):
            continue
        if not reference.startswith("#"):
            message = f"`{keyword}` {shown(reference)} leads out of the schema; copy what it names into `$defs`"
            yield SchemaProblem((*place.path, keyword), message)
        elif references.target(reference) is NOWHERE:
            message = f"`{keyword}` {shown(reference)} leads to no schema in this one"
            yield SchemaProblem((*place.path, keyword), message)


def _pattern_problems(every: Iterable[Place]) -> Iterator[SchemaProblem]:
    cost = 0
    for place in every:
        for steps, pattern in _patterns(place.schema):
            cost += pattern_cost(pattern)
            if cost > _DEAREST_PATTERNS:
                yield SchemaProblem((*place.path, *steps), "its patterns are too many or too large to be tested")
                return
            problem = pattern_problem(pattern)
            if problem is not None:
                message = f"pattern {bounded(repr(pattern))} cannot be used: {problem}"
                yield SchemaProblem((*place.path, *steps), message)


def _patterns(schema: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    named, pattern = schema.get("patternProperties"), schema.get("pattern")
    for key in named if isinstance(named, dict) else ():
        yield ("patternProperties", key), key
    if isinstance(pattern, str):
        yield ("pattern",), pattern


def _mixture_problems(every: Iterable[Place]) -> Iterator[SchemaProblem]:
    if any("patternProperties" in place.schema for place in every):
        for place in every:
            if "unevaluatedProperties" in place.schema:
                message = "`unevaluatedProperties` does not go with `patternProperties`; use `additionalProperties`"
                yield SchemaProblem((*place.path, "unevaluatedProperties"), message)


def _circle_problems(every: Iterable[Place], references: _References) -> Iterator[SchemaProblem]:
    """Find a schema that has to be applied to a value before it can be applied to that value."""
    needs: dict[int, list[int]] = {}
    for place in every:
        led = [references.target(place.schema[name]) for name in _REFERENCES if _is_local(place.schema.get(name))]
        needs.setdefault(id(place.schema), []).extend(id(target) for target in led if isinstance(target, dict))
        if place.parent is not None and place.steps[0] in (*SAME_ONE, *SAME_MANY):
            needs[id(place.parent.schema)].append(id(place.schema))
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        circle = frozenset(error.args[1])
        found = next(
            place
            for place in every
            if id(place.schema) in circle and any(_is_local(place.schema.get(name)) for name in _REFERENCES)
        )
        keyword = next(name for name in _REFERENCES if _is_local(found.schema.get(name)))
        message = f"`{keyword}` {shown(found.schema[keyword])} leads back to itself"
        yield SchemaProblem((*found.path, keyword), message)


def _is_local(reference: object) -> bool:
    return isinstance(reference, str) and reference.startswith("#")
