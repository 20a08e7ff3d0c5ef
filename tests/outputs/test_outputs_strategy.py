"""How a model is asked to keep an output contract."""

from __future__ import annotations

import json

import pytest

from routebook.canonical.chat import OutputFormat
from routebook.canonical.frozen import freeze_mapping
from routebook.outputs.strategy import choose_strategy, instructions, output_format
from routebook.routing.output_spec import OutputSpec

SCHEMA = {"type": "object", "properties": {"größe": {"enum": ["S", "M"]}}, "required": ["größe"]}


def output(strategy="auto"):
    return OutputSpec("size", freeze_mapping(SCHEMA), strategy)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        (None, "native"),
        (frozenset({"json_schema", "tools"}), "native"),
        (frozenset({"json_object"}), "prompt"),
        (frozenset(), "prompt"),
    ],
)
def test_auto_asks_natively_unless_the_model_says_it_cannot(capabilities, expected):
    assert choose_strategy(output(), capabilities) == expected


@pytest.mark.parametrize("strategy", ["native", "prompt"])
@pytest.mark.parametrize("capabilities", [None, frozenset(), frozenset({"json_schema"})])
def test_a_strategy_that_the_route_file_names_stands(strategy, capabilities):
    assert choose_strategy(output(strategy), capabilities) == strategy


def test_the_instructions_end_with_the_whole_schema_as_json():
    text = instructions(output())

    assert json.loads(text.splitlines()[-1]) == SCHEMA
    assert "größe" in text


def test_the_native_format_carries_the_outputs_name_and_schema():
    assert output_format(output()) == OutputFormat("size", SCHEMA)
