from __future__ import annotations

import time

from routebook.canonical.message import Message
from routebook.canonical.tool import ToolCall
from routebook.engine.turn import with_unique_ids


def ids_of(*ids: str, taken: tuple[str, ...] = ()) -> list[str]:
    message = Message("assistant", [ToolCall(call_id, "f", {}) for call_id in ids])
    return [call.id for call in with_unique_ids(message, taken).tool_calls]


def test_missing_and_repeated_ids_are_new():
    assert ids_of("", "a", "a", "b", "t", taken=("t",)) == ["call_2", "a", "call_4", "b", "call_6"]
    assert ids_of("call_2", "", "call_3", "") == ["call_2", "call_3", "call_4", "call_5"]


def test_ids_that_are_taken_on_purpose_take_no_time():
    began = time.perf_counter()
    found = ids_of(*(f"call_{3000 + number}" for number in range(3000)), *[""] * 3000)
    assert len(set(found)) == 6000
    assert time.perf_counter() - began < 0.3
