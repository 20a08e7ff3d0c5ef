"""What the compiler finds: names, routes, options, capabilities, providers, tools, outputs, dead configuration."""

from __future__ import annotations

from typing import Any

import pytest

from routebook import Diagnostic, RouteFileError, compile_mapping

MODELS: dict[str, Any] = {
    "big": {"provider": "openai", "id": "gpt-x", "capabilities": ["tools", "json_schema"]},
    "small": {"provider": "groq", "id": "llama-x", "capabilities": ["tools"]},
}


def book(features: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "providers": {"openai": {}, "groq": {}},
        "models": MODELS,
        "features": {"f": {"use": {"model": "big"}, "fallbacks": [{"model": "small"}]}, **(features or {})},
        **more,
    }


def said(written: dict[str, Any], **environment: str) -> list[Diagnostic]:
    try:
        return list(compile_mapping(written, environment).diagnostics)
    except RouteFileError as error:
        return list(error.diagnostics)


def the_one(written: dict[str, Any], **environment: str) -> Diagnostic:
    found = [diagnostic for diagnostic in said(written, **environment) if diagnostic.severity != "note"]
    assert len(found) == 1, [str(diagnostic) for diagnostic in found]
    return found[0]


def marked(diagnostic: Diagnostic) -> str:
    """The characters that the diagnostic's caret stands under."""
    start = diagnostic.span.column - 1
    return (diagnostic.source or "")[start : start + diagnostic.span.width]


def test_the_book_these_tests_begin_with_is_clean():
    assert said(book()) == []


@pytest.mark.parametrize(
    ("features", "noun", "name", "help_text"),
    [
        ({"g": {"use": {"model": "bigg"}}}, "model", "bigg", "did you mean 'big' (<mapping>.json:7)?"),
        ({"g": {"use": {"model": "opnai/x"}}}, "provider", "opnai", "did you mean 'openai' (<mapping>.json:3)?"),
        ({"g": {"use": {"model": "openai"}}}, "model", "openai", "'openai' is a provider, not a model"),
        ({"g": {"use": {"model": "zzz"}}}, "model", "zzz", "define it under `models`"),
        ({"g": {"use": {"model": "big"}, "output": "answer"}}, "output", "answer", "define it under `outputs`"),
        (
            {"g": {"use": {"model": "big"}, "tools": {"servers": ["clock"]}}},
            "tool server",
            "clock",
            "define it under `mcp_servers`",
        ),
        (
            {"g": {"use": {"model": "big"}, "profiles": {"max": {"model": "small"}}}},
            "profile",
            "max",
            "define it under `profiles`",
        ),
    ],
)
def test_a_name_that_no_file_defines_is_rb301_and_says_what_was_meant(
    features: dict[str, Any], noun: str, name: str, help_text: str
):
    problem = the_one(book(features))

    assert (problem.code, problem.help) == ("RB301", help_text)
    assert problem.message == f"feature 'g' names {noun} {name!r}, which no file defines"
    assert name in marked(problem)


def test_every_target_of_a_feature_is_checked_even_where_its_primary_is_wrong():
    feature = {"use": {"model": "one"}, "fallbacks": [{"model": "two"}, {"model": "big"}, {"model": "three"}]}

    found = said(book({"g": feature}))

    assert [problem.message.split("'")[3] for problem in found] == ["one", "two", "three"]


def test_a_fallback_is_not_called_useless_because_a_primary_is_wrong():
    found = said(book({"g": {"use": {"model": "one"}, "fallbacks": [{"model": "big"}]}}))

    assert [problem.code for problem in found] == ["RB301"]


def test_a_fallback_equal_to_its_primary_on_some_routes_only_is_fine():
    written = book(
        {
            "g": {
                "profiles": {"max": {"model": "small"}},
                "use": {"model": "big"},
                "fallbacks": [{"model": "small"}],
            }
        },
        profiles={"max": {}, "premium": {}},
        settings={"default_profile": "max"},
    )

    assert said(written) == []


