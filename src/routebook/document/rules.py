"""A feature's `rules`: conditions on who asks and on the request, and where the feature goes where they hold."""

from __future__ import annotations

from pydantic import Field

from .entry import Entry
from .matchers import BooleanMatcher, NumberMatcher, OpenMatchers, TextMatcher
from .targets import Fallbacks, Name, Use


class When(OpenMatchers):
    """What must hold, all of it. An empty mapping always holds. Fields of the metadata are `metadata.KEY`."""

    prefix = "metadata."

    profile: TextMatcher | None = Field(None, examples=["premium", ["premium", "max"]])
    """The active profile's own name, not its ancestors'."""
    user: TextMatcher | None = Field(None, examples=["u-17", {"percent": 10}])
    """Who asks."""
    tenant: TextMatcher | None = Field(None, examples=["acme", {"not": "acme"}])
    """For which customer."""
    region: TextMatcher | None = Field(None, examples=["eu-west-1", {"prefix": "eu-"}])
    """From where."""
    stream: BooleanMatcher | None = Field(None, examples=[True])
    """Whether the answer is streamed."""
    has_images: BooleanMatcher | None = Field(None, examples=[False])
    """Whether the messages hold an image."""
    has_tools: BooleanMatcher | None = Field(None, examples=[True])
    """Whether the request offers tools."""
    input_tokens: NumberMatcher | None = Field(None, examples=[{"gt": 100000}])
    """The size of the request: the UTF-8 bytes of its text divided by four, rounded up."""


class Rule(Entry):
    """Where a feature goes under a condition; the first rule whose `when` holds is taken."""

    name: Name = Field(examples=["long-input"])
    """What decisions and diagnostics call it; unique in the feature."""
    when: When = Field(examples=[{"input_tokens": {"gt": 100000}, "has_images": False}])
    """The condition."""
    use: Use = Field(examples=[{"model": "gemini-flash"}])
    """A target, or a split of several."""
    fallbacks: Fallbacks | None = Field(None, examples=[[{"model": "luna"}]])
    """Replaces the feature's fallbacks."""
