"""Options that a model cannot take: for what it does not declare, beyond its bounds, or beside what they exclude."""

from __future__ import annotations

from json import dumps
from typing import Any

import pytest
from said import marked, said, the_one

from routebook import Context, Facts, RequestError, compile_mapping

MODEL: dict[str, Any] = {"provider": "openai", "id": "gpt-x", "capabilities": ["tools", "json_schema"]}
CLOCK = {"clock": {"command": "clock"}}
ANSWER = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def book(feature: dict[str, Any], model: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    written = {"providers": {"openai": {}}, "models": {"m": {**MODEL, **(model or {})}}, **more}
    return {**written, "features": {"f": {"use": {"model": "m"}, **feature}}}


@pytest.mark.parametrize(
    ("options", "key", "need"),
    [
        ({"reasoning": {"effort": "low"}}, "effort", "reasoning"),
        ({"prompt_cache": {"key": "k"}}, "key", "prompt_cache"),
        ({"parallel_tool_calls": True}, "parallel_tool_calls", "parallel_tools"),
    ],
)
@pytest.mark.parametrize("layer", ["model", "feature", "target"])
def test_an_option_whose_capability_the_model_does_not_declare_is_rb402_at_the_line_that_sets_it(
    options: dict[str, Any], key: str, need: str, layer: str
):
    feature: dict[str, Any] = {"tools": {"servers": ["clock"]}}
    feature |= {"options": options} if layer == "feature" else {}
    feature |= {"use": {"model": "m", "options": options}} if layer == "target" else {}

    problem = the_one(book(feature, {"options": options} if layer == "model" else {}, mcp_servers=CLOCK))

    assert (problem.code, marked(problem)) == ("RB402", f'"{key}"')
    assert problem.message.endswith(f"reaches model 'm', which does not declare {need!r}")
    assert problem.notes[0].startswith("model 'm' is defined at ")


@pytest.mark.parametrize("capabilities", [["tools", "reasoning", "prompt_cache", "parallel_tools"], None])
def test_a_model_that_declares_the_capability_or_nothing_takes_the_option(capabilities: list[str] | None):
    options = {"reasoning": {"effort": "low"}, "prompt_cache": {"key": "k"}, "parallel_tool_calls": True}
    feature = {"tools": {"servers": ["clock"]}, "options": options}

    found = said(book(feature, {"capabilities": capabilities}, mcp_servers=CLOCK))

    assert [problem.code for problem in found if problem.severity == "error"] == []


def test_a_model_is_asked_to_do_without_what_it_does_not_declare():
    options = {"reasoning": {"effort": "none"}, "parallel_tool_calls": False}

    assert said(book({"tools": {"servers": ["clock"]}, "options": options}, mcp_servers=CLOCK)) == []


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ({"reasoning": {"effort": "none"}}, True),
        ({"parallel_tool_calls": False}, True),
        ({"reasoning": {"effort": "low"}}, False),
        ({"parallel_tool_calls": True}, False),
        ({"prompt_cache": {"key": "k"}}, False),
    ],
)
def test_a_callers_option_is_held_to_what_the_model_declares(asked: dict[str, Any], taken: bool):
    table = compile_mapping(book({"tools": {"servers": ["clock"]}}, mcp_servers=CLOCK))

    if taken:
        assert table.resolve("f", Context(), Facts(options=asked)).attempts[0].options == asked
    else:
        with pytest.raises(RequestError, match="is not carried by model 'm'"):
            table.resolve("f", Context(), Facts(options=asked))


def test_more_output_tokens_than_the_model_answers_with_are_rb402_at_the_line_that_asks_for_them():
    problem = the_one(book({"options": {"max_output_tokens": 8001}}, {"max_output_tokens": 8000}))

    assert (problem.code, marked(problem)) == ("RB402", '"max_output_tokens"')
    assert problem.message == "option 'max_output_tokens' reaches model 'm', whose answers have at most 8000 tokens"
    assert problem.notes[0].startswith("model 'm' is defined at ")


