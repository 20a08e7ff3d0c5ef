"""One look at a book: what is read was there together, and what did not change is the same object."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from routebook.diagnostics.diagnostic import Diagnostic
from routebook.diagnostics.span import Span
from routebook.source.tree import SourceFile, read_tree

REFERENCE = Span("a.yaml", 1)


def test_a_file_whose_text_is_the_same_is_the_same_object(write_book):
    root = write_book({"a.yaml": "a: 1", "b.yaml": "b: 1", "tools.lock.json": "{}"})
    first = read_tree(root)
    (root / "b.yaml").write_text("b: 2")
    os.utime(root / "a.yaml")

    second = read_tree(root, first)

    assert second.files[0] is first.files[0]
    assert second.files[1] == SourceFile("b.yaml", "b: 2")
    assert second.lock is first.lock


def test_a_file_that_moved_is_another_one(write_book):
    root = write_book({"a.yaml": "a: 1"})
    first = read_tree(root)
    (root / "a.yaml").rename(root / "b.yaml")

    assert [file.path for file in read_tree(root, first).files] == ["b.yaml"]


def test_content_of_the_same_text_is_the_same_object_in_the_next_tree(write_book):
    root = write_book({"a.yaml": "a: 1", "_x/same.txt": "x", "_x/new.txt": "x"})
    first = read_tree(root)
    same, new = (first.read_content(f"_x/{name}.txt", REFERENCE) for name in ("same", "new"))
    (root / "_x" / "new.txt").write_text("y")

    second = read_tree(root, first)

    assert second.read_content("_x/same.txt", REFERENCE) is same
    assert second.read_content("_x/new.txt", REFERENCE) == SourceFile("_x/new.txt", "y")
    assert first.read_content("_x/new.txt", REFERENCE) is new


def test_the_lock_of_the_tools_is_read_with_the_book_and_is_no_route_file(write_book):
    tree = read_tree(write_book({"a.yaml": "a: 1", "tools.lock.json": '{"a": 1}', "deep/tools.lock.json": "{}"}))

    assert tree.lock == SourceFile("tools.lock.json", '{"a": 1}')
    assert [file.path for file in tree.files] == ["a.yaml"]


def test_a_book_without_a_lock_has_none_and_an_unreadable_one_is_reported(write_book):
    root = write_book({"a.yaml": "a: 1"})
    assert read_tree(root).lock is None

    os.mkfifo(root / "tools.lock.json")
    tree = read_tree(root)

    assert tree.lock is None
    assert [(problem.code, problem.span.path) for problem in tree.diagnostics] == [("RB107", "tools.lock.json")]


def change_text(root: Path) -> None:
    (root / "a.yaml").write_text("a: 2")


def change_and_back_date(root: Path) -> None:
    before = os.stat(root / "a.yaml")
    (root / "a.yaml").write_text("a: 2")
    os.utime(root / "a.yaml", ns=(before.st_atime_ns, before.st_mtime_ns))


def replace_by_rename(root: Path) -> None:
    (root / "_new").write_text("a: 2")
    (root / "_new").rename(root / "a.yaml")


def add_a_file(root: Path) -> None:
    (root / "deep" / "c.yaml").write_text("c: 1")


def remove_a_file(root: Path) -> None:
    (root / "deep" / "b.yaml").unlink()


def change_content(root: Path) -> None:
    (root / "_x" / "x.txt").write_text("y")


def bring_missing_content(root: Path) -> None:
    (root / "_x" / "missing.txt").write_text("y")


def swap_a_link(root: Path) -> None:
    (root / "_link").symlink_to("_v2")
    (root / "_link").rename(root / "linked.yaml")


def move_the_root(root: Path) -> None:
    root.rename(root.parent / "elsewhere")


@pytest.mark.parametrize(
    "change",
    [
        change_text, change_and_back_date, replace_by_rename, add_a_file, remove_a_file, change_content,
        bring_missing_content, swap_a_link, move_the_root,
    ],
)  # fmt: skip
def test_a_look_holds_until_something_that_was_read_changes(write_book, change):
    root = write_book({"a.yaml": "a: 1", "deep/b.yaml": "b: 1", "_x/x.txt": "x", "_v1": "v: 1", "_v2": "v: 1"})
    (root / "linked.yaml").symlink_to("_v1")
    tree = read_tree(root)
    assert isinstance(tree.read_content("_x/x.txt", REFERENCE), SourceFile)
    assert isinstance(tree.read_content("_x/missing.txt", REFERENCE), Diagnostic)
    assert tree.still()

    change(root)

    assert not tree.still()


def test_what_no_reader_saw_may_change(write_book):
    root = write_book({"a.yaml": "a: 1", "_x/x.txt": "x"})
    tree = read_tree(root)
    (root / "_x" / "x.txt").write_text("y")

    assert tree.still()


def test_a_missing_book_stays_missing_until_it_is_there(tmp_path):
    tree = read_tree(tmp_path / "book")
    assert tree.still()

    (tmp_path / "book").mkdir()

    assert not tree.still()


def test_a_root_that_is_a_link_is_read_whole_before_or_after_its_swap(tmp_path):
    for version in ("v1", "v2"):
        (tmp_path / version).mkdir()
        for name in range(12):
            (tmp_path / version / f"{name:02}.yaml").write_text(f"version: {version}")
    root = tmp_path / "book"
    root.symlink_to("v1")

    check_never_mixed(root, lambda version: replace_link(root, version))


def test_files_behind_one_swapped_link_are_never_of_two_versions(tmp_path):
    root = tmp_path / "book"
    for version in ("v1", "v2"):
        (root / f"..{version}").mkdir(parents=True)
        for name in range(12):
            (root / f"..{version}" / f"{name:02}.yaml").write_text(f"version: {version}")
    for name in range(12):
        (root / f"{name:02}.yaml").symlink_to(f"..data/{name:02}.yaml")
    (root / "..data").symlink_to("..v1")

    check_never_mixed(root, lambda version: replace_link(root / "..data", f"..{version}"))


def replace_link(link: Path, target: str) -> None:
    new = link.with_name("..new")
    new.symlink_to(target)
    new.rename(link)


def check_never_mixed(root, swap) -> None:
    """Read the book while it is swapped again and again; a look that holds is of one version."""
    done = threading.Event()

    def keep_swapping() -> None:
        while not done.is_set():
            for version in ("v2", "v1"):
                swap(version)
                time.sleep(0.004)

    swapper = threading.Thread(target=keep_swapping)
    swapper.start()
    try:
        versions = [{file.text for file in read_tree(root).files} for _ in range(150)]
        trees = [tree for tree in (read_tree(root) for _ in range(150)) if tree.still()]
    finally:
        done.set()
        swapper.join()
    assert sum(len(seen) != 1 for seen in versions) < 5, "read_tree gives up after a few looks, but seldom"
    assert all(len({file.text for file in tree.files}) == 1 and len(tree.files) == 12 for tree in trees)
