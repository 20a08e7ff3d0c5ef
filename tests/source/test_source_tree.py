"""Which files are a book, and what happens to those that cannot be read."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from routebook.diagnostics.diagnostic import Diagnostic
from routebook.diagnostics.span import Span
from routebook.source.tree import SourceFile, Tree, read_content, read_tree

REFERENCE = Span("features/chat.yaml", 4, 20, 12)


def paths(tree: Tree) -> list[str]:
    return [file.path for file in tree.files]


def only(tree: Tree) -> Diagnostic:
    (diagnostic,) = tree.diagnostics
    return diagnostic


def refused(root: Path, path: str) -> Diagnostic:
    answer = read_content(root, path, REFERENCE)
    assert isinstance(answer, Diagnostic)
    assert answer.span == REFERENCE
    return answer


def test_route_files_are_those_with_the_three_endings_sorted_by_path(write_book):
    root = write_book(
        {"z.yml": "z: 1", "a.yaml": "a: 1", "deep/er/b.json": "{}", "notes.md": "", "x.YAML": "", "y": ""}
    )

    tree = read_tree(root)

    assert tree.files == (SourceFile("a.yaml", "a: 1"), SourceFile("deep/er/b.json", "{}"), SourceFile("z.yml", "z: 1"))
    assert tree.diagnostics == ()


def test_a_part_that_begins_with_a_dot_or_an_underscore_hides_everything_below_it(write_book):
    root = write_book(
        {"a.yaml": "", ".b.yaml": "", "_c.yaml": "", ".git/d.yaml": "", "x/_y/e.yaml": "", "x/f_.yaml": ""}
    )

    assert paths(read_tree(root)) == ["a.yaml", "x/f_.yaml"]


def test_a_hidden_folder_above_the_root_hides_nothing(tmp_path):
    root = tmp_path / "_books" / ".book"
    root.mkdir(parents=True)
    (root / "a.yaml").write_text("a: 1")

    assert paths(read_tree(root)) == ["a.yaml"]


def test_the_tool_lock_in_the_root_is_no_route_file(write_book):
    assert paths(read_tree(write_book({"a.yaml": "", "tools.lock.json": "{}"}))) == ["a.yaml"]


def test_a_byte_order_mark_is_left_out(write_book):
    assert read_tree(write_book({"a.yaml": b"\xef\xbb\xbfa: 1"})).files[0].text == "a: 1"


def test_line_breaks_are_kept_as_they_are(write_book):
    assert read_tree(write_book({"a.yaml": "a: 1\r\nb: 2\r"})).files[0].text == "a: 1\r\nb: 2\r"


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        (b"\xff", 1, 1),
        ("é: x\nü: ".encode() + b"\xe9\n", 2, 4),
        (b"\xef\xbb\xbfab\xc3", 1, 3),
        (b"a\r\nb\rc\x80", 3, 2),
    ],
)
def test_invalid_utf_8_is_located_at_its_first_bad_byte(write_book, content, line, column):
    problem = only(read_tree(write_book({"a.yaml": content})))

    assert (problem.code, problem.span) == ("RB101", Span("a.yaml", line, column))
    assert "iconv" in (problem.help or "")


def test_utf_16_is_recognised_in_the_help(write_book):
    problem = only(read_tree(write_book({"a.yaml": "a: 1".encode("utf-16")})))

    assert problem.code == "RB101"
    assert "iconv -f UTF-16" in (problem.help or "")


def test_a_file_may_have_a_mebibyte_and_not_a_byte_more(write_book):
    root = write_book({"fits.yaml": b"#" * 2**20, "large.yaml": b"#" * (2**20 + 1)})

    tree = read_tree(root)

    assert paths(tree) == ["fits.yaml"]
    assert (only(tree).code, only(tree).span.path) == ("RB105", "large.yaml")


def test_one_bad_file_does_not_hide_the_others(write_book):
    tree = read_tree(write_book({"b.yaml": b"\xff", "a.yaml": "a: 1", "c.yaml": b"\xfe"}))

    assert paths(tree) == ["a.yaml"]
    assert [problem.span.path for problem in tree.diagnostics] == ["b.yaml", "c.yaml"]


def test_a_missing_directory_is_named_as_it_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    problem = only(read_tree(Path("nowhere/book")))

    assert (problem.code, problem.span) == ("RB108", Span("."))
    assert "'nowhere/book'" in problem.message
    assert str(tmp_path) not in problem.message
    assert "routebook init" in (problem.help or "")


def test_a_file_is_no_book(tmp_path):
    (tmp_path / "a.yaml").write_text("a: 1")

    problem = only(read_tree(tmp_path / "a.yaml"))

    assert problem.code == "RB108"
    assert "no directory" in problem.message


def test_a_root_that_no_path_can_be_is_no_book():
    assert only(read_tree(Path("a\0b"))).code == "RB108"


def test_a_directory_without_route_files_is_no_book(write_book):
    problem = only(read_tree(write_book({"_hidden/a.yaml": "", "notes.md": ""})))

    assert problem.code == "RB108"
    assert "no route files" in problem.message


def test_an_unreadable_book_is_not_also_called_empty(write_book):
    assert only(read_tree(write_book({"a.yaml": b"\xff"}))).code == "RB101"


def test_a_fifo_is_refused_without_waiting_for_it(write_book):
    root = write_book({"a.yaml": ""})
    os.mkfifo(root / "b.yaml")

    tree = read_tree(root)

    assert paths(tree) == ["a.yaml"]
    assert (only(tree).code, only(tree).span, only(tree).message) == ("RB107", Span("b.yaml"), "not a regular file")


def test_a_link_to_a_fifo_and_a_socket_are_refused(write_book, monkeypatch):
    root = write_book({"a.yaml": ""})
    os.mkfifo(root / "_fifo")
    (root / "b.yaml").symlink_to("_fifo")
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("c.yaml")
        tree = read_tree(root)

    assert [(problem.code, problem.span.path) for problem in tree.diagnostics] == [
        ("RB107", "b.yaml"),
        ("RB107", "c.yaml"),
    ]


def test_a_fifo_that_is_no_route_file_is_nobodys_business(write_book):
    root = write_book({"a.yaml": ""})
    os.mkfifo(root / "pipe")

    assert read_tree(root).diagnostics == ()


def test_a_folder_may_end_like_a_route_file(write_book):
    assert paths(read_tree(write_book({"a.yaml/b.yaml": ""}))) == ["a.yaml/b.yaml"]


@pytest.mark.parametrize("target", ["missing.yaml", "b.yaml", "a.yaml/x"])
def test_a_link_that_leads_nowhere_is_refused(write_book, target):
    root = write_book({"a.yaml": ""})
    (root / "b.yaml").symlink_to(target)

    tree = read_tree(root)

    assert paths(tree) == ["a.yaml"]
    assert (only(tree).code, only(tree).span) == ("RB107", Span("b.yaml"))
    assert "leads nowhere" in only(tree).message


def test_a_dangling_link_is_refused_where_it_may_have_been_a_folder(write_book):
    root = write_book({"a.yaml": ""})
    (root / "team").symlink_to("_gone")
    (root / "notes.md").symlink_to("_gone")

    assert only(read_tree(root)).span == Span("team")


def test_a_link_that_leads_out_of_the_book_is_refused_and_tells_no_outside_path(write_book, tmp_path):
    root = write_book({"a.yaml": ""})
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.yaml").write_text("secret: 1")
    (root / "b.yaml").symlink_to(tmp_path / "outside" / "secret.yaml")
    (root / "c").symlink_to("../outside")
    (root / "notes.md").symlink_to("../outside/secret.yaml")

    tree = read_tree(root)

    assert paths(tree) == ["a.yaml"]
    assert [(problem.code, problem.span) for problem in tree.diagnostics] == [
        ("RB107", Span("b.yaml")),
        ("RB107", Span("c")),
    ]
    assert str(tmp_path) not in repr(tree.diagnostics)


def test_a_neighbour_whose_name_begins_like_the_books_is_outside(write_book, tmp_path):
    root = write_book({"a.yaml": ""})
    (tmp_path / "book-two").mkdir()
    (tmp_path / "book-two" / "b.yaml").write_text("")
    (root / "b.yaml").symlink_to("../book-two/b.yaml")

    assert only(read_tree(root)).code == "RB107"


def test_a_mounted_config_map_is_read_through_its_links(write_book, tmp_path):
    root = write_book({"..2026_11_21/a.yaml": "a: 1", "..2026_11_21/b.json": "{}"})
    (root / "..data").symlink_to("..2026_11_21")
    (root / "a.yaml").symlink_to("..data/a.yaml")
    (root / "b.json").symlink_to("..data/b.json")
    (tmp_path / "link").symlink_to("book")

    tree = read_tree(tmp_path / "link")

    assert tree.files == (SourceFile("a.yaml", "a: 1"), SourceFile("b.json", "{}"))
    assert tree.diagnostics == ()


def test_a_linked_folder_of_the_book_is_read_under_the_links_name(write_book):
    root = write_book({"_shared/deep/a.yaml": "a: 1"})
    (root / "team").symlink_to("_shared")

    assert paths(read_tree(root)) == ["team/deep/a.yaml"]


def test_a_cycle_of_folders_is_refused_at_the_link(write_book):
    root = write_book({"x/a.yaml": ""})
    (root / "x" / "again").symlink_to("..")

    tree = read_tree(root)

    assert paths(tree) == ["x/a.yaml"]
    assert (only(tree).code, only(tree).span) == ("RB107", Span("x/again"))


def test_links_that_fan_out_do_not_multiply(write_book):
    root = write_book({f"_{n}/{n}.yaml": "" for n in range(30)})
    for n in range(29):
        for name in "ab":
            (root / f"_{n}" / name).symlink_to(f"../_{n + 1}")
    (root / "start").symlink_to("_0")

    tree = read_tree(root)

    assert len(tree.files) == 30
    assert len(tree.diagnostics) == 29


def test_a_name_with_a_line_break_is_refused_and_not_printed(write_book):
    root = write_book({"a.yaml": "", "b\nRB999.yaml": ""})

    problem = only(read_tree(root))

    assert problem.code == "RB107"
    assert "\n" not in problem.span.path


def test_a_name_that_is_not_utf_8_is_refused(write_book):
    root = write_book({"a.yaml": ""})
    (root / os.fsdecode(b"b\xff.yaml")).write_text("")

    assert only(read_tree(root)).span.path.encode() == "b\ufffd.yaml".encode()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable for root")
def test_what_may_not_be_read_is_refused(write_book):
    root = write_book({"a.yaml": "", "b.yaml": "", "c/d.yaml": ""})
    (root / "b.yaml").chmod(0)
    (root / "c").chmod(0)

    tree = read_tree(root)
    (root / "c").chmod(0o700)

    assert [problem.span.path for problem in tree.diagnostics] == ["b.yaml", "c"]
    assert all("permission denied" in problem.message for problem in tree.diagnostics)


def test_content_is_read_relative_to_the_root_also_from_hidden_folders(write_book):
    root = write_book({"_schemas/x.json": b'\xef\xbb\xbf{"a": 1}'})

    assert read_content(root, "_schemas/x.json", REFERENCE) == '{"a": 1}'
    assert read_content(root, "./_schemas//x.json", REFERENCE) == '{"a": 1}'


@pytest.mark.parametrize("path", ["", "../x.json", "_schemas/../x.json", "/etc/hostname", "a\0b", "a\nb"])
def test_content_outside_the_book_is_refused_by_its_path_alone(write_book, path):
    problem = refused(write_book({"x.json": "{}"}), path)

    assert problem.code == "RB107"
    assert "not inside the book" in problem.message


def test_content_behind_a_link_that_leads_out_is_refused(write_book, tmp_path):
    root = write_book({"a.yaml": ""})
    (tmp_path / "secret.json").write_text("{}")
    (root / "x.json").symlink_to("../secret.json")
    (root / "y").symlink_to("..")

    for path in ("x.json", "y/secret.json"):
        problem = refused(root, path)
        assert problem.code == "RB107"
        assert "leads out of the book" in problem.message
        assert str(tmp_path) not in repr(problem)


def test_a_near_name_of_the_same_folder_is_offered_for_missing_content(write_book):
    problem = refused(write_book({"_schemas/folder_assignment.json": "{}"}), "_schemas/folder_asignment.json")

    assert problem.code == "RB107"
    assert problem.help == "did you mean '_schemas/folder_assignment.json'?"


def test_content_that_lies_beside_its_route_file_is_found_by_the_help(write_book):
    problem = refused(write_book({"features/_schemas/x.json": "{}"}), "_schemas/x.json")

    assert problem.help == "paths are relative to the book's root: write 'features/_schemas/x.json'"


def test_a_missing_folder_of_content_is_named(write_book):
    assert "no folder '_schemas'" in (refused(write_book({"a.yaml": ""}), "_schemas/x.json").help or "")


def test_a_dangling_content_link_is_not_offered_as_its_own_near_name(write_book):
    root = write_book({"a.yaml": ""})
    (root / "x.json").symlink_to("gone.json")

    problem = refused(root, "x.json")

    assert "leads nowhere" in problem.message
    assert problem.help == "mend the link"


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("latin.json", "RB101", "line 1, column 2"),
        ("large.json", "RB105", "1 MiB"),
        ("folder", "RB107", "a folder, not a file"),
        ("pipe", "RB107", "not a regular file"),
        ("latin.json/x", "RB107", "not a directory"),
        ("loop", "RB107", "symbolic links"),
    ],
)
def test_content_that_cannot_be_read_says_which_and_why(write_book, path, code, words):
    root = write_book({"latin.json": b"x\xe9", "large.json": b" " * (2**20 + 1), "folder/x": ""})
    os.mkfifo(root / "pipe")
    (root / "loop").symlink_to("loop")

    problem = refused(root, path)

    assert problem.code == code
    assert words in problem.message
    assert path in problem.message


def test_a_span_ends_with_its_first_line_and_is_never_empty():
    file = SourceFile("a.yaml", "ab cd  \r\nef\rgh")

    assert file.span(3, 12) == Span("a.yaml", 1, 4, 2)
    assert file.span(9, 11) == Span("a.yaml", 2, 1, 2)
    assert file.span(12, 14) == Span("a.yaml", 3, 1, 2)
    assert file.span(14, 14) == Span("a.yaml", 3, 3, 1)


def test_a_line_is_given_without_its_break():
    file = SourceFile("a.yaml", "ab\r\ncd\u2028e\r\n")

    assert [file.line(number) for number in (0, 1, 2, 3, 4)] == [None, "ab", "cd\u2028e", "", None]
