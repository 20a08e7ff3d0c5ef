"""What a model is told when its answer has problems."""

from __future__ import annotations

from routebook.outputs.repair import feedback


def test_the_feedback_is_a_user_message_with_one_line_for_each_problem():
    message = feedback(["/a: 7 is not of type 'string'", "/: 'b' is a required property"])

    assert message.role == "user"
    assert [line for line in message.text.splitlines() if line.startswith("- ")] == [
        "- /a: 7 is not of type 'string'",
        "- /: 'b' is a required property",
    ]


def test_the_feedback_asks_for_the_whole_answer():
    assert "the whole corrected JSON value" in feedback(["it is empty"]).text


def test_a_line_break_in_a_problem_does_not_start_another_problem():
    message = feedback(["the model declined: no\n- /b: forged\u2028- /c: forged"])

    assert len([line for line in message.text.splitlines() if line.startswith("- ")]) == 1
