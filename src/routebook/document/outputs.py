"""The section `outputs`: output contracts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.functional_validators import BeforeValidator, model_validator
from pydantic_core import PydanticCustomError

from .checks import MaxLength, PythonFunction, Range, SubsetOf, TextPattern, Unique
from .entry import Entry
from .environment import one_of
from .matchers import Plain
from .scalars import Boolean, Integer, JsonSchema, Number, Text, one_or_many

Share = Annotated[Number, Field(ge=0, le=1)]
_IfNone = Literal["keep", "empty", "fail"]
IfNone = Annotated[_IfNone, one_of(_IfNone)]
_OnFailure = Literal["raise", "otherwise"]
OnFailure = Annotated[_OnFailure, one_of(_OnFailure)]
_Strategy = Literal["auto", "native", "tool", "prompt"]
Strategy = Annotated[_Strategy, one_of(_Strategy)]


def _exactly_one(schema: dict[str, Any]) -> None:
    """Tell the JSON Schema of an entry that exactly one of its keys is written, and is no null."""
    schema |= {"minProperties": 1, "maxProperties": 1}
    for field in schema["properties"].values():
        field.pop("default", None)
        forms = [form for form in field.pop("anyOf", []) if form != {"type": "null"}]
        field |= forms[0] if len(forms) == 1 else {"anyOf": forms}


_EXACTLY_ONE = ConfigDict(json_schema_extra=_exactly_one)


class Repair(Entry):
    """Further tries when an answer does not keep its contract."""

    attempts: Annotated[Integer, Field(ge=0, le=10)] = Field(0, examples=[2])
    """How many; each feeds the problems back to the model."""


class Confidence(Entry):
    """How sure a choice must be."""

    field: Text = Field(examples=["confidence"])
    """The field of the answer that holds the confidence, a number from 0 to 1."""
    at_least: Share = Field(0.0, examples=[0.7])
    """Below it, an alternative is taken; exactly at it is accepted."""
    missing: Share = Field(0.5, examples=[0.5])
    """The confidence of an answer that gives none."""
    invalid: Share = Field(0.3, examples=[0.3])
    """The confidence recorded when the model's id is not in the list."""


class Alternative(Entry):
    """What is chosen instead: the id that an input holds, or the first candidate that fits."""

    model_config = _EXACTLY_ONE

    input: Text | None = Field(None, examples=["category_folder_id"])
    """Name of the input that holds an id."""
    where: dict[str, Plain | None] | None = Field(None, examples=[{"is_default": True}])
    """Fields that a candidate must have, with their values; types count, and null is a value."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Alternative:
        if len(self.model_fields_set) != 1 or (self.input is None and self.where is None):
            raise PydanticCustomError("one_of", "an alternative has either `input` or `where`")
        return self


class Choice(Entry):
    """The value of a field must be the id of one of the caller's own objects."""

    field: Text = Field(examples=["folder_id"])
    """The field of the answer that holds the chosen id."""
    from_: Text = Field(alias="from", examples=["folders"])
    """Name of the caller's input that lists the candidates."""
    id: Text = Field("id", examples=["id"])
    """The field of a candidate that holds its id."""
    label: Annotated[list[Text], BeforeValidator(one_or_many, json_schema_input_type=str | list[Text])] = Field(
        ["name"], examples=[["name", "description"]]
    )
    """The fields of a candidate that the model is shown."""
    reason: Text = Field("reason", examples=["reason"])
    """The field of the answer that says why."""
    confidence: Confidence | None = Field(None, examples=[{"field": "confidence", "at_least": 0.7}])
    """How sure the model must be. Default: any id in the list is accepted."""
    otherwise: list[Alternative] = Field([], examples=[[{"input": "category_folder_id"}]])
    """What is chosen instead; the first alternative that is itself in the list wins."""
    if_none: IfNone = Field("keep", examples=["empty"])
    """What happens when the confidence is too low and no alternative is valid: the model's choice is kept, the value
    becomes null (with `many` an empty list), or the run fails."""
    on_failure: OnFailure = Field("raise", examples=["otherwise"])
    """Whether a failed run takes an alternative instead of raising its error."""
    many: Boolean = Field(False, examples=[True])
    """The field holds a list of ids. Each is checked, and those that are not in the caller's list are dropped. Where
    none is left, an empty list included, the choice is invalid, and the first valid alternative stands as a list of
    one, or else an empty list. One confidence is that of the whole list: too low a one replaces the whole list."""


class Check(Entry):
    """A test of an answer, one kind a list item. A `choice` puts the right value in place; every other kind finds
    problems, which are fed back to the model like those of the schema.
    """

    model_config = _EXACTLY_ONE

    choice: Choice | None = Field(None, examples=[{"field": "folder_id", "from": "folders"}])
    """The value of a field must be an id in the caller's list."""
    range: Range | None = Field(None, examples=[{"field": "score", "min": 0, "max": 10}])
    """A number must lie between two bounds."""
    pattern: TextPattern | None = Field(None, examples=[{"field": "code", "matches": "^[A-Z]{2}-[0-9]+$"}])
    """A text must match a pattern."""
    unique: Unique | None = Field(None, examples=[{"field": "steps", "by": "title"}])
    """The items of a list must differ."""
    subset_of: SubsetOf | None = Field(None, examples=[{"field": "tags", "from": "known_tags"}])
    """The items of a list must be among the caller's."""
    max_length: MaxLength | None = Field(None, examples=[{"field": "title", "at_most": 80}])
    """A text or a list must not be longer than this."""
    python: PythonFunction | None = Field(None, examples=["my_app.checks:no_weekend"])
    """A function of your own, `package.module:function`. It is called with the answer and the caller's inputs, and
    returns None or true where the answer is fine, else the problem as a text or the problems as a list of texts. It
    must not be `async`; an exception is a problem that names its type only."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Check:
        if len(self.model_fields_set) != 1 or getattr(self, next(iter(self.model_fields_set))) is None:
            kinds = ", ".join(f"`{name}`" for name in Check.model_fields)
            raise PydanticCustomError("one_of", "a check is exactly one of {kinds}", {"kinds": kinds})
        return self


class Output(Entry):
    """An output contract: JSON Schema, how it is asked for, further tries, checks."""

    schema_: JsonSchema = Field(alias="schema", examples=[{"type": "object"}])
    """JSON Schema (2020-12), or `{file: PATH}` below the book's root."""
    strategy: Strategy = Field("auto", examples=["tool"])
    """`native`: the API holds the model to the schema; `tool`: the model answers by calling a tool whose input has the
    schema; `prompt`: the schema is part of the instructions; `auto` picks by the model's capabilities: `native` with
    `json_schema` or where none are declared, else `tool` with `tools`, else `prompt`, with the API's JSON mode where
    the model has `json_object`."""
    repair: Repair | None = Field(None, examples=[{"attempts": 2}])
    """Further tries. Default: none."""
    checks: list[Check] = Field([], examples=[[{"max_length": {"field": "title", "at_most": 80}}]])
    """Tests of the answer, in the order in which their outcomes are told."""
