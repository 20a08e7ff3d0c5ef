"""Invariants: what they may name, what breaks them, at which line that is said, and what stays proved over an edit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from routebook import Diagnostic, RouteFileError, compile_mapping
from routebook.book import BookReport, OpenBook

PROVIDERS: dict[str, Any] = {
    "openai": {},
    "groq": {"retry": {"attempts": 2}},
    "house": {"api": "openai-chat", "base_url": "http://127.0.0.1:8000/v1", "auth": "none"},
}
MODELS: dict[str, Any] = {
    "big": {
        "provider": "openai",
        "id": "gpt-x",
        "capabilities": ["tools", "json_schema", "streaming", "reasoning"],
        "price": {"input": 1, "output": 4},
        "context_window": 100_000,
        "options": {"max_output_tokens": 1000, "reasoning": {"effort": "low"}},
    },
    "small": {
        "provider": "groq",
        "id": "llama-x",
        "capabilities": ["tools", "streaming"],
        "price": {"input": 0.1, "output": 0.4},
    },
    "own": {"provider": "house", "id": "own-x", "capabilities": []},
    "new": {"provider": "groq", "id": "new-x"},
}
CODES = {"RB601", "RB602", "RB603"}


def book(feature: dict[str, Any], require: dict[str, Any], where: dict[str, Any] | None = None, **more: Any) -> Any:
    """A book with the feature `f` and the invariant `i`; `g` uses what `f` does not."""
    invariant = {"require": require} if where is None else {"where": where, "require": require}
    others = {f"g{number}": {"use": {"model": name}} for number, name in enumerate(MODELS)}
    return {
        "providers": PROVIDERS,
        "models": MODELS,
        "features": {"f": feature, **(others if where and "feature" in where else {})},
        "invariants": {"i": invariant},
        **more,
    }


def said(written: dict[str, Any]) -> list[Diagnostic]:
    try:
        return list(compile_mapping(written).diagnostics)
    except RouteFileError as error:
        return list(error.diagnostics)


def proved(*given: Any, **more: Any) -> list[Diagnostic]:
    """What is said of the invariants of a book."""
    return [diagnostic for diagnostic in said(book(*given, **more)) if diagnostic.code in CODES]


def messages(*given: Any, **more: Any) -> list[str]:
    return [diagnostic.message.partition("feature 'f' ")[2] for diagnostic in proved(*given, **more)]


def the_one(*given: Any, **more: Any) -> Diagnostic:
    found = proved(*given, **more)
    assert len(found) == 1, found
    return found[0]


def of_kind(found: list[Diagnostic], severity: str = "error") -> list[tuple[str, str]]:
    return [(each.code, each.message) for each in found if each.severity == severity]


USE = {"use": {"model": "big"}}
BOTH = {"use": {"model": "big"}, "fallbacks": [{"model": "small"}]}


@pytest.mark.parametrize(
    ("where", "require", "code", "message"),
    [
        ({"feature": "ff"}, {}, "RB301", "invariant 'i' names feature 'ff', which no file defines"),
        ({"profile": "max"}, {}, "RB301", "invariant 'i' names profile 'max', which no file defines"),
        ({"tags": ["pi"]}, {}, "RB301", "invariant 'i' names tag 'pi', which there is not"),
        ({"route": "rule:nothing"}, {}, "RB301", "invariant 'i' names route 'rule:nothing', which there is not"),
        ({"route": {"not": "uses"}}, {}, "RB301", "invariant 'i' names route 'uses', which there is not"),
        ({"credential": "mine"}, {}, "RB301", "invariant 'i' names credential 'mine', which there is not"),
        ({}, {"provider": "grok"}, "RB301", "invariant 'i' names provider 'grok', which no file defines"),
        ({}, {"model": ["big", "bigg"]}, "RB301", "invariant 'i' names model 'bigg', which no file defines"),
        ({}, {"model": "opnai/gpt-x"}, "RB301", "invariant 'i' names provider 'opnai', which no file defines"),
        ({}, {"api": "openai"}, "RB301", "invariant 'i' names api 'openai', which there is not"),
        ({}, {"capabilities": "tool"}, "RB301", "invariant 'i' names capability 'tool', which there is not"),
        ({}, {"options.warmth": 1}, "RB301", "invariant 'i' names option 'warmth', which there is not"),
        ({"feature": {"percent": 5}}, {}, "RB203", "invariant 'i' is about every decision, so 'feature' takes no `p"),
        ({}, {"options.seed": {"percent": 5}}, "RB203", "invariant 'i' is about every decision, so 'options.seed' ta"),
        ({"label": "x"}, {}, "RB201", "unknown key 'label'"),
        ({}, {"price": 1}, "RB201", "unknown key 'price'"),
        ({"tags": 5}, {}, "RB202", "'tags' must be"),
        ({}, {"bounds.calls": "few"}, "RB202", "'bounds.calls' must be a number"),
    ],
)
def test_what_an_invariant_cannot_name_is_said_and_nothing_else(
    where: dict[str, Any], require: dict[str, Any], code: str, message: str
):
    feature = {**USE, "tags": ["pii"]}
    found = of_kind(said({**book(feature, {"model": {"exists": True}, **require}), "features": {"f": feature}}))
    if where:
        found = of_kind(said({**book(feature, {"model": "big"}, where), "features": {"f": feature}}))

    assert [(each, text[: len(message)]) for each, text in found] == [(code, message)]


def test_a_broken_feature_may_have_the_tag_and_the_rule_that_an_invariant_names():
    written = book(USE, {"model": "big"}, {"tags": "pii", "route": "rule:r"})
    broken = {"tags": ["pii"], "rules": [{"name": "r", "when": {}, "use": {"model": "big"}}], "usee": 1, **USE}

    found = of_kind(said({**written, "features": {"f": USE, "g": broken}}))

    assert found == [("RB201", "unknown key 'usee'")]


def test_nothing_is_proved_while_something_else_is_an_error():
    written = book({**USE, "fallbacks": [{"model": "nowhere"}]}, {"provider": "groq"})

    assert [code for code, _ in of_kind(said(written))] == ["RB301"]


@pytest.mark.parametrize(
    "where",
    [
        {"route": "pin"},
        {"credential": "none"},
        {"feature": {"prefix": "zzz"}},
        {"feature": {"in": ["f"], "not": "f"}},
        {"tags": {"exists": True}},
        {"profile": {"not": "default"}},
    ],
)
def test_an_invariant_that_selects_nothing_is_a_warning_at_its_name(where: dict[str, Any]):
    found = the_one(BOTH, {"provider": "groq"}, where)

    assert (found.code, found.severity) == ("RB602", "warning")
    assert found.message == "invariant 'i' selects no decision that the table can make"
    assert found.source is not None
    assert found.source.strip().startswith('"i"')


def test_a_rule_that_no_request_reaches_is_selected_by_nothing_and_breaks_nothing():
    never = {"name": "never", "when": {"input_tokens": {"gt": 10, "lt": 5}}, "use": {"model": "own"}}

    assert proved({"rules": [never], **USE}, {"provider": "openai"}) == []
    assert the_one({"rules": [never], **USE}, {"provider": "openai"}, {"route": "rule:never"}).code == "RB602"


def test_each_arm_of_a_rules_split_is_held_to_an_invariant():
    arms = [{"name": "a", "weight": 99, "model": "big"}, {"name": "b", "weight": 1, "model": "small"}]
    feature = {"rules": [{"name": "r", "when": {"stream": True}, "use": {"split": arms}}], **USE}

    assert messages(feature, {"provider": "openai"}) == ["calls provider 'groq', not 'openai'"]
    assert messages(feature, {"bounds.calls": {"not": 2}}) == ["may make 2 provider calls, which is ruled out"]


def test_an_arm_without_weight_breaks_nothing():
    arms = [{"name": "a", "weight": 0, "model": "small"}, {"name": "b", "weight": 1, "model": "big"}]

    assert proved({"use": {"split": arms}}, {"provider": "openai"}) == []


@pytest.mark.parametrize(
    ("require", "what"),
    [
        ({"provider": "openai"}, "calls provider 'groq', not 'openai'"),
        ({"provider": ["openai", "house"]}, "calls provider 'groq', which is not one of 'openai', 'house'"),
        ({"model": {"not": "small"}}, "calls model 'small', which is ruled out"),
        ({"model": {"prefix": "b"}}, "calls model 'small', which does not begin with 'b'"),
        ({"price.output": {"gte": 1}}, "calls model 'small', whose price.output is 0.4, less than 1"),
        ({"capabilities": "json_schema"}, "calls model 'small', which does not declare 'json_schema'"),
        ({"capabilities": ["json_schema", "reasoning"]}, "calls model 'small', which does not declare one of 'json_"),
        ({"options.max_output_tokens": {"lte": 1000}}, "calls model 'small' without option 'max_output_tokens'"),
        ({"options.reasoning.effort": "low"}, "calls model 'small' without option 'reasoning.effort'"),
    ],
)
def test_a_fallback_that_breaks_an_invariant_is_said_at_its_line(require: dict[str, Any], what: str):
    found = the_one(BOTH, require)

    assert found.code == "RB601"
    assert found.message.startswith(f"invariant 'i' does not hold: feature 'f' {what}")
    assert found.source is not None
    assert found.source.strip() == '"model": "small"'


@pytest.mark.parametrize(
    "require",
    [
        {"provider": {"exists": True}, "api": "openai-chat", "capabilities": ["json_schema", "tools"]},
        {"price.input": {"lte": 1, "gt": 0.05}, "price.cached_input": {"exists": False}},
        {"options.max_output_tokens": {"not": 2000}, "options.temperature": {"exists": False}},
        {"options.temperature": {"not": 1}, "capabilities": {"not": ["prompt_cache", "embeddings"]}},
        {"bounds.calls": 5, "bounds.providers": 2, "bounds.seconds": {"lt": 4000}, "bounds.usd": {"exists": False}},
    ],
)
def test_what_holds_for_every_attempt_is_said_to_hold(require: dict[str, Any]):
    where = {"credential": "platform"} if any(name.startswith("bounds") for name in require) else None

    assert proved(BOTH, require, where) == []


@pytest.mark.parametrize("matcher", [1, {"lte": 100}, {"gte": 0}, {"not": 3}, {"exists": True}])
def test_a_price_that_is_not_known_breaks_whatever_is_asked_of_it(matcher: Any):
    found = the_one({"use": {"model": "own"}}, {"price.output": matcher})

    assert "calls model 'own', whose price.output is not known" in found.message
    assert found.help == "declare model 'own' under `models` with its `price`, or name another"


def test_a_model_that_declares_nothing_has_no_capability_for_certain():
    assert messages({"use": {"model": "new"}}, {"capabilities": {"not": "reasoning"}}) == [
        "calls model 'new', which declares no capabilities"
    ]
    assert proved({"use": {"model": "own"}}, {"capabilities": {"not": "reasoning"}}) == []


def test_bounds_are_said_at_the_route_with_what_each_target_adds():
    found = the_one(BOTH, {"bounds.calls": {"lt": 5}})

    assert "feature 'f' may make 5 provider calls, not less than 5" in found.message
    assert found.source is not None
    assert found.source.strip() == '"use": {'
    assert "provider calls at worst: 5; by target: big 3, small 2" in found.notes


def test_a_bound_that_there_is_not_breaks_whatever_is_asked_of_it():
    assert messages({"use": {"model": "own"}}, {"bounds.usd": {"not": 1}}) == [
        "may cost any sum: a price or a bound is not known"
    ]


def test_the_bounds_of_a_callers_own_keys_count_too():
    """With a key for one of two providers, only one vendor is left."""
    two_vendors = {"bounds.providers": {"gte": 2}}
    found = the_one(BOTH, two_vendors)

    assert "reaches 1 provider, less than 2" in found.message
    assert any(note.endswith("--key groq") for note in found.notes)
    assert proved(BOTH, two_vendors, {"credential": "platform"}) == []
    assert proved({**BOTH, "credentials": "platform"}, two_vendors) == []


def test_a_shadow_is_held_to_an_invariant_where_the_platform_pays():
    feature = {**USE, "shadow": {"model": "small", "percent": 5}}
    found = the_one(feature, {"provider": "openai"})

    assert "feature 'f' mirrors to provider 'groq', not 'openai'" in found.message
    assert found.notes[-1] == "it leads to use: big at openai; mirrored to small at groq"
    assert proved(feature, {"provider": "openai"}, {"credential": "caller"}) == []
    assert proved({**feature, "credentials": "caller"}, {"provider": "openai"}) == []
    assert proved({**feature, "shadow": {"model": "small", "percent": 0}}, {"provider": "openai"}) == []


def test_a_shadow_is_held_to_an_invariant_about_models_that_callers_choose():
    feature = {**USE, "allow_override": ["big"], "shadow": {"model": "small", "percent": 0.1}}
    found = the_one(feature, {"provider": "openai"}, {"route": "override"})

    assert found.code == "RB601"
    assert found.notes[-1] == "it leads to override: big at openai; mirrored to small at groq"


@pytest.mark.parametrize(("allowed", "line"), [(["big", "small"], '"small"'), (True, '"allow_override": true')])
def test_a_model_that_a_caller_may_choose_is_said_where_it_is_allowed(allowed: Any, line: str):
    models = {name: MODELS[name] for name in ("big", "small")}
    found = the_one({**USE, "allow_override": allowed}, {"provider": "openai"}, models=models)

    assert "feature 'f' calls provider 'groq', not 'openai'" in found.message
    assert found.source is not None
    assert found.source.strip() == line
    assert "for example: routebook explain f --model small" in found.notes


def test_where_selects_by_route_profile_and_whose_key_the_first_attempt_uses():
    feature = {"profiles": {"max": {"model": "small"}, "low": {"model": "big"}}, "fallbacks": [{"model": "own"}]}
    more = {"profiles": {"low": {}, "top": {"extends": "max"}, "max": {}}, "settings": {"default_profile": "low"}}
    small = {"model": {"not": "small"}}

    assert proved(feature, small, {"profile": "low"}, **more) == []
    assert proved(feature, small, {"route": "profile:low"}, **more) == []
    assert proved(feature, small, {"profile": "top", "credential": "none"}, **more) == []
    assert messages(feature, small, {"profile": "top"}, **more) == ["calls model 'small', which is ruled out"]
    assert messages(feature, small, {"credential": "caller"}, **more) == ["calls model 'small', which is ruled out"]
    assert messages(feature, {"model": "own"}, {"credential": "none", "profile": "top"}, **more) == []


def test_one_of_several_tags_selects_a_feature_and_none_may_be_ruled_out():
    feature = {**USE, "tags": ["pii", "slow"]}

    assert len(proved(feature, {"provider": "groq"}, {"tags": ["slow", "pii"]})) == 1
    assert the_one(feature, {"provider": "groq"}, {"tags": {"not": "slow"}}).code == "RB602"


def test_an_example_can_be_pasted_to_the_command_line():
    when = {"metadata.plan": ["it's", "1"], "tenant": "a b", "stream": True, "input_tokens": {"gte": 9000}}
    found = the_one({"rules": [{"name": "r", "when": when, "use": {"model": "small"}}], **USE}, {"provider": "openai"})

    example = next(note for note in found.notes if note.startswith("for example"))
    assert "--set 'tenant=a b'" in example
    assert "--set input_tokens=9000 --set stream=true" in example
    assert "metadata.plan=it" in example


def test_a_line_that_several_routes_share_is_said_once_for_an_invariant():
    """A fallback of the feature is one line for all of its routes."""
    rules = [{"name": f"r{at}", "when": {"input_tokens": {"gt": 9 - at}}, "use": {"model": "big"}} for at in range(3)]

    assert len(proved({"rules": rules, **BOTH}, {"provider": "openai"})) == 1


def test_of_very_many_broken_lines_a_few_are_said_and_the_rest_are_counted():
    written = book(USE, {"provider": "openai"})
    many = {f"x{number:02}": {"use": {"model": "small"}} for number in range(30)}

    found = [each for each in said({**written, "features": {**many, "f": USE}}) if each.code == "RB601"]

    assert len(found) == 20
    assert found[-1].notes[-1] == "10 more features may break it, too, and will be looked at once these are mended"
    assert all("more features" not in note for each in found[:-1] for note in each.notes)


def entangled() -> dict[str, Any]:
    """A feature of whose last rule it is not found out whether any request comes to it."""
    shares = {"a": 100, "b": 10, "c": 10, "d": 10, "e": 10, "f": 10, "g": 10}
    rules = [
        {"name": f"r{name}", "when": {f"metadata.{name}": {"percent": share}}, **USE} for name, share in shares.items()
    ]
    when = {f"metadata.{name}": {"exists": name in "bd"} for name in "abcd"}
    return {"rules": [*rules, {"name": "some", "when": when, "use": {"model": "small"}}], **USE}


def test_what_is_not_proved_does_not_hold():
    found = the_one(entangled(), {"provider": "openai"})

    assert (found.code, found.severity) == ("RB603", "error")
    assert found.message == "invariant 'i' is not proved: feature 'f' breaks it here, if it comes here"
    assert found.source is not None
    assert found.source.strip() == '"model": "small"'


def test_an_invariant_about_what_is_not_proved_is_not_said_to_select_nothing():
    assert proved(entangled(), {"provider": "groq"}, {"route": "rule:some"}) == []


def test_the_line_of_the_model_and_of_the_condition_are_told():
    found = the_one(USE, {"price.output": {"lte": 3}})

    assert found.notes[0].startswith("required at <mapping>.json:")
    assert found.notes[1].startswith("model 'big' is defined at <mapping>.json:")


BASE = """\
providers: {openai: {}, groq: {}}
models:
  big: {provider: openai, id: gpt-x, capabilities: [tools], price: {input: 1, output: 4}}
  small: {provider: groq, id: llama-x, capabilities: [tools], price: {input: 1, output: 4}}
