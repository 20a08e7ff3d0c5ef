"""Addresses: the server of a region, in the part of AWS that the region is of. Pure."""

from __future__ import annotations

_DOMAIN = "amazonaws.com"
_OTHER_DOMAINS = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}


def address_of(region: str) -> str:
    """Return where the models of *region* are served."""
    domain = next((other for begin, other in _OTHER_DOMAINS.items() if region.startswith(begin)), _DOMAIN)
    return f"https://bedrock-runtime.{region}.{domain}"
