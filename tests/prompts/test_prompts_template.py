from __future__ import annotations

import pytest

from routebook.canonical.frozen import freeze
from routebook.canonical.part import TextPart
from routebook.canonical.tool import ToolResult
from routebook.prompts.template import TemplateProblem, render


def problem_of(template: str, **variables: object) -> TemplateProblem:
    with pytest.raises(TemplateProblem) as caught:
        render(template, variables)
    return caught.value


def test_variables_are_filled_in_and_nothing_is_escaped():
    assert render("{{ name }} & <{{ n + 1 }}>", {"name": "A&B", "n": 1}) == "A&B & <2>"


def test_line_breaks_at_the_end_are_kept():
    assert render("one\n\n", {}) == "one\n\n"


def test_a_value_that_looks_like_a_template_stays_text():
    assert render("{{ text }}", {"text": "{{ 7 * 7 }}"}) == "{{ 7 * 7 }}"


def test_frozen_mappings_and_records_can_be_looked_into():
    result = ToolResult("c", "clock.now", (TextPart("noon"),), structured={"hours": [12]})
    variables = {"tool_result": result, "folder": freeze({"name": "Health"})}
    text = render("{{ tool_result.text }} {{ tool_result.structured.hours[0] }} {{ folder.name }}", variables)
    assert text == "noon 12 Health"


def test_an_undefined_variable_is_named_with_its_line():
    problem = problem_of("one\ntwo {{ missing }}")
    assert (problem.message, problem.line) == ("'missing' is undefined", 2)
    assert str(problem) == "line 2: 'missing' is undefined"


def test_an_undefined_field_of_a_variable_is_a_problem():
    assert "no attribute 'b'" in problem_of("{{ a.b }}", a={"c": 1}).message


def test_a_syntax_error_has_its_line():
    problem = problem_of("ok\n{% if %}")
    assert problem.line == 2
    assert "expected" in problem.message.lower()


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ [].append(1) }}",
        "{% include 'secret' %}",
        "{{ 'x' | nofilter }}",
        "{{ 1 / 0 }}",
        "{{ 'a' + 1 }}",
        "{{ lipsum() }}",
        "{{ [1, 2] | random }}",
    ],
)
def test_what_the_sandbox_forbids_is_a_problem_with_a_line(template: str):
    assert problem_of(template).line == 1


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{% for i in range(10 ** 9) %}{% endfor %}", "Range too big"),
        ("{{ 'ab' * 10 ** 9 }}", "repeated text is too long"),
        ("{{ 10 ** 9 * 'ab' }}", "repeated text is too long"),
        ("{{ 9 ** 9999999 }}", "power is too large"),
        ("{% for i in range(99999) %}{{ 'x' * 1000 }}{% endfor %}", "renders to more than"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "calls itself without end"),
    ],
)
def test_a_runaway_template_is_stopped(template: str, words: str):
    assert words in problem_of(template).message


def test_small_powers_and_repetitions_are_allowed():
    assert render("{{ 2 ** 10 }} {{ 'ab' * 2 }} {{ [1] * 2 }}", {}) == "1024 abab [1, 1]"
