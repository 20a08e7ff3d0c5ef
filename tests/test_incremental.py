"""Edited books: what is said of a book that is read again after an edit is what is said of it read anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from random_books import ENVIRONMENT
from random_edits import EditedBook
from routebook import Diagnostic
from routebook.book import BookReport, OpenBook, read_book
from stress import rounds

EDITS = 12


def is_read(report: BookReport) -> bool:
    """Tell whether everything in the book could be read."""
    return not any(each.code[:3] in ("RB1", "RB2") and each.severity == "error" for each in report.diagnostics)


def compared(report: BookReport, *, with_warnings: bool) -> tuple[Any, ...]:
    """What a reading gave: all that is said of the book, and what its table has; of a bad book also what was linked."""
    said = [each for each in report.diagnostics if with_warnings or each.severity == "error"]
    tables = [
        None if table is None else (table.digest, dict(table.digests), table.coverage, dict(table.features))
        for table in (report.table, report.linked)
    ]
    return said, *tables


def differences(again: BookReport, anew: BookReport) -> list[str]:
    """What was said and should not be, what was not, and which of the tables differ."""
    with_warnings = is_read(anew)
    one, other = compared(again, with_warnings=with_warnings), compared(anew, with_warnings=with_warnings)
    if one == other:
        return []
    too_much, missing = ([each for each in ours if each not in theirs] for ours, theirs in _both(one[0], other[0]))
    tables = [name for name, a, b in zip(("table", "linked"), one[1:], other[1:], strict=True) if a != b]
    return [f"not anew: {each!r}" for each in too_much] + [f"only anew: {each!r}" for each in missing] + tables or [
        "order"
    ]


def _both(one: list[Diagnostic], other: list[Diagnostic]) -> tuple[tuple[list[Diagnostic], list[Diagnostic]], ...]:
    return (one, other), (other, one)


def test_random_edits_are_read_as_if_the_book_was_read_for_the_first_time(tmp_path: Path):
    edits = good = 0
    for seed in rounds(30):
        root = tmp_path / str(seed)
        root.mkdir()
        book, opened, made = EditedBook(seed, root), OpenBook(root, ENVIRONMENT), ["begin"]
        for _ in range(EDITS):
            again, anew = opened.read(), read_book(root, ENVIRONMENT)
            assert not differences(again, anew), "\n".join([f"seed {seed}", *made, *differences(again, anew)])
            edits, good = edits + 1, good + (anew.table is not None)
            made.append(book.edit())

    assert good > edits / 3


BOOK = {
    "providers": "providers: {openai: {}, groq: {}}",
    "models": "models: {big: {provider: openai, id: gpt-x}}",
    "twin": "models: {twin: {provider: openai, id: gpt-x}}",
    "features": """features:
  f:
    use: {model: big}
    fallbacks: [{model: openai/m, on: [queue_timeout]}]
  g:
    rules:
      - {name: all, when: {}, use: {model: twin}}
      - {name: late, when: {user: u}, use: {model: twin}}
    use: {model: twin}
    fallbacks: [{model: groq/m}]""",
}


class Edited:
    """A book that is edited file by file, and read again after each edit."""

    def __init__(self, root: Path) -> None:
        self.opened = OpenBook(root, {})
        self.read(**BOOK)

    def read(self, **files: str) -> BookReport:
        """Write *files*, and return what is said of the book, which is what is said of it read anew."""
        for name, text in files.items():
            (self.opened.root / f"{name}.yaml").write_text(text, encoding="utf-8")
        report = self.opened.read()
        assert not differences(report, read_book(self.opened.root, {}))
        return report


@pytest.fixture
def edited(tmp_path: Path) -> Edited:
    return Edited(tmp_path)


def codes(report: BookReport) -> list[str]:
    return [each.code for each in report.diagnostics if each.code != "RB504"]


def first_options(report: BookReport) -> dict[str, Any]:
    assert report.table is not None
    return dict(report.table.resolve("f").attempts[0].options)


def test_a_models_options_reach_the_features_that_name_it_as_soon_as_they_are_edited(edited: Edited):
    more = BOOK["models"].replace("}}", ", options: {seed: 1}}}")

    assert first_options(edited.read(models=more)) == {"seed": 1}
    assert first_options(edited.read(models=more.replace("1", "2"))) == {"seed": 2}
    assert first_options(edited.read(models=BOOK["models"])) == {}


@pytest.mark.parametrize(
    ("written", "option"),
    [("extra_body: {flag: 1}", {"extra_body": {"flag": 1}}), ("headers: {x-a: b}", {"extra_headers": {"x-a": "b"}})],
)
def test_what_a_provider_adds_to_calls_reaches_its_features_as_soon_as_it_is_edited(
    written: str, option: dict[str, Any], edited: Edited
):
    more = BOOK["providers"].replace("openai: {}", f"openai: {{{written}}}")

    assert first_options(edited.read(providers=more)) == option
    assert first_options(edited.read(providers=BOOK["providers"])) == {}


def test_the_limits_of_a_models_other_name_give_its_features_a_queue(edited: Edited):
    limited = BOOK["twin"].replace("}}", ", limits: {concurrency: 1}}}")

    assert codes(edited.read()) == ["RB510", "RB508", "RB502"]
    assert codes(edited.read(twin=limited)) == ["RB508", "RB502"]
    assert codes(edited.read(twin=BOOK["twin"])) == ["RB510", "RB508", "RB502"]


@pytest.mark.parametrize("broken", ["{", "models: {big: {provider: openai, wire: x}}", "models: []"])
@pytest.mark.parametrize("mended", ["", "models: {big: {provider: groq, id: other}}"])
def test_a_file_that_could_not_be_read_leaves_nothing_behind(broken: str, mended: str, edited: Edited):
    begin = edited.read()

    assert [each.span.path for each in edited.read(models=broken).diagnostics if each.severity == "error"] == [
        "models.yaml"
    ]
    edited.read(features=BOOK["features"].replace("user: u", "user: v"))
    edited.read(models=mended or BOOK["models"])
    end = edited.read(models=BOOK["models"], features=BOOK["features"])

    assert end.diagnostics == begin.diagnostics


def test_a_file_that_is_deleted_and_put_back_leaves_nothing_behind(edited: Edited):
    begin = edited.read()

    (edited.opened.root / "models.yaml").unlink()
    assert "RB301" in codes(edited.read())

    assert edited.read(models=BOOK["models"]).diagnostics == begin.diagnostics


def test_what_profiles_stand_first_is_no_matter_of_what_was_read_before(edited: Edited):
    rules = BOOK["features"].replace("when: {user: u}", "when: {profile: [p, q]}")
    settings = "settings: {default_profile: p}"

    edited.read(features=rules, profiles="profiles: {p: {}, q: {}}", settings=settings)
    report = edited.read(profiles="profiles: {q: {}, p: {}}")

    assert "RB508" in codes(report)


def test_what_models_stand_first_is_no_matter_of_what_was_read_before(edited: Edited):
    """A note about what several targets share names the first of them."""
    one, two = (f"{name}: {{provider: openai, capabilities: [json_schema]}}" for name in ("one", "two"))
    more = """outputs: {o: {schema: {type: object}}}
