"""Plain data: what JSON can hold is frozen, anything else is refused by its place and never shown."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from routebook.canonical.frozen import thaw
from routebook.canonical.plain import NotPlain, freeze_plain


def test_plain_data_comes_back_equal_and_read_only():
    given = {"a": [1, 2.5, None, True, {"b": "c"}], "d": MappingProxyType({"e": ("f",)}), "": -(2**60)}

    frozen = freeze_plain(given)

    assert thaw(frozen) == {"a": [1, 2.5, None, True, {"b": "c"}], "d": {"e": ["f"]}, "": -(2**60)}
    with pytest.raises(TypeError):
        frozen["a"] = 1  # type: ignore[index]
    given["a"][4]["b"] = "changed"
    assert frozen["a"][4]["b"] == "c"


@pytest.mark.parametrize(
    ("value", "place", "says"),
    [
        ({"a": object()}, "['a']", "is of type 'object'"),
        ({"a": [{"b": {1, 2}}]}, "['a'][0]['b']", "is of type 'set'"),
        ({"a": b"secret"}, "['a']", "is of type 'bytes'"),
        ({"a": datetime(2026, 1, 1)}, "['a']", "is of type 'datetime'"),
        ({"a": Decimal(1)}, "['a']", "is of type 'Decimal'"),
        ({"a": float("nan")}, "['a']", "is no finite number"),
        ({"a": [0.5, float("-inf")]}, "['a'][1]", "is no finite number"),
        ({"a": 10**400}, "['a']", "or one too large"),
        ({float("nan"): 1}, "", "has a key of type 'float'; keys are text"),
        ({"a": {None: 1}}, "['a']", "has a key None; keys are text"),
    ],
)
def test_what_is_no_plain_data_is_refused_by_its_place(value: Any, place: str, says: str):
    with pytest.raises(NotPlain) as caught:
        freeze_plain(value)

    assert caught.value.place == place
    assert says in caught.value.why
    assert "secret" not in str(caught.value)


def test_what_holds_itself_is_refused():
    value: dict[str, Any] = {}
    value["self"] = [value]

    with pytest.raises(NotPlain, match="nested too deeply, or holds itself"):
        freeze_plain(value)
