"""Targets as written: a model with options, what takes over when it fails, and splits of several."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.functional_validators import model_validator
from pydantic_core import PydanticCustomError

from ..errors import FaultKind
from .entry import Entry
from .environment import one_of
from .options import Options
from .scalars import Number, Text

Kind = Annotated[FaultKind, one_of(FaultKind)]

_NAME = "^[a-z][a-z0-9_.-]{0,63}$"
Name = Annotated[Text, Field(pattern=_NAME, json_schema_extra={"pattern": _NAME})]
Weight = Annotated[Number, Field(ge=0)]
Percent = Annotated[Number, Field(ge=0, le=100)]

_MODELS = ["luna", "openai/gpt-5.6-luna"]
_ARMS = [{"name": "a", "weight": 90, "model": "luna"}, {"name": "b", "weight": 10, "model": "gemini-flash"}]


def _written(name: str, instead_of: tuple[str, ...]) -> dict[str, Any]:
    """Say in a JSON Schema that *name* is given, and none of *instead_of*; null is not given."""
    absent = {other: {"type": "null"} for other in instead_of}
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}, **absent}}


class Target(Entry):
    """A model and its options."""

    model: Text = Field(examples=_MODELS)
    """A name from `models`, or `provider/model-id`, split at the first slash."""
    options: Options | None = Field(None, examples=[{"temperature": 0}])
    """Options of calls to this target; win over the provider's, the model's and the feature's."""


class Fallback(Target):
    """A target that takes over when an earlier one fails."""

    on: Annotated[list[Kind], Field(min_length=1)] | None = Field(None, examples=[["context_window_exceeded"]])
    """The failures it answers. Default: rate_limit, quota_exceeded, overloaded, timeout, connection, server_error,
    malformed_response."""


Fallbacks = Annotated[list[Fallback], Field(max_length=100)]


class Arm(Target):
    """One arm of a split."""

    name: Name = Field(examples=["a"])
    """What decisions call it; unique in the split."""
    weight: Weight = Field(examples=[90])
    """Its share, of the sum of all weights; an arm of weight 0 is never taken."""


class Use(Entry):
    """Where a feature goes: a target, or a split of several."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                _written("model", instead_of=("split", "key")),
                _written("split", instead_of=("model", "options")),
            ]
        }
    )

    model: Text | None = Field(None, examples=_MODELS)
    """A name from `models`, or `provider/model-id`, split at the first slash."""
    options: Options | None = Field(None, examples=[{"temperature": 0}])
    """Options of calls to this target; win over the provider's, the model's and the feature's."""
    split: Annotated[list[Arm], Field(min_length=1, max_length=100)] | None = Field(None, examples=[_ARMS])
    """Instead of a model: arms that share the calls by weight."""
    key: Text | None = Field(None, examples=["tenant", "metadata.conversation"], json_schema_extra={"default": "user"})
    """The field that an arm sticks to: user, tenant, region or metadata.KEY. The context's own `key` wins."""

    @model_validator(mode="after")
    def _target_or_split(self) -> Use:
        if self.split is None:
            if self.model is None:
                kind = "null" if "model" in self.model_fields_set else "no_target"
                raise PydanticCustomError(kind, "neither `model` nor `split` is given", {"names": ["model"]})
            if self.key is not None:
                raise PydanticCustomError("misplaced", "`key` belongs to a `split`", {"names": ["key"]})
        elif self.model is not None or self.options is not None:
            names = [name for name in ("model", "options") if getattr(self, name) is not None]
            raise PydanticCustomError("misplaced", "a split has its models in its arms", {"names": names})
        return self


class ProfileEntry(Use):
    """Where a feature goes under one profile."""

    fallbacks: Fallbacks | None = Field(None, examples=[[{"model": "luna"}]])
    """Replaces the feature's fallbacks."""


class Shadow(Target):
    """A target that is sent the same request as the first attempt; its answer is recorded, never returned."""

    percent: Percent = Field(100.0, examples=[5])
    """The share of calls that is mirrored, 0 to 100; the same user is always mirrored or never."""
