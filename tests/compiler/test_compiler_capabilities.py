"""What each target of a feature must be able to do: capabilities, on every way that a request can take to it."""

from __future__ import annotations

from typing import Any

import pytest
from said import marked, said, the_one

MODELS: dict[str, Any] = {
    "all": {
        "provider": "openai",
        "capabilities": ["tools", "parallel_tools", "json_schema", "image_input", "streaming", "reasoning"],
    },
    "text": {"provider": "groq", "capabilities": ["tools"]},
    "vectors": {"provider": "openai", "capabilities": ["embeddings"]},
    "painter": {"provider": "openai", "capabilities": ["image_output"]},
}


def book(feature: dict[str, Any], **more: Any) -> dict[str, Any]:
    others = {
        "others": {"use": {"model": "all"}, "fallbacks": [{"model": "text"}]},
        "embeds": {"needs": ["embeddings"], "use": {"model": "vectors"}},
        "paints": {"needs": ["image_output"], "use": {"model": "painter"}},
    }
    return {"providers": {"openai": {}, "groq": {}}, "models": MODELS, "features": {"f": feature, **others}, **more}


def test_the_book_these_tests_begin_with_is_clean():
    assert said(book({"use": {"model": "all"}})) == []


WAYS: dict[str, Any] = {
    "use": lambda bad, good: {"use": bad},
    "fallback": lambda bad, good: {"use": good, "fallbacks": [bad]},
    "arm": lambda bad, good: {
        "use": {"split": [{"name": "a", "weight": 9, **good}, {"name": "b", "weight": 1, **bad}]}
    },
    "shadow": lambda bad, good: {"use": good, "shadow": {**bad, "percent": 5}},
    "rule": lambda bad, good: {"rules": [{"name": "r", "when": {"user": "u"}, "use": bad}], "use": good},
    "a rule's fallback": lambda bad, good: {
        "rules": [{"name": "r", "when": {"user": "u"}, "use": good, "fallbacks": [bad]}],
        "use": good,
    },
    "profile": lambda bad, good: {"profiles": {"default": bad}, "use": good},
    "pin": lambda bad, good: {"pin": bad},
    "override": lambda bad, good: {"use": good, "allow_override": [bad["model"]]},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("needs", "good", "bad", "words"),
    [
        ([], "all", "vectors", "feature 'f' calls model 'vectors', which serves no chat"),
        ([], "all", "painter", "feature 'f' calls model 'painter', which serves no chat"),
        (["image_input"], "all", "text", "feature 'f' needs 'image_input', which model 'text' does not declare"),
        (["embeddings"], "vectors", "all", "feature 'f' needs 'embeddings', which model 'all' does not declare"),
        (
            ["embeddings"],
            "vectors",
            "painter",
            "feature 'f' needs 'embeddings', which model 'painter' does not declare",
        ),
        (["image_output"], "painter", "all", "feature 'f' needs 'image_output', which model 'all' does not declare"),
    ],
)
def test_a_model_that_cannot_serve_the_feature_is_refused_on_whatever_way_it_is_reached(
    way: str, needs: list[str], good: str, bad: str, words: str
):
    profiles = {"profiles": {"default": {}}, "settings": {"default_profile": "default"}} if way == "profile" else {}
    feature = {"needs": needs, **WAYS[way]({"model": bad}, {"model": good})}

    problems = [problem for problem in said(book(feature, **profiles)) if problem.severity == "error"]

    assert [(problem.code, problem.message, marked(problem)) for problem in problems] == [("RB405", words, f'"{bad}"')]


@pytest.mark.parametrize("when", [{"has_images": True}, {"has_images": [True]}, {"has_images": {"not": False}}])
@pytest.mark.parametrize("way", ["use", "fallbacks", "the feature's fallbacks"])
def test_a_rule_for_images_leads_to_models_that_see_them(when: dict[str, Any], way: str):
    rule: dict[str, Any] = {"name": "r", "when": when, "use": {"model": "text" if way == "use" else "all"}}
    if way == "fallbacks":
        rule["fallbacks"] = [{"model": "text"}]
    feature: dict[str, Any] = {"rules": [rule], "use": {"model": "all"}}
    if way == "the feature's fallbacks":
        feature["fallbacks"] = [{"model": "text"}]

    problem = the_one(book(feature))

    assert (problem.code, marked(problem)) == ("RB405", '"text"')
    assert problem.message == "feature 'f' needs 'image_input', which model 'text' does not declare"
    assert [note.split(" <")[0] for note in problem.notes] == ["needed because of", "model 'text' is defined at"]


@pytest.mark.parametrize(
    ("when", "need"), [({"stream": True}, "streaming"), ({"has_tools": True, "user": "u"}, "tools")]
)
def test_a_rule_for_streams_or_tools_leads_to_models_that_have_them(when: dict[str, Any], need: str):
    models = {**MODELS, "plain": {"provider": "groq", "capabilities": ["json_schema"]}}
    feature = {"rules": [{"name": "r", "when": when, "use": {"model": "plain"}}], "use": {"model": "all"}}

    problem = the_one(book(feature, models=models))

    assert problem.message == f"feature 'f' needs {need!r}, which model 'plain' does not declare"


@pytest.mark.parametrize(
    "when",
    [
        {"has_images": False},
        {"has_images": [True, False]},
        {"has_images": {"not": True}},
        {"has_images": {"exists": True}},
        {"user": "u"},
    ],
)
def test_a_rule_that_may_take_requests_without_images_asks_nothing(when: dict[str, Any]):
    feature = {"rules": [{"name": "r", "when": when, "use": {"model": "text"}}], "use": {"model": "all"}}

    assert [problem.code for problem in said(book(feature)) if problem.severity == "error"] == []


def test_a_target_that_several_rules_share_is_reported_once_for_what_it_lacks():
    rules = [{"name": name, "when": {"has_images": True, "user": name}, "use": {"model": "all"}} for name in ("r", "s")]
    feature = {"rules": rules, "use": {"model": "all"}, "fallbacks": [{"model": "text"}]}

    assert the_one(book(feature)).code == "RB405"


def test_what_the_feature_needs_anyhow_is_not_reported_again_for_a_rule():
    rules = [{"name": "r", "when": {"has_images": True}, "use": {"model": "all"}}]
    feature = {"needs": ["image_input"], "rules": rules, "use": {"model": "all"}, "fallbacks": [{"model": "text"}]}

    assert the_one(book(feature)).code == "RB405"


def test_a_model_that_serves_no_chat_is_not_asked_for_more_by_a_rule():
    feature = {"rules": [{"name": "r", "when": {"stream": True}, "use": {"model": "vectors"}}], "use": {"model": "all"}}

    assert "serves no chat" in the_one(book(feature)).message


def test_a_rule_asks_nothing_of_a_model_that_declares_nothing():
    feature = {
        "rules": [{"name": "r", "when": {"has_images": True}, "use": {"model": "groq/new"}}],
        "use": {"model": "all"},
    }

    assert [problem.code for problem in said(book(feature))] == ["RB504"]
