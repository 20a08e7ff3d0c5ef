"""What calls to a provider can carry: its API's options and capabilities, and what its preset departs from them."""

from __future__ import annotations

from typing import Any

import pytest
from said import marked, said, the_one

from routebook import Context, Facts, RequestError, compile_mapping
from routebook.canonical.frozen import thaw
from routebook.providers import registry

CLOCK = {"clock": {"command": "clock"}}


def book(provider: dict[str, Any], feature: dict[str, Any], model: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "providers": {"p": provider},
        "models": {"m": {"provider": "p", "id": "x", **(model or {"capabilities": ["streaming", "reasoning"]})}},
        "features": {"f": {"use": {"model": "m"}, **feature}},
    }


def options_of(written: dict[str, Any]) -> dict[str, Any]:
    return thaw(compile_mapping(written, {}).resolve("f").attempts[0].options)


@pytest.mark.parametrize(
    ("preset", "options", "key"),
    [
        ("mistral", {"logprobs": 3}, "logprobs"),
        ("groq", {"n": 2}, "n"),
        ("deepseek", {"seed": 7}, "seed"),
    ],
)
def test_an_option_that_a_preset_lacks_is_rb402_naming_the_provider_and_the_preset(
    preset: str, options: dict[str, Any], key: str
):
    problem = the_one(book({"preset": preset}, {"options": options}))

    assert (problem.code, marked(problem)) == ("RB402", f'"{key}"')
    assert problem.message == (
        f"option '{key}' reaches model 'm', whose provider 'p' (preset '{preset}') does not take it"
    )


def test_a_provider_that_has_the_name_of_its_preset_is_named_once():
    written = book({}, {"options": {"seed": 7}})
    written["providers"] = {"deepseek": {}}
    written["models"]["m"]["provider"] = "deepseek"

    assert the_one(written).message.endswith("whose provider 'deepseek' does not take it")


@pytest.mark.parametrize(
    ("preset", "options"),
    [
        ("openrouter", {"top_k": 5, "reasoning": {"budget_tokens": 2000}}),
        ("vllm", {"top_k": 5, "reasoning": {"budget_tokens": 2000}}),
        ("together", {"top_k": 5}),
    ],
)
def test_an_option_that_only_a_preset_has_a_field_for_is_carried_there_and_nowhere_else(
    preset: str, options: dict[str, Any]
):
    assert options_of(book({"preset": preset}, {"options": options})) == options

    problems = [problem for problem in said(book({"preset": "openai"}, {"options": options})) if problem.code]

    assert [problem.message for problem in problems] == [
        f"option '{path}' reaches model 'm', whose api 'openai-chat' has no place for it"
        for path in ["top_k", "reasoning.budget_tokens"][: len(options)]
    ]


@pytest.mark.parametrize("field", ["top_k", "messages", "Messages", "MAX_TOKENS"])
def test_extra_body_names_no_field_that_is_set_from_elsewhere_however_it_is_spelt(field: str):
    """Some servers read names of fields in any case."""
    options = {"extra_body": {field: {"exclude": True}}}

    problem = the_one(book({"preset": "openrouter"}, {"options": options}))

    assert (problem.code, marked(problem)) == ("RB402", f'"{field}"')
    assert problem.message == f"`extra_body` sets '{field}', which api 'openai-chat' fills itself"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"reasoning": {"exclude": True, "effort": "low"}}, "reasoning.effort"),
        ({"Reasoning": {"Max_Tokens": 9}}, "Reasoning.Max_Tokens"),
        ({"reasoning": "low"}, "reasoning"),
    ],
)
def test_extra_body_names_no_field_within_a_mapping_either_and_does_not_replace_the_mapping(fields: dict, path: str):
    problem = the_one(book({"preset": "openrouter"}, {"options": {"extra_body": fields}}))

    assert (problem.code, marked(problem)) == ("RB402", f'"{path.rpartition(".")[2]}"')
    assert problem.message == f"`extra_body` sets '{path}', which api 'openai-chat' fills itself"


def test_what_stands_beside_such_a_field_may_stand_in_extra_body():
    options = {"reasoning": {"effort": "low"}, "extra_body": {"reasoning": {"exclude": True}}}

    assert options_of(book({"preset": "openrouter"}, {"options": options})) == options


def test_a_field_that_no_option_stands_for_may_stand_in_extra_body():
    options = {"extra_body": {"provider": {"order": ["a"]}}}

    assert options_of(book({"preset": "openrouter"}, {"options": options})) == options