def test_a_fallback_equal_to_an_attempt_before_it_on_every_route_is_rb403_and_cites_the_other():
    problem = the_one(book({"g": {"use": {"model": "big"}, "fallbacks": [{"model": "openai/gpt-x"}]}}))

    assert (problem.code, marked(problem)) == ("RB403", '"openai/gpt-x"')
    assert problem.notes[0].startswith("the same target stands at <mapping>.json:")


@pytest.mark.parametrize(
    ("names", "verb"), [(["max"], "profile 'max' leaves"), (["max", "pro"], "profiles 'max', 'pro' leave")]
)
def test_a_profile_without_a_route_is_rb401_and_all_are_named_at_once(names: list[str], verb: str):
    written = book(
        {"g": {"profiles": {"premium": {"model": "big"}}}},
        profiles={"premium": {}, **{name: {} for name in names}, "heir": {"extends": "premium"}},
        settings={"default_profile": "premium"},
    )

    problem = the_one(written)

    assert (problem.code, marked(problem)) == ("RB401", '"g"')
    assert problem.message == f"{verb} feature 'g' without a route"


def test_a_feature_with_nothing_at_all_has_no_route():
    assert the_one(book({"g": {}})).code == "RB401"


@pytest.mark.parametrize(
    ("profiles", "circle"),
    [
        ({"a": {"extends": "a"}}, "a → a"),
        ({"b": {"extends": "a"}, "a": {"extends": "b"}}, "b → a → b"),
        ({"a": {"extends": "b"}, "b": {"extends": "c"}, "c": {"extends": "b"}}, "b → c → b"),
    ],
)
def test_profiles_that_extend_each_other_are_one_rb303_with_the_whole_circle(profiles: dict[str, Any], circle: str):
    problem = the_one(book(profiles=profiles, settings={"default_profile": "a"}))

    assert problem.code == "RB303"
    assert problem.message.endswith(circle)


def test_two_circles_are_two_diagnostics():
    profiles = {"a": {"extends": "b"}, "b": {"extends": "a"}, "c": {"extends": "d"}, "d": {"extends": "c"}}

    assert [d.code for d in said(book(profiles=profiles, settings={"default_profile": "a"}))] == ["RB303", "RB303"]


@pytest.mark.parametrize("settings", [{}, {"default_profile": None}])
def test_a_book_with_profiles_needs_a_default_one(settings: dict[str, Any]):
    problem = the_one(book(profiles={"premium": {}}, settings=settings))

    assert (problem.code, problem.help) == ("RB408", "add `settings: {default_profile: premium}`")


@pytest.mark.parametrize("setting", ["default_profile", "byok_profile"])
@pytest.mark.parametrize("name", ["premum", ""])
def test_a_setting_that_names_no_profile_is_rb408_at_its_value(setting: str, name: str):
    settings = {"default_profile": "premium", setting: {"env": "QOS"}}

    problem = the_one(book(profiles={"premium": {}}, settings=settings), QOS=name)

    assert problem.code == "RB408"
    assert problem.message == f"setting {setting!r} is {name!r}, which is no profile"


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ({"providers": {"openai": {"headers": {"X-A": "b"}}, "groq": {}}}, None),
        ({"models": {**MODELS, "big": {**MODELS["big"], "rejects": ["seed"], "options": {"seed": 1}}}}, '"seed"'),
        (
            {"models": {**MODELS, "big": {**MODELS["big"], "options": {"reasoning": {"budget_tokens": 5}}}}},
            '"budget_tokens"',
        ),
    ],
)
def test_an_option_that_does_not_reach_the_wire_is_rb402_at_the_key_that_set_it(
    written: dict[str, Any], line: str | None
):
    found = said(book(**written))

    assert [marked(problem) for problem in found] == ([] if line is None else [line])
    assert all(problem.code == "RB402" for problem in found)


