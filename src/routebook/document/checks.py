"""Checks of an output as written, save `choice`, which stands with the outputs."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.functional_validators import model_validator
from pydantic_core import PydanticCustomError

from ..outputs.pattern import pattern_problem
from .entry import Entry, at_least_one
from .environment import from_environment, text
from .scalars import Integer, Number, Text

_FUNCTION = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*"


def _linear(pattern: str) -> str:
    problem = pattern_problem(pattern)
    if problem is not None:
        raise PydanticCustomError("regex", "this pattern cannot be used: {problem}", {"problem": problem})
    return pattern


def _function(name: str) -> str:
    if re.fullmatch(_FUNCTION, name) is None:
        raise PydanticCustomError("regex", "a function is named `package.module:function`")
    return name


_FunctionText = Annotated[str, Field(pattern=f"^{_FUNCTION}$")]
PythonFunction = Annotated[str, AfterValidator(_function), from_environment(text, "text", _FunctionText)]
LinearPattern = Annotated[Text, AfterValidator(_linear)]


class Range(Entry):
    """The `range` check: between which bounds a number must lie."""

    model_config = ConfigDict(json_schema_extra=at_least_one("min", "max"))

    field: Text = Field(examples=["score"])
    """The field of the answer that holds the number; null or a missing field is left to the schema."""
    min: Number | None = Field(None, examples=[0])
    """The smallest number that is fine."""
    max: Number | None = Field(None, examples=[10])
    """The largest number that is fine."""

    @model_validator(mode="after")
    def _bounded(self) -> Range:
        if self.min is None and self.max is None:
            raise PydanticCustomError("one_of", "a range has `min`, `max` or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise PydanticCustomError("one_of", "`min` is greater than `max`, so no number is in the range")
        return self


class TextPattern(Entry):
    """The `pattern` check: which pattern a text must match."""

    field: Text = Field(examples=["code"])
    """The field of the answer that holds the text; null or a missing field is left to the schema."""
    matches: LinearPattern = Field(examples=["^[A-Z]{2}-[0-9]+$"])
    """The pattern. It may be found anywhere in the text: `^` and `$` bind it to the ends. It is matched in linear
    time, so it has neither backreferences nor look-around."""


class Unique(Entry):
    """The `unique` check: in which list no two items may be equal."""

    field: Text = Field(examples=["steps"])
    """The field of the answer that holds the list; null or a missing field is left to the schema."""
    by: Text | None = Field(None, examples=["title"])
    """The key whose values must differ, where items are objects; an item without it is not compared. Default: whole
    items are compared."""


class SubsetOf(Entry):
    """The `subset_of` check: which list must hold nothing but what the caller lists."""

    field: Text = Field(examples=["tags"])
    """The field of the answer that holds the list; null or a missing field is left to the schema."""
    from_: Text = Field(alias="from", examples=["known_tags"])
    """Name of the caller's input that lists what is allowed. The model sees it where the prompt names it."""
    id: Text | None = Field(None, examples=["id"])
    """The key of the caller's objects that holds what is allowed. Default: the caller's list holds texts, numbers and
    booleans themselves."""


class MaxLength(Entry):
    """The `max_length` check: how long a text or a list may be."""

    field: Text = Field(examples=["title"])
    """The field of the answer that holds the text or the list; null or a missing field is left to the schema."""
    at_most: Annotated[Integer, Field(ge=1)] = Field(examples=[80])
    """The most characters of a text, or items of a list."""