WAYS: dict[str, Any] = {
    "needs": {"needs": ["audio_input"]},
    "tools": {"tools": {"servers": ["clock"]}},
    "rule": {"rules": [{"name": "r", "when": {"has_tools": True}, "use": {"model": "m"}}]},
}


@pytest.mark.parametrize(
    ("way", "provider", "words"),
    [
        ("needs", {"preset": "anthropic"}, "feature 'f' needs 'audio_input', which api 'anthropic' does not have"),
        (
            "tools",
            {"preset": "perplexity"},
            "feature 'f' needs 'tools', which provider 'p' (preset 'perplexity') does not have",
        ),
        (
            "rule",
            {"preset": "perplexity"},
            "feature 'f' needs 'tools', which provider 'p' (preset 'perplexity') does not have",
        ),
    ],
)
@pytest.mark.parametrize("model", [{"capabilities": ["streaming"]}, {"capabilities": None}])
def test_a_capability_that_nobody_has_there_is_refused_also_of_a_model_of_which_nothing_is_known(
    way: str, provider: dict[str, Any], words: str, model: dict[str, Any]
):
    written = {**book(provider, WAYS[way], model), "mcp_servers": CLOCK}
    if way != "tools":
        del written["mcp_servers"]

    problems = [problem for problem in said(written) if problem.severity == "error"]

    assert [(problem.code, problem.message) for problem in problems] == [("RB405", words)]
    assert problems[0].help == "name a model at a provider of another api"


@pytest.mark.parametrize(
    ("preset", "capability", "who"),
    [
        ("anthropic", "json_object", "api 'anthropic'"),
        ("anthropic", "image_output", "api 'anthropic'"),
        ("perplexity", "tools", "provider 'p' (preset 'perplexity')"),
        ("groq", "embeddings", "provider 'p' (preset 'groq')"),
    ],
)
def test_a_model_that_declares_what_it_cannot_have_there_is_rb415_and_said_of_the_model_alone(
    preset: str, capability: str, who: str
):
    feature = {"needs": [capability]}

    problem = the_one(book({"preset": preset}, feature, {"capabilities": ["streaming", capability]}))

    assert (problem.code, marked(problem)) == ("RB415", f'"{capability}"')
    assert problem.message == f"model 'm' declares '{capability}', which {who} does not have"


THINKS = {"capabilities": ["reasoning", "tools"]}
DEFAULT = registry.traits()["anthropic"].default_max_output_tokens or 0


@pytest.mark.parametrize(
    ("model", "options", "expected"),
    [
        ({}, {}, DEFAULT),
        ({"max_output_tokens": 64000}, {}, 64000),
        ({"max_output_tokens": 64000}, {"max_output_tokens": 100}, 100),
        ({}, {"max_output_tokens": 100}, 100),
        ({}, {"reasoning": {"budget_tokens": DEFAULT - 1}}, DEFAULT),
        ({}, {"reasoning": {"budget_tokens": DEFAULT}}, 2 * DEFAULT),
        ({}, {"reasoning": {"budget_tokens": 30000}}, 30000 + DEFAULT),
        ({"max_output_tokens": 64000}, {"reasoning": {"budget_tokens": 30000}}, 64000),
    ],
)
def test_an_api_that_must_be_told_how_long_an_answer_may_be_is_told_the_models_limit_or_a_default(
    model: dict[str, Any], options: dict[str, Any], expected: int
):
    made = options_of(book({"preset": "anthropic"}, {"options": options}, {**THINKS, **model}))

    assert made == {**options, "max_output_tokens": expected}


def test_null_takes_away_what_a_layer_set_and_not_what_the_api_must_be_told():
    feature = {"options": {"max_output_tokens": 100}, "use": {"model": "m", "options": {"max_output_tokens": None}}}

    assert options_of(book({"preset": "anthropic"}, feature, THINKS)) == {"max_output_tokens": DEFAULT}


def test_an_api_that_need_not_be_told_is_told_nothing():
    assert options_of(book({"preset": "openai"}, {}, {**THINKS, "max_output_tokens": 64000})) == {}


def test_a_budget_for_thinking_that_the_models_own_limit_leaves_no_room_for_is_rb402():
    options = {"reasoning": {"budget_tokens": 9000}}

    problem = the_one(book({"preset": "anthropic"}, {"options": options}, {**THINKS, "max_output_tokens": 8000}))

    assert (problem.code, marked(problem)) == ("RB402", '"budget_tokens"')
    assert "takes `reasoning.budget_tokens` below `max_output_tokens` only, 8000 here" in problem.message


