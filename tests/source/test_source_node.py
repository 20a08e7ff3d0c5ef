"""Nodes as views of columns: what they say, where they stand, what they weigh."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from routebook.diagnostics.span import Span
from routebook.source.file import SourceFile
from routebook.source.json import read_json_value
from routebook.source.node import MappingNode, Node, existing, locate, locate_key, to_plain, value_at
from routebook.source.yaml import read_yaml_value

TEXT = "a: &x {b: [1, {c: 2}]}\nd: *x\ne: [*x]\n"


def read(text: str) -> Node:
    node = read_yaml_value(SourceFile("a.yaml", text)).node
    assert node is not None
    return node


def test_two_views_of_one_place_are_equal_and_of_two_places_are_not():
    node = read("a: 1\nb: 1\n")

    assert isinstance(node, MappingNode)
    assert node.get("a") == node.get("a")
    assert len({node.get("a"), node.get("a")}) == 1
    assert node.get("a") != node.get("b")
    assert node.get("c") is None


def test_entries_are_the_same_objects_each_time():
    node = read("a: 1\nb: {c: 2}\n")

    assert isinstance(node, MappingNode)
    assert [key for _, key, _ in node] == [key for key, _ in node.entries]
    assert all(one is other for (one, _), (other, _) in zip(node.entries, node.entries, strict=True))


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        (("a", "b", 1, "c"), (1, 19), (1, 16)),
        (("d", "b", 0), (1, 12), (1, 12)),
        (("e", 0, "b"), (1, 11), (1, 8)),
        (("e", 0), (1, 4), (1, 4)),
        (("e", 1), (3, 4), (3, 4)),
        (("e", -1), (3, 4), (3, 4)),
        (("a", "x", "y"), (1, 4), (1, 4)),
        (("a", 0), (1, 4), (1, 4)),
        (("a", "b", "c"), (1, 11), (1, 11)),
        (("d",), (1, 4), (2, 1)),
        ((), (1, 1), (1, 1)),
    ],
)
def test_a_path_leads_to_its_value_and_its_key_or_to_what_is_left_of_it(path, value, key):
    node = read(TEXT)

    assert (locate(node, path).line, locate(node, path).column) == value
    assert (locate_key(node, path).line, locate_key(node, path).column) == key
    assert value_at(node, path).span == locate(node, path)


def test_the_part_of_a_path_that_exists_goes_through_aliases():
    node = read(TEXT)

    assert existing(node, ("e", 0, "b", 1, "x", "y")) == ["e", 0, "b", 1]
    assert existing(node, ("e", 0, "b", 1, "c")) == ["e", 0, "b", 1, "c"]
    assert existing(node, (0,)) == []


def test_a_mapping_made_of_some_entries_has_those_and_its_own_place():
    node = read("# settings\na: {b: 1}\nc: [2]\n")
    assert isinstance(node, MappingNode)
    place = Span("a.yaml", 9)

    part = MappingNode((node.entries[1],), place)

    assert (part.span, to_plain(part), part.get("a")) == (place, {"c": [2]}, None)
    assert locate(part, ("c", 0)) == Span("a.yaml", 3, 5)
    assert locate(part, ("x",)) == place
    assert locate_key(part, ("c",)) == Span("a.yaml", 3, 1)
    assert locate_key(part, ("a",)) == place


def test_a_mapping_without_entries_says_nothing():
    part = MappingNode((), Span("a.yaml", 9))

    assert (to_plain(part), part.get("a"), part.entries) == ({}, None, ())
    assert locate(part, ("a",)) == locate_key(part, ("a",)) == Span("a.yaml", 9)


def test_plain_values_are_the_callers_own():
    node = read("a: [1]\n")
    to_plain(node)["a"].append(2)

    assert to_plain(node) == {"a": [1]}


def test_a_wide_mapping_is_asked_for_each_of_its_keys_in_time():
    node = read("".join(f"k{number}: {number}\n" for number in range(50_000)))
    assert isinstance(node, MappingNode)
    started = time.process_time()

    assert all(node.get(f"k{number}") is not None for number in range(0, 50_000, 5))
    assert all(locate_key(node, (f"k{number}",)).column == 1 for number in range(0, 50_000, 5))

    assert time.process_time() - started < 1


@pytest.mark.parametrize("read_value", [read_yaml_value, read_json_value])
def test_a_node_weighs_little_until_somebody_holds_it(read_value):
    item = '{"model": "gemini-flash", "on": ["rate_limit", "overloaded"], "options": {"temperature": 0.2}}'
    file = SourceFile("a.json", f"[{', '.join([item] * 2000)}]")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    parsed = read_value(file)
    weight = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert parsed.node is not None
    assert weight / (2000 * 11) < 110
