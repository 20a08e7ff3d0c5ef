from __future__ import annotations

import pytest

from routebook.canonical.frozen import freeze
from routebook.providers.arguments import read_arguments


@pytest.mark.parametrize("raw", [None, "", "  ", "null", "{}", {}])
def test_nothing_and_null_are_an_empty_object(raw: object):
    assert read_arguments(raw) == ({}, None)


@pytest.mark.parametrize("raw", ['{"a": [1, "é"]}', {"a": [1, "é"]}])
def test_an_object_is_taken_as_text_and_as_data(raw: object):
    assert read_arguments(raw) == ({"a": [1, "é"]}, None)


@pytest.mark.parametrize(
    "raw", ["{broken", "[1]", '"text"', "7", '{"a": 1} x', '{"a": NaN}', '"{\\"a\\": 1}"', "[" * 100_000]
)
def test_text_that_is_no_object_is_kept_raw(raw: str):
    assert read_arguments(raw) == (None, raw)


def test_data_that_is_no_object_is_kept_as_json_text():
    assert read_arguments(freeze([1, {"a": None}])) == (None, '[1,{"a":null}]')
    assert read_arguments(7) == (None, "7")