"""
PROMISE = "invariants:\n  i: {require: {price.output: {lte: 4}}}\n  j: {where: {feature: b}, require: {model: big}}\n"


def reading(opened: OpenBook, **files: str) -> tuple[BookReport, list[str]]:
    """Write *files*, read the book again, and return what is said of its invariants, by line."""
    for name, text in files.items():
        (opened.root / f"{name}.yaml").write_text(text, encoding="utf-8")
    report = opened.read()
    return report, [f"{each.code} {each.span}" for each in report.diagnostics if each.code in CODES]


def test_what_an_edit_breaks_and_mends_is_noticed_whatever_was_proved_before(tmp_path: Path):
    opened = OpenBook(tmp_path, {})
    a, b = (
        "features: {a: {use: {model: big}}}",
        "features: {b: {use: {model: big}, fallbacks: [{model: big, options: {seed: 1}}]}}",
    )

    assert reading(opened, base=BASE, promise=PROMISE, a=a, b=b)[1] == []
    assert reading(opened, b="\nfeatures: {b: {use: {model: small}}}")[1] == ["RB601 b.yaml:2"]
    assert reading(opened, b=b)[1] == []
    dear = BASE.replace("output: 4}}\n  small", "output: 5}}\n  small")
    assert reading(opened, base=dear)[1] == ["RB601 a.yaml:1", "RB601 b.yaml:1", "RB601 b.yaml:1"]
    assert reading(opened, base=BASE)[1] == []
    assert reading(opened, promise="\n" + PROMISE.replace("model: big", "model: small"))[1] == [
        "RB601 b.yaml:1",
        "RB601 b.yaml:1",
    ]
    assert reading(opened, promise=PROMISE.replace("feature: b", "tags: {exists: true}"))[1] == ["RB602 promise.yaml:3"]
    report, found = reading(opened, promise=PROMISE)
    assert (found, report.table is None) == ([], False)
