from __future__ import annotations

import pytest

from routebook.canonical.tool import ToolDefinition
from routebook.providers.fault import Fault
from routebook.providers.tool_choice import choice_fault, chosen_tool

CLOCK = ToolDefinition("clock__now", "clock.now", "", {})
NONE = ToolDefinition("none", "none", "A tool that is called like a word.", {})


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [("clock.now", CLOCK), ("clock__now", CLOCK), ("auto", None), ("none", None), ("required", None), ("now", None)],
)
def test_a_tool_is_chosen_by_either_of_its_names_and_a_word_is_a_word(choice, chosen):
    assert chosen_tool(choice, (NONE, CLOCK)) is chosen


def test_a_name_that_no_tool_has_is_a_fault_with_the_names_there_are():
    assert choice_fault("now", (NONE, CLOCK)) == Fault(
        "bad_request", "`tool_choice` names 'now', which is none of the tools: clock.now, none"
    )
    assert choice_fault("clock.now", (CLOCK,)) is choice_fault("required", (CLOCK,)) is None
    assert choice_fault("now", ()) is None
