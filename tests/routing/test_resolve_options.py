"""What an attempt is sent: options of all layers merged, and what a caller may set of them."""

from __future__ import annotations

from typing import Any

import pytest
from layered_book import LAYERED

from routebook import Decision, Facts, RequestError, RoutingTable, compile_mapping

PROVIDERS = {"openai": {}, "groq": {}, "mistral": {}}


def models(decision: Decision) -> list[str]:
    return [attempt.model for attempt in decision.attempts]


def one(feature: dict[str, Any], **more: Any) -> RoutingTable:
    return compile_mapping({"providers": PROVIDERS, "features": {"summary": feature}, **more})


def test_options_merge_from_provider_over_model_and_feature_to_target():
    options = compile_mapping(LAYERED).resolve("f").to_dict()["attempts"][0]["options"]

    assert options == {
        "temperature": 0.3,
        "top_p": 0.2,
        "stop": ["z"],
        "extra_headers": {"x-title": "model", "x-team": "provider"},
        "extra_body": {"meta": {"b": 2, "c": {"d": 1, "e": 2}}, "list": [3]},
    }


def test_null_removes_a_whole_mapping_that_earlier_layers_set():
    options = compile_mapping(LAYERED).resolve("f").to_dict()["attempts"][1]["options"]

    assert options == {"temperature": 0.2, "top_p": 0.2, "seed": 1}


def test_the_callers_options_win_over_the_targets_and_null_removes_one():
    facts = Facts(options={"temperature": 0.9, "top_p": None, "stop": ["caller"]})

    options = compile_mapping(LAYERED).resolve("f", facts=facts).attempts[0].options

    assert (options["temperature"], options["stop"], "top_p" in options) == (0.9, ("caller",), False)


def test_the_callers_options_reach_every_attempt():
    decision = compile_mapping(LAYERED).resolve("f", facts=Facts(options={"seed": 9}))

    assert [attempt.options["seed"] for attempt in decision.attempts] == [9, 9]


@pytest.mark.parametrize("name", ["extra_body", "extra_headers"])
@pytest.mark.parametrize("value", [{"x": "y"}, None])
def test_a_caller_sets_neither_extra_body_nor_extra_headers(name: str, value: Any):
    table = one({"use": {"model": "openai/a"}})

    with pytest.raises(RequestError, match=name) as caught:
        table.resolve("summary", facts=Facts(options={name: value}))

    assert caught.value.field == "options"


def rejecting(**rejects: list[str]) -> RoutingTable:
    return compile_mapping(
        {
            "providers": PROVIDERS,
            "models": {
                "first": {"provider": "openai", "rejects": rejects.get("first", [])},
                "second": {"provider": "groq", "rejects": rejects.get("second", [])},
            },
            "features": {"f": {"use": {"model": "first"}, "fallbacks": [{"model": "second"}]}},
        }
    )


def test_a_callers_option_that_the_first_attempt_cannot_carry_is_a_request_error():
    with pytest.raises(RequestError, match=r"option 'seed' is not carried by model 'first'") as caught:
        rejecting(first=["seed"]).resolve("f", facts=Facts(options={"seed": 1}))

    assert caught.value.field == "options"


def test_a_callers_option_of_tools_where_there_are_none_is_told_as_that():
    with pytest.raises(RequestError, match="'tool_choice' is for features with tools, and feature 'f' has none"):
        rejecting().resolve("f", facts=Facts(options={"tool_choice": "required"}))


def test_a_later_attempt_that_cannot_carry_a_callers_option_is_skipped_with_that_reason():
    decision = rejecting(second=["seed"]).resolve("f", facts=Facts(options={"seed": 1}))

    assert models(decision) == ["first"]
    assert [(skip.model, skip.reason) for skip in decision.skipped] == [
        ("second", "it does not carry the caller's option 'seed'")
    ]


def test_removing_an_option_is_no_option_that_an_attempt_must_carry():
    decision = rejecting(first=["seed"]).resolve("f", facts=Facts(options={"seed": None}))

    assert models(decision) == ["first", "second"]


def test_a_part_of_reasoning_that_the_api_has_no_place_for_is_refused():
    table = one({"use": {"model": "openai/a"}})

    with pytest.raises(RequestError, match=r"reasoning\.budget_tokens"):
        table.resolve("summary", facts=Facts(options={"reasoning": {"budget_tokens": 100}}))
