"""What carries requests: by the book's setting, told by the status and the log, changed by a reload."""

from __future__ import annotations

import logging
import sys

import pytest

import routebook
from routebook import Engine

BOOK = "providers: {openai: {}}\nfeatures: {chat: {use: {model: openai/m-1}}}\nsettings: {transport: %s}\n"


@pytest.mark.parametrize(("setting", "transport"), [("auto", "fast"), ("httpx2", "httpx2"), ("fast", "fast")])
async def test_the_status_and_the_log_say_what_carries_requests(setting: str, transport: str, caplog):
    table = routebook.compile_mapping({"settings": {"transport": setting}})
    with caplog.at_level(logging.INFO, "routebook"):
        async with Engine(table) as engine:
            assert engine.status.transport == transport
    assert f"loaded {table.digest[:12]}; transport: {transport}" in caplog.messages


async def test_auto_is_httpx2_where_the_extra_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "httptools", None)
    async with Engine(routebook.compile_mapping({})) as engine:
        assert engine.status.transport == "httpx2"


def test_the_fast_transport_without_its_extra_is_an_error_at_the_setting(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "httptools", None)
    with pytest.raises(routebook.RouteFileError) as caught:
        routebook.compile_mapping({"settings": {"transport": "fast"}})
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.help) == ("RB704", "pip install 'routebook[fast]'")


async def test_a_reload_changes_what_carries_requests(tmp_path):
    book = tmp_path / "book.yaml"
    book.write_text(BOOK % "httpx2")
    async with Engine(tmp_path) as engine:
        assert engine.status.transport == "httpx2"
        book.write_text(BOOK % "fast")
        await engine.reload()
        assert engine.status.transport == "fast"


@pytest.mark.parametrize("transport", ["httpx2", "fast"])
async def test_a_run_goes_over_either(fake, wire, books, monkeypatch, transport: str):
    monkeypatch.setenv("HOUSE_KEY", "sk-platform")
    provider = await fake(wire.text("Noon."))
    book = {
        "settings": {"transport": transport},
        "providers": {"house": {"api": "openai-chat", "base_url": provider.url, "api_key": {"env": "HOUSE_KEY"}}},
        "features": {"chat": {"use": {"model": "house/m-1"}}},
    }
    async with Engine(routebook.compile_mapping(book)) as engine:
        results = [await engine.run("chat", "When?") for _ in range(3)]
    assert [result.text for result in results] == ["Noon."] * 3
    assert provider.connections == 1
