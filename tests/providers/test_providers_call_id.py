from __future__ import annotations

from routebook.providers.call_id import free_id


def test_a_free_id_is_unlike_those_that_are_taken_and_is_taken_from_then_on():
    taken = {"call_0", "call_0_", None}
    assert [free_id(0, taken), free_id(0, taken), free_id(1, taken)] == ["call_0__", "call_0___", "call_1"]
    assert taken == {"call_0", "call_0_", "call_0__", "call_0___", "call_1", None}
