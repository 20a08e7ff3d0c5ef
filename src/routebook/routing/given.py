"""Given: what callers give, checked. Each refusal is a RequestError that names the field and never shows its value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType, UnionType
from typing import Any

from ..canonical.frozen import EMPTY, Frozen, freeze_mapping
from ..canonical.plain import NotPlain, freeze_plain, is_mapping, type_of
from ..diagnostics.suggest import did_you_mean
from ..errors import RequestError

_KEY = re.compile(r"[\x21-\x7e]+")
_NAME = re.compile(r"[A-Za-z][\w.-]{0,29}")
"""What is surely a provider's name and no key, where somebody mixed them up."""


def unknown_field(what: str, given: Iterable[str], known: Iterable[str]) -> RequestError:
    """Return the error of fields that *what* has not, with a near name or all that it has."""
    name, names = min(given), tuple(known)
    mend = did_you_mean(name, names) or f"its fields are {', '.join(names)}"
    return RequestError(f"{what} has no field {name!r}; {mend}", what)


def wrong_type(what: str, given: Mapping[str, object], kind: type | UnionType, said: str) -> RequestError:
    """Return the error of the first of the fields *given* that is not of *kind*."""
    name = next(name for name, value in given.items() if not isinstance(value, kind))
    return RequestError(f"{what} field {name!r} must be {said}, not {type_of(given[name])}", what)


def freeze_keys(credentials: object) -> Frozen:
    """Return a caller's keys by provider, read-only.

    Raises:
        RequestError: They are no mapping of names to keys, or one cannot be a key.
    """
    if not is_mapping(credentials):
        what = "context field 'credentials' must map providers' names to the caller's keys"
        raise RequestError(f"{what}, not be {type_of(credentials)}", "context")
    for provider, key in credentials.items():
        if not isinstance(provider, str):
            raise RequestError(f"context field 'credentials' has a name {type_of(provider)}; names are text", "context")
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            # Taking it for "no key" would let the platform pay; a line break would forge a header.
            whose = f"for provider {provider!r}" if _NAME.fullmatch(provider) else "for a provider"
            message = f"the caller's key {whose} is empty or has characters that no key has; pass the key and no more"
            raise RequestError(message, "context")
    return MappingProxyType(dict(credentials)) if credentials else EMPTY


def freeze_options(options: object) -> Frozen:
    """Return a caller's options, read-only. Deciding looks into some, so their form is checked; a run checks all.

    Raises:
        RequestError: They are no mapping by name, or one is not of its form.
    """
    named = check_named(options)
    for name, value in named.items():
        form = _FORMS.get(name)
        if form is not None and value is not None and not form[0](value):
            raise RequestError(f"the caller's option {name!r} must be {form[1]}", "options")
    return freeze_mapping(named)


def check_named(options: object) -> Mapping[str, Any]:
    """Return a caller's options as they are.

    Raises:
        RequestError: They are no mapping by name.
    """
    if not is_mapping(options):
        raise RequestError(f"the caller's options must be a mapping, not {type_of(options)}", "options")
    for name in options:
        if not isinstance(name, str):
            raise RequestError(f"the caller's options have a name {type_of(name)}; names are text", "options")
    return options


def _is_named(value: object) -> bool:
    return is_mapping(value) and all(isinstance(name, str) for name in value)


def _is_reasoning(value: Any) -> bool:
    return _is_named(value) and isinstance(value.get("budget_tokens"), int | None)


def _is_stop(value: object) -> bool:
    return isinstance(value, (str, list, tuple)) and all(isinstance(text, str) for text in value)


_BY_NAME = (_is_named, "a mapping by name")
_FORMS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "reasoning": (_is_reasoning, "a mapping with `effort`, or `budget_tokens`, a whole number"),
    "prompt_cache": _BY_NAME,
    "extra_body": _BY_NAME,
    "extra_headers": _BY_NAME,
    "stop": (_is_stop, "text, or a list of texts"),
}


def freeze_metadata(metadata: object) -> Frozen:
    """Return a context's metadata, read-only and frozen in depth.

    Conditions look at it and choices stick to it, so it is plain data: another object would be equal to nothing that a
    book can name, and another text in each process.

    Raises:
        RequestError: It is no mapping, or something in it is no plain data; names the place.
    """
    if not is_mapping(metadata):
        message = f"context field 'metadata' must be a mapping, not {type_of(metadata)}; leave it out where it is empty"
        raise RequestError(message, "context")
    try:
        return freeze_plain(metadata) if metadata else EMPTY
    except NotPlain as error:
        raise RequestError(f"context field 'metadata'{error.place} {error.why}", "context") from error
