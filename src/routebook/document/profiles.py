"""The sections `profiles` and `settings`: quality-of-service tiers, and the book's defaults."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .entry import Entry
from .environment import one_of
from .scalars import Duration, Text

_Mode = Literal["platform", "prefer_caller", "caller"]
CredentialMode = Annotated[_Mode, one_of(_Mode)]
_Transport = Literal["auto", "httpx2", "fast"]
TransportChoice = Annotated[_Transport, one_of(_Transport)]


class Profile(Entry):
    """A quality-of-service tier."""

    description: Text | None = Field(None, examples=["80% of max quality at a fraction of its cost"])
    """What the tier is for."""
    extends: Text | None = Field(None, examples=["premium"])
    """The profile whose entries hold where a feature has none for this one."""
    credentials: CredentialMode | None = Field(None, examples=["caller"])
    """Whose key pays: `platform` (callers' keys are ignored), `prefer_caller` (the caller's where one is brought), or
    `caller` (without one, a run is refused). Default: that of the profile it extends, else prefer_caller."""


class Settings(Entry):
    """The book's defaults. May be spread over files; the same key twice is an error."""

    default_profile: Text | None = Field(None, examples=["premium"])
    """The profile of a context that names none. Required where the book has profiles."""
    byok_profile: Text | None = Field(None, examples=["byok"])
    """The profile of a context that names none but holds a caller's credential."""
    default_feature: Text | None = Field(None, examples=["chat"])
    """The feature that serves one that the book does not have. Default: an unknown feature is an error."""
    drain: Duration | None = Field(None, examples=["30s"], json_schema_extra={"default": "10s"})
    """How long an engine that closes waits for its runs."""
    transport: TransportChoice | None = Field(None, examples=["httpx2"], json_schema_extra={"default": "auto"})
    """What carries requests over HTTP: `httpx2`; `fast`, which costs less CPU and needs the extra `fast`; or `auto`:
    `fast` where it is installed, else `httpx2`."""
