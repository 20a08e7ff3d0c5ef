"""The digest: the same for the same book however it is written, another one as soon as anything that runs changes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import routebook
from routebook import compile_mapping

BOOK: dict[str, Any] = {
    "providers": {
        "openai": {"timeout": "30s", "headers": {"X-Title": "demo"}},
        "groq": {"extra_body": {"user": "routebook"}},
        "stage": {"api": "scripted", "script": [{"when": {"contains": "a"}, "reply": {"text": "hello"}}]},
        "house": {"api": "openai-chat", "base_url": "https://llm.example.com/v1", "api_key": {"env": "HOUSE_KEY"}},
    },
    "models": {
        "luna": {
            "provider": "openai",
            "id": "gpt-x",
            "capabilities": ["tools", "json_schema"],
            "context_window": 1000,
            "max_output_tokens": 100,
            "rejects": ["seed"],
            "price": {"input": 1.0, "output": 2.0},
            "options": {"top_p": 0.5},
        },
        "sol": {"provider": "groq", "capabilities": ["tools", "json_schema"]},
        "play": {"provider": "stage", "capabilities": ["tools", "json_schema"]},
        "home": {"provider": "house", "capabilities": ["tools", "json_schema"]},
    },
    "mcp_servers": {"clock": {"command": "clock", "args": ["-v"], "env": {"ZONE": "UTC"}}},
    "outputs": {
        "answer": {
            "schema": {"type": "object", "properties": {"id": {"type": "string", "description": "which"}}},
            "repair": {"attempts": 1},
            "checks": [{"choice": {"field": "id", "from": "things", "otherwise": [{"input": "usual"}]}}],
        }
    },
    "profiles": {"premium": {"description": "good"}, "max": {"extends": "premium"}, "byok": {"extends": "max"}},
    "settings": {"default_profile": "premium", "byok_profile": "byok"},
    "features": {
        "f": {
            "description": "text",
            "tags": ["a"],
            "options": {"temperature": 0.5},
            "profiles": {"max": {"model": "sol", "options": {"temperature": 0.1}}},
            "use": {"model": "luna"},
            "fallbacks": [{"model": "home", "on": ["timeout"]}, {"model": "play"}],
            "credentials": "prefer_caller",
            "tools": {"servers": ["clock"], "max_turns": 4},
            "output": "answer",
        }
    },
}

Change = tuple[str, Any]


def changed(path: str, value: Any) -> dict[str, Any]:
    """The book with *value* at *path*; a callable is given what stands there."""
    book = copy.deepcopy(BOOK)
    *steps, last = path.split("/")
    place: Any = book
    for step in steps:
        place = place[int(step) if isinstance(place, list) else step]
    place[last] = value(place.get(last)) if callable(value) else value
    return book


def digest(book: dict[str, Any], environment: dict[str, str] | None = None) -> str:
    return compile_mapping(book, environment or {}).digest


ANOTHER: list[Change] = [
    ("providers/openai/timeout", "31s"),
    ("providers/openai/timeout", {"total": "30s", "connect": "1s"}),
    ("providers/openai/headers", {"X-Title": "other"}),
    ("providers/openai/headers", {"X-Title": "demo", "X-Api-Key": {"env": "KEY"}}),
    ("providers/openai/api_key", {"env": "OTHER_KEY"}),
    ("providers/openai/api_key", {"file": "OPENAI_API_KEY"}),
    ("providers/groq/extra_body", {"user": "other"}),
    ("providers/stage/script", [{"when": {"contains": "b"}, "reply": {"text": "hello"}}]),
    ("providers/stage/script", [{"when": {"contains": "a"}, "reply": {"text": "hallo"}}]),
    ("providers/stage/script", [{"when": {"contains": "a"}, "reply": {"text": "hello", "delay": "1s"}}]),
    ("providers/house/base_url", "https://llm.example.org/v1"),
    ("providers/house/preset", "deepseek"),
    ("providers/extra", {"preset": "openai"}),
    ("models/luna/id", "gpt-y"),
    ("models/luna/provider", "house"),
    ("models/luna/capabilities", ["tools", "json_schema", "streaming"]),
    ("models/luna/context_window", 1001),
    ("models/luna/max_output_tokens", 101),
    ("models/luna/rejects", ["stop"]),
    ("models/luna/price", {"input": 1.5, "output": 2.0}),
    ("models/luna/price", {"input": 1.0, "output": 2.0, "cached_input": 0.0}),
    ("models/luna/options", {"top_p": 0.6}),
    ("mcp_servers/clock/command", "clock2"),
    ("mcp_servers/clock/args", []),
    ("mcp_servers/clock/env", {"ZONE": {"env": "ZONE"}}),
    ("mcp_servers/clock/cwd", "work"),
    ("mcp_servers/clock/start_timeout", "16s"),
    ("mcp_servers/clock/required", False),
    ("outputs/answer/schema", {"type": "object", "properties": {"id": {"type": "string", "description": "that"}}}),
    ("outputs/answer/strategy", "prompt"),
    ("outputs/answer/repair", {"attempts": 2}),
    ("outputs/answer/checks", []),
    ("outputs/answer/checks/0/choice/on_failure", "otherwise"),
    ("outputs/answer/checks/0/choice/otherwise", [{"where": {"usual": True}}]),
    ("outputs/answer/checks/0/choice/otherwise", [{"where": {"usual": 1}}]),
    ("profiles/max/extends", None),
    ("profiles/max/credentials", "platform"),
    ("settings/default_profile", "max"),
    ("settings/byok_profile", "max"),
    ("settings/byok_profile", None),
    ("features/f/tags", ["b"]),
    ("features/f/needs", ["tools"]),
    ("features/f/options", {"temperature": 0.6}),
    ("features/f/options", {"temperature": 0.5, "seed": None, "stop": "x"}),
    ("features/f/profiles/max/options", {"temperature": None}),
    ("features/f/profiles/premium", {"model": "luna"}),
    ("features/f/use", {"model": "home"}),
    ("features/f/pin", {"model": "luna"}),
    ("features/f/fallbacks", lambda old: old[::-1]),
    ("features/f/fallbacks", lambda old: old[:1]),
    ("features/f/fallbacks", lambda old: [{**old[0], "on": ["timeout", "refusal"]}, old[1]]),
    ("features/f/credentials", "platform"),
    ("features/f/credentials", None),
    ("features/f/tools", {"servers": ["clock"], "max_turns": 5}),
    ("features/f/tools", {"servers": ["clock"], "max_turns": 4, "allow": []}),
    ("features/f/tools", {"servers": ["clock"], "max_turns": 4, "deny": ["clock.*"]}),
    ("features/f/tools", {"servers": ["clock"], "max_turns": 4, "max_calls": 1}),
    ("features/f/tools", {"servers": ["clock"], "max_turns": 4, "parallel": 1}),
    ("features/f/tools", {"servers": ["clock"], "max_turns": 4, "timeout": "1s"}),
    ("features/f/tools", {"servers": ["clock"], "max_turns": 4, "result_limit": "1KiB"}),
    ("features/f/tools", {"servers": ["clock"], "max_turns": 4, "on_limit": "fail"}),
    ("features/f/output", None),
    ("features/g", {"use": {"model": "luna"}}),
]


@pytest.mark.parametrize(("path", "value"), ANOTHER, ids=[f"{index}-{path}" for index, (path, _) in enumerate(ANOTHER)])
def test_whatever_runs_otherwise_has_another_digest(path: str, value: Any):
    assert digest(changed(path, value)) != digest(BOOK)


SAME: list[Change] = [
    ("features/f/description", "another text"),
    ("features/f/description", None),
    ("profiles/premium", {}),
    ("providers/openai/timeout", {"total": "0.5m"}),
    ("providers/openai/api_key", {"env": "OPENAI_API_KEY"}),
    ("providers/openai/preset", "openai"),
    ("models/luna/capabilities", ["json_schema", "tools", "tools"]),
    ("models/luna/price", {"output": 2, "input": 1}),
    ("models/sol/id", "sol"),
    ("outputs/answer/strategy", "auto"),
    ("outputs/answer/checks/0/choice/label", "name"),
    ("features/f/tools", {"max_turns": 4, "max_calls": 32, "timeout": "30s", "servers": ["clock", "clock"]}),
    ("features/f/tools", {"servers": ["clock"], "max_turns": {"env": "TURNS", "default": 4}}),
    ("features/f/fallbacks/1/on", None),
    ("features/f/use/options", {}),
]


@pytest.mark.parametrize(("path", "value"), SAME, ids=[f"{index}-{path}" for index, (path, _) in enumerate(SAME)])
def test_what_is_only_written_otherwise_has_the_same_digest(path: str, value: Any):
    assert digest(changed(path, value)) == digest(BOOK)


def test_a_variable_that_a_scalar_is_read_from_is_part_of_the_digest():
    book = changed("features/f/options", {"temperature": {"env": "HEAT", "default": 0.5}})

    assert digest(book, {"HEAT": "0.50"}) == digest(book, {}) == digest(BOOK)
    assert digest(book, {"HEAT": "0.6"}) != digest(BOOK)


def test_the_value_of_a_secret_is_no_part_of_the_digest():
    assert digest(BOOK, {"HOUSE_KEY": "one", "OPENAI_API_KEY": "two"}) == digest(BOOK, {})


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(item) for key, item in reversed(value.items())}
    return [reversed_keys(item) for item in value] if isinstance(value, list) else value


def one_file(folder: Path) -> None:
    (folder / "all.yaml").write_text(yaml.safe_dump(BOOK))


def one_json_file(folder: Path) -> None:
    (folder / "all.json").write_text(json.dumps(BOOK))


def other_order_and_layout(folder: Path) -> None:
    text = yaml.safe_dump(reversed_keys(BOOK), sort_keys=False, default_flow_style=None, width=40)
    (folder / "all.yml").write_text(f"# a comment\n\n{text}\n# another\n")


def a_file_a_definition(folder: Path) -> None:
    for section, definitions in BOOK.items():
        for number, (name, definition) in enumerate(definitions.items()):
            place = folder / section / f"{9 - number}"
            place.mkdir(parents=True)
            (place / "part.yaml").write_text(yaml.safe_dump({section: {name: definition}}))


def content_in_files(folder: Path) -> None:
    book = copy.deepcopy(BOOK)
    (folder / "_content").mkdir()
    (folder / "_content/schema.yaml").write_text(yaml.safe_dump(BOOK["outputs"]["answer"]["schema"]))
    (folder / "_content/script.json").write_text(json.dumps(BOOK["providers"]["stage"]["script"], indent=4))
    book["outputs"]["answer"]["schema"] = {"file": "_content/schema.yaml"}
    book["providers"]["stage"]["script"] = {"file": "_content/script.json"}
    (folder / "book.yaml").write_text(yaml.safe_dump(book))


LAYOUTS = [one_file, one_json_file, other_order_and_layout, a_file_a_definition, content_in_files]


@pytest.mark.parametrize("write", LAYOUTS, ids=lambda layout: layout.__name__)
def test_the_same_book_in_other_files_has_the_same_digest(write: Callable[[Path], None], tmp_path: Path):
    write(tmp_path)

    table = routebook.compile(tmp_path)

    assert table.digest == digest(BOOK)
    assert table.digests == compile_mapping(BOOK, {}).digests


@pytest.mark.parametrize("name", ["schema.yaml", "script.json"])
def test_a_change_in_a_content_file_changes_the_digest(name: str, tmp_path: Path):
    content_in_files(tmp_path)
    file = tmp_path / "_content" / name
    file.write_text(file.read_text().replace("string", "integer").replace("hello", "hallo"))

    assert routebook.compile(tmp_path).digest != digest(BOOK)


def test_each_definition_has_a_digest_of_its_own():
    before, after = (
        compile_mapping(book, {}).digests for book in (BOOK, changed("mcp_servers/clock/command", "clock2"))
    )

    assert [name for name in before if before[name] != after[name]] == [("mcp_servers", "clock")]
    written = {(section, name) for section in BOOK for name in BOOK[section]}
    assert list(before) == sorted(
        written | {("settings", name) for name in ("default_feature", "drain_s", "byok_profile", "transport")}
    )


def test_a_price_counts_as_it_is_and_not_as_it_is_written():
    assert digest(changed("models/luna/price", {"input": 1, "output": 2.00})) == digest(BOOK)