@pytest.mark.parametrize("layer", ["provider", "model", "feature", "target"])
def test_a_field_that_the_api_fills_itself_is_reported_at_the_layer_that_sets_it(layer: str):
    body = {"extra_body": {"messages": []}}
    none = {"extra_body": None}
    written = {
        "providers": {"openai": body if layer == "provider" else {}},
        "models": {
            "m": {"provider": "openai", "capabilities": ["tools"], "options": body if layer == "model" else {}},
        },
        "features": {
            "f": {
                "options": body if layer == "feature" else {"stop": "x"},
                "use": {"model": "m", "options": body if layer == "target" else {"seed": 1}},
            }
        },
    }
    if layer == "target":
        written["models"]["m"]["options"] = none

    problem = the_one(written)

    assert (problem.code, marked(problem)) == ("RB402", '"messages"')
    assert problem.message == "`extra_body` sets 'messages', which api 'openai-chat' fills itself"


def test_an_option_that_a_later_layer_removes_need_not_be_carried():
    models = {**MODELS, "big": {**MODELS["big"], "rejects": ["temperature", "reasoning"]}}
    options = {"temperature": 0.5, "reasoning": {"effort": "low"}}
    feature = {"options": options, "use": {"model": "big", "options": {"temperature": None, "reasoning": None}}}

    assert said(book({"g": feature}, models=models)) == []


def test_rejecting_reasoning_rejects_all_of_its_parts():
    models = {**MODELS, "big": {**MODELS["big"], "rejects": ["reasoning"]}}

    problem = the_one(
        book({"g": {"use": {"model": "big", "options": {"reasoning": {"effort": "low"}}}}}, models=models)
    )

    assert (problem.code, "'reasoning.effort'" in problem.message) == ("RB402", True)


def test_a_model_that_rejects_what_is_no_option_is_rb301_with_a_near_name():
    problem = the_one(book(models={**MODELS, "big": {**MODELS["big"], "rejects": ["temprature"]}}))

    assert (problem.code, problem.help) == ("RB301", "did you mean 'temperature'?")


TOOLS = {"servers": ["clock"]}
CLOCK = {"clock": {"command": "clock"}}


@pytest.mark.parametrize(
    ("feature", "need"),
    [
        ({"use": {"model": "plain"}, "tools": TOOLS}, "tools"),
        ({"use": {"model": "plain"}, "needs": ["image_input"]}, "image_input"),
        ({"use": {"model": "plain"}, "output": "answer"}, "json_schema"),
        ({"use": {"model": "big"}, "fallbacks": [{"model": "plain"}], "tools": TOOLS}, "tools"),
    ],
)
def test_a_capability_that_a_target_lacks_is_rb405_with_the_line_that_needs_it(feature: dict[str, Any], need: str):
    models = {**MODELS, "plain": {"provider": "groq", "capabilities": ["streaming"]}}
    features = {
        "f": {"use": {"model": "big"}, "fallbacks": [{"model": "small"}, {"model": "plain"}]},
        "g": feature,
        "h": {"use": {"model": "big"}, "tools": TOOLS, "output": "answer"},
    }
    outputs = {"answer": {"schema": {"type": "object"}, "strategy": "native"}}

    problem = the_one(book(features, models=models, mcp_servers=CLOCK, outputs=outputs))

    assert (problem.code, marked(problem)) == ("RB405", '"plain"')
    assert problem.message == f"feature 'g' needs {need!r}, which model 'plain' does not declare"
    assert [note.split(" ")[0] for note in problem.notes] == ["needed", "model"]


def test_an_output_whose_strategy_is_not_native_needs_no_capability():
    outputs = {"answer": {"schema": {"type": "object"}}}

    assert said(book({"g": {"use": {"model": "small"}, "output": "answer"}}, outputs=outputs)) == []


