"""What is said about a definition of a wrong shape: one diagnostic a mistake, where it stands, with its mend."""

from __future__ import annotations

from typing import Any

import pytest

from routebook import Diagnostic, RouteFileError, compile_mapping


def problems(**sections: Any) -> list[Diagnostic]:
    book = {"providers": {"openai": {}}, "features": {"f": {"use": {"model": "openai/m"}}}, **sections}
    with pytest.raises(RouteFileError) as caught:
        compile_mapping(book, {})
    return [diagnostic for diagnostic in caught.value.diagnostics if diagnostic.severity == "error"]


def marked(diagnostic: Diagnostic) -> str:
    start = diagnostic.span.column - 1
    return (diagnostic.source or "")[start : start + diagnostic.span.width]


def test_an_unknown_key_is_marked_and_a_near_one_is_offered():
    (problem,) = problems(providers={"openai": {"base_ulr": "x"}})

    assert (problem.code, problem.message, marked(problem)) == ("RB201", "unknown key 'base_ulr'", '"base_ulr"')
    assert problem.help == "did you mean 'base_url'?"


def test_an_unknown_key_near_to_none_is_answered_with_those_that_are_known():
    (problem,) = problems(models={"m": {"provider": "openai", "price": {"zzz": 1}}})

    assert problem.help == "known keys: cache_write, cached_input, input, output"


@pytest.mark.parametrize("key", ["[", "[literal]", "[reference]", "", "ü", "a.b", "0"])
def test_a_key_of_any_spelling_can_be_unknown(key: str):
    (problem,) = problems(providers={"openai": {key: 1}})

    assert (problem.code, problem.message) == ("RB201", f"unknown key {key!r}")


def test_a_required_key_that_is_misspelt_is_one_mistake():
    (problem,) = problems(models={"m": {"provder": "openai"}})

    assert (problem.code, problem.help) == ("RB201", "did you mean 'provider'?")


def test_a_required_key_that_is_missing_is_reported_at_the_definitions_name():
    (problem,) = problems(models={"m": {}})

    assert (problem.code, problem.message, marked(problem)) == ("RB204", "required key 'provider' is missing", '"m"')
    assert problem.help == "add `provider: ...`"


def test_a_required_key_that_is_missing_further_in_is_reported_at_the_key_above_it():
    (problem,) = problems(features={"f": {"use": {}}})

    assert (problem.code, problem.message, marked(problem)) == ("RB204", "required key 'model' is missing", '"use"')


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, "nothing"),
        (True, "the boolean true"),
        (7, "the number 7"),
        ([], "a list"),
        ({"a": 1}, "a mapping"),
    ],
)
def test_a_wrong_type_says_what_belongs_there_and_what_was_found(value: Any, found: str):
    (problem,) = problems(features={"f": {"use": {"model": value}}})

    assert (problem.code, problem.message) == ("RB202", f"'model' must be text, not {found}")


def test_an_item_of_a_list_is_reported_as_such():
    (problem,) = problems(features={"f": {"use": {"model": "openai/m"}, "tags": ["a", 5]}})

    assert problem.message == "an item of 'tags' must be text, not the number 5"
    assert (marked(problem), problem.help) == ("5", "put it in quotes")


def test_a_definition_that_is_null_is_told_how_an_empty_one_is_written():
    (problem,) = problems(profiles={"p": None}, settings={"default_profile": "p"})

    assert problem.message == "this definition must be a mapping, not nothing"
    assert problem.help == "an empty mapping is written `{}`"


def test_a_value_that_is_none_of_the_allowed_ones_is_answered_with_a_near_one_or_all():
    near, far = problems(
        features={"f": {"use": {"model": "openai/m"}, "credentials": "platfrom", "needs": ["telepathy"]}}
    )

    assert (far.code, far.message) == ("RB203", "an item of 'needs' cannot be 'telepathy'")
    assert (near.code, near.help) == ("RB203", "did you mean 'platform'?")
    assert (far.help or "").startswith("one of: tools, ")


@pytest.mark.parametrize(
    "options", [{"temperature": "x" * 5000}, {"timeout": "x" * 5000}, {"reasoning": {"effort": "x" * 5000}}]
)
def test_a_long_value_is_shortened(options: dict[str, Any]):
    (problem,) = problems(features={"f": {"use": {"model": "openai/m", "options": options}}})

    assert len(problem.message) < 200
    assert "..." in problem.message


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("features", "Upper"),
        ("features", "1st"),
        ("features", "with space"),
        ("features", ""),
        ("features", "x" * 65),
        ("features", "f\n"),
        ("features", "ä"),
        ("mcp_servers", "a.b"),
    ],
)
def test_a_bad_name_is_rb205_with_the_rule(section: str, name: str):
    definition = {"use": {"model": "openai/m"}} if section == "features" else {"command": "x"}

    found = problems(**{section: {name: definition}})

    assert found[0].code == "RB205"
    assert ("dots" in (found[0].help or "")) == (section != "mcp_servers")


def test_the_same_name_in_two_sections_is_two_names():
    book = {
        "providers": {"openai": {}},
        "models": {"openai": {"provider": "openai", "capabilities": ["tools"]}},
        "features": {"openai": {"use": {"model": "openai"}}},
    }

    assert compile_mapping(book).diagnostics == ()


@pytest.mark.parametrize("value", [None, [], "text", 5])
def test_a_section_that_is_no_mapping_is_reported_and_may_define_any_name(value: Any):
    found = problems(models=value, features={"f": {"use": {"model": "anything"}}})

    assert [problem.code for problem in found] == ["RB202"]


def test_an_unknown_section_is_offered_a_near_one_and_may_define_any_name():
    (problem,) = problems(model={"m": {}}, features={"f": {"use": {"model": "m"}}})

    assert (problem.message, problem.help) == ("unknown section 'model'", "did you mean 'models'?")
