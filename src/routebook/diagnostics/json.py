"""Diagnostics as JSON: one object with a list, stable keys."""

from __future__ import annotations

import json
from collections.abc import Iterable

from .diagnostic import Diagnostic


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Render *diagnostics* as `{"diagnostics": [...]}`; the keys are those of `Diagnostic.to_dict`."""
    return json.dumps({"diagnostics": [diagnostic.to_dict() for diagnostic in diagnostics]}, indent=2)
