"""YAML 1.2's core schema, what of YAML is refused, and where everything stands."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routebook.diagnostics.diagnostic import Diagnostic
from routebook.diagnostics.span import Span
from routebook.source.node import MappingNode, Parsed, locate, locate_key, to_plain
from routebook.source.tree import SourceFile
from routebook.source.yaml import read_yaml, read_yaml_value

MEBIBYTE = 2**20


def read(text: str) -> Parsed:
    return read_yaml_value(SourceFile("a.yaml", text))


def plain(text: str) -> Any:
    parsed = read(text)
    assert parsed.diagnostics == ()
    assert parsed.node is not None
    return to_plain(parsed.node)


def only(text: str) -> Diagnostic:
    (problem,) = read(text).diagnostics
    return problem


def place(problem: Diagnostic) -> tuple[int, int]:
    return problem.span.line, problem.span.column


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"), ("On", "On"), ("yes", "yes"), ("y", "y"), ("2026-11-21", "2026-11-21"), ("1_000", "1_000"),
        ("12:30:45", "12:30:45"), (".nan", ".nan"), (".inf", ".inf"), ("-.INF", "-.INF"), ("0b11", "0b11"),
        ("0o8", "0o8"), ("-0x1", "-0x1"), ("1e", "1e"), ("+", "+"), (".", "."), ("1.2.3", "1.2.3"), ("tRUE", "tRUE"),
        ("nULL", "nULL"), ("'1'", "1"), ('"true"', "true"), ("''", ""), ("|-\n  1", "1"), ("٣", "٣"),
        ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None),
        ("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False),
        ("0", 0), ("-12", -12), ("+7", 7), ("0755", 755), ("0o17", 15), ("0xfF", 255), ("0x0", 0),
        ("18446744073709551615", 2**64 - 1), ("-9223372036854775808", -(2**63)),
        ("0o1777777777777777777777", 2**64 - 1),
        ("1.5", 1.5), ("1.", 1.0), (".5", 0.5), ("-.5", -0.5), ("1e3", 1000.0), ("1.5E-2", 0.015), ("+0.0", 0.0),
    ],
)  # fmt: skip
def test_a_scalar_has_the_value_and_type_of_the_core_schema(written, value):
    (item,) = plain(f"- {written}\n")

    assert item == value
    assert type(item) is type(value)


@pytest.mark.parametrize(
    ("written", "words"),
    [("18446744073709551616", "64 bits"), ("-9223372036854775809", "64 bits"), ("9" * 10_000, "64 bits"),
     ("0x" + "f" * 17, "64 bits"), ("1e999", "too large"), ("-" + "9" * 400 + ".0", "too large")],
)  # fmt: skip
def test_a_number_that_is_too_large_is_refused_where_it_stands(written, words):
    problem = only(f"a: {written}\n")

    assert (problem.code, problem.span) == ("RB202", Span("a.yaml", 1, 4, len(written)))
    assert words in problem.message


def test_a_number_may_begin_with_any_number_of_zeros():
    assert plain("a: " + "0" * 10_000 + "7") == {"a": 7}


def test_the_merge_key_is_a_key_like_any_other():
    assert plain("a: &a {b: 1}\nc:\n  <<: *a\n") == {"a": {"b": 1}, "c": {"<<": {"b": 1}}}


def test_mappings_keep_their_order_and_lists_theirs():
    assert list(plain("z: [3, 1, 2]\na: {y: 1, x: 2}\n").items()) == [("z", [3, 1, 2]), ("a", {"y": 1, "x": 2})]


def test_block_scalars_keep_and_fold_their_lines():
    assert plain("a: |\n  x\n  y\nb: >-\n  x\n  y\n") == {"a": "x\ny\n", "b": "x y"}


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029"])
def test_unicode_line_separators_are_ordinary_characters(separator):
    text = f"a: x{separator}y\nb: |\n  x{separator}y\nc: 'x{separator} y' # {separator}\nd: {{e: \ue000}}\n"

    assert plain(text) == {"a": f"x{separator}y", "b": f"x{separator}y\n", "c": f"x{separator} y", "d": {"e": "\ue000"}}
    assert locate(read(text).node, ("d", "e")) == Span("a.yaml", 5, 8, 1)


def test_spans_count_characters_and_lines_of_any_kind():
    text = "é: [a, 'ü b', 😀]\r\nlit: |-\r\n  x\r\nlast:   \r\n  ß: {k: \"v\"}\r\n"
    node = read(text).node

    assert isinstance(node, MappingNode)
    assert node.span == Span("a.yaml", 1, 1, 16)
    assert locate_key(node, ("é",)) == Span("a.yaml", 1, 1, 1)
    assert locate(node, ("é",)) == Span("a.yaml", 1, 4, 13)
    assert locate(node, ("é", 1)) == Span("a.yaml", 1, 8, 5)
    assert locate(node, ("é", 2)) == Span("a.yaml", 1, 15, 1)
    assert locate(node, ("lit",)) == Span("a.yaml", 2, 6, 2)
    assert locate(node, ("last",)) == Span("a.yaml", 5, 3, 11)
    assert locate(node, ("last", "ß")) == Span("a.yaml", 5, 6, 8)
    assert locate(node, ("last", "ß", "k")) == Span("a.yaml", 5, 10, 3)


def test_a_missing_value_is_null_and_stands_after_its_key():
    node = read("a:\nb: 1\n").node

    assert to_plain(node) == {"a": None, "b": 1}
    assert locate(node, ("a",)) == Span("a.yaml", 1, 3, 1)


def test_an_alias_shares_the_node_of_its_anchor():
    node = read("a: &x {b: [1]}\nc: *x\n").node

    assert isinstance(node, MappingNode)
    assert node.get("a") == node.get("c")


def test_an_anchor_may_be_defined_again():
    assert plain("- &x 1\n- *x\n- &x 2\n- *x\n") == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("1: a\n", (1, 1), "quote it: '1'"),
        ("a:\n  true: b\n", (2, 3), "quote it: 'true'"),
        ("null: b\n", (1, 1), "quote it: 'null'"),
        ("~: b\n", (1, 1), "quote it: '~'"),
        ("1.5: b\n", (1, 1), "quote it: '1.5'"),
        ("?\n: b\n", (1, 2), "write the key"),
        ("? [a]\n: b\n", (1, 3), "quote it"),
        ("{ {a: 1}: b }\n", (1, 3), "quote it"),
        ("a: &x b\n*x : c\n", (2, 1), "'*x'"),
    ],
)
def test_a_key_that_is_not_text_is_refused(text, where, words):
    problem = only(text)

    assert (problem.code, place(problem)) == ("RB106", where)
    assert "a key must be text" in problem.message
    assert words in (problem.help or "")


def test_quoted_keys_and_words_that_yaml_1_1_took_for_booleans_are_text():
    assert plain("'1': a\n\"true\": b\non: c\nno: d\n2026-01-01: e\n") == {
        "1": "a", "true": "b", "on": "c", "no": "d", "2026-01-01": "e"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a: !!str 1\n", "!!str"),
        ("a: !env X\n", "!env"),
        ("a: !!map {b: 1}\n", "!!map"),
        ("a: !x [b]\n", "!x"),
        ("a: !\n", "!"),
    ],
)
def test_tags_are_refused_by_name(text, name):
    problem = only(text)

    assert (problem.code, place(problem)) == ("RB106", (1, 4))
    assert f"tag '{name}'" in problem.message
    assert "{env: NAME}" in (problem.help or "")


@pytest.mark.parametrize("text", ["a: !h!x y\n", "a: !<x y\n"])
def test_broken_tags_are_refused_like_tags(text):
    assert only(text).code == "RB106"


def test_a_second_document_is_refused_where_it_begins():
    problem = only("---\na: 1\n---\nb: 2\n")

    assert (problem.code, place(problem)) == ("RB106", (3, 1))


def test_one_document_may_have_its_markers():
    assert plain("%YAML 1.2\n---\na: 1\n...\n") == {"a": 1}


@pytest.mark.parametrize("text", ["%YAML 1.1\n---\na: 1\n", "%YAML 3.0\n---\na: 1\n", "%FOO bar\n---\na: 1\n"])
def test_other_directives_are_refused(text):
    assert (only(text).code, only(text).span.line) == ("RB106", 1)


def test_a_duplicate_key_cites_the_first_which_stands():
    parsed = read('a: 1\nb: 2\n"a": {c: 3}\n')

    (problem,) = parsed.diagnostics
    assert (problem.code, problem.span) == ("RB103", Span("a.yaml", 3, 1, 3))
    assert problem.notes == ("first defined at line 1",)
    assert parsed.node is not None
    assert to_plain(parsed.node) == {"a": 1, "b": 2}


def test_other_problems_beside_a_duplicate_key_leave_no_value():
    parsed = read("a: 1\na: 2\n3: 4\n")

    assert [problem.code for problem in parsed.diagnostics] == ["RB103", "RB106"]
    assert parsed.node is None


def test_equal_keys_of_different_mappings_are_no_duplicates():
    assert plain("a: {x: 1}\nb: {x: 1, y: {x: 1}}\n") == {"a": {"x": 1}, "b": {"x": 1, "y": {"x": 1}}}


def test_all_problems_of_a_file_up_to_a_syntax_error_are_reported():
    codes = [problem.code for problem in read("1: a\nb: !x c\nb: d\ne: *f\ng: [\n").diagnostics]

    assert codes == ["RB106", "RB106", "RB103", "RB102", "RB102"]


def test_the_hundredth_problem_of_a_file_is_the_last_and_says_so():
    problems = read("a: 1\n" * 500).diagnostics

    assert len(problems) == 100
    assert "only the first 100" in problems[-1].notes[-1]
    assert len(problems[-2].notes) == 1


def test_a_hundred_levels_are_allowed_and_one_more_is_not():
    assert read("[" * 100 + "]" * 100).diagnostics == ()

    problem = only("[" * 101 + "]" * 101)
    assert (problem.code, place(problem)) == ("RB105", (1, 101))


def test_aliases_do_not_lead_deeper_than_a_hundred_levels():
    deep = f"a: &a {'[' * 60}{']' * 60}\n"

    assert read(f"{deep}b: {'[' * 39}*a{']' * 39}\n").diagnostics == ()
    problem = only(f"{deep}b: {'[' * 40}*a{']' * 40}\n")
    assert (problem.code, place(problem)) == ("RB105", (2, 44))


def test_a_chain_of_aliases_does_not_lead_deeper_than_a_hundred_levels():
    chain = "- &a0 [x]\n" + "".join(f"- &a{n} [*a{n - 1}]\n" for n in range(1, 5000))

    assert (only(chain).code, only(chain).span.line) == ("RB105", 100)


def test_an_alias_bomb_is_refused_at_the_alias_that_bursts():
    bomb = "- &a0 [x]\n" + "".join(f"- &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))

    problem = only(bomb)
    assert (problem.code, problem.span.line) == ("RB104", 6)
    assert "100,000" in problem.message


def test_aliases_may_expand_to_a_hundred_thousand_values():
    anchored = f"- &a [{','.join('x' * 99)}]\n"

    assert read(anchored + "- *a\n" * 1000).diagnostics == ()
    assert (only(anchored + "- *a\n" * 1001).code, only(anchored + "- *a\n" * 1001).span.line) == ("RB104", 1002)


def test_values_that_no_alias_expands_are_not_counted():
    assert len(plain("[" + "x," * 150_000 + "]")) == 150_000


def test_an_alias_inside_its_own_anchor_is_refused():
    problem = only("a: &a [1, *a]\n")

    assert (problem.code, place(problem)) == ("RB104", (1, 11))


def test_an_unknown_alias_is_refused_with_a_near_name():
    problem = only("a: &defaults 1\nb: *default\n")

    assert (problem.code, place(problem)) == ("RB102", (2, 4))
    assert problem.help == "did you mean 'defaults'?"


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "---\n...\n", "   "])
def test_a_file_without_content_is_empty(text):
    assert (only(text).code, place(only(text))) == ("RB109", (1, 1))


@pytest.mark.parametrize(
    ("text", "what"), [("- a\n", "a list"), ("a\n", "a single value"), ("null\n", "a single value")]
)
def test_a_route_file_is_a_mapping_and_content_may_be_anything(text, what):
    file = SourceFile("a.yaml", text)

    (problem,) = read_yaml(file).diagnostics
    assert (problem.code, place(problem)) == ("RB202", (1, 1))
    assert what in problem.message
    assert read_yaml(file).node is None
    assert read_yaml_value(file).diagnostics == ()


@pytest.mark.parametrize(
    ("text", "where"),
    [("\ta: b\n", (1, 1)), ("a:\n\tb: c\n", (2, 1)), ("a:\n  b: c\n  \td: e\n", (3, 3)), ("a: |\n  b\n\tc\n", (3, 1)),
     ("a:\n-\tb: 1\n", (2, 2))],
)  # fmt: skip
def test_a_tab_is_told_that_yaml_is_indented_with_spaces(text, where):
    problem = only(text)

    assert (problem.code, place(problem)) == ("RB102", where)
    assert "tab" in problem.message
    assert "indent with spaces" in (problem.help or "")


@pytest.mark.parametrize(
    ("text", "where", "width"),
    [("a: {{ x }}\n", (1, 4), 7), ("a: {{ x }} and\n", (1, 4), 7), ("- {{x}}: b\n", (1, 3), 5),
     ("a: [{{ x\n", (1, 5), 2), ("{{ x }}: y\n", (1, 1), 7), ("a: {{ x }}/{{ y }}\n", (1, 4), 7)],
)  # fmt: skip
def test_an_unquoted_template_is_told_to_be_quoted(text, where, width):
    problem = only(text)

    assert (problem.code, place(problem), problem.span.width) == ("RB102", where, width)
    assert "quote the whole value" in (problem.help or "")


@pytest.mark.parametrize(
    ("text", "where"), [("a:b\nc: d\n", (1, 2)), ("a: b\nc:d\ne: f\n", (2, 2)), ("f:\n  a:b\n  c: d\n", (2, 4))]
)
def test_a_missing_space_after_a_colon_is_found_on_its_own_line(text, where):
    problem = only(text)

    assert (problem.code, place(problem), problem.message) == ("RB102", where, "no space after ':'")


@pytest.mark.parametrize(
    ("text", "where"), [("a: 'x\nb: y\n", (1, 4)), ('a: 1\nb: "x\n', (2, 4)), ('a: "x\n---\nb: y"\n', (1, 4))]
)
def test_an_unclosed_quote_is_found_where_it_opens(text, where):
    problem = only(text)

    assert (problem.code, place(problem)) == ("RB102", where)
    assert "never closed" in problem.message


def test_a_quote_that_swallowed_the_next_lines_is_named_in_a_note():
    problem = only("a: 'x\nb: 'y'\n")

    assert place(problem) == (2, 5)
    assert problem.notes == ("the text before it runs from line 1: is a closing ' missing there?",)


@pytest.mark.parametrize(
    ("text", "where"),
    [("a: [1, 2\nb: c\n", (1, 4)), ("a: {x: 1\nb: 2\n", (1, 4)), ("a: [1,\n  2\n", (1, 4)), ("b: 1\na: {x: 1", (2, 4))],
)
def test_an_unclosed_bracket_is_found_where_it_opens(text, where):
    problem = only(text)

    assert (problem.code, place(problem)) == ("RB102", where)
    assert "never closed" in problem.message


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("a: {x: 1 y: 2}\n", (1, 11), "expected ',' or '}'"),
        ("a: [\n  {x: 1}\n  {y: 2}\n]\n", (3, 3), "expected ',' or ']'"),
        ("a: [1,\n", (1, 6), "the text ends"),
        ("a: b: c\n", (1, 5), "a second ': ' on one line"),
        ("a: b\n c: d\n", (2, 3), "indented too far"),
        ("a:\n  b: c\n d: e\n", (3, 2), "indentation fits no mapping"),
        (" a: b\nc: d\n", (2, 1), "after the end of the document"),
        ("a: 1\nb\nc: d\n", (2, 1), "no `key: value`"),
        ("a:\n  - b\n  c: d\n", (3, 3), "among the items of a list"),
        ("a: - b\n", (1, 4), "list's item cannot begin here"),
        ("a: 'it's'\n", (1, 8), "after the closing quote"),
        ("a: &x &y z\n", (1, 7), "unexpected '&'"),
        ("a: 1\n: b\n", (2, 1), "no key before ':'"),
        ("a: @x\n", (1, 4), "cannot begin with '@'"),
        ("a: ?\n", (1, 4), "cannot begin with '?'"),
        ("a: [*.read]\n", (1, 5), "'*' begins an alias"),
        ("a: &\n", (1, 4), "'&' begins an anchor"),
        ('a: "\\q"\n', (1, 5), "\\q is no escape"),
        ('a: "\\ud800"\n', (1, 7), "names no character"),
        ("a: |x\n  y\n", (1, 5), "'|' begins a block"),
        ("a: |0\n  y\n", (1, 5), "'|' begins a block"),
        ("a: ]\n", (1, 4), "unexpected ']'"),
        (f"{'k' * 1100}: x\n", (1, 1101), "longer than 1024"),
        ("a: x\x01\n", (1, 5), "U+0001"),
        ("é: \x00\n", (1, 4), "U+0000"),
        ("a: \ud800\n", (1, 4), "U+D800"),
    ],
)
def test_a_syntax_error_is_one_located_sentence_with_a_mend(text, where, words):
    parsed = read(text)

    (problem,) = parsed.diagnostics
    assert (problem.code, place(problem)) == ("RB102", where)
    assert words in problem.message
    assert problem.help
    assert parsed.node is None


@pytest.mark.parametrize(
    "unit",
    ["[", "{", "&a", "*a", "- ", "? ", "a: ", "!", "[a,", "{a: ", "- &a *a\n", "[[a]: b,\n", "\"", "'",
     "[]", "|\n", "\x00", "\t", "\n", ": ", "a,", "9", "{{", "---\n", "- - - - ", "? ? ? ", "? a\n", "a: 1\n", "# c\n",
     "#", "x ", "\r", "1: a\n", "- &a x\n- *a\n", "- *b\n", "- !a b\n", "%", "a: |\n x\n", "\u2028", "😀"],
)  # fmt: skip
def test_a_mebibyte_of_anything_ends_soon_and_says_little(unit):
    text = (unit * MEBIBYTE)[:MEBIBYTE]
    started = time.process_time()

    problems = read(text).diagnostics

    assert time.process_time() - started < 2
    assert all(len(problem.message) < 300 and len(problem.help or "") < 300 for problem in problems)


@given(st.text(alphabet=st.sampled_from("ab1:,-?&*!|>'\"%@`#~[]{} \n\t\r\\é\u2028\x01{}"), max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_either_read_or_refused_inside_its_lines(text):
    check_sane(text)


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_unicode_is_either_read_or_refused_inside_its_lines(text):
    check_sane(text)


def check_sane(text: str) -> None:
    file = SourceFile("a.yaml", text)
    parsed = read_yaml_value(file)
    assert (parsed.node is None) <= bool(parsed.diagnostics)
    for problem in parsed.diagnostics:
        line = file.line(problem.span.line)
        assert line is not None
        assert 1 <= problem.span.column <= len(line) + 1
        assert problem.span.column + problem.span.width <= len(line) + 2
        assert problem.help
