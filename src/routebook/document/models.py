"""The section `models`: a model at a provider."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .entry import Entry
from .environment import one_of
from .limits import Limits
from .options import Options
from .scalars import Integer, Number, Text

ChatCapability = Literal[
    "tools",
    "parallel_tools",
    "json_object",
    "json_schema",
    "image_input",
    "audio_input",
    "file_input",
    "streaming",
    "reasoning",
    "prompt_cache",
]
Capability = Literal[ChatCapability, "embeddings", "image_output"]
CapabilityName = Annotated[Capability, one_of(Capability)]

Tokens = Annotated[Integer, Field(ge=1)]
_Together = Annotated[list[Text], Field(min_length=2)]
PriceNumber = Annotated[Number, Field(ge=0)]


class Price(Entry):
    """US dollars per million tokens. What is not given is unpriced, never zero."""

    input: PriceNumber | None = Field(None, examples=[0.25])
    """Input tokens."""
    output: PriceNumber | None = Field(None, examples=[2.0])
    """Output tokens, reasoning included."""
    cached_input: PriceNumber | None = Field(None, examples=[0.025])
    """Input tokens read from the provider's cache."""
    cache_write: PriceNumber | None = Field(None, examples=[0.3])
    """Input tokens written to the provider's cache."""


class Model(Entry):
    """A model at a provider: its id on the wire, what it can do, what it costs."""

    provider: Text = Field(examples=["openrouter"])
    """Name of the provider that serves it."""
    id: Text | None = Field(None, examples=["openai/gpt-5.6-luna"])
    """The model's id on the wire. Default: the name itself."""
    capabilities: list[CapabilityName] | None = Field(None, examples=[["tools", "json_schema", "streaming"]])
    """What the model can do. Without it the model is unknown, and nothing is held against it."""
    context_window: Tokens | None = Field(None, examples=[400000])
    """Tokens of input and output together."""
    max_output_tokens: Tokens | None = Field(None, examples=[128000])
    """The most tokens of one answer."""
    rejects: list[Text] | None = Field(None, examples=[["seed"]])
    """Options that this model refuses; setting one is an error."""
    excludes: list[_Together] | None = Field(None, examples=[[["reasoning", "json_schema"]]])
    """Options or capabilities that must not be used together."""
    price: Price | None = Field(None, examples=[{"input": 0.25, "output": 2.0}])
    """What it costs."""
    limits: Limits | None = Field(None, examples=[{"concurrency": 16}])
    """Bounds on the calls of this model at its provider, under all its names."""
    options: Options | None = Field(None, examples=[{"temperature": 0}])
    """Options of every call to this model."""
