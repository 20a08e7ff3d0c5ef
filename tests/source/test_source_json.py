"""Strict JSON with places, and its agreement with YAML."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routebook.diagnostics.diagnostic import Diagnostic
from routebook.diagnostics.span import Span
from routebook.source.json import read_json, read_json_value
from routebook.source.node import MappingNode, Node, Parsed, SequenceNode, locate, locate_key, to_plain
from routebook.source.tree import SourceFile
from routebook.source.yaml import read_yaml_value

MEBIBYTE = 2**20

# What JSON's texts may hold and YAML's may not is left out: controls, halves of surrogate pairs, noncharacters.
CHARACTERS = st.characters(exclude_categories=["Cs", "Cc", "Cn"]) | st.sampled_from("\n\t\x85")
TEXTS = st.text(CHARACTERS, max_size=20)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=20
)


def read(text: str) -> Parsed:
    return read_json_value(SourceFile("a.json", text))


def only(text: str) -> Diagnostic:
    (problem,) = read(text).diagnostics
    return problem


def place(problem: Diagnostic) -> tuple[int, int]:
    return problem.span.line, problem.span.column


def test_every_kind_of_value_is_read_with_its_type():
    text = '{"a": [null, true, false, 0, -1, 1.5, 1E5, "x\\n\\u00e9\\ud83d\\ude00"], "": {}}'
    node = read(text).node

    assert node is not None
    assert repr(to_plain(node)) == repr({"a": [None, True, False, 0, -1, 1.5, 100000.0, "x\né😀"], "": {}})


def test_spans_count_characters_and_lines():
    node = read('{"é": ["😀", {"k":\r\n  -1.5}],\n "z": {\n  }}').node

    assert node is not None
    assert node.span == Span("a.json", 1, 1, 17)
    assert locate_key(node, ("é",)) == Span("a.json", 1, 2, 3)
    assert locate(node, ("é", 0)) == Span("a.json", 1, 8, 3)
    assert locate(node, ("é", 1, "k")) == Span("a.json", 2, 3, 4)
    assert locate(node, ("z",)) == Span("a.json", 3, 7, 1)


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ('{"a": 1,}', (1, 8), "',' before the closing '}'"),
        ("[1,\n]", (1, 3), "',' before the closing ']'"),
        ("// c\n{}", (1, 1), "JSON has no comments"),
        ('{"a": 1, # c\n}', (1, 10), "JSON has no comments"),
        ("{} /* c */", (1, 4), "JSON has no comments"),
        ("[NaN]", (1, 2), "JSON has no NaN"),
        ("[-Infinity]", (1, 2), "JSON has no -Infinity"),
        ("[True]", (1, 2), "unknown word 'True'"),
        ("[None]", (1, 2), "unknown word 'None'"),
        ("{a: 1}", (1, 2), "a key must be text in double quotes"),
        ("{1: 1}", (1, 2), "a key must be text in double quotes"),
        ("['a']", (1, 2), "not in single ones"),
        ("[abc]", (1, 2), "text without double quotes"),
        ("[01]", (1, 2), "no JSON number"),
        ("[+1]", (1, 2), "no JSON number"),
        ("[.5]", (1, 2), "no JSON number"),
        ("[1.]", (1, 2), "no JSON number"),
        ("[0x1f]", (1, 2), "no JSON number"),
        ("[1_000]", (1, 2), "no JSON number"),
        ("[1 2]", (1, 4), "expected ',' or ']'"),
        ('{"a" 1}', (1, 6), "expected ':'"),
        ('{"a":}', (1, 6), "unexpected '}'"),
        ("[1,,2]", (1, 4), "unexpected ','"),
        ('{"a": [1}', (1, 9), "expected ',' or ']'"),
        ('{"a": [\n', (1, 7), "never closed"),
        ('{\n"a"', (1, 1), "never closed"),
        ('["a]', (1, 2), "the quote that opens here is never closed"),
        ('["a\n"]', (1, 4), "over the end of its line"),
        ('["\t"]', (1, 3), "U+0009"),
        ('["x\\q"]', (1, 4), "\\q is no escape"),
        ('["x\\u12"]', (1, 4), "\\u is no escape"),
        ('["x\\ud800"]', (1, 2), "half of a surrogate pair, U+D800"),
        ('{"\\udc00": 1}', (1, 2), "half of a surrogate pair"),
        ("{}}", (1, 3), "after the end of the document"),
        ("{} {}", (1, 4), "after the end of the document"),
        ("[\xa01]", (1, 2), "unexpected '\\xa0'"),
    ],
)
def test_what_is_not_json_is_one_located_sentence_with_a_mend(text, where, words):
    parsed = read(text)

    (problem,) = parsed.diagnostics
    assert (problem.code, place(problem)) == ("RB102", where)
    assert words in problem.message
    assert problem.help
    assert parsed.node is None


def test_an_unquoted_value_is_not_repeated_because_it_may_be_a_secret():
    assert "sk-live" not in repr(only('{"api_key": sk-live-123}'))


def test_a_duplicate_key_cites_the_first_which_stands():
    parsed = read('{"a": 1,\n "a": 2}')

    (problem,) = parsed.diagnostics
    assert (problem.code, problem.span, problem.notes) == (
        "RB103",
        Span("a.json", 2, 2, 3),
        ("first defined at line 1",),
    )
    assert parsed.node is not None
    assert to_plain(parsed.node) == {"a": 1}


def test_a_number_that_is_too_large_is_refused_where_it_stands():
    codes = [(problem.code, place(problem)) for problem in read('{"a": 18446744073709551616, "b": 1e999}').diagnostics]

    assert codes == [("RB202", (1, 7)), ("RB202", (1, 34))]


def test_a_hundred_levels_are_allowed_and_one_more_is_not():
    assert read("[" * 100 + "]" * 100).diagnostics == ()
    assert (only("[" * 101).code, place(only("[" * 101))) == ("RB105", (1, 101))


@pytest.mark.parametrize("text", ["", " \r\n\t"])
def test_a_file_of_blanks_is_empty(text):
    assert only(text).code == "RB109"


def test_a_route_file_is_a_mapping_and_content_may_be_anything():
    file = SourceFile("a.json", "[1]")

    (problem,) = read_json(file).diagnostics
    assert problem.code == "RB202"
    assert read_json(file).node is None
    assert read_json_value(file).diagnostics == ()


@pytest.mark.parametrize("unit", ["[", '{"a":', "[1,", '"', "\\", "1", "[]", " ", "-", "a", '"\\u0041', '"a",'])
@pytest.mark.parametrize("before", ["", "["])
def test_a_mebibyte_of_anything_ends_soon_and_says_little(unit, before):
    started = time.process_time()

    problems = read(before + (unit * MEBIBYTE)[:MEBIBYTE]).diagnostics

    assert time.process_time() - started < 10
    assert all(len(problem.message) < 300 for problem in problems)


@given(VALUES, st.sampled_from([None, 2]))
@settings(max_examples=150, deadline=None)
def test_json_text_means_the_same_in_a_json_and_a_yaml_file(value, indent):
    text = json.dumps(value, ensure_ascii=False, indent=indent)

    as_json, as_yaml = read(text), read_yaml_value(SourceFile("a.json", text))

    assert as_json.diagnostics == as_yaml.diagnostics == ()
    assert as_json.node is not None
    assert as_yaml.node is not None
    assert repr(to_plain(as_json.node)) == repr(to_plain(as_yaml.node)) == repr(value)
    assert spans(as_json.node) == spans(as_yaml.node)


@given(st.text(alphabet=st.sampled_from("{}[]\",:\\ua01.-+eE tfn/*#\n\t'é"), max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_as_pythons_parser_does_or_refused_inside_its_lines(text):
    file = SourceFile("a.json", text)
    parsed = read_json_value(file)
    if parsed.node is None:
        assert parsed.diagnostics
    elif not parsed.diagnostics:
        assert repr(to_plain(parsed.node)) == repr(json.loads(text))
    for problem in parsed.diagnostics:
        line = file.line(problem.span.line)
        assert line is not None
        assert 1 <= problem.span.column <= len(line) + 1
        assert problem.help


@given(st.text(alphabet=st.sampled_from('{}[]",:\\u0dD8a1.-eE tn'), max_size=30))
@settings(max_examples=300, deadline=None)
def test_what_python_reads_is_refused_only_for_a_reason_that_python_does_not_know(text):
    try:
        json.loads(text, parse_constant=lambda word: 1 / 0)
    except (ValueError, ZeroDivisionError):
        assert read(text).node is None
    else:
        assert all(
            problem.code in ("RB103", "RB202") or "surrogate" in problem.message for problem in read(text).diagnostics
        )


def spans(node: Node) -> list[Span]:
    found = [node.span]
    if isinstance(node, MappingNode):
        for key, value in node.entries:
            found += [key.span, *spans(value)]
    elif isinstance(node, SequenceNode):
        for item in node.items:
            found += spans(item)
    return found
