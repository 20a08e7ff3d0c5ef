"""Contracts that are no objects: they are sent wrapped in one, and what is said of them is at their own lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from routebook.book import read_book


@pytest.mark.parametrize(
    ("schema", "key"),
    [
        ({"type": "array", "items": {"type": "string", "minLength": 1}}, '"minLength"'),
        ({"type": "array", "items": {"type": "array", "items": {"oneOf": [{"type": "null"}]}}}, '"oneOf"'),
        ({"type": "string", "minLength": 1}, '"minLength"'),
    ],
)
def test_what_a_schema_that_has_to_be_wrapped_has_no_place_for_is_told_at_its_own_line(
    schema: dict[str, Any], key: str, tmp_path: Path
):
    """The wrapping stands in no file."""
    written = {
        "providers": {"openai": {}},
        "models": {"native": {"provider": "openai", "capabilities": ["json_schema"]}},
        "outputs": {"answer": {"schema": schema}},
        "features": {"f": {"use": {"model": "native"}, "output": "answer"}},
    }
    path = tmp_path / "book.json"
    path.write_text(json.dumps(written, indent=1), encoding="utf-8")

    (note,) = (each for each in read_book(tmp_path, {}).diagnostics if each.code == "RB513")

    place = note.notes[0].partition(": ")[0]
    line = path.read_text(encoding="utf-8").splitlines()[int(place.rpartition(":")[2]) - 1]
    assert key in line
