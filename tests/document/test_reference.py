"""The reference of the route files is complete, up to date, and its examples compile, each field's own included."""

from __future__ import annotations

import copy
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from routebook.book import read_book
from routebook.diagnostics.text import render_text
from routebook.document.models import Capability
from routebook.errors import FaultKind

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))

from route_files import PAGE, anchor, definitions, page  # noqa: E402

Place = tuple[str | int, ...]

SCHEMA = {
    "type": "object",
    "properties": {
        **{key: {"type": "string"} for key in ("folder_id", "reason", "title", "code")},
        **{key: {"type": "number"} for key in ("confidence", "score")},
        **{key: {"type": "array", "items": {"type": "string"}} for key in ("tags", "folder_ids")},
        "steps": {"type": "array", "items": {"type": "object", "properties": {"title": {"type": "string"}}}},
    },
}
FILES = {
    "_schemas/folder_assignment.json": json.dumps(SCHEMA),
    "_prompts/folders.md": "Choose a folder.",
    "_scripts/stage.yaml": "- reply: {text: hello}",
}
BOOK: dict[str, Any] = {
    "providers": {
        **{key: {} for key in ("openai", "openrouter", "gemini", "vllm")},
        "bedrock-eu": {"preset": "bedrock", "region": "eu-central-1"},
        "stage": {"api": "scripted", "script": [{"reply": {"text": "hello"}}]},
    },
    "models": {
        "luna": {"provider": "openrouter", "id": "openai/gpt-5.6-luna"},
        "gemini-flash": {"provider": "gemini"},
        "candidate": {"provider": "openai"},
        "any": {"provider": "stage"},
    },
    "mcp_servers": {"clock": {"command": "python"}, "files": {"url": "https://tools.example.com/mcp"}},
    "outputs": {"folder_assignment": {"schema": SCHEMA}},
    "profiles": {"premium": {}, "max": {"extends": "premium"}, "byok": {}},
    "settings": {"default_profile": "premium"},
    "features": {
        "chat": {"use": {"model": "candidate"}, "tags": ["pii"]},
        "conv_folder": {"use": {"model": "candidate"}},
        "example": {"use": {"model": "candidate"}},
    },
}
FEATURE: Place = ("features", "example")
RULE: Place = (*FEATURE, "rules", 0)
OUTPUT: Place = ("outputs", "example")
CHECK: Place = (*OUTPUT, "checks", 0)
CHOICE: Place = (*CHECK, "choice")
SCRIPT: Place = ("providers", "stage", "script", 0)
HOUSE = {"api": "openai-chat", "base_url": "https://llm.example.com/v1", "api_key": {"env": "HOUSE_KEY"}}
ANY_RULE = {"name": "r", "when": {}, "use": {"model": "candidate"}}
ARM = {"name": "x", "weight": 1, "model": "luna"}

