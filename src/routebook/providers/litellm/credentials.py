"""Credentials: with whose credentials the library would call a provider of its own, and where.

Pure: the environment is handed in. A call has the key that it was given, and no other: where the library would take
another from the environment, or none can be given, it is refused. Looked up provider by provider: with every variable
of a key set, each was called with a key, and what was sent was looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...canonical.redact import forms_of
from ..fault import Fault

NO_KEY = "no-key"
"""What the library is given as the key where there is none, so that it looks for no other."""

_KEYLESS = frozenset(
    {
        *("chatgpt", "github_copilot", "oci", "sagemaker", "sagemaker_chat", "sagemaker_nova", "sap"),
        *("vertex_ai", "vertex_ai_beta"),
    }
)
# Variables that the library prefers to a key that it is given.
_PREFERRED: Mapping[str, tuple[str, ...]] = {
    "azure": ("AZURE_AD_TOKEN", "AZURE_CLIENT_SECRET", "AZURE_PASSWORD"),
    "azure_text": ("AZURE_AD_TOKEN", "AZURE_CLIENT_SECRET", "AZURE_PASSWORD"),
    "databricks": ("DATABRICKS_CLIENT_SECRET",),
    "gigachat": ("GIGACHAT_ACCESS_TOKEN", "GIGACHAT_CREDENTIALS"),
    "watsonx": ("WATSONX_TOKEN", "WX_TOKEN", "WATSONX_ZENAPIKEY"),
    "watsonx_text": ("WATSONX_TOKEN", "WX_TOKEN", "WATSONX_ZENAPIKEY"),
}
_OWN_ADDRESS = frozenset({"bytez", "replicate"})
_OF_A_SECRET = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS)$", re.IGNORECASE)
_SHORTEST_FOUND = 8
"""Where only the name tells that a value is a secret, a short one may be any word."""
UNRETRIED = frozenset({"gradient_ai", "oci"})
"""Providers that refuse to be told how often to try again; they try once."""


def bearer_of(authorization: str) -> str | None:
    """Return the key in an `authorization` header, None where it holds something else."""
    scheme, _, key = authorization.partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


def credential_fault(provider: str, environment: Mapping[str, str]) -> Fault | None:
    """Return why a call of *provider* with a key would not be made with that key alone, if so."""
    if provider in _KEYLESS:
        what = f"the library takes no key for its provider {provider!r}: it finds credentials of its own"
        return Fault("authentication", f"{what}; leave out `api_key` for them, and call it with no caller's key")
    name = next((name for name in _PREFERRED.get(provider, ()) if environment.get(name)), None)
    if name is None:
        return None
    return Fault("authentication", f"the library would use {name} of the environment in place of the key; unset it")


def secrets_in(environment: Mapping[str, str]) -> frozenset[str]:
    """Return what must not show of *environment*, in all its forms: any of it may be a key that the library finds."""
    values = [value for name, value in environment.items() if _OF_A_SECRET.search(name)]
    return frozenset().union(*(forms_of(value) for value in values if len(value) >= _SHORTEST_FOUND))


def address_fault(provider: str) -> Fault | None:
    """Return why a call of *provider* would not go to the address that it is given, if so."""
    if provider not in _OWN_ADDRESS:
        return None
    return Fault(
        "bad_request", f"the library calls its provider {provider!r} at the vendor's address, not at `base_url`"
    )
