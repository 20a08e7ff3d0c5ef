"""Vendor types: whether plain JSON data is what a vendor's own TypedDict params allow.

Comes in: data as `json.loads` gives it, and a type of the `openai` or `anthropic` package. Goes out: what is wrong with
it, a sentence each, none where the vendor's types accept it. Strict: keys that a type does not name are wrong, true
is no number, and what cannot travel as JSON (open files, models of pydantic) is never met.
"""

from __future__ import annotations

import collections.abc
import types
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, ForwardRef, Literal, NotRequired, Required, Union, get_args, get_origin

import typing_extensions
from typing_extensions import get_type_hints

_QUALIFIERS = (Required, NotRequired, typing_extensions.Required, typing_extensions.NotRequired)
_LISTS = frozenset(
    {
        list,
        collections.abc.Iterable,
        collections.abc.Sequence,
        collections.abc.Collection,
    }
)
_MAPPINGS = frozenset({dict, collections.abc.Mapping, collections.abc.MutableMapping})
_SCALARS: dict[Any, tuple[type, ...]] = {
    str: (str,),
    bool: (bool,),
    int: (int,),
    float: (int, float),
    None: (type(None),),
    type(None): (type(None),),
}


def problems(value: Any, typed_dict: Any) -> list[str]:
    """Return what keeps *value* from being *typed_dict*, or any other type; an empty list where nothing does."""
    return list(_problems(value, typed_dict, "body"))


def _problems(value: Any, expected: Any, place: str) -> Iterator[str]:
    expected = _bare(expected)
    origin = get_origin(expected)
    if isinstance(expected, (str, ForwardRef)):
        raise TypeError(f"{place}: {expected!r} was not resolved")
    if expected is Any or expected is object:
        return
    if typing_extensions.is_typeddict(expected):
        yield from _typed_dict(value, expected, place)
    elif origin in (Union, types.UnionType):
        yield from _union(value, get_args(expected), place)
    elif origin is Literal:
        if not any(type(value) is type(word) and value == word for word in get_args(expected)):
            yield f"{place}: {value!r} is none of {', '.join(map(repr, get_args(expected)))}"
    elif _is_list(expected, origin):
        yield from _list(value, get_args(expected), place)
    elif (origin or expected) in _MAPPINGS:
        yield from _mapping(value, get_args(expected), place)
    elif expected in _SCALARS:
        if type(value) not in _SCALARS[expected]:
            yield f"{place}: {value!r} is no {getattr(expected, '__name__', expected)}"
    else:
        yield f"{place}: {value!r} is no {expected!r}"


def _bare(expected: Any) -> Any:
    """Take off what says nothing of the value: Annotated, Required, NotRequired, a name for a type."""
    while True:
        if hasattr(expected, "__value__"):
            expected = expected.__value__
        elif get_origin(expected) in (Annotated, *_QUALIFIERS):
            expected = get_args(expected)[0]
        else:
            return expected


def _is_list(expected: Any, origin: Any) -> bool:
    """Tell types of lists; `SequenceNotStr` is a protocol of each vendor's own."""
    kind = origin or expected
    return kind in _LISTS or getattr(kind, "__name__", "") == "SequenceNotStr"


@cache
def _fields(typed_dict: Any) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the types of a TypedDict's keys, and the keys that must be there."""
    hints = get_type_hints(typed_dict, include_extras=True)
    # Written as text, `Required[...]` is not seen by the class itself.
    named = {key: get_origin(hint) for key, hint in hints.items()}
    required = {
        key
        for key, origin in named.items()
        if origin in (Required, typing_extensions.Required)
        or (origin not in _QUALIFIERS and key in typed_dict.__required_keys__)
    }
    return hints, frozenset(required)


def _typed_dict(value: Any, expected: Any, place: str) -> Iterator[str]:
    if type(value) is not dict:
        yield f"{place}: {value!r} is no {expected.__name__}"
        return
    hints, required = _fields(expected)
    yield from (f"{place}: {expected.__name__} needs {key!r}" for key in sorted(required - value.keys()))
    for key, item in value.items():
        if key in hints:
            yield from _problems(item, hints[key], f"{place}.{key}")
        else:
            yield f"{place}: {expected.__name__} has no {key!r}"


def _union(value: Any, members: tuple[Any, ...], place: str) -> Iterator[str]:
    """Report the problems of the member that comes nearest: of the right shape, its tags right, its problems fewest."""
    found = [list(_problems(value, member, place)) for member in members]
    if all(found):
        tags = (f"{place}.type:", f"{place}.role:")
        yield from min(
            found,
            key=lambda lines: (
                any(line.startswith(f"{place}: ") and " is no" in line for line in lines),
                any(line.startswith(tags) for line in lines),
                len(lines),
            ),
        )


def _list(value: Any, of: tuple[Any, ...], place: str) -> Iterator[str]:
    if type(value) is not list:
        yield f"{place}: {value!r} is no list"
        return
    for index, item in enumerate(value):
        yield from _problems(item, of[0] if of else Any, f"{place}[{index}]")


def _mapping(value: Any, of: tuple[Any, ...], place: str) -> Iterator[str]:
    if type(value) is not dict:
        yield f"{place}: {value!r} is no mapping"
        return
    for key, item in value.items():
        yield from _problems(item, of[1] if of else Any, f"{place}.{key}")
