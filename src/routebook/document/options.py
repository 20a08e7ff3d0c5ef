"""Options as written: every one may be null, which removes what an earlier layer set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from .entry import Entry
from .environment import one_of
from .scalars import REFERENCES_ONLY, Boolean, Duration, Integer, Number, Text, no_literal_credentials, one_or_many

_Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Effort = Annotated[_Effort, one_of(_Effort)]


class Timeout(Entry):
    """Bounds on one HTTP call."""

    connect: Duration | None = None
    """Until the connection stands. Default 5s."""
    first_token: Duration | None = None
    """Until the first byte of the answer. Default 60s."""
    idle: Duration | None = None
    """Between two bytes of the answer. Default 60s."""
    total: Duration | None = None
    """The whole call. Default 600s."""

    def to_seconds(self) -> dict[str, float | None]:
        """Return what was written, in seconds."""
        return self.model_dump(exclude_unset=True)


def _bare_total(value: Any) -> Any:
    return value if isinstance(value, dict) and "env" not in value else {"total": value}


TimeoutSetting = Annotated[Timeout, BeforeValidator(_bare_total, json_schema_input_type=Duration | Timeout)]
StopSequences = Annotated[list[Text], BeforeValidator(one_or_many, json_schema_input_type=str | list[str])]
PlainHeaders = Annotated[dict[str, Text | None], AfterValidator(no_literal_credentials), REFERENCES_ONLY]


class Reasoning(Entry):
    """How much a model thinks before it answers."""

    effort: Effort | None = None
    """The vendor-neutral level."""
    budget_tokens: Annotated[Integer, Field(ge=0)] | None = None
    """The most tokens spent on thinking."""


class Options(Entry):
    """Options of a model call. Each one reaches the wire, or the book is refused; null removes one set before."""

    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    """Sampling temperature, 0 to 2."""
    top_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    """Nucleus sampling, 0 to 1."""
    max_output_tokens: Annotated[Integer, Field(ge=1)] | None = None
    """The most tokens of one answer, reasoning included."""
    stop: StopSequences | None = None
    """Text, or a list of texts, at which the answer ends."""
    seed: Integer | None = None
    """Asks for repeatable sampling."""
    presence_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = None
    """-2 to 2."""
    frequency_penalty: Annotated[Number, Field(ge=-2, le=2)] | None = None
    """-2 to 2."""
    reasoning: Reasoning | None = None
    """How much the model thinks."""
    parallel_tool_calls: Boolean | None = None
    """Whether one answer may hold several tool calls."""
    service_tier: Text | None = None
    """The vendor's word for a class of service."""
    extra_body: dict[str, Any] | None = None
    """Fields of the wire request that no option covers; merged in depth."""
    extra_headers: PlainHeaders | None = None
    """Headers of the request; none that carries a credential."""
    timeout: TimeoutSetting | None = None
    """A duration (the whole call), or a mapping of connect, first_token, idle and total."""

    def to_mapping(self) -> dict[str, Any]:
        """Return what was written, nulls included; durations in seconds."""
        return self.model_dump(exclude_unset=True)


def check_options(options: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Check a caller's *options*; return them as a route file's layer, and a sentence for each problem."""
    try:
        return Options.model_validate(dict(options)).to_mapping(), ()
    except ValidationError as error:
        return {}, tuple(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
