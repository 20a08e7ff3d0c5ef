"""Diagnostics as text, JSON and workflow commands."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest

from routebook.diagnostics.codes import CODES
from routebook.diagnostics.diagnostic import Diagnostic, as_errors, diagnose, has_errors, in_order
from routebook.diagnostics.github import render_github
from routebook.diagnostics.json import render_json
from routebook.diagnostics.span import Span
from routebook.diagnostics.suggest import did_you_mean, near_names
from routebook.diagnostics.text import render_text


def about(source: str | None, column: int = 1, width: int = 1, **more: object) -> Diagnostic:
    return Diagnostic("RB202", Span("a/b.yaml", 7, column, width), "a message", source=source, **more)


def lines(diagnostic: Diagnostic) -> list[str]:
    return render_text([diagnostic]).split("\n")


def columns(text: str) -> int:
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def test_a_diagnostic_is_its_place_message_line_caret_notes_and_help():
    diagnostic = about("  key: value", 8, 5, notes=("first", "second"), help="mend it")

    assert render_text([diagnostic]) == (
        "a/b.yaml:7:8: RB202 error: a message\n"
        "7 |   key: value\n"
        "  |        ^^^^^\n"
        "note: first\n"
        "note: second\n"
        "help: mend it"
    )


def test_a_diagnostic_without_a_line_has_no_caret():
    assert render_text([about(None)]) == "a/b.yaml:7:1: RB202 error: a message"


def test_the_gutter_is_as_wide_as_the_lines_number():
    diagnostic = Diagnostic("RB202", Span("x", 1234, 1, 2), "m", source="ab")

    assert lines(diagnostic)[1:] == ["1234 | ab", "     | ^^"]


def test_a_blank_line_stands_between_two_diagnostics():
    assert render_text([about("a"), about("b")]).count("\n\n") == 1
    assert render_text([]) == ""


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("plain: word", "word"),
        ("größe: word", "word"),
        ("文件: word", "word"),
        ("a: 漢字", "漢字"),
        ("e\u0301e\u0301: word", "word"),
        ("\ttabbed: word", "word"),
        ("emoji 🚂: word", "word"),
        ("full-width \uff41: word", "word"),
    ],
)
def test_the_caret_stands_under_the_place_whatever_is_before_it(source: str, word: str):
    _, shown, caret = lines(about(source, source.index(word) + 1, len(word)))

    assert columns(caret[: caret.index("^")]) == columns(shown[: shown.index(word)])
    assert caret.count("^") == columns(word)


@pytest.mark.parametrize("column", [1, 200, 481, 956])
def test_a_long_line_is_cut_around_its_place(column: int):
    source = "".join(f"{number:04} " for number in range(200))
    word = source[column - 1 : column + 3]

    _, shown, caret = lines(about(source, column, 4))

    assert len(shown) <= 4 + 160 + 2
    assert shown[caret.index("^") : caret.index("^") + 4] == word
    assert shown.endswith("…") == (column < 900)
    assert shown.startswith("7 | …") == (column > 100)


def test_a_place_wider_than_what_is_shown_is_underlined_up_to_the_cut():
    _, shown, caret = lines(about("x" * 500, 1, 500))

    assert (caret.count("^"), len(shown)) == (160, 4 + 161)


@pytest.mark.parametrize(("source", "column"), [("", 1), ("abc", 4), ("abc", 99)])
def test_a_place_at_the_end_of_its_line_has_one_caret(source: str, column: int):
    assert lines(about(source, column))[2].count("^") == 1


def test_nothing_in_a_source_line_steers_the_terminal():
    text = render_text([about("a: \x1b[31mred\x07\x9b\u2028 \ud800", 4, 3)], colour=False)

    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\ud800]", text)
    assert text.encode()


def test_colour_changes_nothing_but_the_colours():
    diagnostics = [about("key: value", 6, 5, notes=("n",), help="h"), diagnose("RB501", Span("x"), "m")]

    coloured = render_text(diagnostics, colour=True)

    assert "\x1b[1;31m" in coloured
    assert "\x1b[1;33m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render_text(diagnostics)
    assert coloured.count("\x1b[0m") * 2 == coloured.count("\x1b[")


def test_json_has_every_field_of_every_diagnostic():
    diagnostic = about("größe", 3, 2, notes=("n",), help="h")

    (written,) = json.loads(render_json([diagnostic]))["diagnostics"]

    assert written == {
        "path": "a/b.yaml",
        "line": 7,
        "column": 3,
        "width": 2,
        "code": "RB202",
        "severity": "error",
        "message": "a message",
        "notes": ["n"],
        "help": "h",
        "source": "größe",
    }
    assert json.loads(render_json([])) == {"diagnostics": []}


def test_a_workflow_command_names_the_place_and_the_code():
    diagnostic = about("x", 3, 4, help="do it", notes=("why",))

    assert render_github([diagnostic], "routes/") == (
        "::error file=routes/a/b.yaml,line=7,col=3,endColumn=7,title=RB202::a message%0Anote: why%0Ahelp: do it"
    )


def test_severities_have_their_own_workflow_commands():
    commands = render_github([diagnose("RB501", Span("a"), "m"), diagnose("RB504", Span("a"), "m")]).split("\n")

    assert [command.split(" ")[0] for command in commands] == ["::warning", "::notice"]


def test_nothing_in_a_message_or_a_path_begins_another_workflow_command():
    forged = Diagnostic("RB202", Span("a,b:c%\n::error ::x"), "100%\r\n::error file=x::forged")

    text = render_github([forged])

    assert text.splitlines() == [
        "::error file=a%2Cb%3Ac%25%0A%3A%3Aerror %3A%3Ax,line=1,col=1,endColumn=2,title=RB202::"
        "100%25%0D%0A::error file=x::forged"
    ]


def test_diagnostics_come_by_path_then_line_then_column_and_each_once():
    places = [("b", 1, 1), ("a", 10, 1), ("a", 2, 5), ("a", 2, 1), ("a", 2, 1)]

    ordered = in_order(diagnose("RB202", Span(*place), "m") for place in places)

    assert [(d.span.path, d.span.line, d.span.column) for d in ordered] == [
        ("a", 2, 1),
        ("a", 2, 5),
        ("a", 10, 1),
        ("b", 1, 1),
    ]


def test_strictness_makes_errors_of_warnings_and_leaves_notes():
    said = [diagnose(code, Span("a"), "m") for code in ("RB202", "RB501", "RB504")]

    assert [d.severity for d in said] == ["error", "warning", "note"]
    assert [d.severity for d in as_errors(said)] == ["error", "error", "note"]
    assert (has_errors(said), has_errors(said[1:]), has_errors(as_errors(said[1:]))) == (True, False, True)


def test_every_code_has_its_own_title_in_one_line_of_lower_case():
    titles = [code.title for code in CODES.values()]

    assert len(set(titles)) == len(titles)
    assert all(re.fullmatch(r"RB[1-8]\d\d", code) for code in CODES)
    assert not [title for title in titles if title.endswith(".") or "\n" in title]


def test_the_nearest_name_is_meant_and_a_far_one_is_not():
    known = ("luna", "lunar", "gemini-flash")

    assert near_names("lunaa", known)[0] == "luna"
    assert did_you_mean("gemini-flsh", known) == "did you mean 'gemini-flash'?"
    assert did_you_mean("sonnet", known) is None
    assert len(near_names("l", [f"l{n}" for n in range(9)])) <= 3
