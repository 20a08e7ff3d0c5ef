"""The section `outputs`: output contracts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.functional_validators import BeforeValidator, model_validator
from pydantic_core import PydanticCustomError

from .entry import Entry
from .environment import one_of
from .scalars import Integer, Number, Text, one_or_many

Share = Annotated[Number, Field(ge=0, le=1)]
_IfNone = Literal["keep", "empty", "fail"]
IfNone = Annotated[_IfNone, one_of(_IfNone)]
_OnFailure = Literal["raise", "otherwise"]
OnFailure = Annotated[_OnFailure, one_of(_OnFailure)]
_Strategy = Literal["auto", "native", "prompt"]
Strategy = Annotated[_Strategy, one_of(_Strategy)]


class Repair(Entry):
    """Further tries when an answer does not keep its contract."""

    attempts: Annotated[Integer, Field(ge=0, le=10)] = 0
    """How many; each feeds the problems back to the model."""


class Confidence(Entry):
    """How sure a choice must be."""

    field: Text
    """The field of the answer that holds the confidence, a number from 0 to 1."""
    at_least: Share = 0.0
    """Below it, an alternative is taken; exactly at it is accepted."""
    missing: Share = 0.5
    """The confidence of an answer that gives none."""
    invalid: Share = 0.3
    """The confidence recorded when the model's id is not in the list."""


class Alternative(Entry):
    """What is chosen instead: the id that an input holds, or the first candidate that fits."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    input: Text | None = None
    """Name of the input that holds an id."""
    where: dict[str, str | int | float | bool | None] | None = None
    """Fields that a candidate must have, with their values."""

    @model_validator(mode="after")
    def _one_of_two(self) -> Alternative:
        if len(self.model_fields_set) != 1 or (self.input is None and self.where is None):
            raise PydanticCustomError("one_of", "an alternative has either `input` or `where`")
        return self


class Choice(Entry):
    """The value of a field must be the id of one of the caller's own objects."""

    field: Text
    """The field of the answer that holds the chosen id."""
    from_: Annotated[Text, Field(alias="from")]
    """Name of the caller's input that lists the candidates."""
    id: Text = "id"
    """The field of a candidate that holds its id."""
    label: Annotated[list[Text], BeforeValidator(one_or_many, json_schema_input_type=str | list[str])] = ["name"]
    """The fields of a candidate that the model is shown."""
    reason: Text = "reason"
    """The field of the answer that says why."""
    confidence: Confidence | None = None
    """How sure the model must be."""
    otherwise: list[Alternative] = []
    """What is chosen instead, first valid one."""
    if_none: IfNone = "keep"
    """What happens when the confidence is too low and no alternative is valid."""
    on_failure: OnFailure = "raise"
    """Whether a failed run takes an alternative instead of raising its error."""


class Check(Entry):
    """A test of an answer against the caller's own data."""

    choice: Choice
    """The value of a field must be an id in the caller's list."""


class Output(Entry):
    """An output contract: JSON Schema, how it is asked for, further tries, checks."""

    schema_: Annotated[dict[str, Any] | bool, Field(alias="schema")]
    """JSON Schema (2020-12), or `{file: PATH}` below the book's root."""
    strategy: Strategy = "auto"
    """`native`: the API holds the model to the schema; `prompt`: the schema is part of the instructions; `auto`
    picks by the model's capabilities."""
    repair: Repair | None = None
    """Further tries. Default: none."""
    checks: list[Check] = []
    """Tests against the caller's data."""
