"""Record: what every canonical type can do, `to_dict` and `from_dict`.

A record is a frozen dataclass whose fields are scalars, frozen mappings, other records, or tuples of
them. `to_dict` is derived; `from_dict` is overridden where a field is itself a record.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Self

from .frozen import thaw


class Record:
    """The base of the canonical dataclasses; holds no state."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain data that `json.dumps` takes; unset (None) fields are left out."""
        plain: dict[str, Any] = {}
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if value is not None:
                plain[field.name] = _plain(value)
        return plain

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build the record from what `to_dict` returned."""
        return cls(**data)


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return thaw(value)
