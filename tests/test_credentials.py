"""Secrets: read when a client is made, trimmed, and never shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from routebook import compile_mapping
from routebook.credentials import SecretUnavailable, missing_secrets, read_secret
from routebook.routing.secret import SecretRef

CANARY = "canary-value"


def test_a_secret_is_read_from_its_variable():
    assert read_secret(SecretRef("env", "KEY"), {"KEY": f" {CANARY}\n", "OTHER": "x"}) == CANARY


def test_a_secret_is_read_from_its_file(tmp_path: Path):
    (tmp_path / "key").write_text(f"{CANARY}\n\n")

    assert read_secret(SecretRef("file", str(tmp_path / "key")), {}) == CANARY


@pytest.mark.parametrize("environment", [{}, {"KEY": ""}, {"KEY": " \n"}])
def test_an_empty_variable_counts_as_unset(environment: dict[str, str]):
    with pytest.raises(SecretUnavailable, match="environment variable KEY is not set"):
        read_secret(SecretRef("env", "KEY"), environment)


@pytest.mark.parametrize("tail", ["\nSet-Cookie: x", "\r", "\x00", "é", "\x7f", "\t!"])
def test_a_value_that_no_header_can_carry_is_refused_and_not_shown(tail: str):
    with pytest.raises(SecretUnavailable, match="env:KEY has characters that no header can carry") as caught:
        read_secret(SecretRef("env", "KEY"), {"KEY": f"{CANARY}{tail}{CANARY}"})

    assert CANARY not in str(caught.value)


def a_missing_file(place: Path) -> None:
    assert not place.exists()


def a_folder(place: Path) -> None:
    place.mkdir()


def a_fifo(place: Path) -> None:
    os.mkfifo(place)


def a_dangling_link(place: Path) -> None:
    place.symlink_to("nowhere")


def an_empty_file(place: Path) -> None:
    place.write_text("\n")


def a_large_file(place: Path) -> None:
    place.write_text(CANARY * 10_000)


def a_binary_file(place: Path) -> None:
    place.write_bytes(CANARY.encode() + b"\xff")


@pytest.mark.parametrize(
    "make", [a_missing_file, a_folder, a_fifo, a_dangling_link, an_empty_file, a_large_file, a_binary_file]
)
def test_a_file_that_gives_no_secret_is_named_and_its_text_is_not_shown(make, tmp_path: Path):
    make(tmp_path / "key")

    with pytest.raises(SecretUnavailable, match=str(tmp_path / "key")) as caught:
        read_secret(SecretRef("file", str(tmp_path / "key")), {})

    assert CANARY not in str(caught.value)


def test_a_file_whose_name_is_no_name_is_unavailable():
    with pytest.raises(SecretUnavailable):
        read_secret(SecretRef("file", "a\0b"), {})


BOOK = {
    "providers": {
        "openai": {"headers": {"X-Api-Key": {"env": "HEADER_KEY"}, "X-Title": "demo"}},
        "local": {"api": "openai-chat", "base_url": "http://localhost:1/v1", "auth": "none"},
    },
    "models": {"m": {"provider": "openai", "capabilities": ["tools"]}},
    "mcp_servers": {"clock": {"command": "clock", "env": {"TOKEN": {"file": "/nowhere/token"}, "ZONE": "UTC"}}},
    "features": {
        "f": {"use": {"model": "m"}, "fallbacks": [{"model": "local/x"}], "tools": {"servers": ["clock"]}},
    },
}


def test_every_secret_that_cannot_be_read_is_reported_at_the_definition_that_names_it():
    table = compile_mapping(BOOK)

    missing = missing_secrets(table, {"HEADER_KEY": CANARY})

    assert [(d.code, d.severity, d.help) for d in missing] == [
        ("RB703", "error", "export OPENAI_API_KEY=..."),
        ("RB703", "error", "put the secret into /nowhere/token"),
    ]
    assert [d.message.split(":")[0] for d in missing] == ["provider 'openai'", "tool server 'clock'"]
    assert [d.span for d in missing] == [table.providers["openai"].span, table.servers["clock"].span]
    assert CANARY not in str(missing)


def test_a_table_whose_secrets_are_all_there_has_nothing_missing(tmp_path: Path):
    (tmp_path / "token").write_text("x")
    book = {**BOOK, "mcp_servers": {"clock": {"command": "c", "env": {"T": {"file": str(tmp_path / "token")}}}}}

    assert missing_secrets(compile_mapping(book), {"HEADER_KEY": "x", "OPENAI_API_KEY": "y"}) == []