features: {h: {use: {model: deep}, output: o, allow_override: true}}"""

    deep = "models: {deep: {provider: groq, capabilities: [tools]}}"
    edited.read(more=more, models=deep, twin=f"models: {{{one}, {two}}}", features="features: {}")
    report = edited.read(twin=f"models: {{{two}, {one}}}")

    assert "RB513" in codes(report)


def test_what_was_promised_is_not_held_against_a_book_of_which_not_all_is_read(edited: Edited):
    """Of a definition of no shape nothing is known, and what was proved before is not said again."""
    promise = "invariants: {i: {require: {provider: openai}}}"

    assert "RB601" in codes(edited.read(promise=promise))
    assert "RB601" not in codes(edited.read(models="models: {big: {provider: openai, wire: x}}"))
    assert "RB601" in codes(edited.read(models=BOOK["models"]))
    assert "RB601" not in codes(edited.read(more="features: {h: {usee: {model: big}}}"))
    assert "RB601" in codes(edited.read(more="features: {h: {use: {model: big}}}"))


@pytest.mark.parametrize("broken", ["{", "profiles: {q: {extend: p}}"])
def test_what_is_not_said_while_a_file_cannot_be_read_is_said_afterwards(broken: str, edited: Edited):
    """What is never taken is not told while a profile may be unknown."""
    edited.read(profiles="profiles: {p: {}}", settings="settings: {default_profile: p}")
    edited.read(more=broken)
    assert "RB508" not in codes(edited.read(features=BOOK["features"].replace("user: u", "user: v")))

    assert "RB508" in codes(edited.read(more="outputs: {o: {schema: {type: object}}}"))
