"""Options as written: every one may be null, which removes what an earlier layer set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from .entry import Entry
from .environment import one_of
from .problems import refusal_of
from .scalars import REFERENCES_ONLY, Boolean, Duration, Integer, Number, Text, no_credentials, one_or_many

_Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Effort = Annotated[_Effort, one_of(_Effort)]


class Timeout(Entry):
    """Bounds on one HTTP call."""

    connect: Duration | None = Field(None, examples=["5s"], json_schema_extra={"default": "5s"})
    """Until the connection stands."""
    first_token: Duration | None = Field(None, examples=["30s"], json_schema_extra={"default": "60s"})
    """Until a stream's first content, otherwise until the first byte of the answer."""
    idle: Duration | None = Field(None, examples=["30s"], json_schema_extra={"default": "60s"})
    """Between two bytes of the answer."""
    total: Duration | None = Field(None, examples=["120s"], json_schema_extra={"default": "600s"})
    """The whole call."""

    def to_seconds(self) -> dict[str, float | None]:
        """Return what was written, in seconds."""
        return self.model_dump(exclude_unset=True)


def _bare_total(value: Any) -> Any:
    return value if isinstance(value, dict) and "env" not in value else {"total": value}


TimeoutSetting = Annotated[Timeout, BeforeValidator(_bare_total, json_schema_input_type=Duration | Timeout)]
StopSequences = Annotated[list[Text], BeforeValidator(one_or_many, json_schema_input_type=str | list[Text])]
PlainHeaders = Annotated[dict[str, Text | None], BeforeValidator(no_credentials), REFERENCES_ONLY]


class Reasoning(Entry):
    """How much a model thinks before it answers."""

    effort: Effort | None = Field(None, examples=["high"])
    """The vendor-neutral level."""
    budget_tokens: Annotated[Integer, Field(ge=0)] | None = Field(None, examples=[4096])
    """The most tokens spent on thinking."""


class PromptCache(Entry):
    """How the provider may keep the beginning of a prompt for later calls."""

    key: Annotated[Text, Field(min_length=1)] | None = Field(None, examples=["support-agent"])
    """Calls with the same key are sent where the same beginning is likely to be kept."""
    retention: Duration | None = Field(None, examples=["24h"])
    """How long it is kept: a duration that the API knows."""


class Options(Entry):
    """Options of a model call. Each one reaches the wire, or the book is refused; null removes one set before."""

    temperature: Annotated[Number, Field(ge=0, le=2)] | None = Field(None, examples=[0.2])
    """Sampling temperature, 0 to 2."""
    top_p: Annotated[Number, Field(ge=0, le=1)] | None = Field(None, examples=[0.9])
    """Nucleus sampling, 0 to 1."""
    top_k: Annotated[Integer, Field(ge=0)] | None = Field(None, examples=[40])
    """Sampling among this many of the likeliest tokens."""
    n: Annotated[Integer, Field(ge=1)] | None = Field(None, examples=[3])
    """How many answers, or images, one call asks for."""
    max_output_tokens: Annotated[Integer, Field(ge=1)] | None = Field(None, examples=[2000])
    """The most tokens of one answer, reasoning included."""
    stop: StopSequences | None = Field(None, examples=[["###"]])
    """Text, or a list of texts, at which the answer ends."""
    seed: Integer | None = Field(None, examples=[42])
    """Asks for repeatable sampling."""
    presence_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = Field(None, examples=[0.5])
    """Makes tokens that occurred at all less likely; -2 to 2."""
    frequency_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = Field(None, examples=[0.5])
    """Makes tokens less likely by how often they occurred; -2 to 2."""
    reasoning: Reasoning | None = Field(None, examples=[{"effort": "low"}])
    """How much the model thinks."""
    tool_choice: Annotated[Text, Field(min_length=1)] | None = Field(None, examples=["required", "clock.now"])
    """auto, none, required, or the one tool (`server.tool`) to call; what forces a call holds for the first turn."""
    parallel_tool_calls: Boolean | None = Field(None, examples=[False])
    """Whether one answer may hold several tool calls."""
    prompt_cache: PromptCache | None = Field(None, examples=[{"key": "support-agent", "retention": "24h"}])
    """How the provider may keep the beginning of a prompt for later calls."""
    service_tier: Annotated[Text, Field(min_length=1)] | None = Field(None, examples=["flex"])
    """The vendor's word for a class of service."""
    logprobs: Annotated[Integer, Field(ge=0, le=20)] | None = Field(None, examples=[5])
    """Asks for the log probabilities of this many of the likeliest tokens at each place, 0 to 20."""
    dimensions: Annotated[Integer, Field(ge=1)] | None = Field(None, examples=[256])
    """The length of an embedding."""
    size: Annotated[Text, Field(min_length=1)] | None = Field(None, examples=["1024x1024"])
    """The size of an image, in the vendor's words."""
    quality: Annotated[Text, Field(min_length=1)] | None = Field(None, examples=["high"])
    """The quality of an image, in the vendor's words."""
    extra_body: dict[str, Any] | None = Field(None, examples=[{"top_a": 0.3}])
    """Fields of the wire request that no option covers; merged in depth."""
    extra_headers: PlainHeaders | None = Field(None, examples=[{"X-Title": "Demo"}])
    """Headers of the request; none that carries a credential, and none that the request or its API sets itself."""
    timeout: TimeoutSetting | None = Field(None, examples=["30s", {"connect": "5s", "total": "120s"}])
    """A duration (the whole call), or a mapping of connect, first_token, idle and total."""

    def to_mapping(self) -> dict[str, Any]:
        """Return what was written, nulls included; durations in seconds."""
        return self.model_dump(exclude_unset=True)


def check_options(options: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Check a caller's *options*; return them as a route file's layer, and a sentence for each problem."""
    try:
        return Options.model_validate(dict(options)).to_mapping(), ()
    except ValidationError as error:
        return {}, tuple(dict.fromkeys(refusal_of(problem, Options) for problem in error.errors()))
