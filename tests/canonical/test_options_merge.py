"""The one merge of options."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routebook.canonical.frozen import thaw
from routebook.canonical.options import OPTION_NAMES, OPTION_PATHS, SUB_OPTIONS, merge_options, option_paths

scalars = st.one_of(st.booleans(), st.integers(-3, 3), st.floats(allow_nan=False), st.text(max_size=3))
keys = st.sampled_from(["a", "b", "c"])
flat = st.dictionaries(keys, st.one_of(st.none(), scalars, st.lists(scalars, max_size=2)), max_size=3)
trees = st.recursive(
    st.one_of(st.none(), scalars, st.lists(scalars, max_size=2)),
    lambda inner: st.dictionaries(keys, inner),
    max_leaves=8,
)
SHAPES = {
    "temperature": st.one_of(st.none(), st.floats(0, 2)),
    "stop": st.one_of(st.none(), st.lists(st.text(max_size=2), max_size=2)),
    "reasoning": st.one_of(st.none(), st.fixed_dictionaries({}, optional={"effort": st.one_of(st.none(), st.text())})),
    "prompt_cache": st.one_of(st.none(), st.fixed_dictionaries({}, optional={"key": st.one_of(st.none(), st.text())})),
    "extra_headers": st.one_of(st.none(), flat),
    "extra_body": st.one_of(st.none(), st.dictionaries(keys, trees, max_size=3)),
}
layers = st.fixed_dictionaries({}, optional=SHAPES)


def without_nulls(value: Any) -> Any:
    """*value* without the keys that are null, in depth."""
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


def set_options(layer: Mapping[str, Any]) -> dict[str, Any]:
    """What a layer sets when nothing was set before it: an option of which nothing is left is not set."""
    return {name: value for name, value in without_nulls(layer).items() if value != {}}


def has_null(value: Any) -> bool:
    return isinstance(value, Mapping) and any(item is None or has_null(item) for item in value.values())


def assert_frozen(value: Any) -> None:
    if isinstance(value, Mapping):
        with pytest.raises(TypeError):
            value["new"] = 1
        for item in value.values():
            assert_frozen(item)
    else:
        assert not isinstance(value, list)
        for item in value if isinstance(value, tuple) else ():
            assert_frozen(item)


@given(layers)
def test_one_layer_alone_is_itself_without_its_nulls(layer: dict[str, Any]):
    assert thaw(merge_options(layer)) == set_options(layer)


@given(st.lists(layers, max_size=4))
def test_the_result_has_no_null_in_any_mapping(many: list[dict[str, Any]]):
    assert not has_null(merge_options(*many))


@given(st.lists(layers, max_size=4))
def test_the_result_is_frozen_in_depth(many: list[dict[str, Any]]):
    assert_frozen(merge_options(*many))


@given(layers, layers, layers)
def test_the_weaker_layers_may_be_merged_first(one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]):
    assert merge_options(merge_options(one, two), three) == merge_options(one, two, three)


@given(layers, layers)
def test_merging_the_same_layer_twice_changes_nothing(one: dict[str, Any], two: dict[str, Any]):
    assert merge_options(one, two, two) == merge_options(one, two)


@given(layers)
def test_an_empty_layer_changes_nothing(layer: dict[str, Any]):
    assert merge_options({}, layer) == merge_options(layer) == merge_options(layer, {})


@given(layers, layers)
def test_the_later_scalar_or_list_wins_and_null_removes(one: dict[str, Any], two: dict[str, Any]):
    merged = thaw(merge_options(one, two))

    for name in ("temperature", "stop"):
        expected = two[name] if name in two else one.get(name)
        assert merged.get(name) == expected


@given(layers, layers)
def test_a_null_of_the_later_layer_removes_the_whole_option(one: dict[str, Any], two: dict[str, Any]):
    assert dict(merge_options(one, two, dict.fromkeys(SHAPES))) == {}


@given(layers, layers)
def test_merging_leaves_its_layers_as_they_were(one: dict[str, Any], two: dict[str, Any]):
    before = json.dumps([one, two])

    merge_options(one, two)

    assert json.dumps([one, two]) == before


@given(layers, layers)
def test_every_key_of_the_later_mapping_is_in_the_result_unless_it_is_null(one: dict[str, Any], two: dict[str, Any]):
    merged = merge_options(one, two)

    for key, value in (two.get("extra_headers") or {}).items():
        assert (key in merged.get("extra_headers", {})) == (value is not None)


def test_extra_body_merges_in_depth_and_other_mappings_key_by_key():
    merged = merge_options(
        {"extra_body": {"a": {"x": 1, "y": {"p": 1}}}, "timeout": {"connect": 1.0, "total": 9.0}},
        {"extra_body": {"a": {"y": {"q": 2}, "x": None}}, "timeout": {"total": 5.0}},
    )

    assert thaw(merged) == {"extra_body": {"a": {"y": {"p": 1, "q": 2}}}, "timeout": {"connect": 1.0, "total": 5.0}}


def test_a_mapping_replaces_a_scalar_and_a_scalar_a_mapping():
    assert thaw(merge_options({"extra_body": {"a": 1}}, {"extra_body": {"a": {"b": 2}}})) == {
        "extra_body": {"a": {"b": 2}}
    }
    assert thaw(merge_options({"extra_body": {"a": {"b": 2}}}, {"extra_body": {"a": 1}})) == {"extra_body": {"a": 1}}


def test_a_header_is_one_header_whatever_its_spelling():
    provider = {"extra_headers": {"X-Title": "provider", "X-Team": "provider"}}

    merged = merge_options(provider, {"extra_headers": {"x-title": "target", "x-TEAM": None}})

    assert thaw(merged) == {"extra_headers": {"x-title": "target"}}


def test_lists_replace_and_are_not_joined():
    assert thaw(merge_options({"extra_body": {"a": [1, 2]}}, {"extra_body": {"a": [3]}})) == {"extra_body": {"a": [3]}}


@pytest.mark.parametrize("name", ["reasoning", "prompt_cache", "timeout", "extra_headers", "extra_body"])
def test_an_option_whose_last_key_is_removed_is_not_set(name: str):
    assert dict(merge_options({name: {"a": 1}}, {name: {"a": None}})) == {}
    assert dict(merge_options({name: {"a": None}})) == {}


def test_an_empty_mapping_inside_extra_body_is_a_value():
    assert thaw(merge_options({"extra_body": {"a": {}}})) == {"extra_body": {"a": {}}}


def test_options_with_parts_are_named_in_their_parts_and_everything_else_as_it_is():
    options = {
        "temperature": 1,
        "reasoning": {"effort": "low", "budget_tokens": 5},
        "prompt_cache": {"key": "k", "retention": 60.0},
        "timeout": {"total": 1.0},
        "extra_body": {"a": 1},
    }

    assert option_paths(options) == ("temperature", *SUB_OPTIONS, "timeout", "extra_body")


def test_the_paths_name_each_option_once_in_its_parts_where_it_has_any():
    assert set(OPTION_PATHS) == {*OPTION_NAMES, *SUB_OPTIONS} - {"reasoning", "prompt_cache"}
    assert len(set(OPTION_PATHS)) == len(OPTION_PATHS)


def test_no_option_is_listed_twice():
    assert len(set(OPTION_NAMES)) == len(OPTION_NAMES)
