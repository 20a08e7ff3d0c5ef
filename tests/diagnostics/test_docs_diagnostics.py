"""The page of diagnostics is what the table of codes and the golden books come to."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from routebook.cli.check import command
from routebook.diagnostics.codes import CODES, explain_code

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "diagnostics.md"
BOOKS = Path(__file__).parents[1] / "books"
OF_A_CODE = sorted(path.name for path in BOOKS.glob("rb[0-9][0-9][0-9]"))


def generated() -> str:
    spec = importlib.util.spec_from_file_location("generate_docs", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.page_of_diagnostics()


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == generated(), "run `make docs`"


@pytest.mark.parametrize("case", OF_A_CODE)
def test_what_the_page_shows_is_what_the_command_prints(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(BOOKS / case / "book", tmp_path / "routes")
    monkeypatch.chdir(tmp_path)
    environment = BOOKS / case / "environment.json"
    given = json.loads(environment.read_text()) if environment.exists() else {}
    without = BOOKS / case / "without.json"
    for package in json.loads(without.read_text()) if without.exists() else ():
        monkeypatch.setitem(sys.modules, package, None)
    for name in ("OPENAI_API_KEY", "HELLO_MODEL", "HOUSE_KEY"):
        monkeypatch.delenv(name, raising=False)
    section = PAGE.read_text(encoding="utf-8").partition(f"### {case.upper()}\n")[2].partition("\n### ")[0]
    shown = re.search(r"`routebook (check[^`]*)` says.*?\n\n```text\n(.*?)\n```", section, re.DOTALL)
    assert shown is not None

    printed = CliRunner(env={**given, "ROUTEBOOK_ROUTES": None}).invoke(command, shown[1].split()[1:]).stdout

    said, _, summary = printed.rstrip("\n").rpartition("\n\n")
    assert said == shown[2]
    assert summary.startswith("routes: ")


def test_every_link_of_the_page_leads_to_a_heading():
    page = PAGE.read_text(encoding="utf-8")
    anchors = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}

    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= anchors
    assert {code.lower() for code in CODES} <= anchors


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained_in_whole_sentences(code: str):
    known = CODES[code]

    for text in (known.meaning, known.mend):
        assert re.fullmatch(r"[A-Z`].+[.]", text)
        assert "\n" not in text
        assert "  " not in text


def test_a_code_is_explained_with_its_severity_title_meaning_and_mend():
    known = CODES["RB301"]

    assert explain_code("RB301") == f"RB301 (error): unknown name\n\n{known.meaning}\n\n{known.mend}\n"
    with pytest.raises(KeyError):
        explain_code("RB999")
