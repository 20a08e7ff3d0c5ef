"""Context windows: what is sent in any case, and the answer asked for, must fit."""

from __future__ import annotations

from typing import Any

import pytest
from said import marked, said, the_one

from routebook import Facts, RequestError, compile_mapping

LONG = "é" * 200  # 400 bytes, 100 tokens


def book(feature: dict[str, Any], window: int = 100, **model: Any) -> dict[str, Any]:
    small = {"provider": "openai", "capabilities": ["tools"], "context_window": window, **model}
    wide = {"provider": "openai", "capabilities": ["tools"], "context_window": 1_000_000}
    return {
        "providers": {"openai": {}},
        "models": {"small": small, "wide": wide, "open": {"provider": "openai", "capabilities": ["tools"]}},
        "features": {"f": feature, "others": {"use": {"model": "wide"}, "fallbacks": [{"model": "open"}]}},
    }


def prompt(system: str | None = None, user: str | None = None) -> dict[str, Any]:
    return {key: text for key, text in (("system", system), ("user", user)) if text is not None}


@pytest.mark.parametrize(
    "written",
    [
        prompt(system=LONG + "x"),
        prompt(user=LONG + "{{ text }}x"),
        prompt(system="é" * 100, user="é" * 101),
        prompt(user="{% if text %}" + LONG + "1{% else %}" + LONG + "2{% endif %}"),
        prompt(user="{% raw %}" + LONG + "{{ no variable }}{% endraw %}"),
    ],
)
def test_a_prompt_whose_fixed_text_no_window_holds_is_rb414_at_the_target(written: dict[str, str]):
    problem = the_one(book({"prompt": written, "use": {"model": "wide"}, "fallbacks": [{"model": "small"}]}))

    assert (problem.code, marked(problem)) == ("RB414", '"small"')
    assert problem.message.endswith("tokens of model 'small', which holds 100")
    assert [note.split(" <")[0] for note in problem.notes][
        -1
    ] == "the context window of model 'small' is 100 tokens, at"


@pytest.mark.parametrize(
    "written",
    [
        prompt(system=LONG),
        prompt(user=LONG + "{{ text }}"),
        prompt(user="{{ text }}" + " " * 5 + "{# " + LONG + " #}"),
        prompt(user="{% if text %}" + LONG + "1{% endif %}"),
        prompt(user="{% if text %}" + LONG + "1{% else %}no{% endif %}"),
        prompt(user="{% for one in text %}" + LONG + "1{% endfor %}"),
        prompt(user="{% set x = '" + LONG + "1' %}"),
    ],
)
def test_only_text_that_is_sent_in_any_case_counts(written: dict[str, str]):
    assert said(book({"prompt": written, "use": {"model": "small"}})) == []


def test_the_answer_that_is_asked_for_must_fit_beside_the_prompt_and_the_notes_are_the_arithmetic():
    feature = {"prompt": prompt(system="x" * 80), "options": {"max_output_tokens": 81}, "use": {"model": "small"}}

    problem = the_one(book(feature))

    assert problem.message == "feature 'f' needs at least 20 + 81 = 101 tokens of model 'small', which holds 100"
    assert [note.split(" <")[0] for note in problem.notes] == [
        "the fixed text of the prompt is 20 tokens, at",
        "`max_output_tokens` is 81, set at",
        "the context window of model 'small' is 100 tokens, at",
    ]
    assert said(book({**feature, "options": {"max_output_tokens": 80}})) == []


def test_an_answer_that_alone_is_more_than_the_window_is_too_much():
    problem = the_one(book({"use": {"model": "small", "options": {"max_output_tokens": 101}}}))

    assert problem.message == "feature 'f' needs at least 101 tokens of model 'small', which holds 100"


@pytest.mark.parametrize(
    ("matcher", "least"),
    [
        ({"gt": 100}, 101),
        ({"gte": 100.5}, 101),
        ({"gte": 101}, 101),
        (200, 200),
        ([300, 200], 200),
        ({"gt": 90, "not": [91, 92, 93]}, None),
        ({"gt": 98, "not": [99, 100]}, 101),
        ({"gte": 50}, None),
        ({"lt": 5000}, None),
        ({"not": 0}, None),
    ],
)
def test_a_rule_for_long_requests_leads_to_models_that_hold_them(matcher: Any, least: int | None):
    rules = [{"name": "long", "when": {"input_tokens": matcher}, "use": {"model": "small"}}]

    found = [
        problem for problem in said(book({"rules": rules, "use": {"model": "wide"}})) if problem.severity == "error"
    ]

    expected = f"feature 'f' needs at least {least} tokens of model 'small', which holds 100"
    assert [problem.message for problem in found] == ([] if least is None else [expected])


def test_the_prompt_is_part_of_the_request_whose_size_a_rule_asks_for():
    rules = [{"name": "long", "when": {"input_tokens": {"gte": 90}}, "use": {"model": "small"}}]
    feature = {"prompt": prompt(user="x" * 80 + "{{ text }}"), "rules": rules, "use": {"model": "wide"}}

    assert said(book(feature)) == []
    assert "90 + 11 = 101" in the_one(book({**feature, "options": {"max_output_tokens": 11}})).message


def test_a_rules_fallbacks_take_long_requests_too_and_each_is_reported_once():
    rules = [
        {"name": name, "when": {"input_tokens": {"gt": 200}, "user": name}, "use": {"model": "wide"}} for name in "ab"
    ]

    problem = the_one(book({"rules": rules, "use": {"model": "wide"}, "fallbacks": [{"model": "small"}]}))

    assert (problem.code, marked(problem)) == ("RB414", '"small"')


def test_a_target_that_unsets_the_option_asks_for_no_long_answer():
    feature = {
        "options": {"max_output_tokens": 500},
        "use": {"model": "wide"},
        "fallbacks": [{"model": "small", "options": {"max_output_tokens": None}}, {"model": "open"}],
    }

    assert said(book(feature)) == []


def test_the_shadow_and_a_model_that_a_caller_may_choose_must_hold_the_prompt():
    feature = {"prompt": prompt(system=LONG + "x"), "use": {"model": "wide"}}

    assert marked(the_one(book({**feature, "shadow": {"model": "small"}}))) == '"small"'
    assert marked(the_one(book({**feature, "allow_override": ["small"]}))) == '"small"'


def test_of_all_models_those_that_do_not_hold_the_prompt_are_refused_when_a_caller_asks():
    feature = {"prompt": prompt(system=LONG + "x"), "use": {"model": "wide"}, "allow_override": True}
    table = compile_mapping(book(feature))

    assert table.resolve("f", facts=Facts(model="open")).attempts[0].model == "open"
    with pytest.raises(RequestError, match="at least 101 tokens are sent, and its context window is 100"):
        table.resolve("f", facts=Facts(model="small"))


def test_a_model_whose_window_is_not_known_holds_everything():
    feature = {"prompt": prompt(system=LONG * 200), "use": {"model": "open"}}
    small = {"use": {"model": "small"}}
    written = book(feature)

    assert said({**written, "features": {**written["features"], "small": small}}) == []


def test_a_template_that_is_none_is_one_mistake():
    assert the_one(book({"prompt": prompt(system=LONG + "x{% if %}"), "use": {"model": "small"}})).code == "RB411"