@pytest.mark.parametrize("model", [{"max_output_tokens": 8000}, {}])
def test_as_many_output_tokens_as_the_model_answers_with_may_be_asked_for(model: dict[str, Any]):
    assert said(book({"options": {"max_output_tokens": 8000}}, model)) == []


@pytest.mark.parametrize(("budget", "refused"), [(1999, False), (2000, True), (4000, True)])
def test_an_api_that_thinks_within_the_answer_takes_a_budget_below_it_only(budget: int, refused: bool):
    options = {"reasoning": {"budget_tokens": budget}, "max_output_tokens": 2000}
    model = {"provider": "anthropic", "capabilities": ["reasoning"]}

    found = said(book({"options": options}, model, providers={"anthropic": {}}))

    problems = [problem for problem in found if problem.severity == "error"]
    assert [(problem.code, marked(problem)) for problem in problems] == [("RB402", '"budget_tokens"')] * refused


OUTPUT = {"answer": {"schema": ANSWER}}
THINKS = {"capabilities": ["tools", "json_schema", "reasoning"], "excludes": [["reasoning", "json_schema"]]}


def test_a_pair_that_the_model_excludes_is_rb402_with_the_lines_of_both_and_of_the_model():
    feature = {"options": {"reasoning": {"effort": "high"}}, "output": "answer"}

    problem = the_one(book(feature, THINKS, outputs=OUTPUT))

    assert (problem.code, marked(problem)) == ("RB402", '"m"')
    assert problem.message == "feature 'f' uses 'json_schema' and 'reasoning' with model 'm', which excludes that"
    written = dumps(book(feature, THINKS, outputs=OUTPUT), indent=2).split("\n")
    lines = [written[int(note.rpartition(":")[2]) - 1] for note in problem.notes]
    assert [note.partition(" <")[0] for note in problem.notes] == [
        "'json_schema' is how the output is asked for that is named at",
        "'reasoning' is set at",
        "model 'm' excludes them together at",
    ]
    assert [line.strip(' ",[{').partition('"')[0] for line in lines] == ["output", "effort", ""]


@pytest.mark.parametrize(
    ("feature", "output"),
    [
        ({"options": {"reasoning": {"effort": "none"}}, "output": "answer"}, {}),
        ({"options": {"reasoning": {"effort": "high"}}}, {}),
        ({"output": "answer"}, {}),
        ({"options": {"reasoning": {"effort": "high"}}, "output": "answer"}, {"strategy": "tool"}),
    ],
)
def test_a_feature_that_uses_one_thing_of_a_pair_alone_may(feature: dict[str, Any], output: dict[str, Any]):
    outputs = {"answer": {**OUTPUT["answer"], **output}}
    other = {"use": {"model": "m"}, "output": "answer"}
    written = book(feature, THINKS, outputs=outputs)

    assert said({**written, "features": {**written["features"], "other": other}}) == []


def test_what_a_rule_implies_is_used_too():
    model = {"capabilities": ["streaming", "reasoning"], "excludes": [["streaming", "reasoning"]]}
    rules = [
        {"name": "r", "when": {"stream": True}, "use": {"model": "m", "options": {"reasoning": {"effort": "low"}}}}
    ]

    problem = the_one(book({"rules": rules}, model))

    assert (problem.code, marked(problem)) == ("RB402", '"m"')
    assert problem.notes[1].startswith("'streaming' is needed because of ")


def test_a_set_of_more_than_two_is_excluded_where_all_of_it_is_used():
    model = {"capabilities": ["tools", "reasoning"], "excludes": [["reasoning", "tools", "temperature"]]}
    feature = {"options": {"reasoning": {"effort": "low"}, "temperature": 1}}

    assert said(book(feature, model)) == []
    assert the_one(book({**feature, "tools": {"servers": ["clock"]}}, model, mcp_servers=CLOCK)).code == "RB402"
