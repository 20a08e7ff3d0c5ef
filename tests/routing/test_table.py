"""The table: immutable all the way down, equal when its digest is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import Any

import pytest

from routebook import Context, Facts, RoutingTable, compile_mapping

EVERYTHING: dict[str, Any] = {
    "providers": {
        "openai": {
            "headers": {"X-Title": "demo", "X-Api-Key": {"env": "EXTRA_KEY"}},
            "extra_body": {"metadata": {"tags": ["a", {"b": 1}]}},
            "timeout": {"total": "20s"},
        },
        "deepseek": {},
        "stage": {
            "api": "scripted",
            "script": [
                {
                    "when": {"turn": 1},
                    "reply": {"tool_calls": [{"name": "clock.now", "arguments": {"zones": ["UTC"]}}]},
                },
                {"reply": {"json": {"a": [1, {"b": None}]}, "usage": {"input": 1}}},
                {"when": {"contains": "x"}, "reply": {"error": {"status": 429}}},
            ],
        },
    },
    "models": {
        "luna": {
            "provider": "openai",
            "capabilities": ["tools", "json_schema", "reasoning"],
            "rejects": ["seed"],
            "price": {"input": 1, "output": 2},
            "options": {"stop": ["x"], "reasoning": {"effort": "low"}},
        },
        "sol": {"provider": "deepseek", "capabilities": ["tools", "json_schema"]},
        "play": {"provider": "stage", "capabilities": ["tools", "json_schema"]},
    },
    "mcp_servers": {"clock": {"command": "clock", "args": ["-v"], "env": {"A": "b", "T": {"file": "/run/t"}}}},
    "outputs": {
        "answer": {
            "schema": {"type": "object", "properties": {"id": {"enum": ["a", "b"]}, "sure": {"type": "number"}}},
            "repair": {"attempts": 2},
            "checks": [
                {
                    "choice": {
                        "field": "id",
                        "from": "things",
                        "label": ["name"],
                        "confidence": {"field": "sure"},
                        "otherwise": [{"input": "usual"}, {"where": {"is_default": True}}],
                    }
                }
            ],
        }
    },
    "profiles": {"premium": {"description": "good"}, "max": {"extends": "premium"}},
    "settings": {"default_profile": "premium", "byok_profile": "max"},
    "features": {
        "f": {
            "description": "all of it",
            "tags": ["a", "b"],
            "needs": ["tools"],
            "options": {"extra_body": {"x": {"y": [1]}}},
            "profiles": {"max": {"model": "sol", "fallbacks": [{"model": "play"}]}},
            "use": {"model": "luna"},
            "fallbacks": [{"model": "sol", "on": ["timeout"]}, {"model": "play"}],
            "tools": {"servers": ["clock"], "allow": ["clock.*"], "deny": ["clock.set"]},
            "output": "answer",
        },
        "pinned": {"pin": {"model": "luna"}},
    },
}


@pytest.fixture(scope="module")
def table() -> RoutingTable:
    return compile_mapping(EVERYTHING)


def reachable(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every value that can be reached from *value* by fields, keys and items."""
    yield path, value
    if is_dataclass(value):
        for field in fields(value):
            yield from reachable(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from reachable(item, f"{path}[{key!r}]")
    elif isinstance(value, (tuple, list, set, frozenset)):
        for index, item in enumerate(value):
            yield from reachable(item, f"{path}[{index}]")


def assert_frozen(root: Any, name: str) -> int:
    count = 0
    for path, value in reachable(root, name):
        count += 1
        if is_dataclass(value):
            field = fields(value)[0].name
            with pytest.raises(FrozenInstanceError):
                setattr(value, field, None)
            with pytest.raises(FrozenInstanceError):
                delattr(value, field)
            with pytest.raises((FrozenInstanceError, TypeError, AttributeError)):
                value.another = 1
        elif isinstance(value, Mapping):
            with pytest.raises(TypeError):
                value["another"] = 1
            assert not hasattr(value, "update"), path
            assert not hasattr(value, "pop"), path
        else:
            assert isinstance(value, (tuple, frozenset, str, int, float, bool, type(None))), (path, type(value))
    return count


def test_nothing_that_can_be_reached_from_a_table_can_be_changed(table: RoutingTable):
    assert assert_frozen(table, "table") > 300


def test_nothing_that_can_be_reached_from_a_decision_can_be_changed(table: RoutingTable):
    for decision in table.decisions():
        assert assert_frozen(decision, "decision") > 50


def test_what_a_caller_hands_in_may_change_later_without_changing_context_or_facts():
    metadata, options = {"plan": {"name": "pro"}}, {"stop": ["a"]}
    context, facts = Context(metadata=metadata), Facts(options=options)

    metadata["plan"]["name"] = "free"
    options["stop"].append("b")

    assert (context.metadata["plan"]["name"], facts.options["stop"]) == ("pro", ("a",))
    assert assert_frozen(context, "context") + assert_frozen(facts, "facts") > 10


def test_tables_of_equal_books_are_equal_and_hash_alike():
    one, other = compile_mapping(EVERYTHING), compile_mapping(EVERYTHING)

    assert one == other
    assert hash(one) == hash(other)
    assert one != compile_mapping({})
    assert one != one.digest


def test_a_table_shows_its_size_and_digest_and_no_more(table: RoutingTable):
    assert repr(table) == f"RoutingTable(2 features, digest {table.digest[:12]})"


def test_no_secrets_value_is_in_a_table(monkeypatch: pytest.MonkeyPatch):
    environment = dict.fromkeys(("OPENAI_API_KEY", "DEEPSEEK_API_KEY", "EXTRA_KEY"), "canary-value")
    table = compile_mapping(EVERYTHING, environment)

    shown = [repr(value) for _, value in reachable(table, "table")]
    shown += [str(decision.to_dict()) for decision in table.decisions()]

    assert not [text for text in shown if "canary-value" in text]
    assert table.digest == compile_mapping(EVERYTHING, {}).digest


def test_a_good_tables_warnings_stay_with_it():
    table = compile_mapping({"providers": {"openai": {}, "groq": {}}, "features": {"f": {"use": {"model": "groq/m"}}}})

    assert [(d.code, d.severity) for d in table.diagnostics] == [("RB501", "warning"), ("RB504", "note")]
    assert all(d.source for d in table.diagnostics)
