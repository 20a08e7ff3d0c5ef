"""Which comments silence what."""

from __future__ import annotations

import time

import pytest

from routebook.diagnostics.span import Span
from routebook.source.file import SourceFile
from routebook.source.ignore import Ignore, ignores_in


def ignores(text: str, path: str = "a.yaml") -> tuple[Ignore, ...]:
    return ignores_in(SourceFile(path, text))


def only(text: str) -> Ignore:
    (found,) = ignores(text)
    return found


def test_a_comment_after_something_is_about_its_own_line():
    found = only("a: 1\nb: 2 # routebook: ignore RB501\nc: 3\n")

    assert (found.codes, found.line, found.span) == (("RB501",), 2, Span("a.yaml", 2, 6, 25))


def test_a_comment_alone_is_about_the_next_line_that_says_something():
    found = only("a: 1\n  # routebook: ignore RB501\n\n# why\n  \nb: 2\n")

    assert (found.line, found.span.line) == (6, 2)


def test_a_comment_after_the_last_line_is_about_itself():
    assert only("a: 1\n# routebook: ignore RB501\n# end\n").line == 2


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        ("ignore RB501, RB504", ("RB501", "RB504")),
        ("ignore RB501,RB504", ("RB501", "RB504")),
        ("ignore RB501 RB504", ("RB501", "RB504")),
        ("ignore RB501 because the audit needs it", ("RB501",)),
        ("ignore", ()),
        ("ignore rb501, nonsense", ("rb501", "nonsense")),
        ("ignore RB9", ("RB9",)),
    ],
)
def test_codes_are_given_as_they_are_written(written, codes):
    assert only(f"a: 1 # routebook: {written}\n").codes == codes


def test_each_code_has_its_place():
    found = only("a: 1 #routebook:ignore RB501 , RB504\n")

    assert found.places == (Span("a.yaml", 1, 24, 5), Span("a.yaml", 1, 32, 5))


@pytest.mark.parametrize(
    "text",
    [
        "a: 'x # routebook: ignore RB501'\n",
        'a: "x\n  # routebook: ignore RB501"\n',
        "a: |\n  x\n  # routebook: ignore RB501\n",
        "a: >-\n  x # routebook: ignore RB501\nb: 1\n",
        "a: x# routebook: ignore RB501\n",
        "a: 1 # routebook: ignored RB501\n",
        "a: 1 # routebook: check\n",
        "a: 1 # routebook: ignore RB501\nb: '\n",
        "a: \x01 # routebook: ignore RB501\n",
    ],
)
def test_what_is_no_comment_or_no_yaml_silences_nothing(text):
    assert ignores(text) == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: | # routebook: ignore RB501\n  x\n", 1),
        ("a: &b | # routebook: ignore RB501\n  x\n", 1),
        ("a: |\n  x\n# routebook: ignore RB501\nb: 1\n", 4),
        ("a:\n  b: |\n    x\n\n  # routebook: ignore RB501\n  c: 1\n", 6),
        ("a: 'é' # routebook: ignore RB501\r\nb: 1\r\n", 1),
        ("a: x\u2028y # routebook: ignore RB501\n", 1),
        ("a: [1, # routebook: ignore RB501\n  2]\n", 1),
    ],
)
def test_a_comment_is_found_beside_any_kind_of_text(text, line):
    assert only(text).line == line


def test_json_has_no_comments():
    assert ignores('{"a": 1} # routebook: ignore RB501', "a.json") == ()


def test_a_mebibyte_of_comments_is_read_in_time():
    text = ("# routebook: ignore RB501\n" * 40330) + "a: 1\n"
    started = time.process_time()

    assert len(ignores(text)) == 40330
    assert time.process_time() - started < 5
