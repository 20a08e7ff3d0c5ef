"""What serves a feature: the profile, the route, and the reasons. Its options have a file of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from layered_book import LAYERED

from routebook import (
    Context,
    Decision,
    Facts,
    RequestError,
    ResolveError,
    RouteFileError,
    RoutingTable,
    compile_mapping,
)
from routebook.book import compile_book

PROVIDERS = {"openai": {}, "groq": {}, "mistral": {}}


def tiers(features: dict[str, Any], **more: Any) -> RoutingTable:
    """A book with the profiles premium, max (extends premium) and byok (extends max)."""
    return compile_mapping(
        {
            "providers": PROVIDERS,
            "profiles": {"premium": {}, "max": {"extends": "premium"}, "byok": {"extends": "max"}},
            "settings": {"default_profile": "premium"},
            "features": features,
            **more,
        }
    )


def models(decision: Decision) -> list[str]:
    return [attempt.model for attempt in decision.attempts]


def one(feature: dict[str, Any], **more: Any) -> RoutingTable:
    return compile_mapping({"providers": PROVIDERS, "features": {"summary": feature}, **more})


def test_a_pin_beats_the_profile_entry_and_use():
    table = tiers(
        {
            "f": {
                "pin": {"model": "openai/pinned"},
                "profiles": {"premium": {"model": "groq/entry"}},
                "use": {"model": "mistral/used"},
            }
        }
    )

    decision = table.resolve("f", Context(profile="premium"))

    assert (decision.route, models(decision)) == ("pin", ["openai/pinned"])


def test_the_active_profiles_own_entry_beats_its_ancestors():
    table = tiers({"f": {"profiles": {"premium": {"model": "groq/p"}, "max": {"model": "groq/m"}}}})

    assert table.resolve("f", Context(profile="max")).route == "profile:max"
    assert models(table.resolve("f", Context(profile="max"))) == ["groq/m"]


@pytest.mark.parametrize(("profile", "route"), [("premium", "profile:premium"), ("byok", "profile:max")])
def test_the_decision_names_the_nearest_ancestor_whose_entry_was_taken(profile: str, route: str):
    table = tiers({"f": {"profiles": {"premium": {"model": "groq/p"}, "max": {"model": "groq/m"}}}})

    decision = table.resolve("f", Context(profile=profile))

    assert (decision.profile, decision.route) == (profile, route)


def test_use_serves_where_no_profile_of_the_lineage_has_an_entry():
    table = tiers({"f": {"profiles": {"max": {"model": "groq/m"}}, "use": {"model": "openai/u"}}})

    assert table.resolve("f", Context(profile="premium")).route == "use"
    assert table.resolve("f", Context(profile="byok")).route == "profile:max"


def test_without_profiles_the_one_profile_is_default():
    table = one({"use": {"model": "openai/a"}})

    assert table.resolve("summary").profile == "default"
    assert models(table.resolve("summary", Context(profile="default"))) == ["openai/a"]
    assert list(table.profiles) == ["default"]


def test_the_default_profile_serves_a_context_that_names_none():
    assert tiers({"f": {"use": {"model": "openai/a"}}}).resolve("f").profile == "premium"


def test_an_unknown_feature_is_refused_with_near_names():
    table = tiers({"conv_folder": {"use": {"model": "openai/a"}}})

    with pytest.raises(ResolveError, match=r"no feature 'conv_foldr'; did you mean 'conv_folder'") as caught:
        table.resolve("conv_foldr")

    assert (caught.value.kind, caught.value.feature, caught.value.near) == (
        "unknown_feature",
        "conv_foldr",
        ("conv_folder",),
    )


def test_an_unknown_profile_is_refused_with_near_names():
    table = tiers({"f": {"use": {"model": "openai/a"}}})

    with pytest.raises(ResolveError, match="did you mean 'premium'") as caught:
        table.resolve("f", Context(profile="premum"))

    assert (caught.value.kind, caught.value.feature, caught.value.near) == ("unknown_profile", "f", ("premium",))


@pytest.mark.parametrize(
    ("credentials", "context", "profile"),
    [
        (None, Context(), "premium"),
        (None, Context(credentials={"openai": "sk-caller"}), "byok"),
        ("caller", Context(credentials={"openai": "sk-caller"}), "byok"),
        ("platform", Context(credentials={"openai": "sk-caller"}), "premium"),
        (None, Context(profile="max", credentials={"openai": "sk-caller"}), "max"),
    ],
)
def test_a_callers_key_takes_the_byok_profile_unless_the_context_or_the_feature_says_otherwise(
    credentials: str | None, context: Context, profile: str
):
    feature: dict[str, Any] = {"use": {"model": "openai/a"}, "credentials": credentials}
    table = tiers({"f": feature}, settings={"default_profile": "premium", "byok_profile": "byok"})

    assert table.resolve("f", context).profile == profile


def test_fallbacks_follow_pin_profile_entry_and_use_alike():
    table = tiers(
        {
            "pinned": {"pin": {"model": "openai/a"}, "fallbacks": [{"model": "groq/b"}]},
            "used": {
                "profiles": {"max": {"model": "mistral/m"}},
                "use": {"model": "openai/a"},
                "fallbacks": [{"model": "groq/b"}],
            },
        }
    )

    assert models(table.resolve("pinned")) == ["openai/a", "groq/b"]
    assert models(table.resolve("used")) == ["openai/a", "groq/b"]
    assert models(table.resolve("used", Context(profile="max"))) == ["mistral/m", "groq/b"]


def test_a_profile_entrys_own_fallbacks_replace_the_features():
    table = tiers(
        {
            "f": {
                "profiles": {
                    "max": {"model": "mistral/m", "fallbacks": [{"model": "openai/z"}]},
                    "byok": {"model": "mistral/m", "fallbacks": []},
                },
                "use": {"model": "openai/a"},
                "fallbacks": [{"model": "groq/b"}],
            }
        }
    )

    assert models(table.resolve("f", Context(profile="max"))) == ["mistral/m", "openai/z"]
    assert models(table.resolve("f", Context(profile="byok"))) == ["mistral/m"]


def test_a_fallback_answers_the_default_failures_unless_it_says_which():
    table = one(
        {
            "use": {"model": "openai/a"},
            "fallbacks": [
                {"model": "groq/b"},
                {"model": "mistral/c", "on": ["context_window_exceeded", "refusal", "refusal"]},
            ],
        }
    )

    first, second, third = table.resolve("summary").attempts

    assert first.on == ()
    assert second.on == (
        "rate_limit",
        "quota_exceeded",
        "overloaded",
        "timeout",
        "connection",
        "server_error",
        "malformed_response",
    )
    assert third.on == ("context_window_exceeded", "refusal")


def test_a_fallback_that_equals_an_attempt_before_it_is_dropped_with_a_reason():
    table = tiers(
        {
            "f": {
                "profiles": {"max": {"model": "groq/b"}},
                "use": {"model": "openai/a"},
                "fallbacks": [{"model": "groq/b"}],
            }
        }
    )

    decision = table.resolve("f", Context(profile="max"))

    assert models(decision) == ["groq/b"]
    assert [skip.to_dict() for skip in decision.skipped] == [
        {"provider": "groq", "model": "groq/b", "reason": "it equals an attempt before it"}
    ]


def test_a_target_of_the_same_model_with_other_options_is_another_attempt():
    table = one(
        {"use": {"model": "openai/a", "options": {"seed": 1}}, "fallbacks": [{"model": "openai/a", "options": {}}]}
    )

    assert [dict(attempt.options) for attempt in table.resolve("summary").attempts] == [{"seed": 1}, {}]


def test_a_target_written_as_provider_and_id_adopts_the_declared_model():
    table = one(
        {"use": {"model": "openai/gpt-x"}},
        models={"luna": {"provider": "openai", "id": "gpt-x", "options": {"seed": 7}, "capabilities": ["streaming"]}},
    )

    (attempt,) = table.resolve("summary").attempts

    assert (attempt.model, attempt.id, dict(attempt.options)) == ("luna", "gpt-x", {"seed": 7})


def test_a_model_id_may_itself_have_slashes():
    (attempt,) = one({"use": {"model": "openai/org/model:free"}}).resolve("summary").attempts

    assert (attempt.provider, attempt.id) == ("openai", "org/model:free")


def test_a_callers_model_is_refused_and_never_ignored():
    with pytest.raises(RequestError, match="does not let a caller choose the model") as caught:
        one({"use": {"model": "openai/a"}}).resolve("summary", facts=Facts(model="openai/b"))

    assert caught.value.field == "override"


def test_a_decision_as_a_dict_has_the_documented_keys_and_is_json():
    decision = compile_mapping(LAYERED).resolve("f").to_dict()

    assert set(decision) == {
        "feature",
        "table",
        "profile",
        "route",
        "arm",
        "key",
        "attempts",
        "skipped",
        "shadow",
        "tools",
        "output",
        "budget",
        "reasons",
    }
    assert set(decision["attempts"][0]) >= {"provider", "api", "model", "options", "credential", "on"}
    assert json.loads(json.dumps(decision)) == decision


def test_a_decision_names_its_table_tools_and_output():
    table = compile_mapping(
        {
            "providers": {"openai": {}},
            "mcp_servers": {"clock": {"command": "clock"}, "notes": {"command": "notes"}},
            "outputs": {"answer": {"schema": {"type": "object"}}},
            "features": {
                "f": {
                    "use": {"model": "openai/a"},
                    "tools": {"servers": ["notes", "clock", "notes"]},
                    "output": "answer",
                }
            },
        }
    )

    decision = table.resolve("f")

    assert (decision.table, decision.tools, decision.output) == (table.digest, ("notes", "clock"), "answer")


def test_each_reason_has_the_file_and_line_that_decided(tmp_path):
    (tmp_path / "who.yaml").write_text(
        "profiles:\n  premium: {}\n  max:\n    extends: premium\nsettings: {default_profile: premium}\n"
    )
    (tmp_path / "what.yaml").write_text(
        "providers: {openai: {}}\n"
        "features:\n"
        "  f:\n"
        "    credentials: platform\n"
        "    profiles:\n"
        "      premium: {model: openai/a}\n"
        "    use:\n"
        "      model: openai/b\n"
    )
    script = (
        "import json, sys, routebook; table = routebook.compile(sys.argv[1]);"
        "print(json.dumps(table.resolve('f', routebook.Context(profile='max')).to_dict()))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, check=True, timeout=60
    ).stdout

    reasons = {reason["step"]: (reason["text"], reason["at"]) for reason in json.loads(printed)["reasons"]}

    assert reasons == {
        "profile": ("the context asks for profile 'max'", "who.yaml:3"),
        "route": ("the entry of profile 'premium', which 'max' extends", "what.yaml:6"),
        "credentials": ("platform: the platform pays", "what.yaml:4"),
    }


def test_a_reason_that_rests_on_a_setting_or_an_ancestor_names_their_line(tmp_path):
    (tmp_path / "who.yaml").write_text(
        "profiles:\n  a:\n    credentials: caller\n  b: {extends: a}\n"
        "settings:\n  default_profile: b\n  byok_profile: b\n"
    )
    (tmp_path / "what.yaml").write_text("providers: {openai: {}}\nfeatures: {f: {use: {model: openai/a}}}\n")

    decision = compile_book(tmp_path).resolve("f", Context(credentials={"openai": "key"}))

    assert [(reason.step, str(reason.at)) for reason in decision.reasons] == [
        ("profile", "who.yaml:7"),
        ("route", "what.yaml:2"),
        ("credentials", "who.yaml:3"),
    ]


def test_nobody_is_said_to_pay_where_no_target_takes_a_key():
    book = {
        "providers": {"local": {"preset": "ollama"}},
        "features": {"f": {"use": {"model": "local/m"}}},
    }

    for context in (None, Context(credentials={"openai": "key"})):
        reason = compile_mapping(book).resolve("f", context).reasons[-1]
        assert reason.text == "prefer_caller: nobody pays, no target takes a key"


def test_every_reason_has_a_line_in_a_book_without_profiles_too():
    decision = one({"use": {"model": "openai/a"}}).resolve("summary", Context(profile="default"))
    reasons = decision.to_dict()["reasons"]

    assert [reason["step"] for reason in reasons] == ["profile", "route", "credentials"]
    assert all(reason["at"].startswith("<mapping>.json:") for reason in reasons)


def test_resolve_gives_the_same_decision_twice_and_in_another_process():
    source = (
        "import json, sys, routebook;"
        "table = routebook.compile_mapping(json.loads(sys.argv[1]));"
        "facts = routebook.Facts(options={'seed': 3});"
        "print(json.dumps(table.resolve('f', None, facts).to_dict(), sort_keys=True))"
    )
    run = [sys.executable, "-c", source, json.dumps(LAYERED)]
    printed = [
        subprocess.run(run, capture_output=True, check=True, timeout=60, env={"PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2")
    ]
    table = compile_mapping(LAYERED)
    here = table.resolve("f", facts=Facts(options={"seed": 3}))

    assert here == table.resolve("f", Context(), Facts(options={"seed": 3}))
    assert [json.loads(text) for text in printed] == [here.to_dict()] * 2


def test_a_key_that_no_header_can_carry_is_refused_at_once():
    for key in ("", "two words", "line\nbreak", "ü", 7, None):
        with pytest.raises(RequestError, match="caller's key for provider 'openai'") as caught:
            Context(credentials={"openai": key})
        assert caught.value.field == "context"


def test_a_book_whose_profile_leaves_a_feature_without_a_route_does_not_compile():
    with pytest.raises(RouteFileError, match="RB401"):
        tiers({"f": {"profiles": {"max": {"model": "openai/a"}}}})
