"""How much a model may think, beside how much it may answer."""

from __future__ import annotations

from typing import Any

import pytest
from said import marked, said


@pytest.mark.parametrize("has_tools", [True, False])
def test_a_budget_for_thinking_may_be_more_than_one_answer_where_there_are_tools(has_tools: bool):
    """What is thought between the calls of tools counts too."""
    options = {"reasoning": {"budget_tokens": 4000}, "max_output_tokens": 1000}
    tools = {"tools": {"servers": ["clock"]}} if has_tools else {}
    written: dict[str, Any] = {
        "providers": {"anthropic": {}},
        "models": {"m": {"provider": "anthropic", "capabilities": ["tools", "reasoning"]}},
        "mcp_servers": {"clock": {"command": "clock"}},
        "features": {"f": {"use": {"model": "m"}, "options": options, **tools}},
    }

    problems = [problem for problem in said(written) if problem.severity == "error"]

    assert [(problem.code, marked(problem)) for problem in problems] == [("RB402", '"budget_tokens"')] * (not has_tools)


@pytest.mark.parametrize(
    ("api", "reasoning", "choice", "refused"),
    [
        ("anthropic", {"budget_tokens": 2000}, "required", ["tool_choice"]),
        ("anthropic", {"budget_tokens": 2000}, "clock.now", ["tool_choice"]),
        ("anthropic", {"budget_tokens": 2000}, "auto", []),
        ("anthropic", {"budget_tokens": 2000}, "none", []),
        ("anthropic", {"effort": "low"}, "required", []),
        ("anthropic", {"budget_tokens": 2000, "effort": "none"}, "auto", ["budget_tokens"]),
        ("gemini", {"budget_tokens": 2000}, "required", []),
    ],
)
def test_an_api_that_thinks_on_a_budget_before_no_forced_call_is_given_only_one_of_both(
    api: str, reasoning: dict[str, Any], choice: str, refused: list[str]
):
    written: dict[str, Any] = {
        "providers": {api: {}},
        "models": {"m": {"provider": api, "capabilities": ["tools", "reasoning"]}},
        "mcp_servers": {"clock": {"command": "clock"}},
        "features": {
            "f": {
                "use": {"model": "m"},
                "options": {"reasoning": reasoning, "tool_choice": choice},
                "tools": {"servers": ["clock"]},
            }
        },
    }

    problems = [problem for problem in said(written) if problem.severity == "error"]

    assert [(problem.code, marked(problem)) for problem in problems] == [("RB402", f'"{key}"') for key in refused]


@pytest.mark.parametrize(
    ("options", "key", "why"),
    [
        ({"reasoning": {"budget_tokens": 1023}}, "budget_tokens", "takes 1024 at the least"),
        ({"stop": ["a", " "]}, "stop", "takes no text of blanks alone"),
        ({"temperature": 0.2}, "temperature", "takes `temperature: 1` only beside `reasoning.budget_tokens`"),
        ({"top_p": 0.9}, "top_p", "takes `top_p` from 0.95 to 1 only beside `reasoning.budget_tokens`"),
        ({"top_k": 40}, "top_k", "takes no `top_k` beside `reasoning.budget_tokens`"),
        ({"reasoning": {"budget_tokens": 1024}}, None, None),
        ({"temperature": 1, "top_p": 0.95, "stop": ["a b"]}, None, None),
    ],
)
def test_what_the_api_would_answer_with_a_refusal_is_refused_with_the_book(
    options: dict[str, Any], key: str | None, why: str | None
):
    written: dict[str, Any] = {
        "providers": {"anthropic": {"api_version": "2023-06-01"}},
        "models": {"m": {"provider": "anthropic", "capabilities": ["reasoning"]}},
        "features": {"f": {"use": {"model": "m"}, "options": {"reasoning": {"budget_tokens": 2000}, **options}}},
    }

    problems = [problem for problem in said(written) if problem.severity == "error"]

    assert [(problem.code, marked(problem)) for problem in problems] == [("RB402", f'"{key}"')] * (key is not None)
    assert all(why is not None and problem.message.endswith(why) for problem in problems)
