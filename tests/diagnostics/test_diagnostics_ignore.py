"""Ignore comments: what they silence, what they cannot, and what is said about them."""

from __future__ import annotations

from routebook.diagnostics.diagnostic import Diagnostic, as_errors, diagnose
from routebook.diagnostics.ignore import Ignore, silence
from routebook.diagnostics.span import Span

UNUSED = diagnose("RB501", Span("a.yaml", 7, 3), "model 'small' is never used")
UNKNOWN = diagnose("RB504", Span("a.yaml", 7, 20), "model 'small' declares no capabilities")
ERROR = diagnose("RB301", Span("a.yaml", 9, 3), "feature 'f' names model 'x', which no file defines")


def comment(*codes: str, line: int = 7, path: str = "a.yaml") -> Ignore:
    return Ignore(codes, Span(path, line - 1, 1, 10), line)


def said(*diagnostics: Diagnostic) -> list[tuple[str, str, str | None]]:
    return [(d.code, d.message, d.help) for d in diagnostics]


def test_a_comment_silences_the_warnings_and_notes_of_its_line_by_code():
    assert silence([UNUSED, UNKNOWN], [comment("RB501", "RB504")]) == ()
    assert silence([UNUSED, UNKNOWN], [comment("RB504")]) == (UNUSED,)


def test_what_no_comment_covers_stays_in_order():
    assert silence([UNKNOWN, UNUSED], []) == (UNUSED, UNKNOWN)


def test_a_comment_for_another_line_or_file_silences_nothing_and_is_said_to():
    for wrong in (comment("RB501", line=8), comment("RB501", path="b.yaml")):
        assert {d.code for d in silence([UNUSED], [wrong])} == {"RB501", "RB506"}


def test_an_unused_comment_is_a_warning_at_its_own_place():
    (warning,) = silence([], [comment("RB501")])

    assert (warning.code, warning.severity, warning.span) == ("RB506", "warning", Span("a.yaml", 6, 1, 10))
    assert said(warning) == [("RB506", "nothing on line 7 is reported as RB501", "remove the comment")]


def test_of_several_codes_only_the_unused_are_named():
    (warning,) = silence([UNUSED], [comment("RB501", "RB502", "RB503")])

    assert said(warning) == [
        ("RB506", "nothing on line 7 is reported as RB502 or RB503", "remove RB502, RB503 from the comment")
    ]


def test_an_error_is_never_silenced_and_a_comment_that_tries_is_told_so():
    problem = Span("a.yaml", 9, 3)

    left = silence([ERROR], [comment("RB301", line=problem.line)])

    assert [d.code for d in left] == ["RB110", "RB301"]
    assert said(left[0]) == [
        (
            "RB110",
            "RB301 is an error, and errors cannot be ignored",
            "remove RB301 from the comment, and mend the error",
        )
    ]


def test_while_anything_is_an_error_no_comment_is_called_unused():
    assert silence([ERROR], [comment("RB501")]) == (ERROR,)


def test_a_warning_is_silenced_beside_an_error_too():
    assert silence([ERROR, UNUSED], [comment("RB501")]) == (ERROR,)


def test_a_comment_without_a_code_is_told_the_form():
    (warning,) = silence([], [comment()])

    assert warning.code == "RB110"
    assert warning.message == "this comment names no code to ignore"
    assert "# routebook: ignore RB501" in (warning.help or "")


def test_an_unknown_code_is_told_the_nearest_that_can_be_ignored():
    (near,) = silence([], [comment("rb501")])
    (far,) = silence([], [comment("everything")])

    assert said(near) == [("RB110", "there is no code 'rb501'", "did you mean 'RB501'?")]
    assert far.help is not None
    assert far.help.startswith("write `# routebook: ignore RB501`")


def test_a_code_that_cannot_be_ignored_is_shown_at_its_own_place():
    places = (Span("a.yaml", 6, 22, 5), Span("a.yaml", 6, 29, 5))

    left = silence([UNUSED], [Ignore(("RB501", "RB5O1"), Span("a.yaml", 6, 1, 33), 7, places)])

    assert [(d.code, d.span) for d in left] == [("RB110", places[1])]


def test_what_is_said_about_comments_cannot_be_ignored():
    left = silence([], [comment("RB506", "RB110")])

    assert [d.code for d in left] == ["RB110", "RB110"]


def test_a_code_that_stands_twice_is_one():
    assert silence([UNUSED], [comment("RB501", "RB501")]) == ()
    assert len(silence([], [comment("RB501", "RB501")])) == 1


def test_two_comments_for_one_line_both_count_as_used():
    assert silence([UNUSED], [comment("RB501"), Ignore(("RB501",), Span("a.yaml", 7, 40, 9), 7)]) == ()


def test_a_silenced_warning_is_no_error_where_warnings_are_errors():
    assert as_errors(silence([UNUSED], [comment("RB501")])) == ()
