"""What a caller's own options do: the values that an API knows, and what stands beside them."""

from __future__ import annotations

from typing import Any

import pytest

from routebook import Facts, RequestError, RoutingTable, compile_mapping

CAPABILITIES = ["tools", "reasoning", "prompt_cache"]
BUDGET = {"reasoning": {"budget_tokens": 2000}}


def claude(api_version: str = "2026-10-21", **feature: Any) -> RoutingTable:
    """A feature that asks Anthropic, and as a fallback a provider whose API knows other values."""
    return compile_mapping(
        {
            "providers": {"anthropic": {"api_version": api_version}, "openai": {}},
            "models": {
                "claude": {"provider": "anthropic", "capabilities": CAPABILITIES},
                "gpt": {"provider": "openai", "capabilities": CAPABILITIES},
            },
            "mcp_servers": {"clock": {"command": "clock"}},
            "features": {"f": {"use": {"model": "claude"}, "caller_options": "any", **feature}},
        }
    )


def refused(table: RoutingTable, **asked: Any) -> str:
    """The words of the RequestError that the caller's options are answered with."""
    with pytest.raises(RequestError) as caught:
        table.resolve("f", facts=Facts(options=asked))
    assert caught.value.field == "options"
    return str(caught.value)


def test_a_callers_value_that_the_api_does_not_know_is_a_request_error():
    why = refused(claude(), prompt_cache={"retention": 7200.0})

    assert why == (
        "option 'prompt_cache.retention' is not carried by model 'claude' (api 'anthropic'), "
        "which knows only the values 5m, 1h"
    )


def test_a_later_attempt_that_does_not_know_a_callers_value_is_skipped_with_that_reason():
    table = claude(fallbacks=[{"model": "gpt"}])

    decision = table.resolve("f", facts=Facts(options={"prompt_cache": {"retention": 300.0}}))

    assert [attempt.model for attempt in decision.attempts] == ["claude"]
    [skip] = decision.skipped
    assert skip.reason == (
        "it does not carry the caller's option 'prompt_cache.retention': "
        "api 'openai-chat' knows only the values 30m, 24h"
    )


@pytest.mark.parametrize("retention", [300.0, 3600.0])
def test_a_callers_value_that_the_api_knows_reaches_it(retention: float):
    decision = claude().resolve("f", facts=Facts(options={"prompt_cache": {"retention": retention}}))

    assert decision.attempts[0].options["prompt_cache"] == {"retention": retention}


def test_a_callers_limit_that_leaves_the_books_budget_no_room_is_a_request_error():
    why = refused(claude(options=BUDGET), max_output_tokens=2000)

    assert "option 'max_output_tokens' is not carried by model 'claude'" in why
    assert "takes `reasoning.budget_tokens` below `max_output_tokens` only, 2000 here" in why


def test_a_callers_budget_that_the_books_limit_has_no_room_for_is_a_request_error():
    assert "option 'reasoning.budget_tokens'" in refused(claude(options={"max_output_tokens": 2000}), **BUDGET)


def test_with_tools_a_callers_limit_may_be_below_the_budget():
    """What is thought between the calls counts too."""
    table = claude(options=BUDGET, tools={"servers": ["clock"]})

    decision = table.resolve("f", facts=Facts(options={"max_output_tokens": 1500}))

    assert decision.attempts[0].options["max_output_tokens"] == 1500


@pytest.mark.parametrize(
    ("own", "asked", "option"),
    [
        (BUDGET, {"tool_choice": "required"}, "tool_choice"),
        (BUDGET, {"tool_choice": "clock.now"}, "tool_choice"),
        ({"tool_choice": "required"}, BUDGET, "reasoning.budget_tokens"),
        (BUDGET, {"reasoning": {"effort": "none"}}, "reasoning.effort"),
    ],
)
def test_what_the_api_refuses_beside_a_budget_is_a_request_error(
    own: dict[str, Any], asked: dict[str, Any], option: str
):
    """The error names the option that the caller set, whichever of the two it is."""
    table = claude(options=own, tools={"servers": ["clock"]})

    assert f"option {option!r} is not carried by model 'claude'" in refused(table, **asked)


@pytest.mark.parametrize(
    ("asked", "option", "why"),
    [
        ({"reasoning": {"budget_tokens": 1023}}, "reasoning.budget_tokens", "takes 1024 at the least"),
        ({"reasoning": {"budget_tokens": 0}}, "reasoning.budget_tokens", "takes 1024 at the least"),
        ({"stop": ["###", " \n"]}, "stop", "takes no text of blanks alone"),
        ({"stop": ""}, "stop", "takes no text of blanks alone"),
    ],
)
def test_a_callers_value_that_the_api_answers_with_a_refusal_is_a_request_error(
    asked: dict[str, Any], option: str, why: str
):
    words = refused(claude(), **asked)

    assert words == f"option {option!r} is not carried by model 'claude' (api 'anthropic'), which {why}"


@pytest.mark.parametrize("asked", [{"reasoning": {"budget_tokens": 1024}}, {"stop": ["a b", "###"]}, {"stop": ()}])
def test_a_callers_value_at_the_bound_reaches_the_api(asked: dict[str, Any]):
    assert claude().resolve("f", facts=Facts(options=asked)).attempts[0].model == "claude"


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"temperature": 0.5}, "takes `temperature: 1` only beside `reasoning.budget_tokens`"),
        ({"top_p": 0.9}, "takes `top_p` from 0.95 to 1 only beside `reasoning.budget_tokens`"),
        ({"top_k": 40}, "takes no `top_k` beside `reasoning.budget_tokens`"),
    ],
)
def test_a_callers_sampling_beside_the_books_budget_is_a_request_error(asked: dict[str, Any], why: str):
    table = claude("2023-06-01", options=BUDGET)

    assert why in refused(table, **asked)
    assert table.resolve("f", facts=Facts(options={"temperature": 1.0, "top_p": 0.95}))
    assert claude("2023-06-01").resolve("f", facts=Facts(options=asked))


def test_a_callers_option_that_the_api_dropped_is_told_with_the_version_that_has_it():
    assert refused(claude(), temperature=0.5) == (
        "option 'temperature' is not carried by model 'claude' (api 'anthropic'), which has dropped it in the version "
        "spoken here: set `api_version: 2023-06-01` at provider 'anthropic'"
    )
    assert claude("2023-06-01").resolve("f", facts=Facts(options={"temperature": 0.5}))
