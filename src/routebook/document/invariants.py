"""The section `invariants`: what must hold for every decision that the table can make."""

from __future__ import annotations

from pydantic import ConfigDict, Field
from pydantic.functional_validators import model_validator
from pydantic_core import PydanticCustomError

from .entry import Entry
from .matchers import Matchers, NumberMatcher, OpenMatchers, TextMatcher, something_without_null


class Where(Matchers):
    """Which decisions an invariant is about; without it, all."""

    feature: TextMatcher | None = Field(None, examples=["conv_folder", {"prefix": "memory_"}])
    """The feature's name."""
    tags: TextMatcher | None = Field(None, examples=[["pii"]])
    """A tag of the feature; a list means any of them."""
    profile: TextMatcher | None = Field(None, examples=["premium"])
    """The active profile."""
    route: TextMatcher | None = Field(None, examples=["pin", {"prefix": "rule:"}])
    """The route: pin, override, rule:NAME, profile:NAME or use."""
    credential: TextMatcher | None = Field(None, examples=["platform"])
    """Whose key the first attempt uses: platform, caller or none."""


class Require(OpenMatchers):
    """What must hold for each attempt, the shadow included, and (`bounds.*`) for the decision as a whole. Fields of the
    options are `options.NAME`.
    """

    model_config = ConfigDict(json_schema_extra=something_without_null)
    prefix = "options."

    provider: TextMatcher | None = Field(None, examples=[["bedrock-eu", "vllm"]])
    """The provider's name."""
    api: TextMatcher | None = Field(None, examples=["openai-chat"])
    """The wire API."""
    model: TextMatcher | None = Field(None, examples=[{"not": "candidate"}])
    """The model's name in the book."""
    credential: TextMatcher | None = Field(None, examples=["platform"])
    """Whose key is used: platform, caller or none."""
    capabilities: TextMatcher | None = Field(None, examples=["json_schema"])
    """A capability that the model declares."""
    price_input: NumberMatcher | None = Field(None, alias="price.input", examples=[{"lte": 5.0}])
    """US dollars per million input tokens."""
    price_output: NumberMatcher | None = Field(None, alias="price.output", examples=[{"lte": 5.0}])
    """US dollars per million output tokens."""
    price_cached_input: NumberMatcher | None = Field(None, alias="price.cached_input", examples=[{"lte": 5.0}])
    """US dollars per million cached input tokens."""
    price_cache_write: NumberMatcher | None = Field(None, alias="price.cache_write", examples=[{"lte": 5.0}])
    """US dollars per million input tokens written to the cache."""
    bounds_calls: NumberMatcher | None = Field(None, alias="bounds.calls", examples=[{"lte": 12}])
    """The most provider calls of a run."""
    bounds_seconds: NumberMatcher | None = Field(None, alias="bounds.seconds", examples=[{"lte": 12}])
    """The longest that a run can take."""
    bounds_usd: NumberMatcher | None = Field(None, alias="bounds.usd", examples=[{"lte": 12}])
    """The most that a run can cost, in US dollars."""
    bounds_providers: NumberMatcher | None = Field(None, alias="bounds.providers", examples=[{"lte": 12}])
    """How many providers a run can reach."""

    @model_validator(mode="after")
    def _something(self) -> Require:
        if not self.matchers():
            raise PydanticCustomError("one_of", "`require` must name at least one field")
        return self


class Invariant(Entry):
    """What must hold for every decision that the table can make."""

    where: Where | None = Field(None, examples=[{"tags": ["pii"]}])
    """Which decisions it is about. Default: all."""
    require: Require = Field(examples=[{"provider": ["bedrock-eu", "vllm"]}])
    """What must hold for them."""
