"""Books on disk for the tests of the source room."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

WriteBook = Callable[[Mapping[str, str | bytes]], Path]


@pytest.fixture
def write_book(tmp_path: Path) -> WriteBook:
    """Write files, given by path and content, into a new directory and return it."""

    def write(files: Mapping[str, str | bytes]) -> Path:
        root = tmp_path / "book"
        root.mkdir()
        for path, content in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    return write
