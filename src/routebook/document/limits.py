"""Limits as written: how much may be asked of a provider, or of one of its models."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .entry import Entry
from .scalars import Boolean, Duration, Integer

Count = Annotated[Integer, Field(ge=1)]


class Limits(Entry):
    """How much may be asked at once and in a minute, with one credential. What is not given is not bounded."""

    concurrency: Count | None = Field(None, examples=[64])
    """Calls under way at the same time."""
    requests_per_minute: Count | None = Field(None, examples=[6000])
    """Calls begun in a minute."""
    tokens_per_minute: Count | None = Field(None, examples=[2000000])
    """Input and output tokens in a minute."""
    adaptive: Boolean | None = Field(None, examples=[True])
    """Whether the bound on concurrency follows the provider's refusals. Default: where `concurrency` is set."""
    queue_timeout: Duration = Field(30.0, examples=["30s"])
    """How long a call waits for its turn."""
