"""Extras: the optional dependencies of this package, and which of them are installed. Nothing is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType

EXTRAS: Mapping[str, str] = MappingProxyType(
    {
        "bedrock": "botocore",
        "fast": "httptools",
        "litellm": "litellm",
        "pytest": "syrupy",
        "vertex": "google.auth",
    }
)
"""Each extra with the package that it brings, as it is imported."""


def distribution(extra: str) -> str:
    """Return the name under which the package that *extra* brings is installed: it has dashes for dots."""
    return EXTRAS[extra].replace(".", "-")


def is_installed(extra: str) -> bool:
    """Tell whether the package that *extra* brings can be imported."""
    try:
        return find_spec(EXTRAS[extra]) is not None
    except (ImportError, ValueError):  # a package that it lies in is not there, or it was made unavailable
        return False


def missing() -> frozenset[str]:
    """Return the extras that are not installed."""
    return frozenset(extra for extra in EXTRAS if not is_installed(extra))
