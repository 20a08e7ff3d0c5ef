"""APIs that the language knows and this version cannot call."""

from __future__ import annotations

import pytest

from routebook import Engine, ProviderError


def book(*, fallback: bool):
    return {
        "providers": {
            "far": {"api": "gemini", "base_url": "https://llm.example.com", "auth": "none"},
            "stage": {"api": "scripted", "script": [{"reply": {"text": "here"}}]},
        },
        "features": {
            "chat": {
                "use": {"model": "far/g"},
                **({"fallbacks": [{"model": "stage/s", "on": ["unsupported_capability"]}]} if fallback else {}),
            }
        },
    }


async def test_a_model_that_this_version_cannot_call_is_an_error_that_says_so_and_nothing_is_sent(books):
    async with Engine(books.table(book(fallback=False)), environment={}) as engine:
        with pytest.raises(ProviderError, match="no adapter for api 'gemini' yet") as caught:
            await engine.run("chat", "hello")

    error = caught.value
    assert (error.kind, error.provider, error.sent) == ("unsupported_capability", "far", False)
    assert [attempt.sent for attempt in error.attempts] == [False]


async def test_a_fallback_may_answer_for_a_model_that_cannot_be_called(books):
    async with Engine(books.table(book(fallback=True)), environment={}) as engine:
        result = await engine.run("chat", "hello")

    assert result.text == "here"
