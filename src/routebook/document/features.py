"""The section `features`: what the application asks for by name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..errors import FaultKind
from .entry import Entry
from .models import ChatCapability
from .options import Options
from .profiles import CredentialMode
from .scalars import Text
from .tools import Tools


class Target(Entry):
    """A model and its options."""

    model: Text
    """A name from `models`, or `provider/model-id`, split at the first slash."""
    options: Options | None = None
    """Options of calls to this target; win over the provider's, the model's and the feature's."""


class Fallback(Target):
    """A target that takes over when an earlier one fails."""

    on: Annotated[list[FaultKind], Field(min_length=1)] | None = None
    """The failures it answers. Default: rate_limit, quota_exceeded, overloaded, timeout, connection, server_error,
    malformed_response."""


class ProfileEntry(Target):
    """Where a feature goes under one profile."""

    fallbacks: list[Fallback] | None = None
    """Replaces the feature's fallbacks."""


class Feature(Entry):
    """What the application asks for by name, and where it goes."""

    description: str | None = None
    """What it is for."""
    tags: list[Text] | None = None
    """Words to select it by."""
    needs: list[ChatCapability] | None = None
    """Capabilities that every target must have; tools are inferred."""
    options: Options | None = None
    """Options of every target; a target's own win."""
    pin: Target | None = None
    """Beats everything."""
    profiles: dict[str, ProfileEntry] | None = None
    """Where it goes under each profile."""
    use: Target | None = None
    """Where it goes where no profile entry applies."""
    fallbacks: list[Fallback] | None = None
    """What takes over when a target fails, in order."""
    credentials: CredentialMode | None = None
    """Whose key pays. Default: as the profile says."""
    tools: Tools | None = None
    """Tool servers and the bounds of the loop."""
    output: Text | None = None
    """Name from `outputs`."""
