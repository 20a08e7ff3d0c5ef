"""Candidates: the caller's own objects, one of which a model shall choose.

Comes in: a `choice` check and the caller's inputs. Goes out: the candidates in the caller's order, found in order, and
the text that shows them to a model.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...canonical.frozen import thaw
from ...errors import RequestError
from ...routing.output_spec import ChoiceSpec
from .found import shown

# Control and format characters, lone surrogates, line and paragraph separators: everything that ends a line somewhere,
# turns the direction of writing, or is not seen at all.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Candidates:
    """The caller's candidates in the caller's order: `items[n]` is the one with the id `ids[n]`; no id stands twice.

    `lines[n]` is what a model is shown of it, rendered when it was read.
    """

    items: tuple[Mapping[str, Any], ...]
    ids: tuple[str | int, ...]
    lines: tuple[str, ...]

    def has(self, value: object) -> bool:
        """Tell whether *value* is the id of a candidate, its type included."""
        return _is_id(value) and value in self.ids


def read_candidates(spec: ChoiceSpec, inputs: Mapping[str, Any]) -> Candidates:
    """Read the candidates that *inputs* hold for *spec*; an empty list is one without candidates.

    Raises:
        RequestError: `field` is `inputs`. The input is missing or no list, or a candidate is no mapping, has no id, an
            id that is neither text nor an integer, one that an earlier candidate has, or a label that is not JSON.
    """
    name = spec.candidates
    if name not in inputs:
        raise _refusal(f"input {name!r} is missing; pass inputs={{{name!r}: [...]}}, the list to choose from")
    given = inputs[name]
    if not isinstance(given, (list, tuple)):
        raise _refusal(f"input {name!r} is {_kind(given)}; pass a list of mappings")
    seen: dict[str | int, int] = {}
    items, lines = [], []
    for index, item in enumerate(given):
        place = f"inputs[{name!r}][{index}]"
        identity = _read_id(spec, item, place)
        if identity in seen:
            raise _refusal(f"{place} has the {spec.id} {shown(identity)}, as [{seen[identity]}] does; ids must differ")
        lines.append(_line(spec, item, place))
        seen[identity] = index
        items.append(MappingProxyType(dict(item)))
    return Candidates(tuple(items), tuple(seen), tuple(lines))


def render_candidates(spec: ChoiceSpec, candidates: Candidates) -> str:
    """Return the text that shows *candidates* to a model: a heading, then one line of JSON for each.

    Quotes, line breaks and invisible characters in a candidate's texts are escaped, so that none can forge a line.
    """
    subject = f"each item of {_json(spec.field)}" if spec.many else _json(spec.field)
    heading = f"{subject} must be the {_json(spec.id)} of one of these, copied exactly:"
    return "\n".join((heading, *candidates.lines))


def _refusal(message: str) -> RequestError:
    return RequestError(message, field="inputs")


def _kind(value: object) -> str:
    return "null" if value is None else f"of type {type(value).__name__}"


def _is_id(value: object) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _read_id(spec: ChoiceSpec, item: Any, place: str) -> str | int:
    if not isinstance(item, Mapping):
        raise _refusal(f"{place} is {_kind(item)}; a candidate is a mapping with its {spec.id!r}")
    identity = item.get(spec.id)
    if identity is None or identity == "":
        raise _refusal(f"{place} has no {spec.id!r}; every candidate needs one, text or an integer")
    if not _is_id(identity):
        raise _refusal(f"the {spec.id!r} of {place} is {_kind(identity)}; it must be text or an integer")
    return identity  # type: ignore[no-any-return]


def _line(spec: ChoiceSpec, item: Mapping[str, Any], place: str) -> str:
    """Return *item* as one line of JSON: its id, and those of its labels that it has."""
    shown = {name: item[name] for name in (spec.id, *spec.label) if item.get(name) is not None}
    try:
        return _json(thaw(shown))
    except (TypeError, ValueError, RecursionError) as error:
        raise _refusal(f"the labels {', '.join(spec.label)} of {place} are not JSON: {error}") from error


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if text.isprintable():  # quick, and never true of what is hidden
        return text
    return "".join(json.dumps(char)[1:-1] if unicodedata.category(char) in _HIDDEN else char for char in text)
