"""How a model is asked to keep an output contract, and how its answer is taken out of what it sends."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from routebook.canonical.chat import ChatResponse, Choice, OutputFormat
from routebook.canonical.frozen import freeze_mapping, thaw
from routebook.canonical.message import Message
from routebook.canonical.part import ReasoningPart, TextPart
from routebook.canonical.tool import ToolCall
from routebook.outputs.schema import check_schema
from routebook.outputs.strategy import ask, choose_strategy, instructions
from routebook.outputs.validate import validate
from routebook.outputs.wrapper import wrapped
from routebook.routing.output_spec import OutputSpec

SCHEMA = {"type": "object", "properties": {"größe": {"enum": ["S", "M"]}}, "required": ["größe"]}
SIZES = {"type": "array", "items": {"enum": ["S", "M"]}}


def output(strategy="auto", schema=SCHEMA, name="size"):
    return OutputSpec(name, freeze_mapping(schema), strategy)


def answered(*parts, finish="tool_calls"):
    return ChatResponse(Message("assistant", parts), finish)


def call(arguments, name="size", **more):
    return ToolCall("c1", name, arguments, **more)


# choosing


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        (None, "native"),
        (frozenset({"json_schema", "tools"}), "native"),
        (frozenset({"json_object", "tools"}), "tool"),
        (frozenset({"json_object"}), "json_object"),
        (frozenset(), "prompt"),
    ],
)
def test_auto_asks_by_the_best_means_that_the_model_has(capabilities, expected):
    assert choose_strategy(output(), capabilities) == expected


@pytest.mark.parametrize("strategy", ["native", "tool", "prompt"])
@pytest.mark.parametrize("capabilities", [None, frozenset(), frozenset({"json_schema"})])
def test_a_strategy_that_the_route_file_names_stands(strategy, capabilities):
    assert choose_strategy(output(strategy), capabilities) == strategy


# asking


def test_the_instructions_end_with_the_whole_schema_as_json():
    text = instructions(output().schema)

    assert json.loads(text.splitlines()[-1]) == SCHEMA
    assert "größe" in text


def test_in_json_mode_a_model_gets_instructions_and_is_held_to_an_object():
    asked = ask(output(), "json_object")
    listed = ask(output(schema=SIZES), "json_object")

    assert (asked.format, asked.instructions) == (OutputFormat("size"), instructions(SCHEMA))
    assert (asked.tool, asked.is_wrapped) == (None, False)
    assert (listed.format, listed.instructions) == (OutputFormat("size"), instructions(wrapped(SIZES)))
    taken = listed.take(answered(TextPart('{"value": ["S"]}'), finish="stop"))
    assert taken.message.text == '["S"]'


def test_of_several_choices_each_is_taken_out_of_what_carries_it():
    second = Choice(Message("assistant", [call({"größe": "M"})]), "tool_calls", "tool_calls")
    response = replace(answered(call({"größe": "S"})), alternatives=(second,))

    taken = ask(output(), "tool").take(response)

    assert [choice.message.text for choice in taken.choices] == ['{"größe": "S"}', '{"größe": "M"}']
    assert [choice.finish_reason for choice in taken.choices] == ["stop", "stop"]
    assert taken.alternatives[0].raw_finish_reason == "tool_calls"


def test_asked_in_words_a_model_gets_instructions_alone():
    asked = ask(output(), "prompt")

    assert asked.instructions == instructions(output().schema)
    assert (asked.format, asked.tool, asked.tool_choice) == (None, None, None)


def test_the_native_format_carries_the_outputs_name_and_schema():
    asked = ask(output(), "native")

    assert asked.format == OutputFormat("size", SCHEMA)
    assert (asked.tool, asked.instructions) == (None, "")


def test_without_other_tools_the_model_is_made_to_call_the_one_whose_input_is_the_answer():
    asked = ask(output(), "tool")

    assert (asked.tool.name, thaw(asked.tool.parameters)) == ("size", SCHEMA)
    assert (asked.tool_choice, asked.format, asked.instructions) == ("size", None, "")


def test_beside_other_tools_the_model_is_told_to_call_it_and_may_call_them():
    asked = ask(output(), "tool", ["clock__now"])

    assert asked.tool_choice is None
    assert "the tool size" in asked.instructions


@pytest.mark.parametrize(
    ("name", "taken", "given"),
    [
        ("mail.size", (), "mail_size"),
        ("size", ("size",), "size_2"),
        ("size", ("size", "size_2"), "size_3"),
        ("s" * 64, ("s" * 64,), "s" * 62 + "_2"),
    ],
)
def test_the_answers_tool_has_a_name_that_every_api_takes_and_no_other_tool_has(name, taken, given):
    assert ask(output(name=name), "tool", taken).tool.name == given


def test_the_schemas_description_is_told_with_the_tool():
    described = {**SCHEMA, "description": "The shirt."}

    assert ask(output(schema=described), "tool").tool.description.endswith("with the whole answer. The shirt.")


@pytest.mark.parametrize("means", ["native", "tool"])
def test_an_answer_that_is_no_object_is_asked_for_inside_of_one(means):
    asked = ask(output(schema=SIZES), means)
    schema = asked.format.schema if means == "native" else asked.tool.parameters

    assert schema["type"] == "object"
    assert validate(schema, {"value": ["S"]}) == ()
    assert validate(schema, {"value": ["XL"]}) != ()
    assert validate(schema, ["S"]) != ()


# taking the answer


def test_the_arguments_of_the_answers_tool_become_the_text_of_a_response_that_stopped():
    thought = ReasoningPart("hm", api="openai-chat")
    taken = ask(output(), "tool").take(answered(thought, TextPart("Here it is:"), call({"größe": "S"})))

    assert taken.message.content == (thought, TextPart('{"größe": "S"}'))
    assert taken.finish_reason == "stop"


def test_a_text_answer_where_a_tool_was_to_be_called_is_left_as_it_is():
    response = answered(TextPart('{"größe": "S"}'), finish="stop")

    assert ask(output(), "tool").take(response) == response


def test_arguments_that_are_no_object_stand_as_the_model_wrote_them():
    response = answered(call(None, arguments_json='{"größe": "S'), finish="length")
    taken = ask(output(), "tool").take(response)

    assert (taken.message.text, taken.finish_reason) == ('{"größe": "S', "length")


def test_other_tools_that_are_called_in_the_same_breath_come_first():
    other = call({}, name="clock__now")
    taken = ask(output(), "tool", ["clock__now"]).take(answered(call({"größe": "S"}), other))

    assert taken.message.content == (other,)
    assert taken.finish_reason == "tool_calls"


def test_one_answer_given_twice_is_one_and_two_answers_are_none():
    asked = ask(output(), "tool")

    assert asked.take(answered(call({"größe": "S"}), call({"größe": "S"}))).message.text == '{"größe": "S"}'
    assert len(asked.take(answered(call({"größe": "S"}), call({"größe": "M"}))).message.text.splitlines()) == 2


def test_an_answer_is_taken_out_of_its_wrapper_whichever_way_it_came():
    by_tool, native = ask(output(schema=SIZES), "tool"), ask(output(schema=SIZES), "native")

    assert by_tool.take(answered(call({"value": ["S"]}))).message.text == '["S"]'
    assert native.take(answered(TextPart('{"value": ["S"]}'), finish="stop")).message.text == '["S"]'
    assert native.take(answered(TextPart('["S"]'), finish="stop")).message.text == '["S"]'


def test_an_answer_that_was_not_wrapped_may_itself_have_a_value():
    schema = {"type": "object", "properties": {"value": {"type": "array"}}}

    assert ask(output(schema=schema), "tool").take(answered(call({"value": []}))).message.text == '{"value": []}'


# wrapping


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "array", "items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"type": "string"}}}, ["x"], [1]),
        ({"items": {"anyOf": [{"type": "null"}, {"$ref": "#"}]}, "type": "array"}, [[None]], [["x"]]),
        ({"prefixItems": [{"type": "string"}, {"$ref": "#/prefixItems/0"}]}, ["a", "b"], ["a", 1]),
        ({"$defs": {"a": {"$anchor": "here", "type": "string"}}, "items": {"$ref": "#here"}}, ["x"], [1]),
        ({"$defs": {"n": {"items": {"$ref": "#/$defs/n"}, "type": "array"}}, "$ref": "#/$defs/n"}, [[[]]], [[1]]),
        ({"$id": "https://example.com/a", "enum": ["#/a"], "const": "#/a"}, "#/a", "#/properties/value/a"),
    ],
)
def test_a_wrapped_schema_means_what_it_meant(schema, good, bad):
    assert check_schema(wrapped(schema)) == []
    assert (validate(schema, good), validate(wrapped(schema), {"value": good})) == ((), ())
    assert validate(schema, bad) != ()
    assert validate(wrapped(schema), {"value": bad}) != ()