def test_a_feature_that_allows_no_tool_needs_no_capability():
    models = {**MODELS, "plain": {"provider": "groq", "capabilities": ["streaming"]}}
    feature = {"use": {"model": "plain"}, "tools": {**TOOLS, "allow": []}}

    assert said(book({"g": feature}, models=models, mcp_servers=CLOCK)) == []


@pytest.mark.parametrize("capabilities", [["embeddings"], ["image_output", "image_input"]])
def test_a_model_that_serves_no_chat_is_refused_as_a_target(capabilities: list[str]):
    models = {**MODELS, "vectors": {"provider": "openai", "capabilities": capabilities}}

    problem = the_one(book({"g": {"use": {"model": "vectors"}}}, models=models))

    assert (problem.code, "serves no chat" in problem.message) == ("RB405", True)


def test_nothing_is_held_against_a_model_that_declares_nothing_and_it_is_noted_once():
    feature = {"use": {"model": "openai/new"}, "fallbacks": [{"model": "groq/new"}], "needs": ["image_input"]}

    found = said(book({"g": feature, "h": {"use": {"model": "openai/new"}}}))

    assert [(d.code, d.severity, marked(d)) for d in found] == [
        ("RB504", "note", '"openai/new"'),
        ("RB504", "note", '"groq/new"'),
    ]


@pytest.mark.parametrize(
    ("provider", "code", "words"),
    [
        ({}, "RB407", "names no `api`"),
        ({"preset": "opnai"}, "RB301", "there is no preset 'opnai'"),
        ({"api": "openai-chta"}, "RB301", "there is no api 'openai-chta'"),
        ({"api": ""}, "RB301", "there is no api ''"),
        ({"api": "openai-chat", "auth": "none"}, "RB407", "has no `base_url`"),
        ({"api": "openai-chat", "base_url": "https://x.example/v1"}, "RB407", "has no `api_key`"),
        ({"preset": "openai", "base_url": ""}, "RB407", "is no address of a server"),
        ({"preset": "openai", "base_url": "x.example/v1"}, "RB407", "is no address of a server"),
        ({"preset": "openai", "base_url": "https://x.example:port/v1"}, "RB407", "is no address of a server"),
        ({"preset": "openai", "base_url": "https://x.example/v1?a=b"}, "RB407", "is no address of a server"),
        ({"preset": "openai", "base_url": "https://u@x.example/v1"}, "RB206", "must not stand in a `base_url`"),
        ({"preset": "openai", "base_url": "https://x.example/v1"}, "RB407", "preset's key to another host, x.example"),
        ({"preset": "openai", "api_key": {"env": "A"}, "auth": "none"}, "RB407", "both `api_key` and `auth: none`"),
        ({"api": "scripted"}, "RB407", "has no `script`"),
        (
            {"preset": "openai", "base_url": "http://x.example/v1", "api_key": {"env": "A"}},
            "RB503",
            "travels unencrypted to x.example",
        ),
    ],
)
def test_a_provider_that_cannot_be_called_as_it_stands_says_why(provider: dict[str, Any], code: str, words: str):
    written = book({"g": {"use": {"model": "house/m"}}}, providers={"openai": {}, "groq": {}, "house": provider})

    problem = the_one(written)

    assert (problem.code, words in problem.message) == (code, True), problem.message
    assert problem.help


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_a_key_may_travel_unencrypted_on_this_machine(host: str):
    house = {"preset": "openai", "base_url": f"http://{host}:8080/v1", "api_key": {"env": "A"}}
    written = book({"g": {"use": {"model": "house/m"}}}, providers={"openai": {}, "groq": {}, "house": house})

    assert [d.code for d in said(written)] == ["RB504"]


def test_a_preset_moved_to_another_host_keeps_nothing_of_its_key_if_it_has_its_own():
    house = {"preset": "openai", "base_url": "https://eu.example/v1", "api_key": {"env": "EU_KEY"}}
    written = book({"g": {"use": {"model": "house/m"}}}, providers={"openai": {}, "groq": {}, "house": house})

    (attempt,) = compile_mapping(written).resolve("g").attempts

    assert attempt.credential_ref == "env:EU_KEY"


