"""A checkup finds what a book needs of this machine, and never shows a value."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from routebook.engine.checkup import check_up

CANARY = "sk-canary-31bc"
BOOK = """\
providers:
  house:
    api: openai-chat
    base_url: http://127.0.0.1:9/v1
    api_key: {env: HOUSE_KEY}
    headers: {X-Key: {env: X_KEY}}
  filed: {preset: anthropic, api_key: {file: SECRET_FILE}}
  aws: {preset: bedrock, region: eu-central-1}
mcp_servers:
  files: {url: "https://tools.example.com/mcp", token: {env: FILES_TOKEN}}
settings: {drain: {env: DRAIN, default: 5s}}
features:
  a: {use: {model: house/m}, tools: {servers: [files]}}
  b: {use: {model: filed/m}}
  c: {use: {model: aws/m}}
"""


def written(root: Path, text: str = BOOK) -> Path:
    root.joinpath("book.yaml").write_text(text.replace("SECRET_FILE", str(root / "_secret")), encoding="utf-8")
    return root


def test_variables_and_files_are_set_or_not_and_their_values_are_not_told(tmp_path: Path):
    environment = {"HOUSE_KEY": CANARY, "X_KEY": " ", "AWS_PROFILE": CANARY, "HTTPS_PROXY": f"http://u:{CANARY}@p"}

    found = check_up(written(tmp_path), environment)

    states = {need.name: need.state for need in found.needs}
    assert (
        states.items()
        >= {
            "DRAIN": "unset",
            "HOUSE_KEY": "set",
            "X_KEY": "empty",
            "FILES_TOKEN": "unset",
            str(tmp_path / "_secret"): "unreadable",
            "AWS_PROFILE": "set",
            "AWS_ACCESS_KEY_ID": "unset",
            "HTTPS_PROXY": "set",
        }.items()
    )
    assert [need.used_by for need in found.needs if need.name == "FILES_TOKEN"] == [("tool server 'files'",)]
    assert [problem.partition(":")[0] for problem in found.problems] == [
        "tool server 'files'",
        "provider 'house'",
        "provider 'filed'",
    ]
    assert CANARY not in repr(found)
    assert CANARY not in json.dumps([need.to_dict() for need in found.needs])


def test_providers_say_who_pays(tmp_path: Path):
    found = check_up(written(tmp_path), {})
    assert [(p.name, p.api, p.credential) for p in found.providers] == [
        ("aws", "bedrock", "chain"),
        ("filed", "anthropic", f"file:{tmp_path / '_secret'}"),
        ("house", "openai-chat", "env:HOUSE_KEY"),
    ]


def test_a_book_that_does_not_compile_is_a_finding(tmp_path: Path):
    found = check_up(written(tmp_path, "features: {a: {use: {model: nothing}}}"), {})
    assert found.table is None
    assert found.problems == (
        "the book does not compile: 1 error: book.yaml:1: RB301 feature 'a' names model 'nothing', which no file "
        "defines; define it under `models`",
    )
    assert found.choice is None


def test_where_there_is_no_book_the_mend_is_said(tmp_path: Path):
    (problem,) = check_up(tmp_path / "nowhere", {}).problems
    assert "no such file or directory" in problem
    assert "`routebook init DIR`" in problem


def test_an_extra_that_the_book_needs_and_lacks_is_said_with_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "litellm", None)
    found = check_up(written(tmp_path, "providers: {lite: {api: litellm}, two: {api: litellm}}"), {})

    assert {extra.name: extra.version for extra in found.extras}["litellm"] is None
    assert found.problems == (
        "the book does not compile: 2 errors, the first: book.yaml:1: RB704 api 'litellm' of provider 'lite' needs an "
        "optional dependency that is not installed; pip install 'routebook[litellm]'",
    )


def test_what_is_not_installed_is_said_and_the_transport_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    book = written(tmp_path, "providers: {openai: {}}\nfeatures: {a: {use: {model: openai/m}}}\n")
    versions = {extra.name: extra.version for extra in check_up(book, {}).extras}
    assert None not in versions.values()
    assert check_up(book, {}).transport == "fast"

    monkeypatch.setitem(sys.modules, "httptools", None)
    assert check_up(book, {}).transport == "httpx2"


@pytest.mark.parametrize(("setting", "transport"), [("auto", "fast"), ("httpx2", "httpx2"), ("fast", "fast")])
def test_the_setting_says_what_carries_requests(tmp_path: Path, setting: str, transport: str):
    book = written(tmp_path, f"settings: {{transport: {setting}}}")
    assert (check_up(book, {}).choice, check_up(book, {}).transport) == (setting, transport)
