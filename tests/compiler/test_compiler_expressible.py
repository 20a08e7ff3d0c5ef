"""Contracts and names that an API has no place for: what is sent instead is said, once, as a note."""

from __future__ import annotations

from typing import Any

import pytest
from said import marked, said, the_one

SCRIPT: list[Any] = [{"reply": {"text": "x"}}]
CLOSED = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
LOOSE = {**CLOSED, "required": []}


def book(schema: dict[str, Any], features: dict[str, Any] | None = None, **output: Any) -> dict[str, Any]:
    return {
        "providers": {"openai": {}, "stage": {"api": "scripted", "script": SCRIPT}},
        "models": {
            "native": {"provider": "openai", "capabilities": ["json_schema"]},
            "calls": {"provider": "openai", "capabilities": ["tools"]},
            "talks": {"provider": "openai", "capabilities": ["streaming"]},
            "plays": {"provider": "stage", "capabilities": ["json_schema"]},
        },
        "outputs": {output.pop("name", "answer"): {"schema": schema, **output}},
        "features": features or {"f": uses("native"), "all": {"use": {"model": "native"}, "fallbacks": OTHERS}},
    }


OTHERS = [{"model": name} for name in ("calls", "talks", "plays")]


def uses(model: str, output: str = "answer", **more: Any) -> dict[str, Any]:
    return {"use": {"model": model}, "output": output, **more}


def all_but(model: str) -> dict[str, Any]:
    """A feature without an output, so that every model is used."""
    rest = [{"model": name} for name in ("native", "calls", "talks", "plays") if name != model]
    return {"use": {"model": model}, "fallbacks": rest}


def test_a_schema_that_strict_mode_does_not_take_is_a_note_at_the_outputs_schema():
    problem = the_one(book(LOOSE), "RB513")

    assert (problem.severity, marked(problem)) == ("note", '"schema"')
    assert problem.message == (
        "api 'openai-chat' cannot hold a model to the schema of output 'answer'; "
        "it is sent with `strict: false`, as a strong hint"
    )
    assert problem.notes[0].endswith(": property 'a' is not required")
    assert problem.notes[1].startswith("model 'native' is asked for it at ")


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"oneOf": [CLOSED, {"type": "null"}]}, "keyword 'oneOf'"),
        ({"type": "array", "items": {"type": "string", "minLength": 1}}, "keyword 'minLength'"),
        ({**CLOSED, "additionalProperties": True}, "`additionalProperties` is not false"),
        ({**CLOSED, "properties": {"a": {"description": "anything"}}}, "it has no `type`"),
        ({**CLOSED, "properties": {"a": {"$ref": "#/$defs/t"}}, "$defs": {"t": LOOSE}}, "property 'a' is not required"),
    ],
)
def test_the_first_reason_and_its_place_are_told(schema: dict[str, Any], why: str):
    problem = the_one(book(schema), "RB513")

    place, _, said_why = problem.notes[0].partition(": ")
    assert said_why == why
    assert place.startswith("<mapping>.json:")


@pytest.mark.parametrize(
    "schema", [CLOSED, {"type": "array", "items": CLOSED}, {"type": "string"}, {"enum": ["a", "b"]}]
)
def test_a_schema_that_can_be_expressed_is_none_to_talk_about_even_if_it_has_to_be_wrapped(schema: dict[str, Any]):
    assert said(book(schema)) == []


@pytest.mark.parametrize(
    ("model", "output"),
    [("calls", {}), ("plays", {}), ("native", {"strategy": "prompt"}), ("talks", {"strategy": "prompt"})],
)
def test_a_schema_that_no_native_mode_is_given_is_none_to_talk_about(model: str, output: dict[str, Any]):
    assert said(book(LOOSE, {"f": uses(model), "all": all_but(model)}, **output)) == []


def test_one_output_is_one_note_however_many_features_reach_it():
    features = {f"f{number}": uses("native") for number in range(5)}

    problem = the_one(book(LOOSE, {**features, "all": all_but("native")}), "RB513")

    assert problem.notes[1].startswith("model 'native' is asked for it at ")


