"""Matchers as written: a scalar (equals), a list (any of), or operators that must all hold."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, Discriminator, Field, Tag
from pydantic.functional_validators import model_validator
from pydantic_core import PydanticCustomError

from .entry import Entry
from .environment import from_environment, is_env_reference, text
from .scalars import ONE, OPERATORS, SEVERAL, Boolean, Number, Text

Percent = Annotated[Number, Field(ge=0, le=100)]
Plain = Annotated[str | int | float | bool, from_environment(text, "text", str | int | float | bool)]


def matcher_form(value: Any) -> str:
    """Tell the form of a matcher as written: its tag."""
    if isinstance(value, list):
        return SEVERAL
    if isinstance(value, Entry) or (isinstance(value, dict) and not is_env_reference(value)):
        return OPERATORS
    return ONE


_SeveralText = Annotated[list[Text], Field(min_length=1)]
_OneOrMoreText = Annotated[
    Annotated[Text, Tag(ONE)] | Annotated[_SeveralText, Tag(SEVERAL)], Discriminator(matcher_form)
]
_SeveralNumber = Annotated[list[Number], Field(min_length=1)]
_OneOrMoreNumber = Annotated[
    Annotated[Number, Tag(ONE)] | Annotated[_SeveralNumber, Tag(SEVERAL)],
    Discriminator(matcher_form),
]
_SeveralBoolean = Annotated[list[Boolean], Field(min_length=1)]
_OneOrMoreBoolean = Annotated[
    Annotated[Boolean, Tag(ONE)] | Annotated[_SeveralBoolean, Tag(SEVERAL)], Discriminator(matcher_form)
]
_SeveralPlain = Annotated[list[Plain], Field(min_length=1)]
_OneOrMorePlain = Annotated[
    Annotated[Plain, Tag(ONE)] | Annotated[_SeveralPlain, Tag(SEVERAL)], Discriminator(matcher_form)
]


def without_null(schema: dict[str, Any]) -> None:
    """Say in a JSON Schema that a field is left out where it is not wanted, and never null."""
    for field in schema["properties"].values():
        field["anyOf"] = [form for form in field["anyOf"] if form != {"type": "null"}]


def something_without_null(schema: dict[str, Any]) -> None:
    """The same, and that at least one field is there."""
    without_null(schema)
    schema["minProperties"] = 1


class _Conditions(Entry):
    """Conditions by field. Null is none: a rule with a condition left out by mistake would always hold."""

    @model_validator(mode="after")
    def _no_null(self) -> Self:
        fields = type(self).model_fields
        names = [fields[name].alias or name for name in fields if name in self.model_fields_set]
        nothing = [name for name, value in zip(names, self._given(), strict=True) if value is None]
        if nothing:
            raise PydanticCustomError("null_matcher", "a condition is nothing", {"names": nothing})
        return self

    def _given(self) -> list[Any]:
        return [getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set]


class _Operators(_Conditions):
    """Operators, all of which must hold."""

    model_config = ConfigDict(json_schema_extra=something_without_null)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("one_of", "operators must name at least one")
        return self


class TextOperators(_Operators):
    """Operators over text."""

    not_: _OneOrMoreText | None = Field(None, alias="not", examples=["guest", ["guest", "bot"]])
    """None of these; an absent field holds too."""
    in_: _SeveralText | None = Field(None, alias="in", examples=[["eu-west-1", "eu-central-1"]])
    """Any of these."""
    prefix: Text | None = Field(None, examples=["eu-"])
    """The text that it begins with."""
    exists: Boolean | None = Field(None, examples=[True])
    """Whether it is there at all."""
    percent: Percent | None = Field(None, examples=[10])
    """A share of the values, 0 to 100; the same value is always in it or never."""


class NumberOperators(_Operators):
    """Operators over numbers."""

    gt: Number | None = Field(None, examples=[100000])
    """Greater than."""
    gte: Number | None = Field(None, examples=[100000])
    """Greater than or equal to."""
    lt: Number | None = Field(None, examples=[1000])
    """Less than."""
    lte: Number | None = Field(None, examples=[1000])
    """Less than or equal to."""
    not_: _OneOrMoreNumber | None = Field(None, alias="not", examples=[0])
    """None of these; an absent field holds too."""
    in_: _SeveralNumber | None = Field(None, alias="in", examples=[[0, 1]])
    """Any of these."""
    exists: Boolean | None = Field(None, examples=[True])
    """Whether it is there at all."""


class BooleanOperators(_Operators):
    """Operators over true and false."""

    not_: _OneOrMoreBoolean | None = Field(None, alias="not", examples=[True])
    """None of these; an absent field holds too."""
    in_: _SeveralBoolean | None = Field(None, alias="in", examples=[[True, False]])
    """Any of these."""
    exists: Boolean | None = Field(None, examples=[True])
    """Whether it is there at all."""


class AnyOperators(_Operators):
    """Operators over whatever the application puts into the metadata."""

    gt: Number | None = Field(None, examples=[3])
    """A number greater than this."""
    gte: Number | None = Field(None, examples=[3])
    """A number greater than or equal to this."""
    lt: Number | None = Field(None, examples=[3])
    """A number less than this."""
    lte: Number | None = Field(None, examples=[3])
    """A number less than or equal to this."""
    not_: _OneOrMorePlain | None = Field(None, alias="not", examples=["free"])
    """None of these; an absent field holds too."""
    in_: _SeveralPlain | None = Field(None, alias="in", examples=[["pro", "team"]])
    """Any of these."""
    prefix: Text | None = Field(None, examples=["beta-"])
    """The text that it begins with."""
    exists: Boolean | None = Field(None, examples=[True])
    """Whether it is there at all."""
    percent: Percent | None = Field(None, examples=[10])
    """A share of the values, 0 to 100; the same value is always in it or never."""


TextMatcher = Annotated[
    Annotated[Text, Tag(ONE)] | Annotated[_SeveralText, Tag(SEVERAL)] | Annotated[TextOperators, Tag(OPERATORS)],
    Discriminator(matcher_form),
]
NumberMatcher = Annotated[
    Annotated[Number, Tag(ONE)] | Annotated[_SeveralNumber, Tag(SEVERAL)] | Annotated[NumberOperators, Tag(OPERATORS)],
    Discriminator(matcher_form),
]
BooleanMatcher = Annotated[
    Annotated[Boolean, Tag(ONE)]
    | Annotated[list[Boolean], Field(min_length=1), Tag(SEVERAL)]
    | Annotated[BooleanOperators, Tag(OPERATORS)],
    Discriminator(matcher_form),
]
AnyMatcher = Annotated[
    Annotated[Plain, Tag(ONE)] | Annotated[_SeveralPlain, Tag(SEVERAL)] | Annotated[AnyOperators, Tag(OPERATORS)],
    Discriminator(matcher_form),
]


class Matchers(_Conditions):
    """Matchers by field."""

    model_config = ConfigDict(json_schema_extra=without_null)

    def matchers(self) -> dict[str, Any]:
        """Return each field that was written, as it was written, with its matcher."""
        fields = type(self).model_fields
        written = {fields[name].alias or name: getattr(self, name) for name in fields if name in self.model_fields_set}
        return {**written, **(self.__pydantic_extra__ or {})}


class OpenMatchers(Matchers):
    """Matchers by field. Fields that begin with `prefix` are not listed: any name may follow it."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, AnyMatcher]
    prefix: ClassVar[str]

    @model_validator(mode="after")
    def _known_fields(self) -> Self:
        names = self.__pydantic_extra__
        unknown = [name for name in names if not name.startswith(self.prefix) or name == self.prefix]
        if unknown:
            raise PydanticCustomError("unknown_fields", "unknown fields", {"names": unknown})
        return self