PLACES: dict[str, list[tuple[Place, Any]]] = {
    "Provider": [(("providers", "example"), HOUSE)],
    "SecretVariable": [(("providers", "example"), HOUSE), (("providers", "example", "api_key"), {})],
    "SecretFile": [(("providers", "example"), HOUSE), (("providers", "example", "api_key"), {})],
    "Timeout": [(("providers", "example"), HOUSE), (("providers", "example", "timeout"), {})],
    "Retry": [(("providers", "example"), HOUSE), (("providers", "example", "retry"), {})],
    "Breaker": [(("providers", "example"), HOUSE), (("providers", "example", "breaker"), {})],
    "Limits": [(("models", "luna", "limits"), {})],
    "Model": [(("models", "example"), {"provider": "openrouter"})],
    "Price": [(("models", "luna", "price"), {})],
    "Options": [((*FEATURE, "use"), {"model": "any"}), ((*FEATURE, "options"), {})],
    "Reasoning": [((*FEATURE, "use"), {"model": "any"}), ((*FEATURE, "options"), {"reasoning": {}})],
    "PromptCache": [((*FEATURE, "use"), {"model": "any"}), ((*FEATURE, "options"), {"prompt_cache": {}})],
    "Profile": [(("profiles", "example"), {})],
    "Settings": [(("settings",), {"default_profile": "premium"})],
    "Feature": [(FEATURE, {"use": {"model": "candidate"}})],
    "Target": [((*FEATURE, "pin"), {"model": "luna"})],
    "Use": [((*FEATURE, "use"), {"model": "luna"})],
    "ProfileEntry": [((*FEATURE, "profiles"), {"premium": {"model": "candidate"}})],
    "Rule": [((*FEATURE, "rules"), [ANY_RULE])],
    "RuleWhen": [((*FEATURE, "rules"), [ANY_RULE]), ((*RULE, "when"), {})],
    "TextOperators": [((*FEATURE, "rules"), [ANY_RULE]), ((*RULE, "when"), {"user": {}})],
    "NumberOperators": [((*FEATURE, "rules"), [ANY_RULE]), ((*RULE, "when"), {"input_tokens": {}})],
    "BooleanOperators": [((*FEATURE, "rules"), [ANY_RULE]), ((*RULE, "when"), {"has_images": {}})],
    "AnyOperators": [((*FEATURE, "rules"), [ANY_RULE]), ((*RULE, "when"), {"metadata.plan": {}})],
    "Arm": [((*FEATURE, "use"), {"split": [ARM]})],
    "Fallback": [((*FEATURE, "fallbacks"), [{"model": "luna"}])],
    "Shadow": [((*FEATURE, "shadow"), {"model": "luna"})],
    "Budget": [((*FEATURE, "budget"), {})],
    "Prompt": [((*FEATURE, "prompt"), {})],
    "Tools": [((*FEATURE, "tools"), {"servers": ["clock", "files"]})],
    "Server": [(("mcp_servers", "example"), {"command": "python"})],
    "OAuth": [
        (("mcp_servers", "example"), {"url": "https://tools.example.com/mcp"}),
        (("mcp_servers", "example", "oauth"), {"client_id": "x", "client_secret": {"env": "X"}}),
    ],
    "Output": [(OUTPUT, {"schema": SCHEMA})],
    "ContentReference": [(OUTPUT, {"schema": {}})],
    "Repair": [(OUTPUT, {"schema": SCHEMA, "repair": {}})],
    "Check": [(OUTPUT, {"schema": SCHEMA, "checks": [{}]})],
    "Choice": [(OUTPUT, {"schema": SCHEMA, "checks": [{"choice": {"field": "folder_id", "from": "folders"}}]})],
    "Confidence": [
        (OUTPUT, {"schema": SCHEMA, "checks": [{"choice": {"field": "folder_id", "from": "folders"}}]}),
        ((*CHOICE, "confidence"), {"field": "confidence"}),
    ],
    "Alternative": [
        (OUTPUT, {"schema": SCHEMA, "checks": [{"choice": {"field": "folder_id", "from": "folders"}}]}),
        ((*CHOICE, "otherwise"), [{}]),
    ],
    "Range": [(OUTPUT, {"schema": SCHEMA, "checks": [{"range": {"field": "score", "min": -1}}]})],
    "TextPattern": [(OUTPUT, {"schema": SCHEMA, "checks": [{"pattern": {"field": "code", "matches": "x"}}]})],
    "Unique": [(OUTPUT, {"schema": SCHEMA, "checks": [{"unique": {"field": "steps"}}]})],
    "SubsetOf": [(OUTPUT, {"schema": SCHEMA, "checks": [{"subset_of": {"field": "tags", "from": "known"}}]})],
    "MaxLength": [(OUTPUT, {"schema": SCHEMA, "checks": [{"max_length": {"field": "title", "at_most": 1}}]})],
    "Invariant": [(("invariants",), {"example": {"require": {"model": "luna"}}})],
    "Where": [(("invariants",), {"example": {"require": {"model": "luna"}, "where": {}}})],
    "Require": [(("invariants",), {"example": {"require": {}}})],
    "ScriptItem": [(SCRIPT, {"reply": {"text": "hello"}})],
    "ScriptWhen": [(SCRIPT, {"reply": {"text": "hello"}, "when": {}})],
    "Reply": [(SCRIPT, {"reply": {"text": "hello"}})],
    "Call": [(SCRIPT, {"reply": {"tool_calls": [{}]}})],
    "Tokens": [(SCRIPT, {"reply": {"text": "hello", "usage": {}}})],
    "Refusal": [(SCRIPT, {"reply": {"error": {}}})],
}
"""Of each definition, what is put where into BOOK to have one; it is the innermost thing of the last place."""

