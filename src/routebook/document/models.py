"""The section `models`: a model at a provider."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .entry import Entry
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

PriceNumber = Annotated[Number, Field(ge=0)]


class Price(Entry):
    """US dollars per million tokens. What is not given is unpriced, never zero."""

    input: PriceNumber | None = None
    """Input tokens."""
    output: PriceNumber | None = None
    """Output tokens, reasoning included."""
    cached_input: PriceNumber | None = None
    """Input tokens read from the provider's cache."""
    cache_write: PriceNumber | None = None
    """Input tokens written to the provider's cache."""


class Model(Entry):
    """A model at a provider: its id on the wire, what it can do, what it costs."""

    provider: Text
    """Name of the provider that serves it."""
    id: Text | None = None
    """The model's id on the wire. Default: the name itself."""
    capabilities: list[Capability] | None = None
    """What the model can do. Without it the model is unknown, and nothing is held against it."""
    context_window: Annotated[Integer, Field(ge=1)] | None = None
    """Tokens of input and output together."""
    max_output_tokens: Annotated[Integer, Field(ge=1)] | None = None
    """The most tokens of one answer."""
    rejects: list[str] | None = None
    """Options that this model refuses; setting one is an error."""
    price: Price | None = None
    """What it costs."""
    options: Options | None = None
    """Options of every call to this model."""
