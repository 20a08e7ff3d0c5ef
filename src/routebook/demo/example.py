"""The example book: packed into the wheel, or in the checkout that the package is run from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

_PACKED = Path(__file__).with_name("routes")
_CHECKOUT = Path(__file__).parents[3] / "routes"


def example_book() -> Path:
    """Return the directory of the example book."""
    return _PACKED if _PACKED.is_dir() else _CHECKOUT


def example_script() -> Path:
    """Return the script that lets the example book run offline."""
    return example_book() / "_scripts" / "offline.yaml"


def example_input(name: str) -> Any:
    """Return the example inputs in the JSON file *name*."""
    return json.loads((example_book() / "_examples" / name).read_text(encoding="utf-8"))


def copy_example(directory: Path) -> None:
    """Copy the example book into *directory*, which is made.

    The copy's schema lines point to its own `_schemas/`, where whoever copies puts the schemas.
    """
    shutil.copytree(example_book(), directory, dirs_exist_ok=True)
    for file in directory.rglob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("../schemas/", "_schemas/", 1), encoding="utf-8")