def test_how_long_an_answer_may_be_is_not_asked_of_the_window_where_nobody_asks_for_it():
    """An answer that would not fit ends early; only one that somebody asks for is held against the window."""
    model = {**THINKS, "context_window": 10000, "max_output_tokens": 8000}
    long = {"rules": [{"name": "long", "when": {"input_tokens": {"gt": 5000}}, "use": {"model": "m"}}]}

    assert said(book({"preset": "anthropic"}, long, model)) == []
    assert the_one(book({"preset": "anthropic"}, {**long, "options": {"max_output_tokens": 8000}}, model)).code == (
        "RB414"
    )


@pytest.mark.parametrize(
    ("model", "by", "line"),
    [
        ({"max_output_tokens": 64000}, "the limit of model 'm'", '"m": {'),
        ({}, "api 'anthropic', which must be told", None),
    ],
)
def test_explain_says_where_an_answer_got_its_length_from(model: dict[str, Any], by: str, line: str | None):
    written = book({"preset": "anthropic"}, {"options": {"stop": ["END"]}}, {**THINKS, **model})
    explained = compile_mapping(written, {}).explain("f")

    origins = {origin.option: origin for origin in explained.origins[0]}

    assert origins["stop"].by == "feature 'f'"
    assert origins["max_output_tokens"].by == by
    assert (origins["max_output_tokens"].at is None) is (line is None)


def test_a_null_is_not_where_an_option_comes_from():
    feature = {"options": {"max_output_tokens": None}}
    explained = compile_mapping(book({"preset": "anthropic"}, feature, THINKS), {}).explain("f")

    assert [origin.by for origin in explained.origins[0]] == ["api 'anthropic', which must be told"]


DRAWS = {"capabilities": ["image_output"]}
TALKS_AND_DRAWS = {"capabilities": ["image_output", "streaming"]}


@pytest.mark.parametrize("option", ["size", "quality"])
def test_an_option_of_images_that_a_chat_has_no_place_for_is_rb402_where_the_model_draws_in_one(option: str):
    feature = {"needs": ["image_output"], "options": {option: "high"}}

    assert options_of(book({"preset": "openai"}, feature, DRAWS)) == {option: "high"}
    problem = the_one(book({"preset": "openai"}, feature, TALKS_AND_DRAWS))

    assert (problem.code, marked(problem)) == ("RB402", f'"{option}"')
    assert "model 'm', which draws in a chat, where api 'openai-chat' has no place for it" in problem.message


def test_several_images_may_be_asked_for_in_a_chat():
    feature = {"needs": ["image_output"], "options": {"n": 2}}

    assert options_of(book({"preset": "openai"}, feature, TALKS_AND_DRAWS)) == {"n": 2}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"reasoning": {"budget_tokens": 2048}}, DEFAULT),
        ({"reasoning": {"budget_tokens": 20_000}}, DEFAULT + 20_000),
        ({"reasoning": {"budget_tokens": 20_000}, "max_output_tokens": 30_000}, 30_000),
        ({"reasoning": {"effort": "high"}}, DEFAULT),
    ],
)
def test_what_the_api_is_told_leaves_room_beside_a_budget_that_a_caller_asks_for(asked, told):
    table = compile_mapping(book({"preset": "anthropic"}, {}, THINKS), {})

    assert table.resolve("f", Context(), Facts(options=asked)).attempts[0].options["max_output_tokens"] == told


@pytest.mark.parametrize(("model", "feature"), [({"max_output_tokens": 9000}, {}), ({}, {"max_output_tokens": 9000})])
def test_a_limit_that_somebody_sets_stays_beside_a_budget_that_a_caller_asks_for(model, feature):
    table = compile_mapping(book({"preset": "anthropic"}, {"options": feature}, {**THINKS, **model}), {})
    asked = Facts(options={"reasoning": {"budget_tokens": 8_999}})

    assert table.resolve("f", Context(), asked).attempts[0].options["max_output_tokens"] == 9000


def test_what_the_api_is_told_bounds_what_a_call_may_cost():
    model = {**THINKS, "context_window": 100000, "price": {"input": 0, "output": 1_000_000}}
    promise = {"cheap": {"where": {"feature": "f"}, "require": {"bounds.usd": {"lte": DEFAULT}}}}
    written = {**book({"preset": "anthropic", "retry": {"attempts": 1}}, {}, model), "invariants": promise}

    assert [problem for problem in said(written) if problem.severity == "error"] == []

    tighter = {"cheap": {"where": {"feature": "f"}, "require": {"bounds.usd": {"lt": DEFAULT}}}}

    assert the_one({**written, "invariants": tighter}).code == "RB601"


