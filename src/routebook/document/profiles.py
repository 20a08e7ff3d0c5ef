"""The sections `profiles` and `settings`: quality-of-service tiers, and the book's defaults."""

from __future__ import annotations

from typing import Annotated, Literal

from .entry import Entry
from .environment import one_of
from .scalars import Text

_Mode = Literal["platform", "prefer_caller", "caller"]
CredentialMode = Annotated[_Mode, one_of(_Mode)]


class Profile(Entry):
    """A quality-of-service tier."""

    description: str | None = None
    """What the tier is for."""
    extends: Text | None = None
    """The profile whose entries hold where a feature has none for this one."""
    credentials: CredentialMode | None = None
    """Whose key pays: platform, prefer_caller, or caller. Inherited; default prefer_caller."""


class Settings(Entry):
    """The book's defaults. May be spread over files; the same key twice is an error."""

    default_profile: Text | None = None
    """The profile of a context that names none. Required where the book has profiles."""
    byok_profile: Text | None = None
    """The profile of a context that names none but holds a caller's credential."""
