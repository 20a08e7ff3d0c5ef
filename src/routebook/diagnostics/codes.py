"""Every diagnostic code, in one table. A code's meaning never changes; a retired one is never used again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Code:
    """What a code stands for, in a line, and how severe it is."""

    title: str
    severity: Literal["error", "warning", "note"] = "error"


CODES: dict[str, Code] = {
    # reading
    "RB101": Code("file is not valid UTF-8"),
    "RB102": Code("YAML or JSON syntax error"),
    "RB103": Code("duplicate key in a mapping"),
    "RB104": Code("aliases expand to too much"),
    "RB105": Code("file is too large or nested too deeply"),
    "RB106": Code("YAML feature that route files do not have (tags, several documents, keys that are not text)"),
    "RB107": Code("file cannot be read (missing, unreadable, not a regular file, or outside the book)"),
    "RB108": Code("no such directory, or a directory without route files"),
    "RB109": Code("file is empty"),
    # shape
    "RB201": Code("unknown key"),
    "RB202": Code("wrong type"),
    "RB203": Code("value out of range or not one of the allowed ones"),
    "RB204": Code("required key is missing"),
    "RB205": Code("bad name"),
    "RB206": Code("literal secret where a reference belongs"),
    # names
    "RB301": Code("unknown name"),
    "RB302": Code("name defined twice"),
    "RB303": Code("cyclic reference"),
    "RB304": Code("ambiguous reference"),
    # meaning
    "RB401": Code("feature without a route in some profile"),
    "RB402": Code("option that the API or the model does not carry"),
    "RB403": Code("fallback equal to its primary on every route"),
    "RB404": Code("invalid JSON Schema"),
    "RB405": Code("capability that a feature needs and a model lacks"),
    "RB406": Code("output check that does not fit its schema"),
    "RB407": Code("provider that cannot be called as it stands"),
    "RB408": Code("default profile missing or unknown"),
    "RB409": Code("tool list that fits no server"),
    # dead configuration
    "RB501": Code("definition that nothing uses", "warning"),
    "RB502": Code("route that is never taken", "warning"),
    "RB503": Code("secret that would travel unencrypted", "warning"),
    "RB504": Code("model that declares no capabilities", "note"),
    # environment
    "RB701": Code("environment variable is not set"),
    "RB702": Code("environment variable does not fit the field"),
    "RB703": Code("secret cannot be read"),
}