def test_a_fallback_a_shadow_and_a_model_that_a_caller_may_choose_count():
    for more in ({"fallbacks": [{"model": "native"}]}, {"shadow": {"model": "native"}}, {"allow_override": ["native"]}):
        features = {"f": uses("calls", **more), "all": all_but("calls")}

        assert the_one(book(LOOSE, features), "RB513").notes[1].startswith("model 'native'")


def test_what_no_request_reaches_does_not_count():
    arms = [{"name": "a", "weight": 1, "model": "calls"}, {"name": "b", "weight": 0, "model": "native"}]
    features = {"f": {"use": {"split": arms}, "output": "answer"}, "all": all_but("calls")}

    assert [problem.code for problem in said(book(LOOSE, features))] == ["RB502"]


def test_a_model_without_means_of_its_own_is_asked_in_the_prompt_and_that_is_said():
    problem = the_one(book(CLOSED, {"f": uses("talks"), "all": all_but("talks")}), "RB513")

    assert marked(problem) == '"schema"'
    assert (
        problem.message
        == "output 'answer' is asked for in the prompt alone of model 'talks', which nothing holds to it"
    )
    assert problem.notes[0].startswith("the model declares neither 'json_schema' nor 'tools', at ")


def test_a_model_with_json_mode_alone_is_asked_in_the_prompt_and_held_to_json():
    written = book(CLOSED, {"f": uses("talks"), "all": all_but("talks")})
    written["models"]["talks"]["capabilities"] = ["json_object"]

    problem = the_one(written, "RB513")

    assert marked(problem) == '"schema"'
    assert problem.message == "output 'answer' is asked for in the prompt of model 'talks', which is held to JSON alone"
    assert problem.notes[0].startswith("the model declares 'json_object' alone, at ")


@pytest.mark.parametrize(
    ("model", "is_changed"), [("native", True), ("calls", True), ("talks", False), ("plays", False)]
)
def test_the_name_of_an_output_is_told_where_the_wire_changes_it(model: str, is_changed: bool):
    features = {"f": uses(model, "my.answer"), "all": all_but(model)}

    found = [p for p in said(book(CLOSED, features, name="my.answer")) if "my_answer" in p.message]

    assert [(p.code, p.message, marked(p)) for p in found] == [
        ("RB513", "the model sees output 'my.answer' as 'my_answer'", '"my.answer"')
    ] * is_changed


def test_a_book_with_errors_is_not_told_what_would_be_sent():
    features = {"f": uses("native"), "all": all_but("native"), "broken": {"use": {"model": "nobody"}}}

    assert [problem.code for problem in said(book(LOOSE, features))] == ["RB301"]


def tools(*allow: str) -> dict[str, Any]:
    return {
        "providers": {"openai": {}},
        "models": {"m": {"provider": "openai", "capabilities": ["tools"]}},
        "mcp_servers": {"files": {"command": "files"}},
        "features": {"f": {"use": {"model": "m"}, "tools": {"servers": ["files"], "allow": list(allow)}}},
    }


@pytest.mark.parametrize(
    ("name", "wire_name"),
    [
        ("files.read.all", "files__read_all"),
        ("files.größe", "files__gr__e"),
        ("files." + "n" * 58, "files__" + "n" * 48 + "_"),
    ],
)
def test_a_tool_that_the_model_sees_by_another_name_is_a_note_at_its_entry(name: str, wire_name: str):
    problem = the_one(tools("files.read", name), "RB513")

    assert marked(problem) == f'"{name}"'
    assert problem.message.startswith(f"the model sees tool {name!r} as {wire_name!r}"[:-1])


def test_tools_that_would_share_a_name_are_both_told():
    found = said(tools("files.read.all", "files.read_all"))

    assert [problem.code for problem in found] == ["RB513", "RB513"]
    assert len({problem.message.rpartition(" as ")[2] for problem in found}) == 2


@pytest.mark.parametrize("allowed", ["files.read", "files.read_*", "files.[r]ead.all", "*", "files." + "n" * 57])
def test_a_tool_that_keeps_its_name_and_a_pattern_are_none_to_talk_about(allowed: str):
    assert said(tools(allowed)) == []
