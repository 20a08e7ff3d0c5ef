"""Redaction: the one place where a secret's value is taken out of a text."""

from __future__ import annotations

from collections.abc import Iterable

REDACTED = "[redacted]"
_SHORTEST = 4


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return *text* with each of *secrets* replaced, longest first; values under four characters are left alone,
    since they are no secrets and would garble the text.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, REDACTED)
    return text


def forms_of(secret: str) -> frozenset[str]:
    """Return what must not show of *secret*: itself, also without blanks around it or a scheme (`Bearer ...`)."""
    bare = secret.strip()
    return frozenset((secret, bare, bare.rpartition(" ")[2]))