@pytest.mark.parametrize(
    ("tools", "fits"),
    [
        ({"allow": ["clock.*", "*.now", "*"]}, True),
        ({"allow": ["clock.now"], "deny": ["clock.set"]}, True),
        ({"allow": ["clok.*"]}, False),
        ({"deny": ["clok.now"]}, False),
        ({"allow": ["now"]}, False),
    ],
)
def test_a_pattern_that_fits_no_tool_of_the_servers_is_rb409(tools: dict[str, Any], fits: bool):
    feature = {"use": {"model": "big"}, "tools": {**TOOLS, **tools}}

    found = said(book({"g": feature}, mcp_servers=CLOCK))

    assert [problem.code for problem in found] == ([] if fits else ["RB409"])


def test_an_invalid_schema_is_rb404_at_the_keyword_that_is_wrong():
    outputs = {"answer": {"schema": {"type": "object", "properties": {"a": {"type": "strin"}}}}}

    problem = the_one(book({"g": {"use": {"model": "big"}, "output": "answer"}}, outputs=outputs))

    assert (problem.code, marked(problem)) == ("RB404", '"strin"')


def test_a_choice_whose_field_is_not_in_the_schema_is_rb406():
    choice = {"choice": {"field": "folder", "from": "folders"}}
    outputs = {
        "answer": {"schema": {"type": "object", "properties": {"folder_id": {"type": "string"}}}, "checks": [choice]}
    }

    problem = the_one(book({"g": {"use": {"model": "big"}, "output": "answer"}}, outputs=outputs))

    assert (problem.code, "'folder'" in problem.message) == ("RB406", True)


@pytest.mark.parametrize(
    ("more", "noun"),
    [
        ({"providers": {"openai": {}, "groq": {}, "mistral": {}}}, "provider 'mistral'"),
        ({"models": {**MODELS, "idle": {"provider": "groq", "capabilities": ["tools"]}}}, "model 'idle'"),
        ({"mcp_servers": CLOCK}, "tool server 'clock'"),
        ({"outputs": {"answer": {"schema": {"type": "object"}}}}, "output 'answer'"),
    ],
)
def test_a_definition_that_no_feature_leads_to_is_a_warning_at_its_name(more: dict[str, Any], noun: str):
    problem = the_one(book(**more))

    assert (problem.code, problem.severity, problem.message) == ("RB501", "warning", f"{noun} is never used")
    assert marked(problem) == f'"{noun.split(chr(39))[1]}"'


def test_while_anything_is_an_error_nothing_is_called_unused():
    found = said(book({"g": {"use": {"model": "mistrall/x"}}}, providers={"openai": {}, "groq": {}, "mistral": {}}))

    assert [problem.code for problem in found] == ["RB301"]


def test_what_a_pin_hides_is_a_warning_at_the_key_that_is_never_read():
    feature = {"pin": {"model": "big"}, "profiles": {"default": {"model": "small"}}, "use": {"model": "small"}}
    written = book({"g": feature}, profiles={"default": {}}, settings={"default_profile": "default"})

    found = said(written)

    assert [(d.code, d.severity, marked(d)) for d in found] == [
        ("RB502", "warning", '"default"'),
        ("RB502", "warning", '"use"'),
    ]


def test_the_order_of_definitions_changes_nothing_of_what_is_said():
    written = book({"g": {"use": {"model": "bigg"}}, "h": {"use": {"model": "big"}, "output": "x"}}, mcp_servers=CLOCK)
    turned = {section: dict(reversed(names.items())) for section, names in reversed(written.items())}

    assert sorted((d.code, d.message) for d in said(written)) == sorted((d.code, d.message) for d in said(turned))
