"""Who pays: the platform, or once a caller brought a key, the caller alone."""

from __future__ import annotations

from typing import Any

import pytest

from routebook import Context, Decision, ResolveError, RoutingTable, compile_mapping

CALLER = "sk-caller-canary"
PROVIDERS = {
    "openai": {},
    "groq": {},
    "local": {"api": "openai-chat", "base_url": "http://localhost:1/v1", "auth": "none"},
    "stage": {"api": "scripted", "script": [{"reply": {"text": "hello"}}]},
    "keyed": {
        "api": "openai-chat",
        "base_url": "https://llm.example.com/v1",
        "auth": "none",
        "headers": {"X-Api-Key": {"env": "KEYED_KEY"}},
    },
}


def book(feature: dict[str, Any], **more: Any) -> RoutingTable:
    return compile_mapping({"providers": PROVIDERS, "features": {"f": feature}, **more})


def holds(*providers: str) -> Context:
    return Context(credentials=dict.fromkeys(providers, CALLER))


def payers(decision: Decision) -> list[tuple[str, str]]:
    return [(attempt.provider, attempt.credential) for attempt in decision.attempts]


TWO: dict[str, Any] = {"use": {"model": "openai/a"}, "fallbacks": [{"model": "groq/b"}]}


def test_without_any_key_of_the_caller_the_platform_pays():
    decision = book(TWO).resolve("f")

    assert payers(decision) == [("openai", "platform"), ("groq", "platform")]
    assert [attempt.credential_ref for attempt in decision.attempts] == ["env:OPENAI_API_KEY", "env:GROQ_API_KEY"]


def test_a_callers_key_never_falls_back_to_the_platforms():
    decision = book(TWO).resolve("f", holds("openai"))

    assert payers(decision) == [("openai", "caller")]
    assert [(skip.provider, skip.reason) for skip in decision.skipped] == [
        ("groq", "the caller has no key for provider 'groq', and the platform's is not lent")
    ]


def test_a_callers_attempt_refers_to_no_platform_credential():
    assert [attempt.credential_ref for attempt in book(TWO).resolve("f", holds("openai", "groq")).attempts] == [
        None,
        None,
    ]


def test_where_the_primary_is_skipped_the_first_remaining_fallback_leads_and_answers_nothing():
    decision = book(TWO).resolve("f", holds("groq"))

    assert payers(decision) == [("groq", "caller")]
    assert decision.attempts[0].on == ()


def test_later_fallbacks_keep_what_they_answer_when_the_primary_is_skipped():
    feature = {**TWO, "fallbacks": [{"model": "groq/b"}, {"model": "groq/c", "on": ["refusal"]}]}

    assert [attempt.on for attempt in book(feature).resolve("f", holds("groq")).attempts] == [(), ("refusal",)]


def test_a_key_for_a_provider_that_no_target_uses_is_missing_credential_and_names_those_that_would_do():
    with pytest.raises(ResolveError, match="'openai', 'groq'") as caught:
        book(TWO).resolve("f", holds("mistral"))

    assert (caught.value.kind, caught.value.feature, caught.value.near) == (
        "missing_credential",
        "f",
        ("openai", "groq"),
    )


def test_a_pin_takes_the_callers_keys_as_any_route_does():
    table = book({"pin": {"model": "openai/a"}})

    assert payers(table.resolve("f", holds("openai"))) == [("openai", "caller")]
    with pytest.raises(ResolveError, match="'openai'") as caught:
        table.resolve("f", holds("groq"))
    assert caught.value.kind == "missing_credential"


def test_with_platform_the_callers_keys_are_ignored_and_the_decision_says_so():
    decision = book({**TWO, "credentials": "platform"}).resolve("f", holds("openai"))

    assert payers(decision) == [("openai", "platform"), ("groq", "platform")]
    assert decision.reasons[-1].text == "platform: the platform pays, the caller's keys are ignored"


def test_with_caller_a_context_without_a_key_is_missing_credential():
    with pytest.raises(ResolveError, match="served with a caller's key only") as caught:
        book({**TWO, "credentials": "caller"}).resolve("f")

    assert (caught.value.kind, caught.value.near) == ("missing_credential", ("openai", "groq"))


@pytest.mark.parametrize(
    ("feature_mode", "profile_mode", "keys", "expected"),
    [
        (None, None, (), "platform"),
        (None, None, ("openai",), "caller"),
        (None, "platform", ("openai",), "platform"),
        ("caller", "platform", ("openai",), "caller"),
        ("platform", "caller", (), "platform"),
        ("prefer_caller", "platform", ("openai",), "caller"),
    ],
)
def test_the_features_own_mode_wins_over_the_profiles_which_wins_over_prefer_caller(
    feature_mode: str | None, profile_mode: str | None, keys: tuple[str, ...], expected: str
):
    table = book(
        {"use": {"model": "openai/a"}, "credentials": feature_mode},
        profiles={"base": {"credentials": profile_mode}, "heir": {"extends": "base"}},
        settings={"default_profile": "heir"},
    )

    assert payers(table.resolve("f", holds(*keys))) == [("openai", expected)]


def test_a_profiles_own_mode_wins_over_the_one_it_would_inherit():
    table = book(
        {"use": {"model": "openai/a"}},
        profiles={"base": {"credentials": "caller"}, "heir": {"extends": "base", "credentials": "platform"}},
        settings={"default_profile": "heir"},
    )

    assert payers(table.resolve("f")) == [("openai", "platform")]


@pytest.mark.parametrize("provider", ["local", "stage"])
def test_a_provider_that_takes_no_key_stays_usable_whoever_pays(provider: str):
    table = book({**TWO, "fallbacks": [{"model": f"{provider}/b"}]})

    assert payers(table.resolve("f")) == [("openai", "platform"), (provider, "none")]
    assert payers(table.resolve("f", holds("openai"))) == [("openai", "caller"), (provider, "none")]
    assert payers(table.resolve("f", holds("groq"))) == [(provider, "none")]


def test_a_provider_whose_secret_is_in_a_header_is_not_lent_to_a_caller():
    table = book({"use": {"model": "keyed/a"}, "fallbacks": [{"model": "openai/b"}]})

    assert payers(table.resolve("f")) == [("keyed", "platform"), ("openai", "platform")]
    assert payers(table.resolve("f", holds("openai"))) == [("openai", "caller")]


def test_no_attempt_of_a_run_with_a_callers_key_uses_a_platform_credential():
    every = ["openai/a", "groq/b", "local/c", "stage/d", "keyed/e"]
    for primary in every:
        rest = [{"model": model} for model in every if model != primary]
        table = book({"use": {"model": primary}, "fallbacks": rest})
        for provider in PROVIDERS:
            decision = table.resolve("f", holds(provider))
            assert decision.attempts
            assert not [attempt for attempt in decision.attempts if attempt.credential == "platform"]


def test_a_callers_key_shows_nowhere():
    context = holds("openai", "groq")
    decision = book(TWO).resolve("f", context)
    witnessed = next(d for d in book(TWO).decisions() if d.witness and d.witness.context.credentials)

    shown = [repr(context), str(context), repr(decision), str(decision.to_dict()), repr(witnessed.witness)]

    assert not [text for text in shown if CALLER in text or "caller-key" in text]
