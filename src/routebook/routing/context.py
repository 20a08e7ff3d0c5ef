"""Context, who asks, and Facts, what of a request a decision may look at.

Both come from callers, so both are checked as they are made: a field that is not there, or a value that no decision
can look at, is a RequestError that names the field and never shows the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from ..canonical.frozen import EMPTY, thaw
from ..canonical.plain import is_mapping, type_of
from ..errors import RequestError
from .given import freeze_keys, freeze_metadata, freeze_options, unknown_field, wrong_type


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks. Every field may be absent.

    `profile` names a quality-of-service tier; `metadata` is plain data, as JSON has it; `credentials` maps a provider's
    name to the caller's own key and is never shown, though a pickled context has them; `key` is what sticky choices
    stick to.

    Raises:
        RequestError: There is no such field, or its value is of the wrong type.
    """

    profile: str | None = None
    user: str | None = None
    tenant: str | None = None
    region: str | None = None
    metadata: Mapping[str, Any] = EMPTY
    credentials: Mapping[str, str] = field(default=EMPTY, repr=False)
    key: str | None = None

    if not TYPE_CHECKING:  # checkers know the fields; here an unknown one is told as our error

        def __init__(
            self,
            profile: str | None = None,
            user: str | None = None,
            tenant: str | None = None,
            region: str | None = None,
            metadata: Mapping[str, Any] = EMPTY,
            credentials: Mapping[str, str] = EMPTY,
            key: str | None = None,
            **unknown: object,
        ) -> None:
            if unknown:
                raise unknown_field("context", unknown, _names(Context))
            for text in (profile, user, tenant, region, key):
                if text is not None and not isinstance(text, str):
                    texts = {"profile": profile, "user": user, "tenant": tenant, "region": region, "key": key}
                    raise wrong_type("context", texts, str | None, "text")
            put = object.__setattr__
            put(self, "profile", profile)
            put(self, "user", user)
            put(self, "tenant", tenant)
            put(self, "region", region)
            put(self, "metadata", metadata if metadata is EMPTY else freeze_metadata(metadata))
            put(self, "credentials", credentials if credentials is EMPTY else freeze_keys(credentials))
            put(self, "key", key)

    def __reduce__(self) -> tuple[type[Context], tuple[Any, ...]]:
        """Pickle and copy as plain data."""
        return type(self), _thawed(self)


ContextLike = Context | Mapping[str, Any]
"""A context as callers may give it: one, or a mapping of its fields."""

NOBODY = Context()


def context_of(given: object) -> Context:
    """Return the context that a caller gives; None is nobody's.

    Raises:
        RequestError: It is neither a Context nor a mapping of its fields.
    """
    if isinstance(given, Context):
        return given
    if given is None:
        return NOBODY
    if not is_mapping(given):
        raise RequestError(f"context must be a Context or a mapping of its fields, not {type_of(given)}", "context")
    if not all(isinstance(name, str) for name in given):
        raise RequestError("a context's fields must have text for their names", "context")
    return Context(**given)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision may look at in a request: its size in tokens, what it contains, and what the caller asks.

    `model` is the caller's wish for another model, `options` the caller's options. Unset facts are false and 0.

    Raises:
        RequestError: There is no such fact, or its value is of the wrong type.
    """

    input_tokens: int = 0
    has_images: bool = False
    has_tools: bool = False
    stream: bool = False
    model: str | None = None
    options: Mapping[str, Any] = EMPTY

    if not TYPE_CHECKING:  # as above

        def __init__(
            self,
            input_tokens: int = 0,
            has_images: bool = False,
            has_tools: bool = False,
            stream: bool = False,
            model: str | None = None,
            options: Mapping[str, Any] = EMPTY,
            **unknown: object,
        ) -> None:
            if unknown:
                raise unknown_field("facts", unknown, _names(Facts))
            if type(input_tokens) is not int or input_tokens < 0:
                message = f"facts field 'input_tokens' must be a whole number from 0 on, not {type_of(input_tokens)}"
                raise RequestError(message, "facts")
            if not type(has_images) is type(has_tools) is type(stream) is bool:
                truths = {"has_images": has_images, "has_tools": has_tools, "stream": stream}
                raise wrong_type("facts", truths, bool, "true or false")
            if model is not None and not isinstance(model, str):
                raise RequestError(f"model must be a model's name, not {type_of(model)}", "override")
            put = object.__setattr__
            put(self, "input_tokens", input_tokens)
            put(self, "has_images", has_images)
            put(self, "has_tools", has_tools)
            put(self, "stream", stream)
            put(self, "model", model)
            put(self, "options", options if options is EMPTY else freeze_options(options))

    def __reduce__(self) -> tuple[type[Facts], tuple[Any, ...]]:
        """Pickle and copy as plain data."""
        return type(self), _thawed(self)


NOTHING = Facts()


def facts_or_nothing(given: object) -> Facts:
    """Return the facts that a caller gives; None is nothing.

    Raises:
        RequestError: They are no Facts.
    """
    if isinstance(given, Facts):
        return given
    if given is not None:
        raise RequestError(f"facts must be a Facts, not {type_of(given)}", "facts")
    return NOTHING


def _names(kind: type[Context | Facts]) -> list[str]:
    return [one.name for one in fields(kind)]


def _thawed(value: Context | Facts) -> tuple[Any, ...]:
    return tuple(thaw(getattr(value, one.name)) for one in fields(value))