INNERMOST: dict[str, Place] = {
    "Reasoning": ("reasoning",),
    "PromptCache": ("prompt_cache",),
    "ProfileEntry": ("premium",),
    "Rule": (0,),
    "TextOperators": ("user",),
    "NumberOperators": ("input_tokens",),
    "BooleanOperators": ("has_images",),
    "AnyOperators": ("metadata.plan",),
    "Arm": ("split", 0),
    "Fallback": (0,),
    "ContentReference": ("schema",),
    "Repair": ("repair",),
    "Check": ("checks", 0),
    "Choice": ("checks", 0, "choice"),
    "Alternative": (0,),
    "Range": ("checks", 0, "range"),
    "TextPattern": ("checks", 0, "pattern"),
    "Unique": ("checks", 0, "unique"),
    "SubsetOf": ("checks", 0, "subset_of"),
    "MaxLength": ("checks", 0, "max_length"),
    "Invariant": ("example",),
    "Where": ("example", "where"),
    "Require": ("example", "require"),
    "ScriptWhen": ("when",),
    "Reply": ("reply",),
    "Call": ("reply", "tool_calls", 0),
    "Tokens": ("reply", "usage"),
    "Refusal": ("reply", "error"),
}
SERVER = {"url": "https://tools.example.com/mcp"}
VERTEX = {"preset": "vertex", "project": "x", "location": "europe-west4"}
BESIDE: dict[str, dict[Place, Any]] = {
    "Provider.preset": {("providers", "example"): {}},
    "Provider.auth": {("providers", "example"): {"api": "openai-chat", "base_url": "http://localhost:8000/v1"}},
    "Provider.region": {("providers", "example"): {"preset": "bedrock"}},
    "Provider.project": {("providers", "example"): VERTEX},
    "Provider.location": {("providers", "example"): VERTEX},
    "Provider.api_version": {("providers", "example"): {"preset": "anthropic"}},
    "Provider.deployment": {
        ("providers", "example"): {"preset": "azure", "base_url": "https://x.example.com", "api_version": "2026-10-21"}
    },
    "Provider.script": {("providers", "example"): {"api": "scripted"}},
    "Options.tool_choice": {(*FEATURE, "tools"): {"servers": ["clock"]}},
    "Options.parallel_tool_calls": {(*FEATURE, "tools"): {"servers": ["clock"]}},
    "Use.split": {(*FEATURE, "use"): {}},
    "Use.key": {(*FEATURE, "use"): {"split": [ARM]}},
    "ProfileEntry.split": {(*FEATURE, "profiles"): {"premium": {}}},
    "ProfileEntry.key": {(*FEATURE, "profiles"): {"premium": {"split": [ARM]}}},
    "Choice.many": {CHOICE: {"field": "folder_ids", "from": "folders"}},
    **{f"Server.{key}": {("mcp_servers", "example"): SERVER} for key in ("transport", "headers", "token", "oauth")},
    "Server.url": {("mcp_servers", "example"): {}},
}
"""What a field needs beside it, or cannot have beside it."""


def examples() -> Iterator[tuple[str, str, Any]]:
    """Yield every example of every field, with the definition's and the field's name."""
    for name, definition in definitions().items():
        for field, schema in definition["properties"].items():
            # Of all APIs and presets the first stands for the others, which need places and keys of their own.
            shown = schema["examples"][:1] if field in {"api", "preset"} else schema["examples"]
            yield from ((name, field, example) for example in shown)
        for pattern, schema in definition.get("patternProperties", {}).items():
            field = "metadata.plan" if "metadata" in pattern else "options.temperature"
            yield from ((name, field, example) for example in schema["examples"])


def at(book: Any, place: Place) -> Any:
    for step in place:
        book = book[step]
    return book


def put(book: Any, place: Place, value: Any) -> None:
    at(book, place[:-1])[place[-1]] = copy.deepcopy(value)


def book_with(name: str, field: str, example: Any) -> dict[str, Any]:
    """Return a small book in which *field* of one definition *name* has the value *example*."""
    book = copy.deepcopy(BOOK)
    for place, value in PLACES[name]:
        put(book, place, value)
    for place, value in BESIDE.get(f"{name}.{field}", {}).items():
        put(book, place, value)
    put(book, (*PLACES[name][-1][0], *INNERMOST.get(name, ()), field), example)
    return book


EXAMPLES = list(examples())


@pytest.mark.parametrize(
    ("name", "field", "example"), EXAMPLES, ids=[f"{name}.{field}-{i}" for i, (name, field, _) in enumerate(EXAMPLES)]
)
def test_the_example_of_a_field_compiles(name: str, field: str, example: Any, tmp_path: Path):
    for path, text in {**FILES, "routes.json": json.dumps(book_with(name, field, example))}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")

    report = read_book(tmp_path, {})

    # an example of a promise need not be one that this book keeps
    wrong = [found for found in report.diagnostics if found.severity == "error" and found.code != "RB601"]
    assert wrong == [], render_text(report.diagnostics)


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python docs/route_files.py`"


def test_every_mapping_that_a_person_writes_has_its_table():
    text = PAGE.read_text(encoding="utf-8")

    assert [name for name in definitions() if f'<a id="{anchor(name)}"></a>' not in text] == []


@pytest.mark.parametrize("words", [get_args(Capability), get_args(FaultKind)], ids=["capability", "kind of failure"])
def test_every_word_of_a_closed_list_is_explained_in_a_table(words: tuple[str, ...]):
    rows = [line.split("|")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]

    assert [word for word in words if not any(f"`{word}`" in row for row in rows)] == []


def test_every_link_of_the_page_leads_somewhere():
    text = PAGE.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = {
        re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    }
    known = headings | set(re.findall(r'<a id="([^"]+)"></a>', text))
    codes = set(re.findall(r"RB\d{3}", (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8")))

    assert [link for link in re.findall(r"\]\(#([^)]+)\)", prose) if link not in known] == []
    assert [code for code in re.findall(r"diagnostics\.md#(rb\d+)", prose) if code.upper() not in codes] == []
