"""`routebook init`: the starter book shows the language, and holds what it says."""

from __future__ import annotations

import routebook as package
from routebook import Context, Facts


def test_the_starter_book_shows_a_rule_a_split_and_a_fallback(routebook, tmp_path):
    routebook("init", "book")
    table = package.compile(tmp_path / "book")

    assert table.diagnostics == ()
    assert table.resolve("summary", facts=Facts(input_tokens=50001)).route == "rule:long-text"
    assert len(table.resolve("summary").attempts) == 2
    assert {table.resolve("reply", Context(user=f"u-{number}")).arm for number in range(60)} == {"usual", "trial"}


def test_the_commands_in_the_starter_book_name_its_directory_as_a_shell_reads_it(routebook, tmp_path):
    routebook("init", "my book")

    assert "--routes 'my book'" in (tmp_path / "my book" / "routes.yaml").read_text()
