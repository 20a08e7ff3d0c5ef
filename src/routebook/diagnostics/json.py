"""Diagnostics as JSON: one object with a list, stable keys."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .diagnostic import Diagnostic


def render_json(diagnostics: Iterable[Diagnostic], summary: Mapping[str, Any] | None = None) -> str:
    """Render *diagnostics* as `{"diagnostics": [...]}`; the keys are those of `Diagnostic.to_dict`.

    A *summary* of the check stands beside them.
    """
    said: dict[str, Any] = {"diagnostics": [diagnostic.to_dict() for diagnostic in diagnostics]}
    return json.dumps(said if summary is None else {**said, "summary": dict(summary)}, indent=2)
