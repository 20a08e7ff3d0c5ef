"""Looks at a tree: whatever may change what a book says makes another look, at a price that can be paid often."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from routebook.engine.look import look


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "routes"
    (root / "features").mkdir(parents=True)
    (root / "_schemas").mkdir()
    for path in ("book.yaml", "features/a.yaml", "_schemas/a.json"):
        (root / path).write_text("{}")
    (root / "link.yaml").symlink_to("_schemas/a.json")
    return root


def _rename_over(root: Path) -> None:
    (root / ".new").write_text("{}")
    (root / ".new").replace(root / "book.yaml")


def _date_back(root: Path) -> None:
    before = (root / "book.yaml").stat()
    (root / "book.yaml").write_text("[]")
    os.utime(root / "book.yaml", ns=(before.st_atime_ns, before.st_mtime_ns))


def _swap_link(root: Path) -> None:
    (root / "swap").symlink_to("features/a.yaml")
    (root / "swap").replace(root / "link.yaml")


EDITS = {
    "an edit in place": lambda root: (root / "features/a.yaml").write_text("{} "),
    "an edit of a content file": lambda root: (root / "_schemas/a.json").write_text("{} "),
    "a rename over a file": _rename_over,
    "an edit that is dated back": _date_back,
    "another link": _swap_link,
    "a new file": lambda root: (root / "features/b.yaml").write_text(""),
    "a new folder": lambda root: (root / "more").mkdir(),
    "a deleted file": lambda root: (root / "book.yaml").unlink(),
    "another name": lambda root: (root / "book.yaml").rename(root / "other.yaml"),
    "permissions": lambda root: (root / "book.yaml").chmod(0o600),
    "a root that is gone": lambda root: root.rename(root.with_name("aside")),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_makes_another_look(root, edit):
    before = look(root)
    assert before.is_same(look(root))
    time.sleep(0.01)
    edit(root)

    assert not look(root).is_same(before)


def test_a_root_that_is_a_link_to_another_directory_makes_another_look(root, tmp_path):
    (tmp_path / "other").mkdir()
    link = tmp_path / "current"
    link.symlink_to(root)
    before = look(link)
    link.unlink()
    link.symlink_to(tmp_path / "other")

    assert not look(link).is_same(before)


def test_what_lies_behind_a_link_out_of_the_book_is_not_looked_at(root, tmp_path):
    (tmp_path / "outside" / "deep").mkdir(parents=True)
    (root / "_out").symlink_to(tmp_path / "outside")
    before = look(root)
    (tmp_path / "outside" / "deep" / "file").write_text("")

    assert look(root).is_same(before)
    assert before.folders == {str(root.resolve() / name) for name in ("", "features", "_schemas")} | {
        str(root.resolve())
    } - {""}


@pytest.mark.parametrize("name", ["missing", "a\0b", "file"])
def test_a_root_that_is_no_directory_is_a_look_too(tmp_path, name):
    (tmp_path / "file").write_text("")

    assert look(tmp_path / name).is_same(look(tmp_path / name))


def test_a_look_that_follows_a_write_at_once_is_fresh_and_a_later_one_is_not(root):
    (root / "book.yaml").write_text("[]")
    assert look(root).is_fresh
    time.sleep(0.05)
    assert not look(root).is_fresh


def test_five_hundred_files_are_looked_at_in_a_few_milliseconds(tmp_path):
    for number in range(500):
        (tmp_path / f"{number}.yaml").write_text("{}")

    def took():
        began = time.perf_counter()
        look(tmp_path)
        return time.perf_counter() - began

    assert min(took() for _ in range(10)) < 0.02