def test_a_callers_own_extra_body_names_no_field_that_is_set_from_elsewhere_either():
    feature = {"caller_options": ["extra_body"], "fallbacks": [{"model": "p/other"}]}
    table = compile_mapping(book({"preset": "openrouter"}, feature), {})

    with pytest.raises(RequestError, match=r"option 'extra_body\.Messages' is not carried by model 'm'"):
        table.resolve("f", Context(), Facts(options={"extra_body": {"Messages": []}}))

    with pytest.raises(RequestError, match=r"option 'extra_body\.reasoning\.effort' is not carried by model 'm'"):
        table.resolve("f", Context(), Facts(options={"extra_body": {"reasoning": {"effort": "low"}}}))

    attempts = table.resolve("f", Context(), Facts(options={"extra_body": {"provider": {}}})).attempts
    assert [dict(attempt.options["extra_body"]) for attempt in attempts] == [{"provider": {}}] * 2


def test_a_fallback_that_fills_a_field_of_a_callers_extra_body_is_skipped():
    written = book({"preset": "openai"}, {"caller_options": ["extra_body"], "fallbacks": [{"model": "q/other"}]})
    written["providers"]["q"] = {"preset": "anthropic"}
    decision = compile_mapping(written, {}).resolve("f", Context(), Facts(options={"extra_body": {"system": "Hm."}}))

    assert [attempt.provider for attempt in decision.attempts] == ["p"]
    assert [skip.reason for skip in decision.skipped] == [
        "it does not carry the caller's option 'extra_body.system': api 'anthropic' fills it itself"
    ]


@pytest.mark.parametrize(
    ("preset", "field", "mend"),
    [
        ("anthropic", "system", "remove it: the adapter fills it, and no option stands for it"),
        ("openai", "Stream", "remove it: the adapter fills it, and no option stands for it"),
        ("anthropic", "max_tokens", "use the option that stands for it"),
        ("openai", "seed", "use the option that stands for it"),
    ],
)
def test_what_the_adapter_fills_by_itself_is_told_from_what_an_option_stands_for(preset: str, field: str, mend: str):
    problem = the_one(book({"preset": preset}, {"options": {"extra_body": {field: 1}}}), "RB402")

    assert problem.help == mend


VERSION = {"Anthropic-Version": "2023-06-01"}


@pytest.mark.parametrize(("provider", "options"), [({"headers": VERSION}, {}), ({}, {"extra_headers": VERSION})])
def test_a_header_that_the_adapter_sets_is_rb402_at_its_name(provider: dict[str, Any], options: dict[str, Any]):
    problem = the_one(book({"preset": "anthropic", **provider}, {"options": options}), "RB402")

    assert marked(problem) == '"Anthropic-Version"'
    assert problem.message == "header 'anthropic-version' is one that api 'anthropic' sets itself"
    assert problem.help == "set `api_version` at provider 'p' instead"


def test_a_header_that_the_adapter_sets_is_no_secret_of_a_provider_either():
    written = book({"preset": "anthropic", "headers": {"anthropic-version": {"env": "VERSION"}}}, {})

    assert marked(the_one(written, "RB402")) == '"anthropic-version"'


@pytest.mark.parametrize("header", ["anthropic-beta", "User-Agent", "X-Title", "OpenAI-Organization"])
def test_a_header_that_nobody_sets_may_be_set(header: str):
    options = {"extra_headers": {header: "x"}}

    assert [one for one in said(book({"preset": "anthropic"}, {"options": options})) if one.severity == "error"] == []


def test_a_header_of_another_api_is_one_like_any_other():
    options = {"extra_headers": VERSION}

    assert [one for one in said(book({"preset": "openai"}, {"options": options})) if one.severity == "error"] == []


def test_a_callers_header_that_the_adapter_sets_is_a_request_error_and_skips_a_fallback():
    asked = Facts(options={"extra_headers": VERSION})
    written = book({"preset": "openai"}, {"caller_options": ["extra_headers"], "fallbacks": [{"model": "q/other"}]})
    written["providers"]["q"] = {"preset": "anthropic"}

    decision = compile_mapping(written, {}).resolve("f", Context(), asked)

    assert [skip.reason for skip in decision.skipped] == [
        "it does not carry the caller's option 'extra_headers.anthropic-version': api 'anthropic' sets it itself"
    ]
    written = book({"preset": "anthropic"}, {"caller_options": ["extra_headers"]})
    with pytest.raises(RequestError, match=r"option 'extra_headers\.anthropic-version' is not carried by model 'm'"):
        compile_mapping(written, {}).resolve("f", Context(), asked)
