"""What a reload's line says: decisions that differ, in a person's words."""

from __future__ import annotations

import routebook
from routebook.engine.changes import changes_between, reload_line

BOOK = """
providers: {stage: {api: scripted, script: [{reply: {text: a}}]}, twin: {api: scripted, script: [{reply: {text: b}}]}}
models:
  one: {provider: stage, capabilities: [json_schema]}
  two: {provider: stage, capabilities: [json_schema]}
profiles: {low: {}, high: {extends: low}}
settings: {default_profile: low}
outputs: {thing: {schema: {type: object}}}
features:
  chat:
    profiles: {low: {model: one}, high: {model: two}}
    fallbacks: [{model: stage/spare}]
  other: {use: {model: one}}
"""


def table(tmp_path, *edits):
    text = BOOK
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "book.yaml").write_text(text)
    return routebook.compile(tmp_path, {})


def changes(tmp_path, *edits):
    return [str(change) for change in changes_between(table(tmp_path), table(tmp_path, *edits))]


def test_an_equal_table_has_no_changes(tmp_path):
    assert changes(tmp_path, ("  other:", "  # a comment\n  other:")) == []


def test_another_model_is_shown_with_the_profiles_that_it_serves(tmp_path):
    assert changes(tmp_path, ("low: {model: one}", "low: {model: two}")) == ["chat@low: one → two"]
    assert changes(tmp_path, ("other: {use: {model: one}}", "other: {use: {model: two}}")) == [
        "other@low,high: one → two"
    ]


def test_a_model_of_the_same_name_at_another_provider_is_told_with_both(tmp_path):
    moved = changes(tmp_path, ("one: {provider: stage", "one: {provider: twin"))

    assert moved == [
        "chat@low: one at stage → one at twin",
        "other@low,high: one at stage → one at twin",
        "models.one: changed",
    ]


def test_options_fallbacks_and_output_are_named(tmp_path):
    assert changes(
        tmp_path,
        ("high: {model: two}", "high: {model: two, options: {temperature: 0}}"),
        ("model: stage/spare", "model: stage/reserve"),
        ("other: {use: {model: one}}", "other: {use: {model: one}, output: thing}"),
    ) == ["chat@low: fallbacks", "chat@high: options, fallbacks", "other@low,high: output"]


def test_what_no_plain_decision_shows_is_told_by_the_part_of_the_feature(tmp_path):
    assert changes(tmp_path, ("other: {use", "other: {tags: [new], use")) == ["other: tags"]


def test_added_and_removed_features_and_other_definitions_are_told(tmp_path):
    assert changes(
        tmp_path, ("  other: {use: {model: one}}", "  another: {use: {model: one}}"), ("type: object", "type: array")
    ) == ["another: added", "other: removed", "outputs.thing: changed"]


def test_a_feature_that_only_a_callers_key_serves_is_compared_with_one(tmp_path):
    own = ("other: {use: {model: one}}", "other: {credentials: caller, use: {model: openai/a}}")
    key = ("providers: {", "providers: {openai: {}, ")
    before = table(tmp_path, key, own)
    after = table(tmp_path, key, own, ("openai/a", "openai/b"))

    assert [str(change) for change in changes_between(before, after)] == ["other@low,high: openai/a → openai/b"]


def test_another_default_profile_has_all_features_compared_and_is_told(tmp_path):
    assert changes(tmp_path, ("default_profile: low", "default_profile: high")) == ["settings.default_profile: changed"]


def test_a_long_list_is_cut_on_the_line_and_nowhere_else(tmp_path):
    many = "".join(f"  f{number:02}: {{use: {{model: one}}}}\n" for number in range(30))
    before, after = table(tmp_path), table(tmp_path, ("  other:", f"{many}  other:"))

    found = changes_between(before, after)
    line = reload_line(after, found)

    assert len(found) == 30
    assert line.startswith(f"reloaded {after.digest[:12]}: f00: added; f01: added; ")
    assert line.endswith("f19: added; and 10 more")
