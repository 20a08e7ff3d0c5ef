"""Which reader a file gets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routebook.source.node import MappingNode, Parsed, to_plain
from routebook.source.parse import parse, parse_content
from routebook.source.tree import SourceFile, read_tree


@pytest.mark.parametrize("path", ["a.yaml", "a.yml", "json/a.yaml"])
def test_a_yaml_ending_gets_the_yaml_reader(path):
    assert parse(SourceFile(path, "a: 1 # yes")).diagnostics == ()


def test_a_json_ending_gets_the_json_reader():
    (problem,) = parse(SourceFile("yaml/a.json", "{a: 1}")).diagnostics

    assert problem.code == "RB102"
    assert "double quotes" in problem.message


@pytest.mark.parametrize(("path", "text"), [("_scripts/a.yaml", "- a\n"), ("_scripts/a.json", '["a"]')])
def test_content_may_be_a_list_where_a_route_file_may_not(path, text):
    file = SourceFile(path, text)

    content = parse_content(file)
    assert content.node is not None
    assert to_plain(content.node) == ["a"]
    assert [problem.code for problem in parse(file).diagnostics] == ["RB202"]


def test_a_route_file_with_a_duplicate_key_still_has_its_value():
    parsed = parse(SourceFile("a.yaml", "a: 1\na: 2\n"))

    assert isinstance(parsed.node, MappingNode)
    assert len(parsed.diagnostics) == 1


@given(st.binary(max_size=60), st.sampled_from(["fuzz.yaml", "fuzz.json"]))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_either_read_or_refused(tmp_path_factory, data, name):
    root = tmp_path_factory.mktemp("book")
    (root / name).write_bytes(data)

    tree = read_tree(root)

    assert len(tree.files) + len(tree.diagnostics) == 1
    for file in tree.files:
        parsed = parse(file)
        assert isinstance(parsed, Parsed)
        assert isinstance(parsed.node, MappingNode) or parsed.diagnostics
